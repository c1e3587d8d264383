//! Who handles which events.

macro_rules! events_methods {
    ($self:ident: $receiver:ty => $returned:ty) => {
        /// Handles events of this name. What the handler returns is the acknowledgement, if the
        /// client asked for one; see [`Reply`](crate::Reply).
        ///
        /// Handlers of one socket start in the order in which its events arrived, each running up
        /// to its first real wait before the next one starts. There is one handler for each name:
        /// registering again replaces it, from the next event on and for clients that are already
        /// connected as well.
        ///
        /// ```
        /// use socketio_server::{Data, Io};
        ///
        /// let io = Io::builder().build();
        /// io.on("add", async |Data((a, b)): Data<(i64, i64)>| a + b);
        /// ```
        ///
        /// # Panics
        /// If the name is reserved for the library, so that no event can have it: `connect`,
        /// `connect_error`, `disconnect`, `disconnecting`, `newListener`, `removeListener`, `transport
        /// upgrade`. For names that are not known before the program runs there is
        /// [`try_on`](Self::try_on).
        #[track_caller]
        pub fn on<M, H>($self: $receiver, event: &str, handler: H) -> $returned
        where
            H: crate::EventHandler<M>,
        {
            crate::routes::assert_possible(event);
            let route = crate::handler::Route::event(handler);
            $self.change_functions(|layer| layer.on(event, route, false))
        }

        /// As [`on`](Self::on), for names that come from elsewhere: a configuration, a plugin.
        ///
        /// ```
        /// use socketio_server::Io;
        ///
        /// let io = Io::builder().build();
        /// assert!(io.try_on("greet", async || "hello").is_ok());
        ///
        /// let reserved = io.try_on("disconnect", async || ()).unwrap_err();
        /// assert_eq!(reserved.instead, "on_disconnect");
        /// ```
        ///
        /// # Errors
        /// If the name is reserved; nothing was registered.
        pub fn try_on<M, H>(
            $self: $receiver,
            event: &str,
            handler: H,
        ) -> Result<$returned, crate::ReservedName>
        where
            H: crate::EventHandler<M>,
        {
            crate::routes::check_possible(event)?;
            Ok($self.on(event, handler))
        }

        /// Handles the [`Event`](crate::Event) that the handler's first parameter is. What the
        /// handler returns is the acknowledgement, of the type that belongs to the event.
        ///
        /// ```
        /// # #[cfg(feature = "macros")] {
        /// use serde::Deserialize;
        /// use socketio_server::{Event, Io, Socket};
        ///
        /// #[derive(Event, Deserialize)]
        /// #[event("join", ack = bool)]
        /// struct Join {
        ///     room: String,
        /// }
        ///
        /// let io = Io::builder().build();
        /// io.on_event(async |Join { room }: Join, socket: Socket| {
        ///     socket.join(room);
        ///     true
        /// });
        /// # }
        /// ```
        pub fn on_event<M, H>($self: $receiver, handler: H) -> $returned
        where
            M: crate::HandlesEvent,
            H: crate::EventHandler<M>,
            H::Output: crate::Reply<Args = <M::Event as crate::Event>::Ack>,
        {
            $self.on(<M::Event as crate::Event>::NAME, handler)
        }

        /// Handles the first event of this name that each socket sends. Those that follow are handled
        /// as if this handler were not there; but it replaces one that was registered with
        /// [`on`](Self::on).
        ///
        /// ```
        /// use socketio_server::{Io, Socket};
        ///
        /// let io = Io::builder().build();
        /// io.once("ready", async |socket: Socket| socket.join("players"));
        /// ```
        ///
        /// # Panics
        /// As [`on`](Self::on).
        #[track_caller]
        pub fn once<M, H>($self: $receiver, event: &str, handler: H) -> $returned
        where
            H: crate::EventHandler<M>,
        {
            crate::routes::assert_possible(event);
            let route = crate::handler::Route::event(handler);
            $self.change_functions(|layer| layer.on(event, route, true))
        }

        /// Removes the handler of events of this name, from the next event on. A run that is under
        /// way goes on.
        pub fn off($self: $receiver, event: &str) -> $returned {
            $self.change_functions(|layer| layer.events.remove(event))
        }

        /// Handles events named `message`: what clients send with `socket.send(…)`.
        ///
        /// ```
        /// use socketio_server::{Data, Io};
        ///
        /// let io = Io::builder().build();
        /// io.on_message(async |Data(text): Data<String>| println!("{text}"));
        /// ```
        pub fn on_message<M, H>($self: $receiver, handler: H) -> $returned
        where
            H: crate::EventHandler<M>,
        {
            $self.on("message", handler)
        }

        /// Handles events named `json`, which clients of Flask-SocketIO send with
        /// `send(data, json=True)`.
        ///
        /// ```
        /// use socketio_server::{Data, Io, Value};
        ///
        /// let io = Io::builder().build();
        /// io.on_json(async |Data(value): Data<Value>| value);
        /// ```
        pub fn on_json<M, H>($self: $receiver, handler: H) -> $returned
        where
            H: crate::EventHandler<M>,
        {
            $self.on("json", handler)
        }

        /// Handles events that no handler is registered for by name, and acknowledges them like
        /// any other: the `*` of python-socketio. The name is [`EventName`](crate::EventName).
        ///
        /// ```
        /// use socketio_server::{EventName, Io, RawArgs};
        ///
        /// let io = Io::builder().build();
        /// io.on_fallback(async |EventName(name): EventName, RawArgs(args): RawArgs| {
        ///     println!("what is {name} {args:?}?");
        /// });
        /// ```
        pub fn on_fallback<M, H>($self: $receiver, handler: H) -> $returned
        where
            H: crate::EventHandler<M>,
        {
            let route = std::sync::Arc::new(crate::handler::Route::event(handler));
            $self.change_functions(|layer| layer.fallback.replace(route))
        }

        /// Removes the handler of events that no other handles.
        pub fn off_fallback($self: $receiver) -> $returned {
            $self.change_functions(|layer| layer.fallback.take())
        }
    };
}
pub(crate) use events_methods;
