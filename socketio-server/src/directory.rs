//! Which namespaces there are: those that were made by hand, those that clients bring into being,
//! and who decides about the latter.

use std::collections::HashMap;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::{Mutex, RwLock};

use crate::dynamic::{DynamicNamespace, NamespacePredicate, NamespaceRequest, Origin, Params};
use crate::handler::BoxFuture;
use crate::io::{Io, with_slash};
use crate::namespace::{self, Namespace, WeakNamespace};

/// Lock order: children, then fixed. No [`Namespace`] is dropped while children are locked, for it
/// may be the last handle of one.
#[derive(Default)]
pub(crate) struct Directory {
    fixed: RwLock<HashMap<Box<str>, Namespace>>,
    families: RwLock<Vec<DynamicNamespace>>,
    /// The last one to be asked, if there is one.
    anything: RwLock<Option<DynamicNamespace>>,
    /// Children of families, by their names.
    children: Mutex<HashMap<Box<str>, Child>>,
    on_new: RwLock<Option<Arc<NewHook>>>,
    /// The server has ended.
    over: AtomicBool,
}

type NewHook = dyn Fn(&Namespace) + Send + Sync;

struct Child {
    namespace: WeakNamespace,
    /// It is not to go with its last socket.
    kept: Option<Namespace>,
}

/// Where the namespace is that a client asks for.
pub(crate) enum Found {
    Here(Namespace),
    /// Somebody has to be asked.
    Asked(BoxFuture<Result<Namespace, Unavailable>>),
    Nowhere,
}

/// Why there is no such namespace.
#[derive(Debug)]
pub(crate) enum Unavailable {
    Unknown,
    TooMany,
}

impl Directory {
    /// The namespace of this name, made if there is none.
    pub(crate) fn of(&self, io: &Io, name: &str) -> Namespace {
        if let Some(namespace) = self.existing(name) {
            return namespace;
        }
        let families = self.families.read().clone();
        let family = families.iter().find_map(|it| Some((it, it.params(name)?)));
        if let Some((family, params)) = family {
            let granted = self.grant(io, family, name, params, usize::MAX);
            // Invariant: there is room for one more.
            return granted.expect("no limit");
        }
        let (namespace, is_new) = self.insert(io, name);
        if is_new && !self.forget_late() {
            self.announce(&namespace);
        }
        namespace
    }

    fn insert(&self, io: &Io, name: &str) -> (Namespace, bool) {
        let children = self.children.lock();
        if let Some(child) = children.get(name).and_then(|it| it.namespace.upgrade()) {
            return (child, false);
        }
        let mut fixed = self.fixed.write();
        if let Some(namespace) = fixed.get(name) {
            return (namespace.clone(), false);
        }
        let namespace = Namespace::new(name, io.clone(), None);
        fixed.insert(name.into(), namespace.clone());
        (namespace, true)
    }

    /// The namespace of this name, if there is one.
    pub(crate) fn existing(&self, name: &str) -> Option<Namespace> {
        if let Some(namespace) = self.fixed.read().get(name) {
            return Some(namespace.clone());
        }
        self.children.lock().get(name)?.namespace.upgrade()
    }

    /// Lets clients join whatever no family has.
    pub(crate) fn accept_any(&self, family: DynamicNamespace) {
        *self.anything.write() = Some(family);
    }

    /// The family of this pattern, made if there is none.
    #[track_caller]
    pub(crate) fn family(&self, io: &Io, pattern: &str) -> DynamicNamespace {
        let mut families = self.families.write();
        if let Some(family) = families.iter().find(|it| it.has_pattern(pattern)) {
            return family.clone();
        }
        let family = DynamicNamespace::with_pattern(io.clone(), pattern);
        families.push(family.clone());
        drop(families);
        self.forget_late();
        family
    }

    /// Looks for the namespace that a client asks for.
    pub(crate) fn find(
        &self,
        io: &Io,
        name: &str,
        request: impl FnOnce() -> NamespaceRequest,
    ) -> Found {
        if let Some(namespace) = self.fixed.read().get(name) {
            return Found::Here(namespace.clone());
        }
        let mut families = self.families.read().clone();
        families.extend(self.anything.read().clone());
        if families.is_empty() {
            return Found::Nowhere;
        }
        Found::Asked(Box::pin(ask(io.clone(), families, request())))
    }

    /// The namespace of this name, which is made as a child of the family if there is none; `None`
    /// if the family has too many.
    fn grant(
        &self,
        io: &Io,
        family: &DynamicNamespace,
        name: &str,
        params: Params,
        max: usize,
    ) -> Option<Namespace> {
        let mut children = self.children.lock();
        let child = children.get(name).and_then(|it| it.namespace.upgrade());
        let existing = child.or_else(|| self.fixed.read().get(name).cloned());
        if existing.is_some() {
            return existing;
        }
        if !family.count_child(max) {
            return None;
        }
        let namespace = Namespace::new(name, io.clone(), Some(Origin::new(family, params)));
        let child = Child {
            namespace: namespace.downgrade(),
            kept: None,
        };
        children.insert(name.into(), child);
        Some(namespace)
    }

    /// A client has been let in.
    pub(crate) fn announce_child(&self, namespace: &Namespace) {
        let Some(origin) = namespace.origin() else {
            return;
        };
        if !origin.is_born_now() {
            return;
        }
        if !origin.family().cleans_up() {
            if let Some(child) = self.children.lock().get_mut(namespace.name()) {
                child.kept = Some(namespace.clone());
            }
            self.forget_late();
        }
        self.announce(namespace);
    }

    fn announce(&self, namespace: &Namespace) {
        let hook = self.on_new.read().clone();
        let call = AssertUnwindSafe(|| hook.iter().for_each(|hook| hook(namespace)));
        if catch_unwind(call).is_err() {
            tracing::error!(target: "socketio", "the hook for new namespaces panicked");
        }
    }

    /// All children that are alive.
    pub(crate) fn children(&self) -> Vec<Namespace> {
        let children = self.children.lock();
        let alive = children.values().filter_map(|it| it.namespace.upgrade());
        alive.collect()
    }

    /// The last handle of a child is gone.
    pub(crate) fn forget_child(&self, name: &str, namespace: *const namespace::Inner) {
        let mut children = self.children.lock();
        // Another one may have taken its place.
        if children
            .get(name)
            .is_some_and(|it| it.namespace.is(namespace))
        {
            children.remove(name);
        }
    }

    /// Whether the server has ended. What somebody has brought here since then is forgotten as well.
    pub(crate) fn forget_late(&self) -> bool {
        let is_over = self.over.load(Ordering::Acquire);
        if is_over {
            self.forget_all();
        }
        is_over
    }

    /// Namespaces, and functions of the application, hold the server, which holds them: this ends it.
    pub(crate) fn forget_all(&self) {
        // First: whoever comes after the rest sees it.
        self.over.store(true, Ordering::Release);
        let on_new = self.on_new.write().take();
        let fixed = mem::take(&mut *self.fixed.write());
        let families = mem::take(&mut *self.families.write());
        let anything = self.anything.write().take();
        let alive = self.children();
        let children = mem::take(&mut *self.children.lock());
        for namespace in fixed.values().chain(&alive) {
            // What may come back holds its namespace, which holds what may come back.
            if let Some(sequencer) = namespace.sequencer() {
                sequencer.forget();
            }
        }
        drop((on_new, fixed, families, anything, children));
    }
}

/// Asks the families in their order. A namespace that is alive is its own family's.
async fn ask(
    io: Io,
    families: Vec<DynamicNamespace>,
    request: NamespaceRequest,
) -> Result<Namespace, Unavailable> {
    let directory = io.directory();
    if let Some(namespace) = directory.existing(request.name()) {
        let allowed = match namespace.origin() {
            Some(origin) => origin.family().allows(&request).await.is_some(),
            None => true,
        };
        return allowed.then_some(namespace).ok_or(Unavailable::Unknown);
    }
    for family in families {
        if let Some(params) = family.allows(&request).await {
            let granted = directory.grant(&io, &family, request.name(), params, family.limit());
            let namespace = granted.ok_or(Unavailable::TooMany)?;
            // Somebody may have been quicker, with another family.
            let origin = namespace.origin();
            let suits = origin.is_none_or(|it| *it.family() == family);
            return suits.then_some(namespace).ok_or(Unavailable::Unknown);
        }
    }
    Err(Unavailable::Unknown)
}

impl Io {
    /// Namespaces by pattern: a client can join every namespace whose name matches, and brings it
    /// into being. Handlers are registered with what this returns, for all of them; the same pattern
    /// again is the same.
    ///
    /// `{name}` stands for a part of a name between two slashes, or for what is left of it, as in
    /// `room-{name}`; `{*name}`, at the end, for everything that follows, slashes included. Neither
    /// is ever empty. Handlers get them as [`Param`](crate::Param) or [`Params`].
    ///
    /// Namespaces made with [`of`](Self::of) come first, then patterns and
    /// [predicates](Self::dynamic_if) in the order in which they were given.
    ///
    /// ```
    /// use socketio_server::{Data, EncodeError, Io, Param, Socket};
    ///
    /// let io = Io::builder().build();
    /// io.dynamic("/game/{id}")
    ///     .on_connect(async |Param(id): Param<u32>| println!("somebody plays {id}"))
    ///     .on("move", async |socket: Socket, Data(to): Data<String>| {
    ///         socket.broadcast().emit("moved", &to).map(drop)
    ///     });
    /// ```
    ///
    /// # Panics
    /// If it is no pattern.
    #[track_caller]
    pub fn dynamic(&self, pattern: &str) -> DynamicNamespace {
        self.directory().family(self, &with_slash(pattern))
    }

    /// Namespaces by predicate: a client can join every namespace that the function allows, and
    /// brings it into being. It may be async, and is asked about every client, also about those that
    /// join a namespace which somebody else has brought into being; middlewares and connect handler
    /// come afterwards. What the client sends meanwhile waits.
    ///
    /// A client that no predicate or [pattern](Self::dynamic) allows sees `Invalid namespace`; a
    /// function that panics allows nobody.
    ///
    /// ```
    /// use socketio_server::{Io, NamespaceRequest};
    /// # async fn exists(room: &str) -> bool { room != "0" }
    ///
    /// let io = Io::builder().build();
    /// io.dynamic_if(|request: NamespaceRequest| request.name().starts_with("/public/"));
    /// io.dynamic_if(async |request: NamespaceRequest| match request.name().strip_prefix("/room/") {
    ///     Some(room) => exists(room).await,
    ///     None => false,
    /// });
    /// ```
    pub fn dynamic_if<M>(&self, predicate: impl NamespacePredicate<M>) -> DynamicNamespace {
        let family = DynamicNamespace::with_predicate(self.clone(), predicate);
        self.directory().families.write().push(family.clone());
        self.directory().forget_late();
        family
    }

    /// Called with every namespace that comes into being but `/`: when it is made with
    /// [`of`](Self::of), or when the first client of a [dynamic](Self::dynamic) one has been let in.
    /// There is one such function; setting another replaces it.
    ///
    /// ```
    /// let io = socketio_server::Io::builder().build();
    /// io.on_new_namespace(|namespace| println!("{} is there", namespace.name()));
    /// ```
    pub fn on_new_namespace(&self, hook: impl Fn(&Namespace) + Send + Sync + 'static) -> &Self {
        let replaced = self.directory().on_new.write().replace(Arc::new(hook));
        drop(replaced);
        self.directory().forget_late();
        self
    }
}
