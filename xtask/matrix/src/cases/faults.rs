//! How clients fare when the network between them and the server fails them.

use anyhow::{Result, ensure};

use super::{Case, case};
use crate::{
    bench::Bench,
    journal::{CONNECT, DISCONNECT},
    random::Random,
    server::Setup,
    value::{Value, same},
};

pub(super) fn cases() -> Vec<Case> {
    vec![
        case!("a link that is cut anywhere is replaced", cut_anywhere).fault(),
        case!("a link that falls silent is given up and replaced", silent)
            .on(Setup::Heartbeat)
            .fault(),
        case!(
            "what is emitted while the link is down arrives in order, once",
            offline
        )
        .about_order()
        .fault(),
        case!(
            "a question that a cut leaves open is answered by an error",
            open_question
        )
        .fault(),
        case!("a cut connection goes on with what it missed", recovery)
            .on(Setup::Recovery)
            .fault(),
    ]
}

async fn cut_anywhere(bench: &Bench<'_>) -> Result<()> {
    const ROUNDS: u64 = 8;
    let (peer, proxy) = (bench.peer().await?, bench.proxy()?);
    let mut random = Random::new(bench.seed);
    for round in 0..ROUNDS {
        // From the first line of a handshake to the middle of a conversation.
        proxy.cut_after([random.below(600), random.below(3_000)]);
        proxy.cut();
        while !proxy.has_cut_all() {
            bench.ask_until_answered(&*peer, round).await?;
        }
    }
    peer.journal().next("/", CONNECT).await;
    bench.ask_until_answered(&*peer, ROUNDS).await
}

async fn silent(bench: &Bench<'_>) -> Result<()> {
    let (peer, proxy) = (bench.peer().await?, bench.proxy()?);
    proxy.fall_silent();
    let reason = peer.journal().next("/", DISCONNECT).await;
    same(&reason, &["ping timeout".into()], "the client's reason")?;
    proxy.recover();
    // What began while nothing came through has to be given up as well.
    proxy.cut();
    peer.journal().next("/", CONNECT).await;
    bench.ask_until_answered(&*peer, 1).await
}

async fn offline(bench: &Bench<'_>) -> Result<()> {
    const MANY: u64 = 100;
    let (peer, proxy) = (bench.peer().await?, bench.proxy()?);
    proxy.refuse();
    peer.journal().next("/", DISCONNECT).await;
    for n in 0..MANY {
        peer.emit("/", "seq", &[n.into()])?;
    }
    proxy.recover();
    for n in 0..MANY {
        same(
            &peer.journal().next("/", "seq-back").await,
            &[n.into()],
            "echo",
        )?;
    }
    peer.ask("/", "message-with-ack", vec![]).await?;
    let surplus = peer.journal().take("/", "seq-back");
    ensure!(surplus.is_none(), "{surplus:?} came once more");
    Ok(())
}

async fn open_question(bench: &Bench<'_>) -> Result<()> {
    let (peer, proxy) = (bench.peer().await?, bench.proxy()?);
    // It is answered when the connection is over, and the answer finds nobody.
    let own = vec![Value::from(peer.id("/").unwrap_or_default())];
    peer.ask("/", "tag", own.clone()).await?;
    let question = peer.ask("/", "reason-of", own);
    let cut = async {
        // The answer to a later question shows that the former one was sent.
        peer.ask("/", "transport", vec![]).await?;
        proxy.cut();
        Ok::<_, anyhow::Error>(())
    };
    let (answer, cut) = tokio::join!(question, cut);
    cut?;
    ensure!(answer.is_err(), "answered {answer:?}");
    bench.ask_until_answered(&*peer, 1).await
}

async fn recovery(bench: &Bench<'_>) -> Result<()> {
    let (peer, other) = (bench.peer().await?, bench.direct_peer().await?);
    let proxy = bench.proxy()?;
    peer.ask("/", "join", vec!["room".into()]).await?;
    peer.ask("/", "state-set", vec!["kept".into()]).await?;
    peer.ask("/", "tag", vec!["tagged".into()]).await?;
    let id = peer.id("/");
    ensure!(!peer.is_recovered("/"), "recovered at first");

    proxy.refuse();
    peer.journal().next("/", DISCONNECT).await;
    // The server has noticed as well.
    other.ask("/", "reason-of", vec!["tagged".into()]).await?;
    let missed = |n: u64| vec![Value::from("room"), n.into()];
    for n in 0..3 {
        other.ask("/", "in-room", missed(n)).await?;
    }
    proxy.recover();

    peer.journal().next("/", CONNECT).await;
    for n in 0..3 {
        let message = peer.journal().next("/", "room-message").await;
        // Behind it stands where the message is in the server's order.
        same(
            &message[..1.min(message.len())],
            &[n.into()],
            "what was missed",
        )?;
    }
    ensure!(peer.is_recovered("/"), "not recovered");
    ensure!(peer.id("/") == id, "another id");
    let state = peer.ask("/", "state-get", vec![]).await?;
    same(&state, &["kept".into()], "state")
}
