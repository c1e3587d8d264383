//! What the handles of a client and its task have in common.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock, Weak};

use http::HeaderMap;
use parking_lot::Mutex;
use tokio::time::Instant;

use super::attempt::{Attempt, Attempts, Patience};
use crate::client::{Client, Handle};
use crate::config::Config;
use crate::engine::{self, Connect, Transport};
use crate::failure::{self, ErrorHook, HandlerErrorKind};
use crate::handler::{BoxFuture, Route};
use crate::hub::Hub;
use crate::manager::SocketKey;
use crate::member::Member;
use crate::proto::{BoxError, Tick};
use crate::provide::{Credentials, Provider};
use crate::routes::Routes;
use crate::socket::{Namespace, Socket};
use crate::stage::Stage;

/// One per client. Locks are held for single steps, and the hub's is the last that is taken.
pub(crate) struct Shared {
    config: Config,
    connector: Option<Arc<dyn Connect>>,
    hub: Arc<Hub>,
    epoch: Instant,
    /// The handle, as long as anybody has one.
    handle: Weak<Handle>,
    namespaces: Mutex<HashMap<SocketKey, Arc<Namespace>>>,
    root: OnceLock<Arc<Namespace>>,
    /// Of all namespaces.
    routes: Routes<Route>,
    attempts: Arc<Attempts>,
    asked: Mutex<Asked>,
    hooks: Mutex<Hooks>,
    transport: Mutex<Option<Transport>>,
}

/// What the application is asked for.
#[derive(Default)]
struct Asked {
    credentials: Option<Provider<Credentials>>,
    url: Option<Provider<String>>,
    headers: Option<Provider<HeaderMap>>,
}

#[derive(Clone)]
struct Hooks {
    error: Arc<ErrorHook>,
    stage: Arc<StageHook>,
}

type StageHook = dyn Fn(&Stage) + Send + Sync;

impl Shared {
    pub(crate) fn new(
        config: Config,
        connector: Option<Arc<dyn Connect>>,
        handle: Weak<Handle>,
    ) -> Arc<Self> {
        let epoch = Instant::now();
        let clock = Box::new(move || epoch.elapsed().as_millis() as Tick);
        Arc::new(Self {
            hub: Hub::new(&config, seed(), clock),
            config,
            connector,
            epoch,
            handle,
            namespaces: Mutex::default(),
            root: OnceLock::new(),
            routes: Routes::default(),
            attempts: Arc::default(),
            asked: Mutex::default(),
            hooks: Mutex::new(Hooks {
                error: Arc::new(failure::log),
                stage: Arc::new(|_| {}),
            }),
            transport: Mutex::new(None),
        })
    }

    pub(crate) const fn config(&self) -> &Config {
        &self.config
    }

    pub(crate) fn connector(&self) -> Option<Arc<dyn Connect>> {
        self.connector.clone()
    }

    pub(crate) const fn hub(&self) -> &Arc<Hub> {
        &self.hub
    }

    /// The runtime's name for a time of the manager's.
    pub(crate) fn instant(&self, at: Tick) -> Instant {
        self.epoch + std::time::Duration::from_millis(at)
    }

    // ---- Namespaces -----------------------------------------------------------------------

    pub(crate) fn namespace(&self, name: &str) -> Arc<Namespace> {
        let key = self.hub.drive(|manager, _| manager.socket(name));
        let mut namespaces = self.namespaces.lock();
        let namespace = namespaces.entry(key).or_insert_with(|| {
            let member = Member::new(&self.hub, key);
            Arc::new(Namespace::new(member))
        });
        Arc::clone(namespace)
    }

    /// The default namespace.
    pub(crate) fn root(&self) -> &Arc<Namespace> {
        self.root.get_or_init(|| self.namespace("/"))
    }

    /// All that were spoken of, the default one if there are none.
    pub(crate) fn all_namespaces(&self) -> Vec<SocketKey> {
        let keys: Vec<_> = self.namespaces.lock().keys().copied().collect();
        match keys.is_empty() {
            true => vec![self.root().member().key()],
            false => keys,
        }
    }

    /// The socket of a namespace, while anybody holds the client.
    pub(crate) fn socket(&self, key: SocketKey) -> Option<Socket> {
        let client = Client::from_handle(self.handle.upgrade()?);
        let namespace = self.namespaces.lock().get(&key).cloned()?;
        Some(Socket::new(client, namespace))
    }

    pub(crate) fn disconnect_all(&self) {
        let keys: Vec<_> = self.namespaces.lock().keys().copied().collect();
        self.hub.command(|manager, now| {
            for key in keys {
                manager.disconnect(now, key);
            }
        });
    }

    /// Leaves a namespace and forgets it. The default one is only left.
    pub(crate) fn forget(&self, key: SocketKey) {
        let is_root = self.root.get().is_some_and(|it| it.member().key() == key);
        self.hub.command(|manager, now| match is_root {
            true => manager.disconnect(now, key),
            false => manager.remove(now, key),
        });
        if !is_root {
            let _forgotten = self.namespaces.lock().remove(&key);
        }
    }

    /// Waits for namespaces to be connected.
    pub(crate) fn attempt(&self, wanted: Vec<SocketKey>, patience: Patience) -> Attempt {
        self.attempts.add(&self.hub, wanted, patience)
    }

    pub(crate) fn attempts(&self) -> &Attempts {
        &self.attempts
    }

    // ---- Handlers and hooks ---------------------------------------------------------------

    /// Those of all namespaces.
    pub(crate) const fn routes(&self) -> &Routes<Route> {
        &self.routes
    }

    pub(crate) fn forget_handlers(&self) {
        let namespaces: Vec<_> = self.namespaces.lock().values().cloned().collect();
        for namespace in namespaces {
            namespace.routes().clear_all();
        }
        self.routes.clear_all();
    }

    pub(crate) fn set_error_hook(&self, hook: Arc<ErrorHook>) {
        let _replaced = std::mem::replace(&mut self.hooks.lock().error, hook);
    }

    pub(crate) fn set_stage_hook(&self, hook: Arc<StageHook>) {
        let _replaced = std::mem::replace(&mut self.hooks.lock().stage, hook);
    }

    /// Hands a failed handler to the error hook.
    pub(crate) fn report(&self, nsp: &str, event: &str, kind: HandlerErrorKind) {
        let hook = Arc::clone(&self.hooks.lock().error);
        failure::report(&*hook, nsp, event, kind);
    }

    pub(crate) fn tell(&self, stage: &Stage) {
        let hook = Arc::clone(&self.hooks.lock().stage);
        failure::contain("stage", || hook(stage));
    }

    // ---- What the application is asked for ------------------------------------------------

    pub(crate) fn ask_for_credentials(&self, provider: Provider<Credentials>) {
        let _replaced = self.asked.lock().credentials.replace(provider);
    }

    pub(crate) fn ask_for_url(&self, provider: Provider<String>) {
        let _replaced = self.asked.lock().url.replace(provider);
    }

    pub(crate) fn ask_for_headers(&self, provider: Provider<HeaderMap>) {
        let _replaced = self.asked.lock().headers.replace(provider);
    }

    /// The credentials for a namespace: its own, or those for all.
    pub(crate) fn credentials(
        &self,
        key: SocketKey,
    ) -> Option<BoxFuture<Result<Credentials, BoxError>>> {
        let namespace = self.namespaces.lock().get(&key).cloned();
        let own = namespace.and_then(|namespace| namespace.auth());
        let provider = own.or_else(|| self.asked.lock().credentials.clone())?;
        Some(provider.ask())
    }

    /// The configuration of the next link.
    pub(crate) fn link_config(&self) -> BoxFuture<Result<engine::Config, BoxError>> {
        let mut config = self.config.engine.clone();
        let (url, headers) = {
            let asked = self.asked.lock();
            (asked.url.clone(), asked.headers.clone())
        };
        Box::pin(async move {
            if let Some(url) = url {
                config.url = url.ask().await?;
            }
            if let Some(headers) = headers {
                config.headers.extend(headers.ask().await?);
            }
            Ok(config)
        })
    }

    // ---- The link -------------------------------------------------------------------------

    pub(crate) fn transport(&self) -> Option<Transport> {
        *self.transport.lock()
    }

    pub(crate) fn set_transport(&self, transport: Option<Transport>) {
        *self.transport.lock() = transport;
    }
}

/// Decides about the delays between attempts: no two clients should agree.
fn seed() -> u64 {
    let mut seed = [0; 8];
    // Invariant: a system without randomness cannot open a websocket either.
    getrandom::fill(&mut seed).expect("the system provides randomness");
    u64::from_ne_bytes(seed)
}
