//! Events and acknowledgements: what is sent arrives, unchanged, in order, in both directions.

use anyhow::{Result, ensure};
use futures_util::future::try_join_all;

use super::{Case, case};
use crate::{
    bench::Bench,
    peer::Peer,
    server::Setup,
    value::{TEXTS, Value, bytes, every_kind, nested_binary, same},
};

pub(super) fn cases() -> Vec<Case> {
    let cases = [
        case!("an event comes back with every kind of value", kinds),
        case!("an event may have no argument or many", arguments),
        case!("binary comes back from any depth", binary),
        case!("text and names keep every character", characters),
        case!(
            "the server acks with no argument or many, and with binary",
            server_acks
        ),
        case!(
            "the client acks with no argument or many, and with binary",
            client_acks
        ),
        case!("1,000 answers find their questions", many_acks),
        case!("a message may be large", large),
    ];
    let ordered = [
        case!("1,000 events of the server arrive in order", from_server),
        case!(
            "1,000 events arrive in order and come back in order",
            both_ways
        )
        .about_order(),
        case!("text and binary events keep their order", mixed).about_order(),
    ];
    let msgpack = cases
        .iter()
        .chain(&ordered[..1])
        .map(|case| case.on(Setup::MsgPack));
    cases
        .iter()
        .chain(&ordered)
        .copied()
        .chain(msgpack)
        .collect()
}

/// Sends it, and takes it back.
async fn echo(peer: &dyn Peer, args: &[Value]) -> Result<()> {
    peer.emit("/", "message", args)?;
    same(
        &peer.journal().next("/", "message-back").await,
        args,
        "echo",
    )
}

async fn kinds(bench: &Bench<'_>) -> Result<()> {
    let peer = bench.peer().await?;
    for value in every_kind() {
        echo(&*peer, &[value]).await?;
    }
    Ok(())
}

async fn arguments(bench: &Bench<'_>) -> Result<()> {
    let peer = bench.peer().await?;
    echo(&*peer, &[]).await?;
    echo(&*peer, &every_kind()).await
}

async fn binary(bench: &Bench<'_>) -> Result<()> {
    let peer = bench.peer().await?;
    echo(&*peer, &[bytes(1)]).await?;
    echo(&*peer, &nested_binary()).await
}

async fn characters(bench: &Bench<'_>) -> Result<()> {
    let peer = bench.peer().await?;
    for text in TEXTS {
        let keyed: Value = [(text, text)].into_iter().collect();
        echo(&*peer, &[text.into(), keyed]).await?;
    }
    let args = ["ünï".into(), bytes(2)];
    peer.emit("/", "écho-🎉", &args)?;
    same(&peer.journal().next("/", "écho-🎉").await, &args, "echo")
}

/// Asks this with every shape of arguments and expects them back.
async fn ask_all(bench: &Bench<'_>, event: &str) -> Result<()> {
    let peer = bench.peer().await?;
    for args in [vec![], every_kind(), nested_binary()] {
        let answer = peer.ask("/", event, args.clone()).await?;
        same(&answer, &args, "answer")?;
    }
    Ok(())
}

async fn server_acks(bench: &Bench<'_>) -> Result<()> {
    ask_all(bench, "message-with-ack").await
}

async fn client_acks(bench: &Bench<'_>) -> Result<()> {
    ask_all(bench, "ask-me").await
}

const MANY: u64 = 1_000;

async fn many_acks(bench: &Bench<'_>) -> Result<()> {
    let peer = bench.peer().await?;
    let ask = async |n: u64| {
        let answer = peer.ask("/", "message-with-ack", vec![n.into()]).await?;
        same(&answer, &[n.into()], "answer")
    };
    try_join_all((0..MANY).map(ask)).await.map(drop)
}

async fn large(bench: &Bench<'_>) -> Result<()> {
    const LENGTH: usize = 700_000;
    let peer = bench.peer().await?;
    let answer = peer.ask("/", "size", vec![bytes(LENGTH)]).await?;
    same(&answer, &[LENGTH.into()], "size")?;
    echo(&*peer, &["é".repeat(LENGTH / 2).as_str().into()]).await?;
    echo(&*peer, &[bytes(LENGTH)]).await
}

async fn numbers(peer: &dyn Peer, event: &str) -> Result<()> {
    for n in 0..MANY {
        let args = peer.journal().next("/", event).await;
        ensure!(args == [Value::from(n)], "got {args:?} instead of {n}");
    }
    Ok(())
}

async fn from_server(bench: &Bench<'_>) -> Result<()> {
    let peer = bench.peer().await?;
    peer.emit("/", "burst", &[MANY.into()])?;
    numbers(&*peer, "tick").await
}

async fn both_ways(bench: &Bench<'_>) -> Result<()> {
    let peer = bench.peer().await?;
    for n in 0..MANY {
        peer.emit("/", "seq", &[n.into()])?;
        // Lets some of them travel while others are sent.
        if n % 100 == 0 {
            tokio::task::yield_now().await;
        }
    }
    numbers(&*peer, "seq-back").await
}

async fn mixed(bench: &Bench<'_>) -> Result<()> {
    let peer = bench.peer().await?;
    let args = |n: u64| match n % 2 {
        0 => vec![n.into()],
        _ => vec![n.into(), bytes(n as usize)],
    };
    for n in 0..200 {
        peer.emit("/", "message", &args(n))?;
    }
    for n in 0..200 {
        same(
            &peer.journal().next("/", "message-back").await,
            &args(n),
            "echo",
        )?;
    }
    Ok(())
}
