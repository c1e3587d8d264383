//! All cases, in the order in which they run.

mod events;
mod faults;
mod lifecycle;
mod namespaces;
mod simple;

use anyhow::Result;
use futures_util::future::BoxFuture;

use crate::{
    bench::{Bench, Way},
    peer::Client,
    server::{Kind, Setup},
};

/// A sentence about our clients, and how to find out.
#[derive(Clone, Copy)]
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) setup: Setup,
    run: Run,
    over: &'static [Way],
    /// Whether the proxy does more than to split and delay.
    pub(crate) is_fault: bool,
    /// Whether it is about the order of what the client sends.
    is_about_order: bool,
    /// Whether it is for the clients without handlers, and only for them.
    is_simple: bool,
}

type Run = for<'a> fn(&'a Bench<'_>) -> BoxFuture<'a, Result<()>>;

/// The cases of all files.
pub(crate) fn all() -> Vec<Case> {
    let mut cases = events::cases();
    cases.extend(namespaces::cases());
    cases.extend(lifecycle::cases());
    cases.extend(faults::cases());
    cases.extend(simple::cases());
    cases
}

impl Case {
    fn new(name: &'static str, run: Run) -> Self {
        Self {
            name,
            setup: Setup::Usual,
            run,
            over: &Way::ALL,
            is_fault: false,
            is_about_order: false,
            is_simple: false,
        }
    }

    fn on(self, setup: Setup) -> Self {
        Self { setup, ..self }
    }

    fn over(self, over: &'static [Way]) -> Self {
        Self { over, ..self }
    }

    fn about_order(self) -> Self {
        Self {
            is_about_order: true,
            ..self
        }
    }

    fn simple(self) -> Self {
        Self {
            is_simple: true,
            ..self
        }
    }

    fn fault(self) -> Self {
        Self {
            is_fault: true,
            ..self
        }
    }

    /// Whether it makes sense there.
    pub(crate) fn applies(&self, kind: &Kind, client: Client, way: Way) -> bool {
        kind.can(self.setup)
            && client.is_simple() == self.is_simple
            && self.over.contains(&way)
            && (kind.in_order || !self.is_about_order)
    }

    pub(crate) async fn run(&self, bench: &Bench<'_>) -> Result<()> {
        (self.run)(bench).await
    }
}

/// A case's async function as one that can be stored.
macro_rules! case {
    ($name:literal, $run:path) => {
        $crate::cases::Case::new($name, |bench| Box::pin($run(bench)))
    };
}
use case;
