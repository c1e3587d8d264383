//! What stands around the handlers of events.

macro_rules! around_methods {
    ($self:ident: $receiver:ty => $returned:ty) => {
        /// Observes every event that comes in, ahead of middlewares and handlers, whether or not
        /// it is handled: `socket.onAny` in JavaScript. Several observers are called in the order in
        /// which they were registered, those of all namespaces first, those of
        /// [one socket](crate::Socket::on_any) last.
        ///
        /// ```
        /// use socketio_server::Io;
        ///
        /// let io = Io::builder().build();
        /// io.on_any(|event| println!("{} from {}", event.name(), event.socket().id()));
        /// ```
        pub fn on_any(
            $self: $receiver,
            observer: impl Fn(&crate::EventContext<'_>) + Send + Sync + 'static,
        ) -> $returned {
            $self.change_functions(|layer| {
                layer.around.observers.push(std::sync::Arc::new(observer))
            })
        }

        /// Removes all observers of what comes in.
        pub fn off_any($self: $receiver) -> $returned {
            $self.change_functions(|layer| std::mem::take(&mut layer.around.observers))
        }

        /// Observes every event that goes out, once for each client it is meant for, ahead of
        /// sending: `socket.onAnyOutgoing` in JavaScript. Acknowledgements do not count.
        ///
        /// It is called where the event is emitted. The arguments are encoded once more for this, as
        /// others than this server's parser may read them. With
        /// [recovery](crate::Builder::connection_state_recovery) the clients of a broadcast are
        /// selected once more: one that comes or goes meanwhile may be shown and not sent to, or the
        /// other way round.
        ///
        /// ```
        /// use socketio_server::Io;
        ///
        /// let io = Io::builder().build();
        /// io.on_any_outgoing(|socket, event| println!("{} to {}", event.name, socket.id()));
        /// ```
        pub fn on_any_outgoing(
            $self: $receiver,
            observer: impl Fn(&crate::Socket, &crate::Outgoing<'_>) + Send + Sync + 'static,
        ) -> $returned {
            let observer = std::sync::Arc::new(observer);
            $self.change_functions(|layer| layer.around.outgoing_observers.push(observer))
        }

        /// Removes all observers of what goes out.
        pub fn off_any_outgoing($self: $receiver) -> $returned {
            $self.change_functions(|layer| std::mem::take(&mut layer.around.outgoing_observers))
        }

        /// Observes rooms as they are created, joined, left and deleted: the events of an adapter in
        /// JavaScript. Several observers are called in the order in which they were registered, those
        /// of all namespaces first.
        ///
        /// Each change is told after it has been made, without a lock, and all of a namespace in
        /// their order, one at a time. Whoever makes a change, such as [`Socket::join`](crate::Socket::join),
        /// tells it before it returns; unless others are being told at this moment, be it by another
        /// thread or because the change is made by an observer, which then follow each other.
        ///
        /// The private room of each socket is seen as well: created and entered ahead of all others
        /// when the client is let in, and left first. A room is created, then entered; left, then
        /// deleted. Changes made with the [`Adapter`](crate::Adapter) itself are not seen.
        ///
        /// ```
        /// use socketio_server::{Io, RoomEvent};
        ///
        /// let io = Io::builder().build();
        /// io.on_room_event(|namespace, event| match event {
        ///     RoomEvent::Created { room } => println!("{room} is open"),
        ///     RoomEvent::Joined { room, sid } => {
        ///         println!("{sid} is in {room}, of {}", namespace.adapter().member_count(room));
        ///     }
        ///     _ => {}
        /// });
        /// ```
        pub fn on_room_event(
            $self: $receiver,
            observer: impl Fn(&crate::Namespace, &crate::RoomEvent) + Send + Sync + 'static,
        ) -> $returned {
            let observer = std::sync::Arc::new(observer);
            $self.change_functions(|layer| layer.room_observers.push(observer))
        }

        /// Removes all observers of rooms.
        pub fn off_room_event($self: $receiver) -> $returned {
            $self.change_functions(|layer| std::mem::take(&mut layer.room_observers))
        }

        /// Puts a middleware around the handlers of all events, also of those that nobody handles:
        /// `socket.use` in JavaScript. Several are put around each other, the one registered first
        /// outermost, those of all namespaces around those of one, and these around those of
        /// [one socket](crate::Socket::wrap).
        ///
        /// A middleware is a function of the event and of what is [next](crate::Next) on its way,
        /// and returns a future of the [outcome](crate::Outcome). It can look at event and outcome,
        /// change either, let the event wait, or drop it by not going on:
        ///
        /// ```
        /// use std::time::Instant;
        ///
        /// use socketio_server::{HandlerFuture, Io};
        ///
        /// let io = Io::builder().build();
        /// io.wrap(|event, next| {
        ///     let (name, started) = (event.name().to_owned(), Instant::now());
        ///     // Parameters are taken; the handler has not begun.
        ///     let handler = next.run(event);
        ///     async move {
        ///         let outcome = handler.await;
        ///         println!("{name}: {outcome:?} after {:?}", started.elapsed());
        ///         outcome
        ///     }
        /// });
        /// io.of("/admin").wrap(|event, next| match event.name().starts_with("delete") {
        ///     true => HandlerFuture::ready(Ok(None)),
        ///     false => next.run(event),
        /// });
        /// ```
        ///
        /// A failure in the outcome is for the error hook. A handler that runs in a
        /// [manner](crate::Handler::blocking) of its own does so with its middlewares.
        pub fn wrap<F>(
            $self: $receiver,
            middleware: impl Fn(&mut crate::EventContext<'_>, crate::Next<'_>) -> F
            + Send
            + Sync
            + 'static,
        ) -> $returned
        where
            F: std::future::Future<Output = crate::Outcome> + Send + 'static,
        {
            let middleware = crate::routes::middleware(middleware);
            $self.change_functions(|layer| layer.around.middlewares.push(middleware))
        }
    };
}
pub(crate) use around_methods;
