//! What the included files import from elsewhere: with a lock or an atomic in it, made of loom's; without, as little as
//! they need.

use std::{
    ops::{Deref, DerefMut},
    sync::PoisonError,
};

/// `parking_lot::Mutex`.
pub(crate) struct Mutex<T>(loom::sync::Mutex<T>);

impl<T> Mutex<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(loom::sync::Mutex::new(value))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        // Loom ends the whole model at the first panic: no guard is ever left behind.
        let guard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        MutexGuard(Some(guard))
    }
}

/// `parking_lot::MutexGuard`, which waits without being given away. Loom's is missing meanwhile.
pub(crate) struct MutexGuard<'a, T>(Option<loom::sync::MutexGuard<'a, T>>);

impl<T> Deref for MutexGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        match &self.0 {
            Some(guard) => guard,
            None => unreachable!("it waits"),
        }
    }
}

impl<T> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        match &mut self.0 {
            Some(guard) => guard,
            None => unreachable!("it waits"),
        }
    }
}

/// `parking_lot::Condvar`.
pub(crate) struct Condvar(loom::sync::Condvar);

impl Condvar {
    pub(crate) fn new() -> Self {
        Self(loom::sync::Condvar::new())
    }

    pub(crate) fn wait<T>(&self, guard: &mut MutexGuard<'_, T>) {
        let held = guard.0.take();
        let waits = |it| self.0.wait(it).unwrap_or_else(PoisonError::into_inner);
        guard.0 = held.map(waits);
    }

    pub(crate) fn notify_one(&self) {
        self.0.notify_one();
    }
}

/// `tokio::sync`.
pub(crate) mod sync {
    /// The way of an answer to whoever waits for it. Loom's own channel cannot be dropped full by a model that fails.
    pub(crate) mod mpsc {
        use std::{collections::VecDeque, sync::Arc};

        use loom::sync::Notify;

        use crate::Mutex;

        pub(crate) struct UnboundedSender<T>(Arc<Channel<T>>);

        pub(crate) struct UnboundedReceiver<T>(Arc<Channel<T>>);

        struct Channel<T> {
            values: Mutex<VecDeque<T>>,
            sent: Notify,
        }

        pub(crate) fn unbounded_channel<T>() -> (UnboundedSender<T>, UnboundedReceiver<T>) {
            let channel = Arc::new(Channel {
                values: Mutex::new(VecDeque::new()),
                sent: Notify::new(),
            });
            (
                UnboundedSender(Arc::clone(&channel)),
                UnboundedReceiver(channel),
            )
        }

        impl<T> UnboundedSender<T> {
            pub(crate) fn send(&self, value: T) -> Result<(), T> {
                // A model that fails drops its tickets, when loom runs no more steps.
                if std::thread::panicking() {
                    return Err(value);
                }
                self.0.values.lock().push_back(value);
                self.0.sent.notify();
                Ok(())
            }
        }

        impl<T> UnboundedReceiver<T> {
            pub(crate) fn try_recv(&self) -> Option<T> {
                self.0.values.lock().pop_front()
            }

            /// Waits, if need be for ever.
            pub(crate) fn blocking_recv(&self) -> T {
                loop {
                    match self.try_recv() {
                        Some(value) => return value,
                        None => self.0.sent.wait(),
                    }
                }
            }
        }
    }
}

/// `once_cell::race`.
pub(crate) mod race {
    use std::{cell::Cell, sync::OnceLock};

    use loom::{
        alloc::Track,
        sync::atomic::{AtomicBool, Ordering},
    };

    thread_local! {
        static MADE: Cell<usize> = const { Cell::new(0) };
    }

    /// How many values have been made for cells since this was last asked. Loom runs a model on one thread of the system.
    pub(crate) fn made() -> usize {
        MADE.take()
    }

    /// Takes a value once, without blocking; of several offered at once the first one stays.
    pub(crate) struct OnceBox<T> {
        is_set: AtomicBool,
        /// Nothing else runs between setting the flag and this: no step of loom's lies between.
        value: OnceLock<Track<Box<T>>>,
    }

    impl<T> OnceBox<T> {
        pub(crate) fn new() -> Self {
            Self {
                is_set: AtomicBool::new(false),
                value: OnceLock::new(),
            }
        }

        fn get(&self) -> Option<&T> {
            if !self.is_set.load(Ordering::Acquire) {
                return None;
            }
            self.value.get().map(|value| &**value.get_ref())
        }

        pub(crate) fn get_or_init(&self, make: impl FnOnce() -> Box<T>) -> &T {
            if let Some(value) = self.get() {
                return value;
            }
            // Tracked: a value that is never dropped fails the model.
            let value = Track::new(make());
            MADE.set(MADE.get() + 1);
            let first =
                self.is_set
                    .compare_exchange(false, true, Ordering::Release, Ordering::Acquire);
            if first.is_ok() {
                let _ = self.value.set(value);
            }
            match self.get() {
                Some(value) => value,
                None => unreachable!("whoever sets the flag sets the value"),
            }
        }
    }
}

/// `engineio_proto::packet`.
pub(crate) mod packet {
    pub(crate) use engineio_proto::{Message, PacketType};
}

/// `engineio_proto::revision`.
pub(crate) mod revision {
    /// How a packet that carries bytes begins.
    #[derive(Clone, Copy)]
    pub(crate) enum BinaryForm {
        Raw,
        Typed,
    }

    impl BinaryForm {
        pub(crate) const fn head(self) -> &'static [u8] {
            match self {
                Self::Raw => &[],
                Self::Typed => &[4],
            }
        }

        pub(crate) const fn base64_head(self) -> &'static str {
            match self {
                Self::Raw => "b",
                Self::Typed => "b4",
            }
        }
    }

    /// What a message asks of its revision.
    pub(crate) struct Rules {
        pub(crate) binary_form: BinaryForm,
    }

    /// A revision is its rules.
    #[derive(Clone, Copy)]
    pub(crate) struct Revision(pub(crate) &'static Rules);

    impl Revision {
        pub(crate) const fn rules(self) -> &'static Rules {
            self.0
        }
    }
}

/// `engineio_proto::format`.
pub(crate) mod format {
    use super::revision::{BinaryForm, Revision, Rules};

    /// How a session is talked to.
    #[derive(Clone, Copy)]
    #[expect(unnameable_types, reason = "stands in for a public one")]
    pub struct Format {
        pub(crate) revision: Revision,
        pub(crate) base64: bool,
    }

    impl Format {
        /// Every attachment as it is.
        pub(crate) const RAW: Self = Self {
            revision: Revision(&Rules {
                binary_form: BinaryForm::Raw,
            }),
            base64: false,
        };

        /// Every attachment behind its type.
        pub(crate) const TYPED: Self = Self {
            revision: Revision(&Rules {
                binary_form: BinaryForm::Typed,
            }),
            base64: false,
        };

        /// The same in base64.
        pub(crate) const fn with_base64(self) -> Self {
            Self {
                base64: true,
                ..self
            }
        }
    }
}

/// `engineio_proto::base64`.
pub(crate) mod base64 {
    use ::base64::{Engine, engine::general_purpose::STANDARD};

    pub(crate) const fn encoded_len(len: usize) -> usize {
        len.div_ceil(3) * 4
    }

    pub(crate) fn encode(data: &[u8], text: &mut Vec<u8>) {
        text.extend_from_slice(STANDARD.encode(data).as_bytes());
    }
}

/// `engineio_proto::payload`.
pub(crate) mod payload {
    /// One packet after the other.
    pub(crate) struct Writer(pub(crate) Vec<u8>);

    impl Writer {
        pub(crate) const fn is_binary(&self) -> bool {
            false
        }

        pub(crate) fn push_text(&mut self, packet: &[u8]) {
            self.0.extend_from_slice(packet);
        }

        pub(crate) fn push_binary(&mut self, packet: &[u8]) {
            self.0.extend_from_slice(packet);
        }
    }
}

/// `socketio_server::error`.
pub(crate) mod error {
    /// Why there is no answer.
    #[derive(Debug)]
    pub(crate) enum AckError {
        Disconnected,
    }

    /// Why a link is closed. No model closes one by an entry.
    pub(crate) enum DisconnectReason {}
}

/// `socketio_server::socket`.
pub(crate) mod socket {
    /// Who answers.
    #[derive(Clone)]
    pub(crate) struct SocketId;
}
