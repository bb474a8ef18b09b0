//! Many seeds on all cores.

use super::{Outcome, Scenario, Simulation};
use std::{
    any::Any,
    ops::Range,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

/// What came of many seeds.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// Seeds that were run.
    pub seeds: u64,
    /// Blocks committed in all of them.
    pub commits: u64,
    /// Events that cores took.
    pub events: u64,
    /// Seeds under which something happened that must not.
    pub violations: u64,
    /// The first of them, with what happened.
    pub first_bad: Option<(u64, Vec<String>)>,
    /// How long it took.
    pub elapsed: Duration,
}

impl Summary {
    /// Events that cores took in a second, on all cores of the machine together.
    pub fn events_per_second(&self) -> u64 {
        let seconds = self.elapsed.as_secs_f64().max(f64::EPSILON);
        (self.events as f64 / seconds) as u64
    }

    fn add(&mut self, seed: u64, outcome: Result<Outcome, String>) {
        self.seeds += 1;
        let found = match outcome {
            Ok(outcome) => {
                self.commits += outcome.commits;
                self.events += outcome.events;
                let described = |found: &super::Violation| {
                    format!("at {:.3} s, node {}: {}", found.at as f64 / 1e6, found.node, found.what)
                };
                outcome.violations.iter().map(described).collect()
            }
            Err(panic) => vec![format!("panics: {panic}")],
        };
        if found.is_empty() {
            return;
        }
        self.violations += 1;
        if self.first_bad.as_ref().is_none_or(|(first, _)| seed < *first) {
            self.first_bad = Some((seed, found));
        }
    }
}

/// Runs one scenario; an error is what it panicked with.
///
/// # Errors
/// The message of a panic.
pub fn run_one(scenario: Scenario) -> Result<Outcome, String> {
    catch_unwind(AssertUnwindSafe(|| Simulation::new(scenario).run())).map_err(|panic| text_of(panic.as_ref()))
}

fn text_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_string());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "something without a text".into())
}

/// Runs the scenarios of all seeds, on as many threads as the machine has cores.
pub fn run(seeds: Range<u64>, scenario: impl Fn(u64) -> Scenario + Sync) -> Summary {
    let started = Instant::now();
    let next = AtomicU64::new(seeds.start);
    let summary = Mutex::new(Summary::default());
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end {
                        return;
                    }
                    let outcome = run_one(scenario(seed));
                    summary.lock().unwrap_or_else(std::sync::PoisonError::into_inner).add(seed, outcome);
                }
            });
        }
    });
    let mut summary = summary.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    summary.elapsed = started.elapsed();
    summary
}
