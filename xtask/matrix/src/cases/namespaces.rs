//! Namespaces: joined on one connection, refused, left.

use anyhow::{Context as _, Result, ensure};
use serde_json::json;

use super::{Case, case};
use crate::{
    bench::Bench,
    journal::DISCONNECT,
    peer::{Peer, Wish},
    value::{Value, same},
};

pub(super) fn cases() -> Vec<Case> {
    vec![
        case!("a refusal brings what the server says", refusal),
        case!("auth opens a namespace", auth),
        case!("an unknown namespace is refused", unknown),
        case!("namespaces share a connection and keep apart", apart),
        case!("who leaves a namespace stays in the others", leave),
    ]
}

fn secret() -> Wish {
    Wish::with("/refuse", json!({ "token": "secret" }))
}

async fn refusal(bench: &Bench<'_>) -> Result<()> {
    let refusal = bench.refusal(Wish::of("/refuse")).await?;
    let data = json!({ "code": 401, "reason": "no token" });
    same(refusal.data.as_slice(), &[data.into()], "data")?;
    // Old servers send nothing but the data.
    ensure!(
        ["not allowed", ""].contains(&&*refusal.message),
        "said {refusal:?}"
    );
    Ok(())
}

async fn auth(bench: &Bench<'_>) -> Result<()> {
    let peer = bench.peer_in(&[secret()]).await?;
    let answer = peer
        .ask("/refuse", "message-with-ack", vec![1.into()])
        .await?;
    same(&answer, &[1.into()], "answer")
}

async fn unknown(bench: &Bench<'_>) -> Result<()> {
    let refusal = bench.refusal(Wish::of("/nowhere")).await?;
    let said = format!("{refusal:?}");
    ensure!(
        said.contains("Invalid namespace") || said.contains("Unable to connect"),
        "said {said}"
    );
    Ok(())
}

async fn apart(bench: &Bench<'_>) -> Result<()> {
    let wishes = [Wish::of("/"), Wish::of("/custom"), secret()];
    let peer = bench.peer_in(&wishes).await?;
    for Wish { namespace, .. } in &wishes {
        let state = vec![Value::from(*namespace)];
        peer.ask(namespace, "state-set", state).await?;
    }
    for Wish { namespace, .. } in &wishes {
        peer.emit(namespace, "message", &[(*namespace).into()])?;
        let back = peer.journal().next(namespace, "message-back").await;
        same(&back, &[(*namespace).into()], "echo")?;
        let state = peer.ask(namespace, "state-get", vec![]).await?;
        same(&state, &[(*namespace).into()], "state")?;
    }
    let mut ids = Vec::new();
    for Wish { namespace, .. } in &wishes {
        let id = peer.id(namespace).context("no id")?;
        ensure!(!ids.contains(&id), "the id {id} twice");
        ids.push(id);
    }
    Ok(())
}

async fn leave(bench: &Bench<'_>) -> Result<()> {
    let peer = bench.peer_in(&[Wish::of("/"), Wish::of("/custom")]).await?;
    peer.ask("/custom", "tag", vec![tag(&*peer)]).await?;
    peer.leave("/custom");
    let reason = peer.journal().next("/custom", DISCONNECT).await;
    same(
        &reason,
        &["io client disconnect".into()],
        "the client's reason",
    )?;
    let reason = peer.ask("/", "reason-of", vec![tag(&*peer)]).await?;
    same(
        &reason,
        &["client namespace disconnect".into()],
        "the server's reason",
    )
}

/// What no other client has.
fn tag(peer: &dyn Peer) -> Value {
    peer.id("/").unwrap_or_default().into()
}
