//! How connections begin, change and end, while nothing is wrong with the network.

use anyhow::{Result, ensure};
use socketio_client::engine::{RevisionChoice, Transport};
use tokio::time::sleep;

use super::{Case, case};
use crate::{
    bench::{Bench, Way},
    journal::{CONNECT, DISCONNECT},
    peer::Wish,
    server::Setup,
    value::same,
};

pub(super) fn cases() -> Vec<Case> {
    use Way::{Polling, Upgrade, Websocket};
    vec![
        case!("polling stays polling", stays).over(&[Polling]),
        case!("websocket is websocket from the start", stays).over(&[Websocket]),
        case!("polling gives way to websocket", upgrade).over(&[Upgrade]),
        // On a websocket the revisions cannot be told apart.
        case!("the revision of a server is found out", revision).over(&[Polling, Upgrade]),
        case!("the server ends a namespace", end_of_namespace),
        case!("the server ends a connection", end_of_connection),
        case!("the client closes its connection", close),
        case!("an idle connection outlives many heartbeats", idle).on(Setup::Heartbeat),
        case!("a server that restarts gets its clients back", restart),
        case!("a server that crashes gets its clients back", crash),
    ]
}

async fn stays(bench: &Bench<'_>) -> Result<()> {
    let peer = bench.peer().await?;
    let answer = peer.ask("/", "transport", vec![]).await?;
    same(
        &answer,
        &[bench.way.name().into()],
        "the server's transport",
    )?;
    let transport = peer.transport().map(Transport::as_str);
    ensure!(transport == Some(bench.way.name()), "on {transport:?}");
    Ok(())
}

async fn upgrade(bench: &Bench<'_>) -> Result<()> {
    let peer = bench.peer().await?;
    bench
        .until(|| peer.transport() == Some(Transport::Websocket))
        .await;
    let answer = peer.ask("/", "transport", vec![]).await?;
    same(&answer, &["websocket".into()], "the server's transport")
}

async fn revision(bench: &Bench<'_>) -> Result<()> {
    let mut config = bench.config();
    config.engine.revision = RevisionChoice::Auto;
    let peer = bench.peer_with(config, &[Wish::of("/")]).await?;
    bench.ask_until_answered(&*peer, 1).await
}

async fn end_of_namespace(bench: &Bench<'_>) -> Result<()> {
    let peer = bench.peer_in(&[Wish::of("/"), Wish::of("/custom")]).await?;
    peer.emit("/custom", "disconnect-me", &[false.into()])?;
    peer.journal().next("/custom", "bye").await;
    let reason = peer.journal().next("/custom", DISCONNECT).await;
    same(
        &reason,
        &["io server disconnect".into()],
        "the client's reason",
    )?;
    let answer = peer.ask("/", "message-with-ack", vec![1.into()]).await?;
    same(&answer, &[1.into()], "answer")?;
    ensure!(
        peer.journal().take("/custom", CONNECT).is_none(),
        "it came back"
    );
    Ok(())
}

async fn end_of_connection(bench: &Bench<'_>) -> Result<()> {
    let peer = bench.peer().await?;
    peer.emit("/", "disconnect-me", &[true.into()])?;
    peer.journal().next("/", "bye").await;
    let reason = peer.journal().next("/", DISCONNECT).await;
    same(
        &reason,
        &["io server disconnect".into()],
        "the client's reason",
    )
}

async fn close(bench: &Bench<'_>) -> Result<()> {
    let (peer, other) = (bench.peer().await?, bench.peer().await?);
    let tag = peer.id("/").unwrap_or_default();
    peer.ask("/", "tag", vec![tag.clone().into()]).await?;
    peer.close().await;
    let reason = peer.journal().next("/", DISCONNECT).await;
    same(
        &reason,
        &["io client disconnect".into()],
        "the client's reason",
    )?;
    let reason = other.ask("/", "reason-of", vec![tag.into()]).await?;
    // The farewells of namespace and connection may arrive as one; servers then take either.
    let reason = reason
        .first()
        .and_then(|reason| reason.as_str())
        .unwrap_or_default();
    ensure!(
        ["client namespace disconnect", "transport close"].contains(&reason),
        "the server's reason: {reason}"
    );
    Ok(())
}

async fn idle(bench: &Bench<'_>) -> Result<()> {
    let peer = bench.peer().await?;
    let id = peer.id("/");
    sleep(bench.kind.heartbeat * 4).await;
    ensure!(peer.id("/") == id, "another id");
    ensure!(
        peer.journal().take("/", DISCONNECT).is_none(),
        "it was lost"
    );
    let answer = peer.ask("/", "message-with-ack", vec![1.into()]).await?;
    same(&answer, &[1.into()], "answer")
}

async fn restart(bench: &Bench<'_>) -> Result<()> {
    restarted(bench, false).await
}

async fn crash(bench: &Bench<'_>) -> Result<()> {
    restarted(bench, true).await
}

async fn restarted(bench: &Bench<'_>, crash: bool) -> Result<()> {
    let peer = bench.peer().await?;
    let id = peer.id("/");
    bench.server.lock().await.restart(crash).await?;
    let reason = peer.journal().next("/", DISCONNECT).await;
    let reason = reason
        .first()
        .and_then(|reason| reason.as_str())
        .unwrap_or_default();
    ensure!(
        reason.starts_with("transport "),
        "the client's reason: {reason}"
    );
    peer.journal().next("/", CONNECT).await;
    ensure!(peer.id("/") != id, "the same id");
    bench.ask_until_answered(&*peer, 1).await
}
