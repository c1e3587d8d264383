//! The methods by which handlers are registered, the same wherever they are.

/// The methods by which handlers are registered. The type has a method `change_functions`, which takes a
/// change of a [`Layer`](super::Layer), drops what that returns, and returns what methods return.
macro_rules! handler_methods {
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
        /// `connect_error`, `disconnect`, `disconnecting`, `newListener`, `removeListener`.
        #[track_caller]
        pub fn on<M, H>($self: $receiver, event: &str, handler: H) -> $returned
        where
            H: crate::EventHandler<M>,
        {
            crate::routes::assert_possible(event);
            let route = crate::handler::Route::event(handler);
            $self.change_functions(|layer| layer.on(event, route, false))
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

        /// Handles the first event of this name that each socket sends. Those that follow are for
        /// who would handle them without this handler, but it takes the place of one that was
        /// registered with [`on`](Self::on).
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

        /// Removes the handler of events of this name, from the next event on. One that runs goes
        /// on.
        pub fn off($self: $receiver, event: &str) -> $returned {
            $self.change_functions(|layer| layer.events.remove(event))
        }

        /// Handles events named `message`: what clients sent by `socket.send(…)`, without a name.
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

        /// Removes who handles what nobody else does.
        pub fn off_fallback($self: $receiver) -> $returned {
            $self.change_functions(|layer| layer.fallback.take())
        }

        /// Asks about clients that want to join, ahead of the connect handler: a middleware, as of
        /// `io.use` in JavaScript. Several are asked in the order in which they were registered,
        /// those of all namespaces first; each has to agree before the next one is asked. They are
        /// given, and may return, what a [connect handler](Self::on_connect) may.
        ///
        /// Which of them are asked is settled when the client asks to join.
        ///
        /// ```
        /// use socketio_server::{Auth, ConnectError, Io, Socket};
        /// # use std::collections::HashMap;
        ///
        /// struct User(String);
        ///
        /// let io = Io::builder().build();
        /// io.before_connect(async |socket: Socket, Auth(mut auth): Auth<HashMap<String, String>>| {
        ///     let user = auth.remove("user").ok_or(ConnectError::new("who are you?"))?;
        ///     socket.insert(User(user));
        ///     Ok::<_, ConnectError>(())
        /// });
        /// ```
        pub fn before_connect<M, H>($self: $receiver, middleware: H) -> $returned
        where
            H: crate::ConnectHandler<M>,
        {
            let route = std::sync::Arc::new(crate::handler::Route::connect(middleware));
            $self.change_functions(|layer| layer.before_connect.push(route))
        }

        /// Decides about clients that want to join, and prepares their sockets. It runs before the
        /// client is let in: returning `false` or a [`ConnectError`](crate::ConnectError) refuses
        /// it. The client sees a `connect_error`, its link stays open, and it may ask again; no
        /// disconnect handler runs.
        ///
        /// What the handler emits to the socket, and the rooms it joins, take effect after the
        /// client has been let in. Events that the client sends meanwhile wait. So does the answer
        /// to a [`Socket::call`](crate::Socket::call): awaited in here, it can only time out.
        ///
        /// ```
        /// use socketio_server::{Auth, ConnectError, Io};
        /// # use std::collections::HashMap;
        ///
        /// let io = Io::builder().build();
        /// io.on_connect(async |Auth(auth): Auth<HashMap<String, String>>| {
        ///     match auth.get("token").is_some_and(|token| token == "secret") {
        ///         true => Ok(()),
        ///         false => Err(ConnectError::new("not authorized")),
        ///     }
        /// });
        /// ```
        pub fn on_connect<M, H>($self: $receiver, handler: H) -> $returned
        where
            H: crate::ConnectHandler<M>,
        {
            let route = std::sync::Arc::new(crate::handler::Route::connect(handler));
            $self.change_functions(|layer| layer.connect.replace(route))
        }

        /// Lets clients in before their connect handler has decided, as with python-socketio's
        /// option of this name: what it emits leaves at once, and it may await answers of the
        /// client, whose events do not wait either. [Middlewares](Self::before_connect) are still
        /// asked first.
        ///
        /// A client that is refused then is disconnected, behind everything that was emitted to
        /// it, and sees the reason `io server disconnect`; the disconnect handler does not run. To
        /// tell it why, emit an event: a DISCONNECT with a reason in it breaks the link of clients
        /// in JavaScript, and no other reads it.
        ///
        /// ```
        /// use socketio_server::{Io, Socket};
        ///
        /// let io = Io::builder().build();
        /// io.always_connect()
        ///     .on_connect(async |socket: Socket| {
        ///         let answer = socket.call::<String>("riddle", &"what goes up?").await;
        ///         answer.is_ok_and(|answer| answer == "smoke")
        ///     });
        /// ```
        pub fn always_connect($self: $receiver) -> $returned {
            $self.change_functions(|layer| layer.always_connect = true)
        }

        /// Runs when a client has moved from polling to websocket, for each of its sockets that is
        /// connected by then; clients that begin on websocket never move. The
        /// [`Transport`](crate::Transport) is a possible parameter.
        ///
        /// ```
        /// use socketio_server::{Io, Socket, Transport};
        ///
        /// let io = Io::builder().build();
        /// io.on_upgrade(async |socket: Socket, transport: Transport| {
        ///     println!("{} uses {}", socket.id(), transport.as_str());
        /// });
        /// ```
        pub fn on_upgrade<M, H>($self: $receiver, handler: H) -> $returned
        where
            H: crate::Handler<M>,
            H::Output: crate::Reply,
        {
            let route = std::sync::Arc::new(crate::handler::Route::event(handler));
            $self.change_functions(|layer| layer.upgrade.replace(route))
        }

        /// Runs when a socket has been disconnected, ahead of the disconnect handler and with the
        /// same parameters. [`Socket::rooms`](crate::Socket::rooms) are still those it was in
        /// until this handler has finished; what is sent to them does not reach it any more.
        ///
        /// ```
        /// use socketio_server::{EncodeError, Io, Socket};
        ///
        /// let io = Io::builder().build();
        /// io.on_disconnecting(async |socket: Socket| {
        ///     let rooms = socket.rooms();
        ///     socket.to(rooms).emit("user has left", &socket.id().as_str()).map(drop)
        /// });
        /// ```
        pub fn on_disconnecting<M, H>($self: $receiver, handler: H) -> $returned
        where
            H: crate::EventHandler<M>,
        {
            let route = std::sync::Arc::new(crate::handler::Route::event(handler));
            $self.change_functions(|layer| layer.disconnecting.replace(route))
        }

        /// Runs when a socket has been disconnected, whoever did it, with the
        /// [`DisconnectReason`](crate::DisconnectReason) as a possible parameter. The socket is in
        /// no room by then.
        ///
        /// ```
        /// use socketio_server::{DisconnectReason, Io, Socket};
        ///
        /// let io = Io::builder().build();
        /// io.on_disconnect(async |socket: Socket, reason: DisconnectReason| {
        ///     println!("{} has gone: {reason}", socket.id());
        /// });
        /// ```
        pub fn on_disconnect<M, H>($self: $receiver, handler: H) -> $returned
        where
            H: crate::EventHandler<M>,
        {
            let route = std::sync::Arc::new(crate::handler::Route::event(handler));
            $self.change_functions(|layer| layer.disconnect.replace(route))
        }

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
pub(crate) use handler_methods;
