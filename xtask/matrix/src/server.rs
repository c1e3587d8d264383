//! The servers: what is known of each of them, and a running one.

use std::{net::SocketAddr, process::Stdio, time::Duration};

use anyhow::{Context as _, Result, bail};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use socketio_client::engine::Revision;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
    time::timeout,
};

/// A kind of server: what it can do, and how it is told to.
pub(crate) struct Kind {
    pub(crate) name: &'static str,
    pub(crate) revision: Revision,
    /// Whether events reach their handlers in the order in which they were sent.
    pub(crate) in_order: bool,
    msgpack: bool,
    recovery: bool,
    /// Its fastest heartbeat: from ping to ping, and for the answer to one.
    pub(crate) heartbeat: Duration,
}

/// All of them.
pub(crate) const KINDS: [Kind; 6] = [
    Kind {
        msgpack: true,
        recovery: true,
        ..Kind::javascript("ours")
    },
    Kind {
        msgpack: true,
        recovery: true,
        ..Kind::javascript("js-4")
    },
    Kind {
        revision: Revision::V3,
        ..Kind::javascript("js-2")
    },
    Kind::python("asgi", true),
    Kind::python("gevent", true),
    Kind::python("threading", false),
];

impl Kind {
    const fn javascript(name: &'static str) -> Self {
        Self {
            name,
            revision: Revision::V4,
            in_order: true,
            msgpack: false,
            recovery: false,
            heartbeat: Duration::from_millis(400),
        }
    }

    const fn python(name: &'static str, in_order: bool) -> Self {
        Self {
            in_order,
            // It counts in whole seconds.
            heartbeat: Duration::from_secs(1),
            ..Self::javascript(name)
        }
    }

    pub(crate) fn of(name: &str) -> Option<&'static Self> {
        KINDS.iter().find(|kind| kind.name == name)
    }

    /// Whether it can be set up so.
    pub(crate) fn can(&self, setup: Setup) -> bool {
        match setup {
            Setup::Usual | Setup::Heartbeat | Setup::CalmHeartbeat => true,
            Setup::MsgPack => self.msgpack,
            Setup::Recovery => self.recovery,
        }
    }

    fn arguments(&self, setup: Setup) -> Vec<String> {
        let heartbeat = match setup {
            Setup::CalmHeartbeat => CALM,
            _ => self.heartbeat,
        };
        let heartbeat = heartbeat.as_millis().to_string();
        let beats = vec!["--ping-interval", &heartbeat, "--ping-timeout", &heartbeat];
        let words = match setup {
            Setup::Usual => vec![],
            Setup::Heartbeat | Setup::CalmHeartbeat => beats,
            Setup::MsgPack => vec!["--parser", "msgpack"],
            // Between two polls nothing but a heartbeat tells that a client is gone.
            Setup::Recovery => [beats, vec!["--recovery-ms", "10000"]].concat(),
        };
        words.into_iter().map(str::to_owned).collect()
    }
}

/// What a case wants of its server.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Setup {
    Usual,
    /// As fast as it can be.
    Heartbeat,
    /// One that many clients can keep up with.
    CalmHeartbeat,
    MsgPack,
    Recovery,
}

const CALM: Duration = Duration::from_secs(3);

/// How long a server may take to listen, and to end.
const PATIENCE: Duration = Duration::from_secs(10);
/// What it prints, and its address after it, once it listens.
const READY: &str = "listening on http://";

/// A running server; it ends with this value.
pub(crate) struct Server {
    pub(crate) kind: &'static Kind,
    pub(crate) setup: Setup,
    pub(crate) address: SocketAddr,
    /// A shell command.
    command: String,
    child: Child,
}

impl Server {
    /// Starts `command`, a shell command for the server itself, and waits until it listens.
    pub(crate) async fn start(kind: &'static Kind, command: &str, setup: Setup) -> Result<Self> {
        let (child, address) = spawn(kind, command, setup, 0).await?;
        Ok(Self {
            kind,
            setup,
            address,
            command: command.to_owned(),
            child,
        })
    }

    /// Ends the process and starts another one on the same port. A crash takes no leave of anybody.
    pub(crate) async fn restart(&mut self, crash: bool) -> Result<()> {
        self.stop(crash).await?;
        self.start_again().await
    }

    /// Ends the process.
    pub(crate) async fn stop(&mut self, crash: bool) -> Result<()> {
        if !crash && let Some(id) = self.child.id() {
            kill(Pid::from_raw(id.cast_signed()), Signal::SIGTERM)?;
            if timeout(PATIENCE, self.child.wait()).await.is_ok() {
                return Ok(());
            }
        }
        self.child.kill().await?;
        Ok(())
    }

    /// Starts a process on the port of the former one, which has ended.
    pub(crate) async fn start_again(&mut self) -> Result<()> {
        let port = self.address.port();
        (self.child, self.address) = spawn(self.kind, &self.command, self.setup, port).await?;
        Ok(())
    }

    /// Whether it has ended by itself.
    pub(crate) fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }
}

async fn spawn(kind: &Kind, command: &str, setup: Setup, port: u16) -> Result<(Child, SocketAddr)> {
    // `exec`: a signal must reach the server, not a shell around it.
    let script = format!(
        "exec {command} --port {port} {}",
        kind.arguments(setup).join(" ")
    );
    let mut child = Command::new("sh")
        .args(["-c", &script])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let stdout = child.stdout.take().context("no output")?;
    let mut lines = BufReader::new(stdout).lines();
    let address = async {
        while let Some(line) = lines.next_line().await? {
            if let Some(address) = line.strip_prefix(READY) {
                return Ok(address.trim().parse()?);
            }
        }
        bail!("it ended")
    };
    let address = timeout(PATIENCE, address)
        .await
        .map_err(Into::into)
        .flatten();
    let address = address.with_context(|| format!("`{script}` does not listen"))?;
    // Whatever else it prints is drained, or its pipe would fill up.
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    Ok((child, address))
}
