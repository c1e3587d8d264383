//! Runs the table: which cases, where, and the account of it.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::Result;
use tokio::time::{Instant, timeout};

use crate::{
    bench::{Bench, Path, Way},
    cases::{self, Case},
    peer::Client,
    server::{Kind, Server, Setup},
};

/// How long a case may take.
const DEADLINE: Duration = Duration::from_secs(20);

/// What of the table runs.
pub(crate) struct Selection {
    pub(crate) clients: Vec<Client>,
    pub(crate) ways: Vec<Way>,
    pub(crate) paths: Vec<Path>,
    /// Part of the line of a case.
    pub(crate) filter: String,
    pub(crate) seed: u64,
}

/// How many cases have passed and failed.
#[derive(Default)]
pub(crate) struct Account {
    pub(crate) passed: usize,
    pub(crate) failed: usize,
}

/// Runs what is selected against one kind of server, which `command` starts.
pub(crate) async fn run(
    kind: &'static Kind,
    command: &str,
    selection: &Selection,
    account: &mut Account,
) -> Result<()> {
    let mut servers = HashMap::new();
    for &client in &selection.clients {
        for &way in &selection.ways {
            for &path in &selection.paths {
                let place = Place {
                    kind,
                    client,
                    way,
                    path,
                };
                for case in cases::all() {
                    let name = place.name_of(&case);
                    if !place.takes(&case) || !name.contains(&selection.filter) {
                        continue;
                    }
                    let server = server_for(&mut servers, kind, command, case.setup).await?;
                    let started = Instant::now();
                    let result = place.run(&case, server, selection.seed).await;
                    account.add(&name, result, started.elapsed());
                }
            }
        }
    }
    Ok(())
}

/// The running server of that setup; another one if it has ended.
async fn server_for<'a>(
    servers: &'a mut HashMap<Setup, Server>,
    kind: &'static Kind,
    command: &str,
    setup: Setup,
) -> Result<&'a mut Server> {
    let has_ended = servers.get_mut(&setup).is_none_or(Server::has_ended);
    if has_ended {
        servers.insert(setup, Server::start(kind, command, setup).await?);
    }
    // Invariant: it was inserted if it was not there.
    Ok(servers.get_mut(&setup).expect("a server"))
}

/// A client, a server, and what is between them.
#[derive(Clone, Copy)]
struct Place {
    kind: &'static Kind,
    client: Client,
    way: Way,
    path: Path,
}

impl Place {
    fn name_of(&self, case: &Case) -> String {
        let (kind, client) = (self.kind.name, self.client.name());
        let (way, path) = (self.way.name(), self.path.name());
        let spelled = match case.setup {
            Setup::MsgPack => ", msgpack",
            _ => "",
        };
        format!("{kind}, {client}, {way}, {path}{spelled}: {}", case.name)
    }

    fn takes(&self, case: &Case) -> bool {
        case.applies(self.kind, self.client, self.way)
            && (self.path == Path::Proxied || !case.is_fault)
    }

    async fn run(&self, case: &Case, server: &mut Server, seed: u64) -> Result<(), String> {
        let bench = Bench::new(self.client, self.way, self.path, server, seed).await;
        let bench = bench.map_err(|error| format!("{error:#}"))?;
        let result = match timeout(DEADLINE, case.run(&bench)).await {
            Ok(result) => result.map_err(|error| format!("{error:#}")),
            Err(_) => {
                let seconds = DEADLINE.as_secs();
                Err(format!(
                    "no end after {seconds} s; waiting {}",
                    bench.pending()
                ))
            }
        };
        bench.close().await;
        let has_ended = bench.server.into_inner().has_ended();
        match result {
            Ok(()) if has_ended => Err("passed, but the server ended".to_owned()),
            result => result,
        }
    }
}

impl Account {
    pub(crate) fn add(&mut self, name: &str, result: Result<(), String>, took: Duration) {
        match result {
            Ok(()) => {
                self.passed += 1;
                println!("ok - {name} ({})", took.as_millis());
            }
            Err(why) => {
                self.failed += 1;
                println!("not ok - {name}: {why}");
            }
        }
    }
}
