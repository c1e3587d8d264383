//! A target under fire: inputs are drawn and tried until time is up or one of them finds a mistake,
//! which is then made as short as it gets.
//!
//! There is no coverage on the stable toolchain. An input counts as new if the heap was used in a
//! way not seen before: other decisions mostly mean other allocations.

use std::{
    collections::HashSet,
    fmt, io,
    panic::{self, AssertUnwindSafe, PanicHookInfo},
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        mpsc::{self, RecvTimeoutError},
    },
    thread,
    time::{Duration, Instant},
};

use crate::{Target, corpus, mutate::Mutator};

/// How a target is to be fuzzed.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Campaign {
    target: &'static Target,
    seed: u64,
    time: Duration,
}

/// A campaign that found nothing.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Report {
    /// Inputs tried, those from the repository included.
    pub executions: u64,
    /// Inputs that did something new, or came from the repository.
    pub corpus: usize,
}

/// Why a campaign ended early.
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "either, or")]
pub enum Failure {
    /// There is a mistake.
    Found(Found),
    /// Files could not be read or written.
    Io(io::Error),
}

/// A mistake and an input that finds it.
#[derive(Debug)]
#[non_exhaustive]
pub struct Found {
    /// What went wrong.
    pub mistake: Mistake,
    /// Where the input is.
    pub path: PathBuf,
    /// Its length.
    pub len: usize,
}

/// What goes wrong with an input.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Mistake {
    /// File and line; two inputs with the same place find the same mistake.
    pub place: String,
    /// The message of the panic.
    pub message: String,
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Mistake { place, message } = &self.mistake;
        writeln!(f, "  at      {place}")?;
        for line in message.lines() {
            writeln!(f, "          {line}")?;
        }
        write!(f, "  input   {} ({} bytes)", self.path.display(), self.len)
    }
}

/// How long one input may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Executions that may be spent on making an input shorter.
const SHRINKING: u32 = 20_000;

/// Inputs that are remembered as new.
const CORPUS: usize = 4096;

impl Campaign {
    /// A campaign of at least the inputs in the repository, and as many others as time allows.
    #[must_use]
    pub const fn new(target: &'static Target, seed: u64, time: Duration) -> Self {
        Self { target, seed, time }
    }

    /// Runs it.
    ///
    /// # Errors
    /// A mistake was found, and the input that finds it is kept in the repository.
    pub fn run(self) -> Result<Report, Failure> {
        self.watched(Self::fuzz)
    }

    /// Tries a single input.
    ///
    /// # Errors
    /// It finds a mistake, and is kept in the repository, made shorter.
    pub fn shrink(self, input: &[u8]) -> Result<(), Failure> {
        let input = input.to_vec();
        self.watched(move |campaign, current| campaign.step(current, &input).map(drop))
    }

    /// Does `work` on a thread of its own, and gives up on an input that takes too long.
    fn watched<T: Send + 'static>(
        self,
        work: impl FnOnce(Self, &Current) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        panic::set_hook(Box::new(note));
        let current = Arc::<Current>::default();
        let (done, result) = mpsc::channel();
        let watched = Arc::clone(&current);
        thread::spawn(move || done.send(work(self, &watched)));
        let mut last = 0;
        loop {
            match result.recv_timeout(PATIENCE) {
                Ok(result) => return result,
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(Failure::Io(io::Error::other("the campaign broke off")));
                }
                Err(RecvTimeoutError::Timeout) => {
                    let running = current.lock();
                    if running.number == last {
                        let endless = Mistake {
                            place: "nowhere".to_owned(),
                            message: format!("no end after {} s", PATIENCE.as_secs()),
                        };
                        return Err(self.found(&running.input, endless));
                    }
                    last = running.number;
                }
            }
        }
    }

    fn fuzz(self, current: &Current) -> Result<Report, Failure> {
        let mut mutator = Mutator::new(self.seed, self.target.dictionary, self.target.max_len);
        let mut corpus = corpus::seeds(self.target).map_err(Failure::Io)?;
        let regressions = corpus::regressions(self.target).map_err(Failure::Io)?;
        corpus.extend(regressions.into_iter().map(|(_, input)| input));

        let mut uses = HashSet::new();
        for input in &corpus {
            uses.insert(self.step(current, input)?);
        }
        let end = now() + self.time;
        while now() < end {
            // The clock costs as much as a small target.
            for _ in 0..16 {
                let input = mutator.draw(&corpus);
                if !uses.insert(self.step(current, &input)?) {
                    continue;
                }
                match corpus.len() {
                    CORPUS.. => {
                        let replaced = mutator.below(CORPUS);
                        corpus[replaced] = input;
                    }
                    _ => corpus.push(input),
                }
            }
        }
        Ok(Report {
            executions: current.lock().number,
            corpus: corpus.len(),
        })
    }

    /// Tries an input, and says how it used the heap.
    fn step(self, current: &Current, input: &[u8]) -> Result<HeapUse, Failure> {
        current.set(input);
        attempt(self.target, input).map_err(|mistake| {
            let input = shrink(self.target, input, &mistake, current);
            self.found(&input, mistake)
        })
    }

    fn found(self, input: &[u8], mistake: Mistake) -> Failure {
        match corpus::keep(self.target, input) {
            Ok(path) => Failure::Found(Found {
                mistake,
                path,
                len: input.len(),
            }),
            Err(error) => Failure::Io(error),
        }
    }
}

/// Allocations and the size of all of them together, the latter roughly.
type HeapUse = (u64, u32);

fn attempt(target: &Target, input: &[u8]) -> Result<HeapUse, Mistake> {
    match panic::catch_unwind(AssertUnwindSafe(|| target.check(input))) {
        Ok(heap) => Ok((heap.count_total, heap.bytes_total.max(1).ilog2())),
        Err(_) => Err(noted().take().unwrap_or_else(|| Mistake {
            place: "nowhere".to_owned(),
            message: "a panic without a message".to_owned(),
        })),
    }
}

/// The input as short as it gets by leaving out parts, as long as the mistake is the same.
fn shrink(target: &Target, input: &[u8], mistake: &Mistake, current: &Current) -> Vec<u8> {
    let mut shortest = input.to_vec();
    let mut left = SHRINKING;
    let mut part = shortest.len().div_ceil(2);
    while part > 0 {
        let mut start = 0;
        while start < shortest.len() && left > 0 {
            let mut shorter = shortest.clone();
            shorter.drain(start..shortest.len().min(start + part));
            current.set(&shorter);
            left -= 1;
            match attempt(target, &shorter) {
                Err(found) if found.place == mistake.place => shortest = shorter,
                _ => start += part,
            }
        }
        part /= 2;
    }
    shortest
}

/// What is being tried, for the one who watches that it ends.
#[derive(Default)]
struct Current(Mutex<Running>);

#[derive(Default)]
struct Running {
    number: u64,
    input: Vec<u8>,
}

impl Current {
    fn set(&self, input: &[u8]) {
        let mut running = self.lock();
        running.number += 1;
        running.input.clear();
        running.input.extend_from_slice(input);
    }

    fn lock(&self) -> MutexGuard<'_, Running> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The last panic. One target runs at a time, on one thread.
static LAST: Mutex<Option<Mistake>> = Mutex::new(None);

fn noted() -> MutexGuard<'static, Option<Mistake>> {
    LAST.lock().unwrap_or_else(PoisonError::into_inner)
}

fn note(panic: &PanicHookInfo<'_>) {
    let payload = panic.payload();
    let message = match payload.downcast_ref::<String>() {
        Some(message) => message,
        None => payload.downcast_ref::<&str>().copied().unwrap_or_default(),
    };
    *noted() = Some(Mistake {
        place: panic
            .location()
            .map(ToString::to_string)
            .unwrap_or_default(),
        message: message.to_owned(),
    });
}

/// The time a person waits.
#[expect(
    clippy::disallowed_methods,
    reason = "there is no runtime whose clock could be read"
)]
fn now() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistake_is_found_and_made_short() {
        const WRONG: Target = Target {
            run: |input| assert!(!input.windows(2).any(|it| it == b"ab"), "found it"),
            ..Target::NONE
        };
        panic::set_hook(Box::new(note));
        let current = Current::default();
        let mut mutator = Mutator::new(1, &[], 100);
        let corpus = [b"axxxxxxxxxxxxxxxxxxxxxxxxb".to_vec()];
        let (input, mistake) = loop {
            let input = mutator.draw(&corpus);
            if let Err(mistake) = attempt(&WRONG, &input) {
                break (input, mistake);
            }
        };
        assert_eq!(mistake.message, "found it");
        assert!(mistake.place.starts_with(file!()), "{mistake:?}");
        assert_eq!(shrink(&WRONG, &input, &mistake, &current), b"ab");
        _ = panic::take_hook();
    }
}
