//! What a blocking client asks the application: credentials, URL, headers. What may take its time is
//! asked on a thread of its own, so that neither the heartbeat nor handlers wait for it.

use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::task::Waker;
use std::thread;

use http::HeaderMap;
use parking_lot::Mutex;

use super::provider::Provider;
use crate::engine;
use crate::manager::SocketKey;
use crate::proto::BoxError;
use crate::provide::Credentials;

/// What the application has said.
pub(super) enum Said {
    /// How to open a link, in answer to this question.
    Link(u64, Box<Result<engine::Config, BoxError>>),
    Credentials(SocketKey, u32, Result<Credentials, BoxError>),
}

/// Questions that are under way, and the driver to be woken for the answers.
pub(super) struct Questions {
    answers: Receiver<Said>,
    asked: Sender<Said>,
    waker: Waker,
    links: u64,
}

impl Questions {
    pub(super) fn new(waker: Waker) -> Self {
        let (asked, answers) = mpsc::channel();
        Self {
            answers,
            asked,
            waker,
            links: 0,
        }
    }

    /// The next answer, if there is one.
    pub(super) fn answer(&self) -> Option<Said> {
        self.answers.try_recv().ok()
    }

    /// Asks how to open a link: by this configuration, with other URL and more headers if somebody
    /// is to be asked for them. Says which question it is.
    pub(super) fn ask_link(
        &mut self,
        config: engine::Config,
        url: Option<Provider<String>>,
        headers: Option<Provider<HeaderMap>>,
    ) -> u64 {
        self.links += 1;
        let question = self.links;
        let slow = is_asked(&url) || is_asked(&headers);
        self.ask(slow, move || {
            Said::Link(question, Box::new(configure(config, url, headers)))
        });
        question
    }

    /// Asks for the credentials of a socket.
    pub(super) fn ask_credentials(
        &self,
        socket: SocketKey,
        ticket: u32,
        provider: Option<Provider<Credentials>>,
    ) {
        self.ask(is_asked(&provider), move || {
            let said = provider.map_or_else(|| Ok(Credentials::default()), |it| it.ask());
            Said::Credentials(socket, ticket, said)
        });
    }

    fn ask(&self, slow: bool, question: impl FnOnce() -> Said + Send + 'static) {
        let (asked, waker) = (self.asked.clone(), self.waker.clone());
        let ask = move || {
            // The driver may be gone.
            let _ = asked.send(question());
            waker.wake();
        };
        let ask = Arc::new(Mutex::new(Some(ask)));
        let other = Arc::clone(&ask);
        let run = move || take_and_run(&other);
        let thread = thread::Builder::new().name("socketio-ask".into());
        if !slow || thread.spawn(run).is_err() {
            // If there is no thread to be had, everything waits for it after all.
            take_and_run(&ask);
        }
    }
}

fn configure(
    mut config: engine::Config,
    url: Option<Provider<String>>,
    headers: Option<Provider<HeaderMap>>,
) -> Result<engine::Config, BoxError> {
    if let Some(url) = url {
        config.url = url.ask()?;
    }
    if let Some(headers) = headers {
        config.headers.extend(headers.ask()?);
    }
    Ok(config)
}

fn is_asked<T>(provider: &Option<Provider<T>>) -> bool {
    matches!(provider, Some(Provider::Asked(_)))
}

fn take_and_run(ask: &Mutex<Option<impl FnOnce()>>) {
    let ask = ask.lock().take();
    if let Some(ask) = ask {
        ask();
    }
}
