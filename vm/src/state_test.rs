//! Ethereum state tests through this crate's own state and trie.
//!
//! The format is that of `ethereum/tests` and `ethereum/execution-spec-tests`: a pre-state, one transaction with several
//! variants of data, gas and value, and for each fork and variant the state root and the hash of the logs.

use crate::evm::Fork;
use alloy_primitives::B256;
use std::{fs, io, path::PathBuf};

mod format;
mod run;

/// Outcome of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StateTestReport {
    /// Variants whose state root and logs are right.
    pub passed: u64,
    /// Variants that are wrong.
    pub failed: u64,
    /// Variants of a fork that this EVM does not know.
    pub skipped: u64,
}

/// Why files could not be run at all.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StateTestError {
    /// A path that cannot be read.
    #[error("{path}: {source}")]
    Read {
        /// The path.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// A file that is no state test.
    #[error("{path} is no state test: {source}")]
    Format {
        /// The file.
        path: PathBuf,
        /// Where it departs from the format.
        source: serde_json::Error,
    },
    /// Nothing to run.
    #[error("no .json file under the given paths")]
    Nothing,
}

/// A variant that went wrong.
#[derive(Clone, Debug)]
pub struct StateTestFailure {
    /// File.
    pub path: PathBuf,
    /// Name of the test.
    pub test: String,
    /// Fork.
    pub fork: String,
    /// Position of the variant.
    pub variant: usize,
    /// What differs.
    pub reason: Difference,
}

/// What differs from the expected outcome.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Difference {
    /// The state.
    #[error("state root is {found}, expected {expected}")]
    StateRoot {
        /// Ours.
        found: B256,
        /// The test's.
        expected: B256,
    },
    /// The logs.
    #[error("logs hash is {found}, expected {expected}")]
    Logs {
        /// Ours.
        found: B256,
        /// The test's.
        expected: B256,
    },
    /// A transaction that should be refused was executed, or the other way round.
    #[error("transaction: {found}, expected {expected}")]
    Validity {
        /// Ours.
        found: String,
        /// The test's.
        expected: String,
    },
    /// A variant that refers to something the test does not have.
    #[error("{0}")]
    Malformed(String),
}

impl std::fmt::Display for StateTestFailure {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { path, test, fork, variant, reason } = self;
        write!(formatter, "{} {test} {fork}[{variant}]: {reason}", path.display())
    }
}

/// Runs every state test in the files and folders; `failed` hears of each variant that is wrong.
pub fn run(paths: &[PathBuf], mut failed: impl FnMut(&StateTestFailure)) -> Result<StateTestReport, StateTestError> {
    let mut files = Vec::new();
    paths.iter().try_for_each(|path| collect(path, &mut files))?;
    if files.is_empty() {
        return Err(StateTestError::Nothing);
    }
    let mut report = StateTestReport::default();
    for path in files {
        let bytes = fs::read(&path).map_err(|source| StateTestError::Read { path: path.clone(), source })?;
        let suite: format::Suite =
            serde_json::from_slice(&bytes).map_err(|source| StateTestError::Format { path: path.clone(), source })?;
        for (test, unit) in suite.0 {
            for (fork, variants) in &unit.post {
                let Some(known) = fork_of(fork) else {
                    report.skipped += variants.len() as u64;
                    continue;
                };
                for (variant, expected) in variants.iter().enumerate() {
                    match run::variant(&unit, known, fork, expected) {
                        Ok(()) => report.passed += 1,
                        Err(reason) => {
                            report.failed += 1;
                            let (path, test, fork) = (path.clone(), test.clone(), fork.clone());
                            failed(&StateTestFailure { path, test, fork, variant, reason });
                        }
                    }
                }
            }
        }
    }
    Ok(report)
}

/// JSON files under `path`, in the order of their names.
fn collect(path: &PathBuf, files: &mut Vec<PathBuf>) -> Result<(), StateTestError> {
    let read = |source| StateTestError::Read { path: path.clone(), source };
    if !fs::metadata(path).map_err(read)?.is_dir() {
        files.push(path.clone());
        return Ok(());
    }
    let entries = fs::read_dir(path).map_err(read)?.map(|entry| entry.map(|entry| entry.path()));
    let mut entries = entries.collect::<Result<Vec<_>, _>>().map_err(read)?;
    entries.sort();
    entries
        .iter()
        .filter(|entry| entry.is_dir() || entry.extension().is_some_and(|end| end == "json"))
        .try_for_each(|entry| collect(entry, files))
}

/// The rules that a fork name of the tests stands for.
fn fork_of(name: &str) -> Option<Fork> {
    Some(match name {
        "Frontier" => Fork::FRONTIER,
        "Homestead" => Fork::HOMESTEAD,
        "EIP150" => Fork::TANGERINE,
        "EIP158" => Fork::SPURIOUS_DRAGON,
        "Byzantium" => Fork::BYZANTIUM,
        "Constantinople" | "ConstantinopleFix" | "Petersburg" => Fork::PETERSBURG,
        "Istanbul" => Fork::ISTANBUL,
        "Berlin" => Fork::BERLIN,
        "London" => Fork::LONDON,
        "Paris" | "Merge" => Fork::MERGE,
        "Shanghai" => Fork::SHANGHAI,
        "Cancun" => Fork::CANCUN,
        "Prague" => Fork::PRAGUE,
        "Osaka" => Fork::OSAKA,
        _ => return None,
    })
}
