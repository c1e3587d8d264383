//! What the handles of a client and its driver have in common, in either client.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock, Weak};

use http::HeaderMap;
use parking_lot::Mutex;

use crate::attempt::{Attempt, Attempts, Patience};
use crate::config::Config;
use crate::engine::Transport;
use crate::failure::{self, ErrorHook, HandlerErrorKind};
use crate::hub::{Clock, Hub};
use crate::manager::SocketKey;
use crate::member::Member;
use crate::provide::Credentials;
use crate::routes::Routes;
use crate::stage::Stage;

/// What tells the async client from the blocking one.
pub(crate) trait Kind: Sized + 'static {
    /// Opens byte streams.
    type Connect: ?Sized + Send + Sync;
    /// A handler without its types.
    type Route: Send + Sync;
    /// Asks the application for a `T`.
    type Provider<T: Clone + Send + Sync + 'static>: Clone + Send;
    /// A time of the clock it goes by.
    type Instant: Copy + Send + Sync;
}

/// Dropped when nobody holds the client any more.
pub(crate) struct Handle<K: Kind>(Arc<Shared<K>>);

impl<K: Kind> Handle<K> {
    pub(crate) fn new(
        config: Config,
        connector: Option<Arc<K::Connect>>,
        epoch: K::Instant,
        clock: Clock,
    ) -> Arc<Self> {
        Arc::new_cyclic(|handle| {
            let hub = Hub::new(&config, seed(), clock);
            Self(Arc::new(Shared {
                config,
                connector,
                hub,
                epoch,
                handle: handle.clone(),
                namespaces: Mutex::default(),
                root: OnceLock::new(),
                routes: Routes::default(),
                attempts: Arc::default(),
                asked: Mutex::new(Asked {
                    credentials: None,
                    url: None,
                    headers: None,
                }),
                hooks: Mutex::new(Hooks {
                    error: Arc::new(failure::log),
                    stage: Arc::new(|_| {}),
                }),
                transport: Mutex::new(None),
            }))
        })
    }

    pub(crate) const fn shared(&self) -> &Arc<Shared<K>> {
        &self.0
    }
}

impl<K: Kind> Drop for Handle<K> {
    fn drop(&mut self) {
        self.0.hub.abandon();
        self.0.disconnect_all();
    }
}

/// What a client keeps of a namespace, whether or not anybody holds a socket.
pub(crate) struct Namespace<K: Kind> {
    member: Arc<Member>,
    routes: Routes<K::Route>,
    auth: Mutex<Option<K::Provider<Credentials>>>,
}

impl<K: Kind> Namespace<K> {
    pub(crate) const fn member(&self) -> &Arc<Member> {
        &self.member
    }

    pub(crate) const fn routes(&self) -> &Routes<K::Route> {
        &self.routes
    }

    pub(crate) fn set_auth(&self, provider: K::Provider<Credentials>) {
        let _replaced = self.auth.lock().replace(provider);
    }
}

/// One per client. Locks are held for single steps, and the hub's is the last that is taken.
pub(crate) struct Shared<K: Kind> {
    config: Config,
    connector: Option<Arc<K::Connect>>,
    hub: Arc<Hub>,
    /// When its clock began.
    epoch: K::Instant,
    /// The handle, as long as anybody has one.
    handle: Weak<Handle<K>>,
    namespaces: Mutex<HashMap<SocketKey, Arc<Namespace<K>>>>,
    root: OnceLock<Arc<Namespace<K>>>,
    /// Of all namespaces.
    routes: Routes<K::Route>,
    attempts: Arc<Attempts>,
    asked: Mutex<Asked<K>>,
    hooks: Mutex<Hooks>,
    transport: Mutex<Option<Transport>>,
}

/// What the application is asked for.
struct Asked<K: Kind> {
    credentials: Option<K::Provider<Credentials>>,
    url: Option<K::Provider<String>>,
    headers: Option<K::Provider<HeaderMap>>,
}

struct Hooks {
    error: Arc<ErrorHook>,
    stage: Arc<StageHook>,
}

type StageHook = dyn Fn(&Stage) + Send + Sync;

impl<K: Kind> Shared<K> {
    pub(crate) const fn config(&self) -> &Config {
        &self.config
    }

    pub(crate) fn connector(&self) -> Option<Arc<K::Connect>> {
        self.connector.clone()
    }

    pub(crate) const fn hub(&self) -> &Arc<Hub> {
        &self.hub
    }

    pub(crate) const fn epoch(&self) -> K::Instant {
        self.epoch
    }

    // ---- Namespaces -----------------------------------------------------------------------

    pub(crate) fn namespace(&self, name: &str) -> Arc<Namespace<K>> {
        let key = self.hub.drive(|manager, _| manager.socket(name));
        let mut namespaces = self.namespaces.lock();
        let namespace = namespaces.entry(key).or_insert_with(|| {
            Arc::new(Namespace {
                member: Arc::new(Member::new(&self.hub, key)),
                routes: Routes::default(),
                auth: Mutex::new(None),
            })
        });
        Arc::clone(namespace)
    }

    /// The default namespace.
    pub(crate) fn root(&self) -> &Arc<Namespace<K>> {
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

    /// What makes the socket of a namespace, while anybody holds the client.
    #[expect(clippy::type_complexity, reason = "two parts of a socket")]
    pub(crate) fn socket(&self, key: SocketKey) -> Option<(Arc<Handle<K>>, Arc<Namespace<K>>)> {
        let handle = self.handle.upgrade()?;
        let namespace = self.namespaces.lock().get(&key).cloned()?;
        Some((handle, namespace))
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
    pub(crate) const fn routes(&self) -> &Routes<K::Route> {
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

    pub(crate) fn ask_for_credentials(&self, provider: K::Provider<Credentials>) {
        let _replaced = self.asked.lock().credentials.replace(provider);
    }

    pub(crate) fn ask_for_url(&self, provider: K::Provider<String>) {
        let _replaced = self.asked.lock().url.replace(provider);
    }

    pub(crate) fn ask_for_headers(&self, provider: K::Provider<HeaderMap>) {
        let _replaced = self.asked.lock().headers.replace(provider);
    }

    /// Who knows the credentials for a namespace: its own provider, or that for all.
    pub(crate) fn credentials(&self, key: SocketKey) -> Option<K::Provider<Credentials>> {
        let namespace = self.namespaces.lock().get(&key).cloned();
        let own = namespace.and_then(|namespace| namespace.auth.lock().clone());
        own.or_else(|| self.asked.lock().credentials.clone())
    }

    /// Who knows the URL and the headers of the next link, if not the configuration.
    #[expect(clippy::type_complexity, reason = "two providers")]
    pub(crate) fn link_providers(
        &self,
    ) -> (Option<K::Provider<String>>, Option<K::Provider<HeaderMap>>) {
        let asked = self.asked.lock();
        (asked.url.clone(), asked.headers.clone())
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
