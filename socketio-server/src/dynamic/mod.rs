//! Namespaces that come into being when a client joins them, and go with the last one.
//!
//! ```text
//!  CONNECT /game/7 ──► fixed namespace? ──else──► alive? ──else──► each family, in order: does its
//!                                                                  pattern match, does its
//!                                                                  predicate allow it?
//!                                                                    │ yes
//!            refused: dropped,      ◄── middlewares, connect handler ◄──┘ a child nobody knows of
//!            nothing is left behind     │ admitted
//!                                       ▼
//!                                   announced, kept alive by its sockets
//! ```

mod params;
mod pattern;
mod predicate;

pub use params::{Param, Params, ParamsError};
pub use predicate::{NamespacePredicate, NamespaceRequest};

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::handler::BoxFuture;
use crate::io::Io;
use crate::metrics;
use crate::namespace::Namespace;
use crate::routes::{Handlers, Layer, Layers, Registry, handler_methods};
use pattern::Pattern;

/// Namespaces that are made for those who join them: handlers that all of them share, and who may
/// join. Made by [`Io::dynamic`] and [`Io::dynamic_if`].
///
/// Handlers that are registered here are for all of its namespaces, also those that exist already;
/// a [`Namespace`]'s own come first.
///
/// A namespace exists from the moment its first client has been let in, past middlewares and
/// connect handler: one that is refused leaves nothing behind. When its last socket has gone, and
/// nobody holds a handle to it, it is gone with its own handlers. (In the JavaScript server it stays
/// unless `cleanupEmptyChildNamespaces` is set; here, that is [`cleanup(false)`](Self::cleanup).)
///
/// What can be done with the sockets of a namespace can be done with those of all of them at once. A
/// room is a different one in each namespace; here, it means all of that name.
///
/// ```
/// # fn example(io: &socketio_server::Io) -> Result<(), socketio_server::EncodeError> {
/// let games = io.dynamic("/game/{id}");
/// games.emit("maintenance", &"in 5 minutes")?;
/// games.to("spectators").except("referees").volatile().emit("score", &(3, 1))?;
/// games.to("cheaters").disconnect();
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct DynamicNamespace(Arc<Family>);

struct Family {
    io: Io,
    rule: Rule,
    registry: Registry,
    /// Children that exist, those with sockets and those about to have some.
    count: AtomicUsize,
    max: AtomicUsize,
    cleanup: AtomicBool,
}

/// Which names are the family's.
enum Rule {
    Pattern(Pattern),
    Predicate(Box<dyn Fn(NamespaceRequest) -> Allowed + Send + Sync>),
}

type Allowed = BoxFuture<bool>;

/// Where a namespace comes from that nobody has made by hand.
pub(crate) struct Origin {
    family: DynamicNamespace,
    params: Params,
    /// A client has been let in.
    born: AtomicBool,
}

impl Origin {
    pub(crate) fn new(family: &DynamicNamespace, params: Params) -> Self {
        Self {
            family: family.clone(),
            params,
            born: AtomicBool::new(false),
        }
    }

    pub(crate) const fn family(&self) -> &DynamicNamespace {
        &self.family
    }

    pub(crate) const fn params(&self) -> &Params {
        &self.params
    }

    /// A client has been let in: whether it is the first one.
    pub(crate) fn is_born_now(&self) -> bool {
        !self.born.swap(true, Ordering::Relaxed)
    }
}

/// The last handle of a child is gone.
impl Drop for Origin {
    fn drop(&mut self) {
        self.family.0.count.fetch_sub(1, Ordering::Relaxed);
    }
}

impl DynamicNamespace {
    pub(crate) fn with_pattern(io: Io, pattern: &str) -> Self {
        Self::new(io, Rule::Pattern(Pattern::parse(pattern)))
    }

    pub(crate) fn with_predicate<M>(io: Io, predicate: impl NamespacePredicate<M>) -> Self {
        let predicate = Box::new(move |request| predicate::ask(&predicate, request));
        Self::new(io, Rule::Predicate(predicate))
    }

    fn new(io: Io, rule: Rule) -> Self {
        Self(Arc::new(Family {
            io,
            rule,
            registry: Registry::default(),
            count: AtomicUsize::new(0),
            max: AtomicUsize::new(MAX_CHILDREN),
            cleanup: AtomicBool::new(true),
        }))
    }

    // ---- Handlers -------------------------------------------------------------------------

    handler_methods!(self: &Self => &Self);

    /// Registers handlers that were described elsewhere. They replace those of the same events.
    pub fn add(&self, handlers: Handlers) -> &Self {
        self.change_functions(|layer| layer.merge(handlers.into_layer()))
    }

    fn change_functions<T>(&self, change: impl FnOnce(&mut Layer) -> T) -> &Self {
        self.change_layers(|layers| change(&mut layers.functions))
    }

    /// Changes the handlers, of functions and of a class.
    pub(crate) fn change_layers<T>(&self, change: impl FnOnce(&mut Layers) -> T) -> &Self {
        self.0.registry.change(self.0.io.revision(), change);
        self
    }

    // ---- Settings -------------------------------------------------------------------------

    /// How many of its namespaces may exist at a time, those counted whose first client is still
    /// being asked about. Clients that want another one are refused with `too many namespaces`.
    /// Default 10,000.
    ///
    /// ```
    /// let io = socketio_server::Io::builder().build();
    /// io.dynamic("/game/{id}").max(500);
    /// ```
    pub fn max(&self, namespaces: usize) -> &Self {
        self.0.max.store(namespaces, Ordering::Relaxed);
        self
    }

    /// Whether a namespace that has lost its last socket is gone, for those that come into being
    /// from now on. Default yes; without, each name that a client has ever joined takes memory until
    /// the server ends.
    ///
    /// ```
    /// let io = socketio_server::Io::builder().build();
    /// io.dynamic("/game/{id}").cleanup(false);
    /// ```
    pub fn cleanup(&self, cleanup: bool) -> &Self {
        self.0.cleanup.store(cleanup, Ordering::Relaxed);
        self
    }

    // ---- Namespaces -----------------------------------------------------------------------

    /// Its namespaces that exist, in no particular order.
    ///
    /// ```
    /// # fn example(io: &socketio_server::Io) -> Result<(), socketio_server::EncodeError> {
    /// for game in io.dynamic("/game/{id}").namespaces() {
    ///     game.to("players").emit("pause", &())?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn namespaces(&self) -> Vec<Namespace> {
        let mut children = self.0.io.directory().children();
        children.retain(|child| {
            let origin = child.origin();
            origin.is_some_and(|it| it.family == *self && it.born.load(Ordering::Relaxed))
        });
        children
    }

    // ---- For the crate --------------------------------------------------------------------

    /// What its namespaces are called in figures.
    pub(crate) fn label(&self) -> &str {
        match &self.0.rule {
            Rule::Pattern(pattern) => pattern.as_str(),
            Rule::Predicate(_) => metrics::OTHERS,
        }
    }

    /// What a name of the family says, if it is told by a pattern.
    pub(crate) fn params(&self, name: &str) -> Option<Params> {
        match &self.0.rule {
            Rule::Pattern(pattern) => pattern.params(name),
            Rule::Predicate(_) => None,
        }
    }

    /// What a client asks for is one of the family's, and it may join.
    pub(crate) async fn allows(&self, request: &NamespaceRequest) -> Option<Params> {
        match &self.0.rule {
            Rule::Pattern(pattern) => pattern.params(request.name()),
            Rule::Predicate(allows) => allows(request.clone()).await.then(Params::default),
        }
    }

    /// Whether it was made for this pattern.
    pub(crate) fn has_pattern(&self, pattern: &str) -> bool {
        matches!(&self.0.rule, Rule::Pattern(own) if own.as_str() == pattern)
    }

    pub(crate) fn registry(&self) -> &Registry {
        &self.0.registry
    }

    pub(crate) fn cleans_up(&self) -> bool {
        self.0.cleanup.load(Ordering::Relaxed)
    }

    /// How many children there may be.
    pub(crate) fn limit(&self) -> usize {
        self.0.max.load(Ordering::Relaxed)
    }

    /// Counts a child, unless there are so many.
    pub(crate) fn count_child(&self, max: usize) -> bool {
        let more = |count| (count < max).then_some(count + 1);
        let count = &self.0.count;
        count
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, more)
            .is_ok()
    }
}

/// Children a family may have unless told otherwise.
const MAX_CHILDREN: usize = 10_000;

impl PartialEq for DynamicNamespace {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for DynamicNamespace {}

impl fmt::Debug for DynamicNamespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("DynamicNamespace");
        if let Rule::Pattern(pattern) = &self.0.rule {
            debug.field("pattern", &pattern.as_str());
        }
        debug.finish_non_exhaustive()
    }
}
