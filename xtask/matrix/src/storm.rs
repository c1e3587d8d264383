//! Many clients, and many reconnections: all of them come back, and nothing is left behind.

mod process;

use std::{sync::Arc, time::Duration};

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use futures_util::future::{BoxFuture, join_all, try_join_all};
use socketio_client::{Config, engine::RevisionChoice};
use tokio::{
    sync::watch,
    time::{Instant, sleep, timeout},
};

use crate::{
    bench::Way,
    journal::{CONNECT, DISCONNECT},
    peer::{Client, Peer, Wish},
    proxy::{Proxy, Weather},
    run::{Account, Selection},
    server::{Kind, Server, Setup},
    storm::process::Usage,
    value::{Value, same},
};

/// How long one of these may take.
const DEADLINE: Duration = Duration::from_secs(180);

type Storm = for<'a> fn(&'a mut Server, Client) -> BoxFuture<'a, Result<String>>;

/// Sentences, what the server is set up for, and how to find out.
const STORMS: [(&str, Setup, Storm); 4] = [
    (
        "500 clients come back to a server that crashes",
        Setup::Usual,
        |server, client| Box::pin(crash(server, client)),
    ),
    (
        "questions to a server that restarts are answered or fail",
        Setup::Usual,
        |server, client| Box::pin(questions(server, client)),
    ),
    (
        "200 links that fall silent are given up and replaced",
        Setup::CalmHeartbeat,
        |server, client| Box::pin(silence(server, client)),
    ),
    (
        "5,000 reconnections leave nothing behind",
        Setup::Usual,
        |server, client| Box::pin(reconnections(server, client)),
    ),
];

/// Runs all of them against one kind of server.
pub(crate) async fn run(
    kind: &'static Kind,
    command: &str,
    selection: &Selection,
    account: &mut Account,
) -> Result<()> {
    process::raise_limits()?;
    for &client in selection.clients.iter().filter(|it| !it.is_simple()) {
        for (sentence, setup, storm) in STORMS {
            let name = format!("{}, {}: {sentence}", kind.name, client.name());
            if !name.contains(&selection.filter) {
                continue;
            }
            let mut server = Server::start(kind, command, setup).await?;
            let started = Instant::now();
            let result = match timeout(DEADLINE, storm(&mut server, client)).await {
                Ok(Ok(figures)) => {
                    println!("# {figures}");
                    Ok(())
                }
                Ok(Err(error)) => Err(format!("{error:#}")),
                Err(_) => Err(format!("no end after {} s", DEADLINE.as_secs())),
            };
            account.add(&name, result, started.elapsed());
        }
    }
    Ok(())
}

/// Clients that are connected, by all ways.
async fn crowd(
    client: Client,
    url: &str,
    kind: &Kind,
    count: usize,
    adjust: impl Fn(&mut Config),
) -> Result<Vec<Arc<dyn Peer>>> {
    /// How many connect at the same time.
    const BATCH: usize = 50;
    let peers: Vec<_> = (0..count)
        .map(|at| {
            let mut config = Config::new(url);
            config.engine.transports = Way::ALL[at % Way::ALL.len()].transports();
            config.engine.revision = RevisionChoice::Only(kind.revision);
            adjust(&mut config);
            client.make(config, &[Wish::of("/")])
        })
        .collect();
    for batch in peers.chunks(BATCH) {
        let connected = batch.iter().map(async |peer| {
            let connected = peer.connect().await;
            connected.map_err(|refusal| anyhow!("not connected: {refusal:?}"))?;
            peer.journal().next("/", CONNECT).await;
            Ok::<_, anyhow::Error>(())
        });
        try_join_all(connected).await?;
    }
    Ok(peers)
}

async fn all_answer(peers: &[Arc<dyn Peer>]) -> Result<()> {
    let ask = async |(n, peer): (usize, &Arc<dyn Peer>)| {
        let answer = peer.ask("/", "message-with-ack", vec![n.into()]).await?;
        same(&answer, &[n.into()], "answer")
    };
    try_join_all(peers.iter().enumerate().map(ask)).await?;
    Ok(())
}

async fn all_hear(peers: &[Arc<dyn Peer>], event: &str) {
    join_all(peers.iter().map(|peer| peer.journal().next("/", event))).await;
}

async fn all_close(peers: Vec<Arc<dyn Peer>>) {
    join_all(peers.iter().map(|peer| peer.close())).await;
}

async fn crash(server: &mut Server, client: Client) -> Result<String> {
    const CLIENTS: usize = 500;
    let url = format!("http://{}", server.address);
    let peers = crowd(client, &url, server.kind, CLIENTS, |_| ()).await?;
    server.stop(true).await?;
    all_hear(&peers, DISCONNECT).await;
    let started = Instant::now();
    server.start_again().await?;
    all_hear(&peers, CONNECT).await;
    let back = started.elapsed();
    all_answer(&peers).await?;
    all_close(peers).await;
    Ok(format!(
        "{CLIENTS} clients were back after {} ms",
        back.as_millis()
    ))
}

async fn questions(server: &mut Server, client: Client) -> Result<String> {
    const CLIENTS: usize = 60;
    const RESTARTS: usize = 4;
    let url = format!("http://{}", server.address);
    let soon = |config: &mut Config| config.reconnection.delay = Duration::from_millis(50);
    let peers = crowd(client, &url, server.kind, CLIENTS, soon).await?;
    let (done, is_done) = watch::channel(false);
    let asking = join_all(peers.iter().map(|peer| ask_on(&**peer, is_done.clone())));
    let restarting = async {
        for restart in 0..RESTARTS {
            sleep(Duration::from_millis(700)).await;
            server.restart(restart % 2 == 0).await?;
        }
        sleep(Duration::from_millis(700)).await;
        done.send_replace(true);
        Ok::<_, anyhow::Error>(())
    };
    let (asked, restarted) = tokio::join!(asking, restarting);
    restarted?;
    let (mut answered, mut failed) = (0, 0);
    for asked in asked {
        let asked = asked?;
        answered += asked.0;
        failed += asked.1;
    }
    all_answer(&peers).await?;
    all_close(peers).await;
    ensure!(failed > 0, "no restart was noticed");
    Ok(format!(
        "{answered} questions were answered, {failed} failed"
    ))
}

/// Asks one question after the other, and counts those that were answered and those that failed.
async fn ask_on(peer: &dyn Peer, is_done: watch::Receiver<bool>) -> Result<(u64, u64)> {
    let (mut answered, mut failed) = (0, 0);
    while !*is_done.borrow() {
        let n = answered + failed;
        match peer.ask("/", "message-with-ack", vec![n.into()]).await {
            Ok(answer) => {
                same(&answer, &[Value::from(n)], "answer")?;
                answered += 1;
            }
            Err(error) if format!("{error:#}").contains("disconnected") => failed += 1,
            Err(error) => return Err(error.context(format!("question {n}"))),
        }
    }
    Ok((answered, failed))
}

async fn silence(server: &Server, client: Client) -> Result<String> {
    const CLIENTS: usize = 200;
    let proxy = Proxy::start(server.address, Weather::Fair, 1).await?;
    let url = format!("http://{}", proxy.address);
    let soon = |config: &mut Config| config.reconnection.delay = Duration::from_millis(50);
    let peers = crowd(client, &url, server.kind, CLIENTS, soon).await?;
    proxy.fall_silent();
    let started = Instant::now();
    for peer in &peers {
        let reason = peer.journal().next("/", DISCONNECT).await;
        same(&reason, &["ping timeout".into()], "the client's reason")?;
    }
    let noticed = started.elapsed();
    proxy.recover();
    proxy.cut();
    all_hear(&peers, CONNECT).await;
    all_answer(&peers).await?;
    all_close(peers).await;
    Ok(format!(
        "{CLIENTS} clients noticed within {} ms",
        noticed.as_millis()
    ))
}

async fn reconnections(server: &Server, client: Client) -> Result<String> {
    const CLIENTS: usize = 50;
    const WARM: usize = 20;
    const ROUNDS: usize = 100;
    /// What an allocator may keep without anything having been lost.
    const SLACK: u64 = 4 << 20;
    let proxy = Proxy::start(server.address, Weather::Fair, 1).await?;
    let url = format!("http://{}", proxy.address);
    let at_once = |config: &mut Config| {
        config.reconnection.delay = Duration::from_millis(1);
        config.reconnection.delay_max = Duration::from_millis(20);
    };
    let peers = crowd(client, &url, server.kind, CLIENTS, at_once).await?;
    let mut before = None;
    for round in 0..WARM + ROUNDS {
        if round == WARM {
            before = Some(settled(&peers).await?);
        }
        // A mere cut between two polls would go unnoticed.
        proxy.refuse();
        all_hear(&peers, DISCONNECT).await;
        proxy.recover();
        all_hear(&peers, CONNECT).await;
    }
    let before = before.context("no round")?;
    let after = settled(&peers).await?;
    all_close(peers).await;
    let grown = after.memory.saturating_sub(before.memory);
    ensure!(grown < SLACK, "it has grown from {before} to {after}");
    ensure!(
        after.files <= before.files,
        "it has grown from {before} to {after}"
    );
    Ok(format!(
        "{} reconnections: from {before} to {after}",
        CLIENTS * ROUNDS
    ))
}

/// What this process uses once it has stopped changing, all clients being connected.
async fn settled(peers: &[Arc<dyn Peer>]) -> Result<Usage> {
    // Upgrades included: until all clients that may are on websocket, connections come and go.
    let mut latest = Usage::now()?;
    let mut unchanged = 0;
    for _ in 0..100 {
        all_answer(peers).await?;
        sleep(Duration::from_millis(50)).await;
        let usage = Usage::now()?;
        unchanged = if usage.files == latest.files {
            unchanged + 1
        } else {
            0
        };
        latest = usage;
        if unchanged == 10 {
            return Ok(latest);
        }
    }
    bail!("{latest} and changing")
}
