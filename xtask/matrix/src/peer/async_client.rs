//! The async client, as [`Peer`].

use std::sync::Arc;

use anyhow::{Context as _, Result};
use futures_util::future::BoxFuture;
use socketio_client::{
    BoxError, Client, Config, ConnectError, DisconnectReason, Event, RawArgs, Socket,
    engine::Transport,
};

use super::{ANSWER, Peer, Refusal, Wish};
use crate::{
    journal::{CONNECT, CONNECT_ERROR, DISCONNECT, Journal},
    value::{Arguments, Value},
};

struct AsyncPeer {
    client: Client,
    journal: Arc<Journal>,
}

/// Makes one that wants these namespaces, and does not connect it.
pub(super) fn make(config: Config, wishes: &[Wish]) -> Arc<dyn Peer> {
    let client = Client::new(config);
    let journal = Arc::new(Journal::default());
    for wish in wishes {
        let socket = client.of(wish.namespace);
        if let Some(auth) = &wish.auth {
            socket.auth(auth);
        }
        listen(&socket, &journal);
    }
    Arc::new(AsyncPeer { client, journal })
}

/// Records everything that happens.
fn listen(socket: &Socket, journal: &Arc<Journal>) {
    let it = Arc::clone(journal);
    socket.on_fallback(move |socket: Socket, event: Event| {
        let recorded = record(&it, &socket, event);
        async move { recorded }
    });
    let it = Arc::clone(journal);
    socket.on_connect(move |socket: Socket| {
        it.record(socket.namespace(), CONNECT, vec![]);
        async {}
    });
    let it = Arc::clone(journal);
    socket.on_connect_error(move |socket: Socket, error: ConnectError| {
        let said = error.to_string();
        it.record(socket.namespace(), CONNECT_ERROR, vec![said.into()]);
        async {}
    });
    let it = Arc::clone(journal);
    socket.on_disconnect(move |socket: Socket, reason: DisconnectReason| {
        let reason = reason.as_str().into();
        it.record(socket.namespace(), DISCONNECT, vec![reason]);
        async {}
    });
}

fn record(journal: &Journal, socket: &Socket, event: Event) -> Result<(), BoxError> {
    let args: Vec<Value> = event.args.all()?;
    if event.name == "question" {
        event.ack.send(&Arguments(&args))?;
    }
    journal.record(socket.namespace(), &event.name, args);
    Ok(())
}

impl Peer for AsyncPeer {
    fn connect(&self) -> BoxFuture<'_, Result<(), Refusal>> {
        Box::pin(async { self.client.connect().await.map_err(Refusal::from) })
    }

    fn emit(&self, namespace: &str, event: &str, args: &[Value]) -> Result<()> {
        let socket = self.client.of(namespace);
        Ok(socket.emit(event, &Arguments(args))?)
    }

    fn ask<'a>(
        &'a self,
        namespace: &'a str,
        event: &'a str,
        args: Vec<Value>,
    ) -> BoxFuture<'a, Result<Vec<Value>>> {
        let socket = self.client.of(namespace);
        let answer = socket.call::<RawArgs>(event, &Arguments(&args));
        Box::pin(async move {
            let RawArgs(args) = answer.timeout(ANSWER).await.context("no answer")?;
            Ok(args.all()?)
        })
    }

    fn journal(&self) -> &Journal {
        &self.journal
    }

    fn id(&self, namespace: &str) -> Option<String> {
        self.client.of(namespace).id()
    }

    fn is_recovered(&self, namespace: &str) -> bool {
        self.client.of(namespace).recovered()
    }

    fn transport(&self) -> Option<Transport> {
        self.client.transport()
    }

    fn leave(&self, namespace: &str) {
        self.client.of(namespace).disconnect();
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(async { self.client.close().await })
    }
}

impl From<ConnectError> for Refusal {
    fn from(error: ConnectError) -> Self {
        match error {
            ConnectError::Refused { message, data } => Self {
                message,
                data: data.map(Value::from),
            },
            other => Self {
                message: other.to_string(),
                data: None,
            },
        }
    }
}
