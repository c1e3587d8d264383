//! Failures of a class: whom they concern, and what the client is told.

use std::sync::Arc;
use std::thread::{self, ThreadId};
use std::time::Duration;

use parking_lot::Mutex;
use socketio_server::test::Server;
use socketio_server::{
    Auth, BoxError, ConnectError, Data, HandlerError, Handlers, Io, Namespace, NamespaceClass,
    namespace,
};

use super::answer;

/// Fails in every way.
#[derive(Default)]
struct Failing(Mutex<Vec<String>>);

#[namespace("/failing")]
impl Failing {
    #[connect]
    fn join(&self, auth: Auth<serde_json::Value>) -> Result<(), ConnectError> {
        assert!(auth["calm"].as_bool().unwrap(), "do not panic");
        Ok(())
    }

    #[event]
    async fn errs(&self) -> Result<(), BoxError> {
        tokio::task::yield_now().await;
        Err("on purpose".into())
    }

    #[event]
    fn panics(&self) {
        panic!("in a method");
    }

    #[event]
    async fn rejects(&self, _: Data<u8>) {}

    #[fallback]
    fn falls_back(&self) -> Result<(), BoxError> {
        Err("unknown".into())
    }

    #[upgrade]
    fn climb(&self) -> Result<(), BoxError> {
        Err("climbing".into())
    }

    #[disconnecting]
    fn part(&self) -> Result<(), BoxError> {
        Err("parting".into())
    }

    #[disconnect]
    fn leave(&self) -> Result<(), BoxError> {
        Err("farewell".into())
    }

    #[error]
    fn failed(&self, error: &HandlerError) -> String {
        self.0.lock().push(error.to_string());
        format!("{} failed", error.event)
    }
}

#[tokio::test(start_paused = true)]
async fn failures_of_a_class_are_its_own_and_answered_by_its_error_method() {
    let io = Io::builder().build();
    let failing = Arc::new(Failing::default());
    io.register(Arc::clone(&failing))
        .on("function", || Err::<(), BoxError>("a function".into()))
        .on_error(|_| "the namespace's");
    let server = Server::new(&io);
    let connect = |calm: bool| {
        let auth = serde_json::json!({ "calm": calm });
        server.connect().namespace("/failing").auth(auth)
    };
    let refused = connect(false).await.unwrap_err();
    assert_eq!(refused.message(), "connect failed");
    let client = connect(true).upgrading().await.unwrap();
    server.settle().await;
    for event in ["errs", "panics", "rejects", "another"] {
        let expected = format!("{event} failed");
        assert_eq!(client.call::<String>(event, "x").await.unwrap(), expected);
    }
    assert_eq!(answer(&client, "function").await, "the namespace's");
    client.disconnect();
    server.settle().await;
    let causes = [
        "do not panic",
        "climbing",
        "on purpose",
        "in a method",
        "do not fit",
        "unknown",
        "parting",
        "farewell",
    ];
    let told = failing.0.lock();
    assert_eq!(told.len(), causes.len(), "{told:?}");
    for (told, cause) in told.iter().zip(causes) {
        assert!(told.contains(cause), "{told}");
    }
}

/// Fails before there is a connection.
struct Early;

#[namespace("/early")]
impl Early {
    #[before_connect]
    fn check(&self, _: Data<u8>) -> bool {
        true
    }

    #[error]
    fn failed(&self, error: &HandlerError) -> ConnectError {
        ConnectError::new(format!("{} failed early", error.event))
    }
}

#[tokio::test(start_paused = true)]
async fn a_class_refuses_in_its_own_words_when_its_middleware_fails() {
    let io = Io::builder().build();
    io.register(Early);
    let connect = Server::new(&io).connect();
    let refused = connect.namespace("/early").await.unwrap_err();
    assert_eq!(refused.message(), "connect failed early");
}

/// Has no error method.
struct Careless;

#[namespace("/failing")]
impl Careless {
    #[event]
    fn errs(&self) -> Result<(), BoxError> {
        Err("somebody".into())
    }
}

#[tokio::test(start_paused = true)]
async fn failures_of_a_class_without_an_error_method_are_the_namespaces() {
    let io = Io::builder().build();
    io.register(Failing::default());
    io.register(Careless).on_error(|_| "the namespace's");
    let auth = serde_json::json!({ "calm": true });
    let connect = Server::new(&io).connect();
    let client = connect.namespace("/failing").auth(auth).await.unwrap();
    assert_eq!(answer(&client, "errs").await, "the namespace's");
    assert_eq!(answer(&client, "panics").await, "panics failed");
}

/// Its methods are run on threads that may block, and heard of by its own hook.
struct Apart(Arc<Mutex<Vec<ThreadId>>>);

impl NamespaceClass for Apart {
    type Place = Namespace;
    const PATH: &'static str = "/";

    fn handlers(self: Arc<Self>) -> Handlers {
        Handlers::new()
            .blocking()
            .on_upgrade(move || self.0.lock().push(thread::current().id()))
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_said_of_a_class_is_said_of_its_upgrade_method() {
    let io = Io::builder().build();
    let ran = Arc::default();
    io.register(Apart(Arc::clone(&ran)));
    let server = Server::new(&io);
    server.connect().upgrading().await.unwrap();
    let ended = io.shutdown(Duration::from_secs(10)).await;
    assert!(ended.is_complete(), "{ended}");
    let ran = ran.lock();
    assert_eq!(ran.len(), 1);
    assert_ne!(ran[0], thread::current().id());
}

#[tokio::test(start_paused = true)]
async fn a_client_s_event_called_upgrade_is_no_upgrade() {
    let io = Io::builder().build();
    io.register(Failing::default())
        .on("upgrade", || Err::<(), BoxError>("on purpose".into()))
        .on_error(|error| format!("the namespace's: {}", error.event));
    let server = Server::new(&io);
    let client = server.connect().namespace("/failing");
    let client = client
        .auth(serde_json::json!({ "calm": true }))
        .await
        .unwrap();
    let expected = "the namespace's: upgrade";
    assert_eq!(
        client.call::<String>("upgrade", &()).await.unwrap(),
        expected
    );
}
