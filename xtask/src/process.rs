//! Child processes: started without input, ended by a deadline, never left behind.
//!
//! Every child leads a process group of its own, so that ending it also ends what it started.
//! What a child prints goes straight through unless a function says otherwise.

use std::{
    collections::BTreeSet,
    fmt::Display,
    io::{self, BufRead, BufReader, Read, Write},
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, ChildStdout, Command, ExitStatus, Stdio},
    sync::{
        Mutex, MutexGuard, PoisonError,
        mpsc::{self, Receiver, RecvTimeoutError},
    },
    thread,
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, killpg},
    unistd::Pid,
};
use thiserror::Error;

/// Why a command or a step ended without having done its work.
#[derive(Debug, Error)]
pub(crate) enum Stop {
    /// It ran and found something wrong.
    #[error("{0}")]
    Failed(String),
    /// It cannot run on this machine or in this selection.
    #[error("not run: {0}")]
    NotRun(String),
}

impl Stop {
    /// A file or folder could not be read or written.
    pub(crate) fn unusable(path: &Path, error: &io::Error) -> Self {
        Self::Failed(format!("{}: {error}", path.display()))
    }
}

/// How long a child may take to end by itself once it was asked to.
const GRACE: Duration = Duration::from_secs(5);

/// How long a server may take to listen.
const START_DEADLINE: Duration = Duration::from_secs(10);
/// What our examples print, and their URL after it, once they listen.
const READY: &str = "listening on ";

/// The process groups to end when this process is told to end.
static LIVE: Mutex<BTreeSet<i32>> = Mutex::new(BTreeSet::new());

/// Makes an interrupt, a hang-up or a request to terminate end the children first.
pub(crate) fn end_children_on_signals() -> Result<(), Stop> {
    ctrlc::set_handler(|| {
        // Held to the end, so that no further child starts.
        let groups = live();
        for &group in groups.iter() {
            signal(group, Signal::SIGTERM);
        }
        let asked = now();
        while groups.iter().any(|&group| is_alive(group)) && asked.elapsed() < GRACE {
            thread::park_timeout(Duration::from_millis(50));
        }
        for &group in groups.iter() {
            signal(group, Signal::SIGKILL);
        }
        std::process::exit(130);
    })
    .map_err(|error| Stop::Failed(format!("cannot listen for signals: {error}")))
}

/// Runs `command` to its end; anything but success within `deadline` is a failure.
pub(crate) fn run(command: &mut Command, deadline: Duration) -> Result<(), Stop> {
    Running::start(command)?.succeed(command, deadline)
}

/// Runs `command` to its end and returns what it wrote to standard output.
pub(crate) fn output(command: &mut Command, deadline: Duration) -> Result<String, Stop> {
    let mut running = Running::start(command.stdout(Stdio::piped()))?;
    let stdout = running.stdout.take();
    let reader = thread::spawn(move || {
        let mut text = String::new();
        stdout.map_or(Ok(0), |mut stdout| stdout.read_to_string(&mut text))?;
        Ok::<_, io::Error>(text)
    });
    running.succeed(command, deadline)?;
    match reader.join() {
        Ok(Ok(text)) => Ok(text),
        Ok(Err(error)) => Err(failed(command, error)),
        Err(_) => Err(failed(command, "its output could not be read")),
    }
}

/// Whether `program` answers to `--version`: it is there and can be started.
pub(crate) fn is_installed(program: &mut Command) -> bool {
    program
        .arg("--version")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// The time a person waits: commands measure the machine, not a protocol.
#[expect(
    clippy::disallowed_methods,
    reason = "there is no runtime whose clock could be read"
)]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// A server under test; ends with this value.
pub(crate) struct Server {
    /// Where it listens.
    pub(crate) url: String,
    _running: Running,
}

impl Server {
    /// Starts `command` and waits for the line on its standard output that says where it listens.
    pub(crate) fn start(command: &mut Command) -> Result<Self, Stop> {
        let mut running = Running::start(command.stdout(Stdio::piped()))?;
        let (lines, printed) = mpsc::channel();
        let stdout = running.stdout.take();
        // Reads on after the awaited line, so that the server never blocks on a full pipe.
        thread::spawn(move || {
            for line in stdout.into_iter().flat_map(|stdout| stdout.lines()) {
                let Ok(line) = line else { break };
                _ = lines.send(line);
            }
        });
        loop {
            match printed.recv_timeout(START_DEADLINE) {
                Ok(line) => {
                    if let Some(url) = line.strip_prefix(READY) {
                        return Ok(Self {
                            url: url.trim().to_owned(),
                            _running: running,
                        });
                    }
                }
                Err(RecvTimeoutError::Timeout) => {
                    return Err(failed(command, format!("never printed `{READY}URL`")));
                }
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(failed(
                        command,
                        format!("ended before printing `{READY}URL`"),
                    ));
                }
            }
        }
    }
}

/// A started child; dropping it ends its whole group.
struct Running {
    group: i32,
    stdout: Option<BufReader<ChildStdout>>,
    exit: Receiver<io::Result<ExitStatus>>,
}

impl Running {
    fn start(command: &mut Command) -> Result<Self, Stop> {
        // What was printed so far belongs above what the child prints.
        _ = io::stdout().flush();
        let mut live = live();
        let mut child = command
            .stdin(Stdio::null())
            .process_group(0)
            .spawn()
            .map_err(|error| failed(command, error))?;
        let group = child.id().cast_signed();
        live.insert(group);
        let stdout = child.stdout.take().map(BufReader::new);
        Ok(Self {
            group,
            stdout,
            exit: exit_of(child),
        })
    }

    fn succeed(self, command: &Command, deadline: Duration) -> Result<(), Stop> {
        match self.exit.recv_timeout(deadline) {
            Ok(Ok(status)) if status.success() => Ok(()),
            Ok(Ok(status)) => Err(failed(command, status)),
            Ok(Err(error)) => Err(failed(command, error)),
            Err(_) => {
                let seconds = deadline.as_secs();
                Err(failed(command, format!("no end after {seconds} s")))
            }
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        signal(self.group, Signal::SIGTERM);
        _ = self.exit.recv_timeout(GRACE);
        // Also what the child left behind when it ended by itself.
        signal(self.group, Signal::SIGKILL);
        live().remove(&self.group);
    }
}

fn exit_of(mut child: Child) -> Receiver<io::Result<ExitStatus>> {
    let (sender, exit) = mpsc::channel();
    thread::spawn(move || sender.send(child.wait()));
    exit
}

fn signal(group: i32, signal: Signal) {
    // An error means that nothing is left in the group.
    _ = killpg(Pid::from_raw(group), signal);
}

fn is_alive(group: i32) -> bool {
    killpg(Pid::from_raw(group), None).is_ok()
}

fn live() -> MutexGuard<'static, BTreeSet<i32>> {
    LIVE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn failed(command: &Command, why: impl Display) -> Stop {
    let program = Path::new(command.get_program());
    let words: Vec<_> = program
        .file_name()
        .into_iter()
        .chain(command.get_args())
        .map(|word| word.to_string_lossy())
        .collect();
    Stop::Failed(format!("`{}`: {why}", words.join(" ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOON: Duration = Duration::from_secs(20);

    fn shell(script: &str) -> Command {
        let mut shell = Command::new("sh");
        shell.args(["-c", script]);
        shell
    }

    #[test]
    fn output_is_what_the_child_printed() {
        assert_eq!(output(&mut shell("echo hi"), SOON).unwrap(), "hi\n");
    }

    #[test]
    fn a_child_has_no_input() {
        assert_eq!(output(&mut shell("cat; echo end"), SOON).unwrap(), "end\n");
    }

    #[test]
    fn a_failing_child_is_named_with_its_status() {
        let stop = run(&mut shell("exit 3"), SOON).unwrap_err();
        assert_eq!(stop.to_string(), "`sh -c exit 3`: exit status: 3");
    }

    #[test]
    fn a_child_past_its_deadline_is_ended() {
        let stop = run(&mut shell("exec tail -f /dev/null"), Duration::ZERO).unwrap_err();
        let why = "`sh -c exec tail -f /dev/null`: no end after 0 s";
        assert_eq!(stop.to_string(), why);
    }

    #[test]
    fn a_server_ends_with_its_group() {
        let mut script =
            shell("sleep 600 & echo $!; trap 'exit 0' TERM; echo listening on x; wait");
        let mut running = Running::start(script.stdout(Stdio::piped())).unwrap();
        let mut lines = running.stdout.take().unwrap().lines();
        let grandchild: i32 = lines.next().unwrap().unwrap().parse().unwrap();
        assert!(nix::sys::signal::kill(Pid::from_raw(grandchild), None).is_ok());
        drop(running);
        // The pipe reaches its end only when the last holder of it is gone.
        assert!(lines.all(|line| line.is_ok()));
    }

    #[test]
    fn a_server_says_where_it_listens() {
        let mut script =
            shell("echo starting; echo listening on http://a:1; exec tail -f /dev/null");
        assert_eq!(Server::start(&mut script).unwrap().url, "http://a:1");
    }

    #[test]
    fn a_server_that_never_listens_is_a_failure() {
        let stop = Server::start(&mut shell("echo hello")).err().unwrap();
        let why = "`sh -c echo hello`: ended before printing `listening on URL`";
        assert_eq!(stop.to_string(), why);
    }
}
