//! What happens when clients come and go.

macro_rules! connections_methods {
    ($self:ident: $receiver:ty => $returned:ty) => {
        /// Adds a middleware that is asked about clients which want to join, ahead of the connect
        /// handler: `io.use` in JavaScript. Several are asked in the order in which they were registered,
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
            H: crate::EventHandler<M>,
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
    };
}
pub(crate) use connections_methods;
