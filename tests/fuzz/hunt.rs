//! The hunt: case after case from mutated seeds, each watched; the first that breaks a rule is kept in a file.
//!
//! What no test can catch (a stack that overflows, memory that runs out) ends the whole process. Therefore the case that
//! is being tried always stands in a file `NAME.running`, which the next hunt tries first.

use std::collections::HashSet;
use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use rustix::time::{ClockId, clock_gettime};

use crate::mutate::mutate;

/// The most processor time for one case: a file that a user waits for. Wall time would blame a busy machine.
const MOST_CPU: Duration = Duration::from_secs(2);

/// A case that is not done by then hangs.
const HANGS: Duration = Duration::from_mins(1);

/// How much the memory of the process may grow in one case. Other readers run beside it, so this is generous.
const MOST_MEMORY_KIB: i64 = 512 << 10;

/// Cases of a short hunt, which is over sooner where the machine is fast.
const MOST_CASES: usize = 30_000;

/// Cases that did something new and are mutated further.
const MOST_SEEDS: usize = 4096;

/// Longer ones are slow, and have seldom more to say.
const LONGEST_SEED: usize = 4 << 10;

/// A reader and what it is fed.
pub(crate) struct Target {
    /// Names its findings.
    pub(crate) name: &'static str,
    /// Sound and unsound inputs to start from.
    pub(crate) seeds: Vec<Vec<u8>>,
    /// Words that mean something to it.
    pub(crate) words: &'static [&'static str],
}

/// How long, and from where.
struct Terms {
    time: Duration,
    cases: usize,
    seed: u64,
}

impl Terms {
    fn of_environment() -> Self {
        let number = |name: &str| -> Option<u64> {
            let text = std::env::var(name).ok()?;
            Some(text.parse().unwrap_or_else(|_| panic!("{name} is {text}, which is not a whole number")))
        };
        let seed = number("LEM_FUZZ_SEED");
        match number("LEM_FUZZ_SECONDS") {
            Some(seconds) => Self {
                time: Duration::from_secs(seconds),
                cases: usize::MAX,
                seed: seed.unwrap_or_else(|| rand::rng().random()),
            },
            None => Self { time: Duration::from_secs(2), cases: MOST_CASES, seed: seed.unwrap_or(1) },
        }
    }
}

/// Tries cases until the time is over. `case` panics where a rule is broken, and tells what the reader made of the
/// input: an input with a new answer is mutated further.
#[track_caller]
pub(crate) fn hunt(target: Target, case: impl Fn(&[u8]) -> String) {
    let Target { name, mut seeds, words } = target;
    let terms = Terms::of_environment();
    let running = Running::open(name);
    seeds.extend(running.left_over.clone());
    if let Some(file) = std::env::var_os("LEM_FUZZ_INPUT") {
        seeds = vec![fs::read(&file).expect("LEM_FUZZ_INPUT names a file")];
    }
    let mut random = ChaCha8Rng::seed_from_u64(terms.seed);
    let (mut answers, mut tried, given) = (HashSet::new(), 0, seeds.len());
    let begun = Instant::now();
    while tried < given || begun.elapsed() < terms.time && tried < terms.cases {
        let is_new = tried >= given;
        let input = if is_new { mutate(&mut random, &seeds, words) } else { seeds[tried].clone() };
        running.begins(&input);
        let answer = judge(&case, &input).unwrap_or_else(|fault| {
            report(name, &input, &format!("{fault} (seed {}, case {tried})", terms.seed))
        });
        tried += 1;
        let is_short = input.len() <= LONGEST_SEED && seeds.len() < MOST_SEEDS;
        if answers.insert(answer) && is_new && is_short {
            seeds.push(input);
        }
    }
    running.close();
    say(&format!("{name}: {tried} cases, {} kinds of answer, seed {}", answers.len(), terms.seed));
}

/// The case that is being tried, in a file, and the watch over it.
struct Running {
    path: PathBuf,
    file: File,
    /// What a hunt before this one did not survive.
    left_over: Option<Vec<u8>>,
    begun: Sender<()>,
    watch: JoinHandle<()>,
}

impl Running {
    fn open(name: &'static str) -> Self {
        let path = findings().join(format!("{name}.running"));
        let left_over = fs::read(&path).ok();
        let file = File::options().create(true).write(true).truncate(false).open(&path);
        let file = file.expect("the folder of findings can be written");
        let (begun, cases) = channel();
        let watched = path.clone();
        let watch = std::thread::spawn(move || watch(name, &watched, &cases));
        Self { path, file, left_over, begun, watch }
    }

    fn begins(&self, input: &[u8]) {
        let written = self.file.write_all_at(input, 0).and_then(|()| self.file.set_len(input.len() as u64));
        written.expect("there is room on the disk");
        self.begun.send(()).expect("the watch ends after the hunt");
    }

    fn close(self) {
        drop(self.begun);
        self.watch.join().expect("the watch has nothing to fail at");
        // Another hunt of the same checkout may have done that.
        let _ = fs::remove_file(&self.path);
    }
}

/// One case, and what is wrong with it.
fn judge(case: &impl Fn(&[u8]) -> String, input: &[u8]) -> Result<String, String> {
    let (peak_kib, cpu) = (peak_kib(), cpu());
    let answer = catch_unwind(AssertUnwindSafe(|| case(input))).map_err(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        text.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string))
            .unwrap_or_else(|| "it panicked".into())
    })?;
    let (taken, grown_kib) = (self::cpu().saturating_sub(cpu), self::peak_kib() - peak_kib);
    if taken > MOST_CPU {
        return Err(format!("it took {:.1} s", taken.as_secs_f64()));
    }
    if grown_kib > MOST_MEMORY_KIB {
        return Err(format!("the memory of the process grew by {} MiB", grown_kib >> 10));
    }
    Ok(answer)
}

/// Processor time of this thread.
fn cpu() -> Duration {
    clock_gettime(ClockId::ThreadCPUTime).try_into().expect("it counts from zero")
}

fn peak_kib() -> i64 {
    getrusage(UsageWho::RUSAGE_SELF).expect("a process can always ask for its own").max_rss()
}

/// Ends the process when no new case begins for too long: a thread that hangs cannot be ended.
fn watch(name: &str, file: &Path, cases: &Receiver<()>) {
    loop {
        match cases.recv_timeout(HANGS) {
            Ok(()) => {}
            Err(RecvTimeoutError::Disconnected) => return,
            Err(RecvTimeoutError::Timeout) => {
                say(&format!("FINDING in {name}: it hangs; the input is {}", file.display()));
                std::process::exit(101);
            }
        }
    }
}

/// Beside what is built, where `cargo clean` removes it.
fn findings() -> PathBuf {
    let target =
        Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("it is a folder in the target folder");
    let folder = target.join("fuzz-findings");
    fs::create_dir_all(&folder).expect("the target folder can be written");
    folder
}

#[track_caller]
fn report(name: &str, input: &[u8], fault: &str) -> ! {
    let file = findings().join(format!("{name}-{}", std::process::id()));
    fs::write(&file, input).expect("the folder of findings can be written");
    panic!("FINDING in {name}: {fault}; the input is {}: try it again with LEM_FUZZ_INPUT", file.display());
}

#[expect(clippy::print_stderr, reason = "how much was tried is what a long hunt is asked for")]
fn say(text: &str) {
    eprintln!("{text}");
}
