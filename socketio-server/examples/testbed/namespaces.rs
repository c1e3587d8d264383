//! Namespaces that treat their clients or events in a way of their own.

use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};
use serde_json::json;
use socketio_server::{
    Args, Auth, BoxError, ConnectError, Data, Event, EventName, HandlerError, HandlerFuture,
    Handlers, Io, Namespace, Param, RawArgs, Socket, Value, namespace,
};

use crate::events::greet;

/// Adds all of them, with these events.
pub(crate) fn add(io: &Io, events: &Handlers) {
    for name in ["/", "/custom"] {
        io.of(name).add(events.clone()).on_connect(greet);
    }
    refuse(io.of("/refuse").add(events.clone()));
    io.dynamic("/game/{id}")
        .before_connect(|Param(id): Param<u64>| match id {
            0 => Err(ConnectError::new("no such game")),
            _ => Ok(()),
        })
        .add(events.clone())
        .on_connect(greet);
    io.of("/ordered").add(events.clone()).ordered();
    io.of("/early")
        .add(events.clone())
        .always_connect()
        .on_connect(riddle);
    wrap(io.of("/wrapped").add(events.clone()));
    io.register(Calculator::default());
}

/// Makes every namespace joinable, and serves whatever nobody else does.
pub(crate) fn add_any(io: &Io) {
    io.any_namespace().on_connect(greet).on_fallback(
        |namespace: Namespace, EventName(name): EventName, Data(payload): Data<Value>| {
            (namespace.name().to_owned(), name, payload)
        },
    );
}

fn refuse(namespace: &Namespace) {
    namespace.on_connect(async |socket: Socket, Auth(auth): Auth<Value>| {
        if auth["token"].as_str() != Some("secret") {
            let reason = json!({ "code": 401, "reason": "no token" });
            return Err(ConnectError::new("not allowed").with_data(reason));
        }
        greet(socket, Auth(auth)).await
    });
}

/// Decides about a client that is in already.
async fn riddle(socket: Socket, auth: Auth<Value>) -> Result<(), ConnectError> {
    match socket.call::<String>("question", &"what goes up?").await {
        Ok(answer) if answer == "smoke" => greet(socket, auth).await,
        _ => Err(ConnectError::new("wrong")),
    }
}

/// Events that never reach their handlers, or not as they were sent, and failures that are told.
fn wrap(namespace: &Namespace) {
    namespace
        .wrap(|event, next| match event.name() {
            "seq" => HandlerFuture::ready(Ok(None)),
            "answered" => HandlerFuture::ready(Ok(instead().ok())),
            "renamed" => match instead() {
                Ok(args) => next.run_as(event, "message", &args),
                Err(_) => next.run(event),
            },
            _ => next.run(event),
        })
        .on_error(|error| error.kind.to_string());
}

/// The middleware's own arguments.
fn instead() -> Result<RawArgs, BoxError> {
    let args = Args::new(r#"["by the middleware"]"#, Vec::new())?;
    Ok(RawArgs(args.into_owned()))
}

/// A class: one value for all clients, and events of its own types.
#[derive(Default)]
struct Calculator {
    divisions: AtomicU64,
}

#[derive(Event, Deserialize)]
#[event("divide", ack = (u64, u64))]
struct Divide(u64, u64);

#[derive(Event, Serialize)]
#[event("divided")]
struct Divided {
    by: u64,
    remainder: u64,
}

#[namespace("/calculator")]
impl Calculator {
    #[connect]
    async fn join(&self, socket: Socket, auth: Auth<Value>) -> Result<(), ConnectError> {
        greet(socket, auth).await
    }

    #[event(typed)]
    fn divide(
        &self,
        Divide(number, by): Divide,
        namespace: Namespace,
    ) -> Result<(u64, u64), BoxError> {
        let quotient = number.checked_div(by).ok_or("division by zero")?;
        let remainder = number % by;
        self.divisions.fetch_add(1, Ordering::Relaxed);
        namespace.emit_event(&Divided { by, remainder })?;
        Ok((quotient, remainder))
    }

    #[event]
    fn divisions(&self) -> u64 {
        self.divisions.load(Ordering::Relaxed)
    }

    #[fallback]
    fn unknown(&self, EventName(name): EventName) -> String {
        format!("cannot {name}")
    }

    #[error]
    fn failed(&self, error: &HandlerError) -> String {
        error.kind.to_string()
    }
}
