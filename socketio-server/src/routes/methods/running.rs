//! How handlers are run, and what becomes of those that fail.

macro_rules! running_methods {
    ($self:ident: $receiver:ty => $returned:ty) => {
        /// Called with every handler of the namespace that fails, instead of the server's
        /// [hook](crate::Builder::on_error). What it returns is the answer in the handler's place;
        /// see [`ErrorReply`](crate::ErrorReply).
        ///
        /// ```
        /// use socketio_server::Io;
        ///
        /// let io = Io::builder().build();
        /// io.of("/chat").on_error(|error| {
        ///     eprintln!("{error}");
        ///     "sorry"
        /// });
        /// ```
        pub fn on_error<R>(
            $self: $receiver,
            hook: impl Fn(&crate::HandlerError) -> R + Send + Sync + 'static,
        ) -> $returned
        where
            R: crate::ErrorReply,
        {
            let hook = std::sync::Arc::new(crate::handler::ErrorHook::new(hook));
            $self.change_functions(|layer| layer.on_error.replace(hook))
        }

        /// Runs each of these handlers as [`Handler::ordered`](crate::Handler::ordered) says.
        ///
        /// ```
        /// use socketio_server::Io;
        ///
        /// let io = Io::builder().build();
        /// io.of("/game").ordered().on("move", async || "moved");
        /// ```
        pub fn ordered($self: $receiver) -> $returned {
            $self.set_manner(crate::handler::Manner::ordered())
        }

        /// Runs each of these handlers as [`Handler::spawned`](crate::Handler::spawned) says, unless
        /// it says otherwise itself.
        ///
        /// ```
        /// use socketio_server::Io;
        ///
        /// let io = Io::builder().build();
        /// io.of("/images").spawned().on("resize", async || "resized");
        /// ```
        pub fn spawned($self: $receiver) -> $returned {
            $self.set_manner(crate::handler::Manner::at(crate::handler::Place::Task))
        }

        /// Runs each of these handlers as [`Handler::blocking`](crate::Handler::blocking) says,
        /// unless it says otherwise itself.
        ///
        /// ```
        /// use socketio_server::Io;
        ///
        /// let io = Io::builder().build();
        /// io.of("/notes").blocking().on("list", || std::fs::read_to_string("notes.txt"));
        /// ```
        pub fn blocking($self: $receiver) -> $returned {
            $self.set_manner(crate::handler::Manner::at(crate::handler::Place::Pool))
        }

        /// Runs each of these handlers as
        /// [`Handler::cancel_on_disconnect`](crate::Handler::cancel_on_disconnect) says.
        ///
        /// ```
        /// use socketio_server::{Ack, Io};
        /// # async fn next_news() -> String { String::new() }
        ///
        /// let io = Io::builder().build();
        /// io.of("/news").cancel_on_disconnect().on("next", async || Ack(next_news().await));
        /// ```
        pub fn cancel_on_disconnect($self: $receiver) -> $returned {
            $self.set_manner(crate::handler::Manner::cancelled())
        }

        fn set_manner($self: $receiver, manner: crate::handler::Manner) -> $returned {
            $self.change_functions(|layer| layer.manner = manner.or(layer.manner))
        }
    };
}
pub(crate) use running_methods;
