//! The blocking client, as [`Peer`]: what waits does so on a thread of its own.

use std::{sync::Arc, thread};

use anyhow::{Context as _, Result};
use futures_util::future::BoxFuture;
use socketio_client::{
    BoxError, Config, ConnectError, DisconnectReason, Event, RawArgs,
    blocking::{Client, Socket},
    engine::Transport,
};
use tokio::sync::oneshot;

use super::{ANSWER, Peer, Refusal, Wish};
use crate::{
    journal::{CONNECT, CONNECT_ERROR, DISCONNECT, Journal},
    value::{Arguments, Value},
};

struct BlockingPeer {
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
    Arc::new(BlockingPeer { client, journal })
}

/// Records everything that happens.
fn listen(socket: &Socket, journal: &Arc<Journal>) {
    let it = Arc::clone(journal);
    socket.on_fallback(move |socket: Socket, event: Event| record(&it, &socket, event));
    let it = Arc::clone(journal);
    socket.on_connect(move |socket: Socket| it.record(socket.namespace(), CONNECT, vec![]));
    let it = Arc::clone(journal);
    socket.on_connect_error(move |socket: Socket, error: ConnectError| {
        it.record(
            socket.namespace(),
            CONNECT_ERROR,
            vec![error.to_string().into()],
        );
    });
    let it = Arc::clone(journal);
    socket.on_disconnect(move |socket: Socket, reason: DisconnectReason| {
        it.record(socket.namespace(), DISCONNECT, vec![reason.as_str().into()]);
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

/// Waits elsewhere. A pool would be exhausted by those who wait for each other.
async fn waited<T: Send + 'static>(wait: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let (done, is_done) = oneshot::channel();
    thread::spawn(move || done.send(wait()));
    is_done.await.ok()
}

impl Peer for BlockingPeer {
    fn connect(&self) -> BoxFuture<'_, Result<(), Refusal>> {
        let client = self.client.clone();
        Box::pin(async {
            let connected = waited(move || client.connect()).await;
            let connected = connected.ok_or_else(|| Refusal {
                message: "panicked".to_owned(),
                data: None,
            });
            connected?.map_err(Refusal::from)
        })
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
            let answer = waited(move || answer.timeout(ANSWER).wait()).await;
            let RawArgs(args) = answer.context("panicked")?.context("no answer")?;
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
        let client = self.client.clone();
        Box::pin(async {
            waited(move || client.close()).await;
        })
    }
}
