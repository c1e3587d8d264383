//! The methods that the handles of both clients have, word for word. What they differ in stands with
//! them: whether a call waits, or returns a future.

/// Methods of a socket. The type has fields `client` and `nsp`.
macro_rules! socket_methods {
    ($visible:vis) => {
        $visible const fn new(client: Client, nsp: Arc<Namespace>) -> Self {
            Self { client, nsp }
        }

        /// The socket of a namespace, while anybody holds the client.
        $visible fn find(shared: &Shared, key: SocketKey) -> Option<Self> {
            let (handle, nsp) = shared.socket(key)?;
            Some(Self::new(Client::from_handle(handle), nsp))
        }

        /// The namespace's name, with its slash.
        #[must_use]
        pub fn namespace(&self) -> &str {
            self.nsp.member().name()
        }

        /// The client.
        #[must_use]
        pub const fn client(&self) -> &Client {
            &self.client
        }

        /// The id by which the server knows this socket, while it is connected. Another one after
        /// each reconnection, unless the socket was [recovered](Self::recovered).
        #[must_use]
        pub fn id(&self) -> Option<String> {
            self.nsp.member().id()
        }

        /// Whether the server has let the client in, and neither side has left since.
        #[must_use]
        pub fn is_connected(&self) -> bool {
            self.nsp.member().is_connected()
        }

        /// Whether it is connected, or will be without being asked: not before it was asked for,
        /// after either side has left, or after the server has refused.
        #[must_use]
        pub fn is_active(&self) -> bool {
            self.nsp.member().is_active()
        }

        /// Whether the last time it was connected it went on where it was: the server has kept its
        /// socket, and sent what was missed.
        #[must_use]
        pub fn recovered(&self) -> bool {
            self.nsp.member().recovered()
        }

        /// What the server is shown when the namespace is asked for: anything that serializes to a
        /// JSON object. For the next time on.
        pub fn auth(&self, credentials: impl Serialize) -> &Self {
            let provider = Provider::fixed(Credentials::new(credentials));
            self.nsp.set_auth(provider);
            self
        }

        /// Leaves everything that no handler is registered for by name to a listener.
        pub fn listen(&self, listener: impl Listener) -> &Self {
            install(self.routes(), listener);
            self
        }

        /// The events that no handler is registered for by name, one by one. It takes the place of
        /// [`on_fallback`](Self::on_fallback) and of anybody who took events before, for whom they
        /// end.
        ///
        /// Up to 256 events wait to be taken
        /// ([`HandlerLimits::stream`](crate::HandlerLimits::stream)). After that **the link is not
        /// read**: whoever does not take events holds up everything the server sends, in all
        /// namespaces of the client, acknowledgements and heartbeats included. A server whose
        /// heartbeat is not answered closes the link, by default after 20 s to 45 s; the client
        /// then connects again once there is room.
        pub fn events(&self) -> Events {
            let capacity = self.client.config().handlers.stream;
            let queue = Queue::new(self.member(), capacity);
            let feeder = Feeder(Arc::clone(&queue));
            let route = Route::silent(move |event| {
                feeder.0.push(Event::from_event(event)?);
                Ok(())
            });
            Events {
                route: self.routes().put(Place::Fallback, route),
                socket: self.clone(),
                queue,
            }
        }

        /// Leaves the namespace, behind what was emitted before. It is not connected again until it
        /// is asked for. With the last namespace the link is closed.
        pub fn disconnect(&self) {
            self.nsp.member().disconnect();
        }

        /// [`disconnect`](Self::disconnect)s and forgets the namespace, with its handlers and all
        /// that waits to be sent: for clients that see many namespaces in their life. What is left
        /// of its sockets sends nothing any more; [`Client::of`] makes a new one. The default
        /// namespace is only left.
        pub fn forget(&self) {
            self.client.shared().forget(self.nsp.member().key());
        }

        /// Sends an event; see [`Payload`] for what can be sent.
        ///
        /// Returns as soon as the event is queued. Events of one socket leave in the order in which
        /// `emit` returned, those that were emitted before it was connected first of all.
        ///
        /// # Errors
        /// If name or arguments cannot be encoded, or too much is waiting already. Nothing was sent.
        pub fn emit<T: Payload + ?Sized>(&self, event: &str, args: &T) -> Result<(), SendError> {
            self.nsp.member().emit(event, args)
        }

        /// Sends an event only if it can leave at once: the socket is connected, and its transport
        /// is ready. Otherwise it is dropped. Says which.
        ///
        /// # Errors
        /// As [`emit`](Self::emit).
        pub fn emit_volatile<T: Payload + ?Sized>(
            &self,
            event: &str,
            args: &T,
        ) -> Result<bool, SendError> {
            self.nsp.member().emit_volatile(event, args)
        }

        /// Sends an event of the name `message`.
        ///
        /// # Errors
        /// As [`emit`](Self::emit).
        pub fn send<T: Payload + ?Sized>(&self, args: &T) -> Result<(), SendError> {
            self.emit("message", args)
        }

        /// Sends an event, now, for the server to acknowledge: wait for the answer, up to 60 s
        /// unless another [timeout](PendingAck::timeout) is set. Other events may be sent meanwhile.
        ///
        /// `T` is what the server answers with: a tuple for several arguments, any other type for
        /// the first one.
        pub fn call<T: FromArgs>(&self, event: &str, args: &(impl Payload + ?Sized)) -> PendingAck<T> {
            PendingAck::call(self, event, args)
        }

        $visible fn member(&self) -> &Arc<Member> {
            self.nsp.member()
        }

        fn routes(&self) -> &Routes<Route> {
            self.nsp.routes()
        }

        /// Who is to be run.
        $visible fn select(&self, what: &What<'_>) -> Selected<Route> {
            select(self.routes(), self.client.shared().routes(), what)
        }

        /// Hands a failed handler to the error hook.
        $visible fn report(&self, event: &str, kind: HandlerErrorKind) {
            self.client.shared().report(self.namespace(), event, kind);
        }
    };
}
pub(crate) use socket_methods;

/// What else makes a type a socket, and what feeds its `Events`.
macro_rules! socket_traits {
    () => {
        impl FromEvent<Self> for Socket {
            fn from_event(event: &mut EventContext<'_, Self>) -> Result<Self, Rejection> {
                Ok(event.socket.clone())
            }
        }

        impl FromEvent<Socket> for Client {
            fn from_event(event: &mut EventContext<'_, Socket>) -> Result<Self, Rejection> {
                Ok(event.socket.client.clone())
            }
        }

        impl PartialEq for Socket {
            fn eq(&self, other: &Self) -> bool {
                Arc::ptr_eq(&self.nsp, &other.nsp)
            }
        }

        impl Eq for Socket {}

        impl fmt::Debug for Socket {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct("Socket")
                    .field("namespace", &self.namespace())
                    .finish_non_exhaustive()
            }
        }

        impl Drop for Events {
            fn drop(&mut self) {
                self.queue.abandon();
                self.socket.routes().clear_fallback(&self.route);
            }
        }
    };
}
pub(crate) use socket_traits;

/// Methods of a client. The type is a tuple of its handle.
macro_rules! client_methods {
    ($visible:vis) => {
        /// A client for the server that the configuration, or just a URL, names. Nothing happens
        /// until it is told to connect.
        pub fn new(config: impl Into<Config>) -> Self {
            Self::build(config.into(), None)
        }

        /// A client that reaches its server over byte streams of the caller's.
        pub fn with_connector(config: impl Into<Config>, connector: impl Connect) -> Self {
            Self::build(config.into(), Some(Arc::new(connector)))
        }

        $visible const fn from_handle(handle: Arc<Handle>) -> Self {
            Self(handle)
        }

        $visible fn shared(&self) -> &Arc<Shared> {
            self.0.shared()
        }

        /// The configuration.
        #[must_use]
        pub fn config(&self) -> &Config {
            self.shared().config()
        }

        /// The socket of a namespace; the same for the same name. A missing slash is added.
        ///
        /// It is connected by the next [`connect`](Self::connect), or by its own.
        pub fn of(&self, name: &str) -> Socket {
            Socket::new(self.clone(), self.shared().namespace(name))
        }

        /// All namespaces together, for handlers of what the handlers of a namespace leave over.
        #[must_use]
        pub fn any_namespace(&self) -> AnyNamespace {
            AnyNamespace(self.clone())
        }

        /// What the server is shown when a namespace is asked for that has no
        /// [credentials of its own](Socket::auth): anything that serializes to a JSON object.
        pub fn auth(&self, credentials: impl Serialize) -> &Self {
            let provider = Provider::fixed(Credentials::new(credentials));
            self.shared().ask_for_credentials(provider);
            self
        }

        /// Is told of handlers that were rejected, failed or panicked, in place of an error in the
        /// log. It runs where handlers do: be brief.
        pub fn on_error(&self, hook: impl Fn(&HandlerError) + Send + Sync + 'static) -> &Self {
            self.shared().set_error_hook(Arc::new(hook));
            self
        }

        /// Is told of every stage of the link, reconnection above all: what JavaScript's `Manager`
        /// emits. It runs in the task, or on the thread, that talks to the server: be brief.
        pub fn on_stage(&self, hook: impl Fn(&Stage) + Send + Sync + 'static) -> &Self {
            self.shared().set_stage_hook(Arc::new(hook));
            self
        }

        /// [`Socket::listen`] of the default namespace.
        pub fn listen(&self, listener: impl Listener) -> &Self {
            install(self.routes(), listener);
            self
        }

        /// [`Socket::events`] of the default namespace.
        pub fn events(&self) -> Events {
            self.root().events()
        }

        fn routes(&self) -> &Routes<Route> {
            self.shared().root().routes()
        }

        fn root(&self) -> Socket {
            Socket::new(self.clone(), Arc::clone(self.shared().root()))
        }

        /// [`Socket::emit`] of the default namespace.
        ///
        /// # Errors
        /// As there.
        pub fn emit<T: Payload + ?Sized>(&self, event: &str, args: &T) -> Result<(), SendError> {
            self.root().emit(event, args)
        }

        /// [`Socket::emit_volatile`] of the default namespace.
        ///
        /// # Errors
        /// As there.
        pub fn emit_volatile<T: Payload + ?Sized>(
            &self,
            event: &str,
            args: &T,
        ) -> Result<bool, SendError> {
            self.root().emit_volatile(event, args)
        }

        /// [`Socket::send`] of the default namespace.
        ///
        /// # Errors
        /// As there.
        pub fn send<T: Payload + ?Sized>(&self, args: &T) -> Result<(), SendError> {
            self.root().send(args)
        }

        /// [`Socket::call`] of the default namespace.
        pub fn call<T: FromArgs>(&self, event: &str, args: &(impl Payload + ?Sized)) -> PendingAck<T> {
            self.root().call(event, args)
        }

        /// Leaves all namespaces and closes the link, behind what was emitted before. Nothing is
        /// connected again until it is asked for.
        pub fn disconnect(&self) {
            self.shared().disconnect_all();
        }

        /// What carries the link, while there is one.
        #[must_use]
        pub fn transport(&self) -> Option<Transport> {
            self.shared().transport()
        }
    };
}
pub(crate) use client_methods;

/// What else makes a type a client, and all its namespaces together.
macro_rules! client_traits {
    () => {
        impl fmt::Debug for Client {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct("Client")
                    .field("url", &self.config().engine.url)
                    .finish_non_exhaustive()
            }
        }

        /// All namespaces of a client: handlers here run for what no handler of the namespace itself
        /// takes.
        #[derive(Debug, Clone)]
        pub struct AnyNamespace(Client);

        impl AnyNamespace {
            handler_methods!(Handler<M>, Route::new);

            /// Leaves everything that no other handler takes to a listener.
            pub fn listen(&self, listener: impl Listener) -> &Self {
                install(self.routes(), listener);
                self
            }

            fn routes(&self) -> &Routes<Route> {
                self.0.shared().routes()
            }
        }
    };
}
pub(crate) use client_traits;
