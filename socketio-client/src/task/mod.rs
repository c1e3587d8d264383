//! The one task of an async client: it owns the link and the running handlers, and does what the
//! manager decides.
//!
//! ```text
//!   server ◄──► link ──messages──► manager ──events──► work: handlers
//!                ▲                    │ outputs
//!                └── open, send, close ┤
//!                                      └──► ask: credentials, URL, headers
//! ```
//!
//! It starts when somebody wants to be connected and ends when nobody does any more. What the link
//! has to say comes before what is to be sent, so that nothing is given to a link that is dead.

mod dispatch;
mod link;
mod provider;
mod timer;
mod work;

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::runtime;
use tokio::task::coop;
use tokio::time::Instant;

use self::dispatch::Dispatch;
use self::link::Happened;
pub(crate) use self::provider::Provider;
use self::timer::Timer;
use crate::engine::{self, CloseReason, Connect, Connection, Dialer, ErrorKind};
use crate::handler::Route;
use crate::hub::{Hub, Rest};
use crate::link::Link;
use crate::manager::{Output, SocketKey};
use crate::proto::BoxError;
use crate::provide::Credentials;
use crate::shared::{self, Kind};

/// The async client.
pub(crate) struct Async;

impl Kind for Async {
    type Connect = dyn Connect;
    type Route = Route;
    type Provider<T: Clone + Send + Sync + 'static> = Provider<T>;
    type Instant = Instant;
}

pub(crate) type Handle = shared::Handle<Async>;
pub(crate) type Namespace = shared::Namespace<Async>;
pub(crate) type Shared = shared::Shared<Async>;

/// Asks for namespaces, and sees to it that there is a task.
///
/// # Panics
/// Outside of a tokio runtime.
pub(crate) fn open(shared: &Arc<Shared>, wanted: &[SocketKey]) {
    let runtime = runtime::Handle::current();
    let is_alone = shared.hub().claim();
    shared.hub().command(|manager, now| {
        for &key in wanted {
            manager.connect(now, key);
        }
        // Somebody who asks does not want to wait for the end of a delay.
        manager.open(now);
    });
    if is_alone {
        runtime.spawn(Task::new(Arc::clone(shared)));
    }
}

/// How much the link may yield before other tasks of the runtime have their turn.
const BATCH: usize = 256;

/// The configuration of the next link.
async fn configure(shared: Arc<Shared>) -> Result<engine::Config, BoxError> {
    let mut config = shared.config().engine.clone();
    let (url, headers) = shared.link_providers();
    if let Some(url) = url {
        config.url = url.ask().await?;
    }
    if let Some(headers) = headers {
        config.headers.extend(headers.ask().await?);
    }
    Ok(config)
}

struct Task {
    dispatch: Dispatch,
    link: Link<Connection, Configuring>,
    credentials: FuturesUnordered<Asked<Answer>>,
    timer: Timer,
    /// Whether somebody else may drive the client now.
    ended: bool,
}

/// Finds out how to open the link.
type Configuring = Asked<Result<engine::Config, BoxError>>;

type Asked<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Credentials for a socket, and the question they answer.
type Answer = (SocketKey, u32, Result<Credentials, BoxError>);

impl Task {
    fn new(shared: Arc<Shared>) -> Self {
        Self {
            link: Link::default(),
            dispatch: Dispatch::new(shared),
            credentials: FuturesUnordered::new(),
            timer: Timer::default(),
            ended: false,
        }
    }

    fn shared(&self) -> &Arc<Shared> {
        self.dispatch.shared()
    }

    fn hub(&self) -> &Hub {
        self.shared().hub()
    }

    /// One turn. Says whether there is more to do at once.
    fn turn(&mut self, cx: &mut Context<'_>, batch: &mut usize) -> bool {
        let mut moved = self.poll_link(cx, batch);
        moved |= self.poll_leaving(cx, batch);
        moved |= self.poll_credentials(cx);
        moved |= self.poll_timer(cx);
        moved |= self.dispatch.poll(cx);
        moved |= self.act();
        self.shared().attempts().review(self.hub());
        moved
    }

    /// Takes what the link has to say.
    fn poll_link(&mut self, cx: &mut Context<'_>, batch: &mut usize) -> bool {
        let mut moved = false;
        while *batch > 0 && coop::has_budget_remaining() {
            self.link.set_reading(self.dispatch.has_room());
            let Poll::Ready(happened) = link::poll(&mut self.link, cx) else {
                return moved;
            };
            moved = true;
            *batch -= 1;
            match happened {
                Happened::Message(message) => self.dispatch.handle_message(&message, cx),
                Happened::Configured(config) => self.configure(*config),
                Happened::Opened => self.handle_opened(),
                Happened::Upgraded(to) => self.shared().set_transport(Some(to)),
                Happened::Ended(reason, error) => self.handle_ended(reason, error),
            }
            // What a message has set off comes before the next one.
            self.dispatch.poll_events(cx);
        }
        moved
    }

    /// Goes on with links that are being closed.
    fn poll_leaving(&mut self, cx: &mut Context<'_>, batch: &mut usize) -> bool {
        if *batch == 0 {
            return true;
        }
        let moved = link::poll_leaving(&mut self.link, cx);
        *batch -= usize::from(moved);
        moved
    }

    fn configure(&mut self, config: Result<engine::Config, BoxError>) {
        let connector = self.shared().connector();
        let configured = self.link.configured(|memory| {
            let config = config.map_err(|error| ErrorKind::Dial(io::Error::other(error)))?;
            let config = Arc::new(config);
            let dialer = Dialer::new(Arc::clone(&config), connector);
            Connection::start(config, dialer, memory)
        });
        if let Err(error) = configured {
            self.hub()
                .drive(|manager, now| manager.handle_open_failed(now, error));
        }
    }

    fn handle_opened(&mut self) {
        if let Some(opened) = self.link.opened() {
            self.shared().set_transport(self.link.transport());
            self.hub()
                .drive(|manager, now| manager.handle_opened(now, opened));
        }
    }

    fn handle_ended(&mut self, reason: CloseReason, error: Option<engine::Error>) {
        self.shared().set_transport(None);
        if self.link.ended() {
            self.hub()
                .drive(|manager, now| manager.handle_closed(now, reason, error));
        } else {
            // It failed to open, so there is an error.
            let error = error.unwrap_or_else(|| ErrorKind::Ended.into());
            self.hub()
                .drive(|manager, now| manager.handle_open_failed(now, error));
        }
    }

    fn poll_credentials(&mut self, cx: &mut Context<'_>) -> bool {
        let mut moved = false;
        while let Poll::Ready(Some((socket, ticket, answer))) = self.credentials.poll_next_unpin(cx)
        {
            let answer = answer
                .map(Credentials::into_object)
                .map_err(|error| error.to_string());
            self.hub()
                .drive(|manager, now| manager.handle_auth(now, socket, ticket, answer));
            moved = true;
        }
        moved
    }

    fn poll_timer(&mut self, cx: &mut Context<'_>) -> bool {
        let due = self.hub().ask(|manager| manager.poll_timeout());
        let at = due.map(|at| self.shared().epoch() + Duration::from_millis(at));
        let is_due = self.timer.poll(cx, at);
        if is_due {
            self.hub().drive(|manager, now| manager.handle_timeout(now));
        }
        is_due
    }

    /// Does what the manager wants.
    fn act(&mut self) -> bool {
        let mut moved = false;
        loop {
            let flow = self.link.flow();
            let output = self.hub().drive(|manager, _| {
                manager.set_flow(flow);
                manager.poll_output()
            });
            let Some(output) = output else {
                return moved;
            };
            moved = true;
            match output {
                Output::Open => self.open_link(),
                Output::Auth { socket, ticket } => self.ask(socket, ticket),
                Output::Send(message) => self.link.send(message),
                Output::Close => {
                    self.shared().set_transport(None);
                    self.link.close();
                }
            }
        }
    }

    fn open_link(&mut self) {
        let shared = Arc::clone(self.shared());
        self.link.open(|| Box::pin(configure(shared)));
    }

    /// Asks for the credentials of a socket.
    fn ask(&self, socket: SocketKey, ticket: u32) {
        match self.shared().credentials(socket) {
            Some(provider) => {
                let asked = provider.ask();
                let answer = async move { (socket, ticket, asked.await) };
                self.credentials.push(Box::pin(answer));
            }
            None => self
                .hub()
                .drive(|manager, now| manager.handle_auth(now, socket, ticket, Ok(None))),
        }
    }

    fn is_idle(&self) -> bool {
        self.link.is_idle() && self.dispatch.is_idle()
    }
}

impl Future for Task {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let task = &mut *self;
        task.hub().run();
        let mut batch = BATCH;
        loop {
            if task.turn(cx, &mut batch) {
                if batch > 0 && coop::has_budget_remaining() {
                    continue;
                }
                // Others have their turn; what is emitted meanwhile is seen in the next.
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            match task.hub().rest(task.is_idle(), cx.waker()) {
                Rest::Never => {}
                Rest::Sleep => return Poll::Pending,
                Rest::End => {
                    task.ended = true;
                    return Poll::Ready(());
                }
            }
        }
    }
}

/// The runtime may end before the client: whoever waits is told, and another may drive it.
impl Drop for Task {
    fn drop(&mut self) {
        if !self.ended {
            self.hub().drive(|manager, now| manager.close(now));
            self.shared().attempts().clear();
            self.hub().release();
        }
    }
}
