//! `cargo xtask conformance`: an official protocol suite against our example servers.
//!
//! The suites are other people's work: a run copies one into the target folder, and nothing of it
//! is ever committed. They know one address, port 3000 of this machine. Those of the older
//! revisions stand in commits of their own: Engine.IO 3 on branch `v3` of socketio/engine.io-protocol,
//! Socket.IO 4 in commit `9514179` of socketio/socket.io-protocol, a pull request nobody merged.

use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use clap::ValueEnum;

use crate::{
    ci::cargo,
    install,
    process::{self, Server, Stop},
    workspace::Workspace,
};

const PORT: u16 = 3000;
/// What Node loads before a suite; the file says why.
const PRELOAD: &str = "one-message-per-task.mjs";
const SUITE_DEADLINE: Duration = Duration::from_secs(5 * 60);
const EXTRACT_DEADLINE: Duration = Duration::from_secs(60);

/// A layer of the protocol, and the part of a suite that is about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Layer {
    Engineio,
    Socketio,
}

impl Layer {
    /// The package and the example that a suite of this layer talks to, and its options: the
    /// intervals which the suites measure, in milliseconds.
    fn server(self) -> (&'static str, &'static str, &'static [&'static str]) {
        match self {
            Self::Engineio => (
                "engineio-server",
                "echo",
                &["--path", "/engine.io/", "--max-payload", "1000000"],
            ),
            Self::Socketio => (
                "socketio-server",
                "testbed",
                &["--connect-timeout", "1000", "--threads", "1"],
            ),
        }
    }

    /// How the suites title this layer's cases.
    fn title(self) -> &'static str {
        match self {
            Self::Engineio => "Engine.IO protocol",
            Self::Socketio => "Socket.IO protocol",
        }
    }
}

/// Runs the suite in the folder `suite`, or only its cases of one layer; with `at` as it is in that
/// commit of the checkout which the folder belongs to.
pub(crate) fn run(
    workspace: &Workspace,
    suite: &Path,
    at: Option<&str>,
    only: Option<Layer>,
) -> Result<(), Stop> {
    let extracted = workspace.target.join("conformance-extracted");
    let suite = match at {
        Some(commit) => {
            extract(suite, commit, &extracted)?;
            &extracted
        }
        None => suite,
    };
    let kind = Suite::recognise(suite)?;
    let copy = copies(workspace).join(kind.name());
    install::mirror(suite, &copy)?;
    let (package, example, _) = kind.layer.server();
    cargo(workspace, &["build", "-p", package, "--example", example])?;
    run_copy(workspace, &copy, kind, only)
}

/// Runs every suite that an earlier `conformance --suite` brought here.
pub(crate) fn run_known(workspace: &Workspace) -> Result<(), Stop> {
    let mut known: Vec<_> = fs::read_dir(copies(workspace))
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.is_dir())
        .collect();
    known.sort();
    if known.is_empty() {
        let why = "no suite is known here: cargo xtask conformance --suite PATH";
        return Err(Stop::NotRun(why.to_owned()));
    }
    let mut outcome = Ok(());
    for copy in known {
        let suite = Suite::recognise(&copy)?;
        let result = run_copy(workspace, &copy, suite, None);
        // All of them run; the first failure is told.
        outcome = outcome.and(result);
    }
    outcome
}

/// Makes `there` what the folder `here` of a checkout is in that commit.
fn extract(here: &Path, commit: &str, there: &Path) -> Result<(), Stop> {
    _ = fs::remove_dir_all(there);
    fs::create_dir_all(there).map_err(|error| Stop::unusable(there, &error))?;
    let archive = there.join("suite.tar");
    let mut git = Command::new("git");
    git.current_dir(here).args(["archive", "--output"]);
    process::run(git.arg(&archive).arg(commit), EXTRACT_DEADLINE)?;
    let mut tar = Command::new("tar");
    tar.current_dir(there).arg("--extract").arg("--file");
    process::run(tar.arg(&archive), EXTRACT_DEADLINE)?;
    fs::remove_file(&archive).map_err(|error| Stop::unusable(&archive, &error))
}

fn run_copy(
    workspace: &Workspace,
    copy: &Path,
    kind: Suite,
    only: Option<Layer>,
) -> Result<(), Stop> {
    install::npm_ci(copy)?;
    if let Err(error) = TcpListener::bind(("127.0.0.1", PORT)) {
        let why = format!("port {PORT} is taken, and the suites know no other ({error})");
        return Err(Stop::Failed(why));
    }

    let (_, example, options) = kind.layer.server();
    let mut server = Command::new(workspace.example(example));
    server
        .args(["--port", &PORT.to_string()])
        .args(["--ping-interval", "300", "--ping-timeout", "200"])
        .args(options)
        .args(kind.options());
    let _server = Server::start(&mut server)?;

    println!("{} against the example {example}", kind.name());
    let mut npm = Command::new("npm");
    let preload = copies(workspace).join(PRELOAD);
    fs::write(&preload, include_str!("one-message-per-task.mjs"))
        .map_err(|error| Stop::unusable(&preload, &error))?;
    // The suites say `localhost`, which Node may take for an address that is not listened on.
    let options = format!("--dns-result-order=ipv4first --import=../{PRELOAD}");
    npm.current_dir(copy)
        .env("NODE_OPTIONS", options)
        // Some cases leave their connections open, and mocha would wait for the last of them.
        .args(["test", "--silent", "--", "--exit", "--grep"])
        .arg(kind.pattern(only));
    process::run(&mut npm, SUITE_DEADLINE)
}

/// What a suite is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Suite {
    layer: Layer,
    /// The Engine.IO revision it speaks: 3 or 4.
    revision: char,
}

impl Suite {
    /// By the URL it asks for, which is the only thing the suites of all revisions share.
    fn recognise(folder: &Path) -> Result<Self, Stop> {
        let file = folder.join("test-suite.js");
        let source = fs::read_to_string(&file).map_err(|error| Stop::unusable(&file, &error))?;
        Self::of(&source).ok_or_else(|| {
            let file = file.display();
            Stop::Failed(format!("{file}: asks for no Engine.IO or Socket.IO URL"))
        })
    }

    fn of(source: &str) -> Option<Self> {
        [
            ("/engine.io/?EIO=", Layer::Engineio),
            ("/socket.io/?EIO=", Layer::Socketio),
        ]
        .into_iter()
        .find_map(|(url, layer)| {
            let (_, rest) = source.split_once(url)?;
            let revision = rest.chars().next()?;
            Some(Self { layer, revision })
        })
    }

    /// What its server is told beside the options of the layer. As with the official server, that
    /// revision 3 is served beside 4 is a choice: the suites of revision 4 want it refused.
    fn options(self) -> &'static [&'static str] {
        match self.revision {
            '3' => &[],
            _ => &["--refuse-eio3"],
        }
    }

    /// The expression that the titles of its cases must match, of all or of one layer.
    fn pattern(self, only: Option<Layer>) -> String {
        let title = only.map(Layer::title).unwrap_or_default();
        let left_out = match (self.layer, self.revision) {
            // A request that names no revision is one of revision 3, to the official server as well.
            (Layer::Socketio, '3') => "(?!.*HTTP long-polling .*'EIO')",
            _ => "",
        };
        format!("^{left_out}{title}")
    }

    /// The name of its copy, and of its line in the output.
    fn name(self) -> String {
        let layer = match self.layer {
            Layer::Engineio => "engineio",
            Layer::Socketio => "socketio",
        };
        format!("{layer}-eio{}", self.revision)
    }
}

fn copies(workspace: &Workspace) -> PathBuf {
    workspace.target.join("conformance")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_suite_is_recognised_by_the_url_it_asks_for() {
        for (source, name) in [
            (
                "fetch(`${URL}/engine.io/?EIO=4&transport=polling`)",
                "engineio-eio4",
            ),
            (
                "fetch(`${URL}/engine.io/?EIO=3&transport=polling`)",
                "engineio-eio3",
            ),
            (
                "`${WS_URL}/socket.io/?EIO=4&transport=websocket`",
                "socketio-eio4",
            ),
        ] {
            assert_eq!(Suite::of(source).map(Suite::name).as_deref(), Some(name));
        }
        assert_eq!(Suite::of("fetch(`${URL}/chat`)"), None);
    }

    #[test]
    fn a_layer_is_chosen_by_its_title() {
        let suite = |layer, revision| Suite { layer, revision };
        let current = suite(Layer::Socketio, '4');
        assert_eq!(current.pattern(None), "^");
        assert_eq!(
            current.pattern(Some(Layer::Engineio)),
            "^Engine.IO protocol"
        );
        let old = suite(Layer::Socketio, '3').pattern(Some(Layer::Socketio));
        assert!(old.ends_with("'EIO')Socket.IO protocol"), "{old}");
    }
}
