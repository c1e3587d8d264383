//! What has happened to a client, in order, for a case to look at.

use std::collections::{HashMap, VecDeque};

use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::value::Value;

/// Names of what is no event of the server.
pub(crate) const CONNECT: &str = "(connect)";
pub(crate) const DISCONNECT: &str = "(disconnect)";
pub(crate) const CONNECT_ERROR: &str = "(connect error)";

/// A namespace and the name of an event.
type Place = (String, String);

/// Queues of what has arrived, by namespace and event.
#[derive(Default)]
pub(crate) struct Journal {
    arrived: Mutex<HashMap<Place, VecDeque<Vec<Value>>>>,
    news: Notify,
    /// For what is waited, should there be no end to it.
    waiting: Mutex<Vec<String>>,
}

impl Journal {
    pub(crate) fn record(&self, namespace: &str, event: &str, args: Vec<Value>) {
        let key = (namespace.to_owned(), event.to_owned());
        self.arrived.lock().entry(key).or_default().push_back(args);
        self.news.notify_waiters();
    }

    /// The next of these that has not been taken.
    pub(crate) async fn next(&self, namespace: &str, event: &str) -> Vec<Value> {
        let what = format!("{event} in {namespace}");
        self.waiting.lock().push(what.clone());
        let args = loop {
            let news = self.news.notified();
            tokio::pin!(news);
            // Before looking: nothing must be missed between looking and waiting.
            news.as_mut().enable();
            if let Some(args) = self.take(namespace, event) {
                break args;
            }
            news.await;
        };
        self.waiting.lock().retain(|it| *it != what);
        args
    }

    /// The same, if it is there.
    pub(crate) fn take(&self, namespace: &str, event: &str) -> Option<Vec<Value>> {
        let key = (namespace.to_owned(), event.to_owned());
        self.arrived.lock().get_mut(&key)?.pop_front()
    }

    pub(crate) fn pending(&self) -> Vec<String> {
        self.waiting.lock().clone()
    }
}
