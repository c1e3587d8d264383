//! The simple clients, async and blocking: they have no handlers, and run the same conversation.

use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use serde_json::json;
use socketio_client::{Client, ConnectError, RawArgs, SimpleClient, blocking};
use tokio::task::spawn_blocking;

use super::{Case, case};
use crate::{
    bench::Bench,
    peer::Client as Kind,
    value::{Arguments, Value, every_kind, nested_binary, same},
};

pub(super) fn cases() -> Vec<Case> {
    vec![
        case!("a simple client sends and receives in turn", talk).simple(),
        case!("a simple client learns why it is refused", refusal).simple(),
    ]
}

/// How long an event may take.
const SOON: Duration = Duration::from_secs(5);

/// More events than may wait to be received.
const MANY: u64 = 600;

/// What is said; `$wait` is how one waits.
macro_rules! conversation {
    ($client:expr, $($wait:tt)*) => {{
        let mut client = $client;
        let greeting = client.receive(SOON)$($wait)*?;
        ensure!(greeting.name == "auth", "greeted with {}", greeting.name);
        for args in [vec![], every_kind(), nested_binary()] {
            client.emit("message", &Arguments(&args))$($wait)*?;
            let echo = client.receive(SOON)$($wait)*?;
            ensure!(echo.name == "message-back", "got {}", echo.name);
            same(&echo.args.all::<Vec<Value>>()?, &args, "echo")?;
            let answer = client.call::<RawArgs>("message-with-ack", &Arguments(&args))$($wait)*?;
            same(&answer.0.all::<Vec<Value>>()?, &args, "answer")?;
        }
        client.emit("burst", &MANY)$($wait)*?;
        for n in 0..MANY {
            let tick: u64 = client.receive(SOON)$($wait)*?.data()?;
            ensure!(tick == n, "got {tick} instead of {n}");
        }
        let silence = client.receive(Duration::from_millis(20))$($wait)*;
        ensure!(silence.is_err(), "got {silence:?}");
        client.disconnect()$($wait)*;
        Ok(())
    }};
}

async fn talk(bench: &Bench<'_>) -> Result<()> {
    let config = bench.config();
    match bench.client {
        Kind::Simple => {
            let client = SimpleClient::connect(config).await?;
            conversation!(client, .await)
        }
        Kind::SimpleBlocking => {
            let talk = move || conversation!(blocking::SimpleClient::connect(config)?,);
            spawn_blocking(talk).await?
        }
        _ => bail!("not a simple client"),
    }
}

async fn refusal(bench: &Bench<'_>) -> Result<()> {
    let config = bench.config();
    let error = match bench.client {
        Kind::Simple => {
            let socket = Client::new(config).of("/refuse");
            SimpleClient::join(socket).await.err()
        }
        Kind::SimpleBlocking => {
            let join = || {
                let socket = blocking::Client::new(config).of("/refuse");
                blocking::SimpleClient::join(socket).err()
            };
            spawn_blocking(join).await?
        }
        _ => bail!("not a simple client"),
    };
    match error.context("connected")? {
        ConnectError::Refused { data, .. } => {
            let data = data.map(Value::from);
            let expected = json!({ "code": 401, "reason": "no token" });
            same(data.as_slice(), &[expected.into()], "data")
        }
        other => Err(anyhow!("{other}")),
    }
}
