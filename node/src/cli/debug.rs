//! `qsdm debug`

use super::progress::Progress;
use clap::{Args, Subcommand};
use eyre::{Result, WrapErr, eyre};
use qsdm_storage::Store;
use qsdm_vm::{chain::replay, state_test};
use serde_json::json;
use std::{path::PathBuf, process::ExitCode};

/// Commands of `qsdm debug`.
#[derive(Debug, Subcommand)]
pub(crate) enum DebugCommand {
    /// Run Ethereum state tests through the node's own state and trie
    StateTest(StateTestArgs),
    /// Execute a stored chain again from its genesis and compare every root
    Replay(ReplayArgs),
}

/// Arguments of `qsdm debug state-test`.
#[derive(Debug, Args)]
pub(crate) struct StateTestArgs {
    /// Files or folders of state tests in JSON
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
}

/// Arguments of `qsdm debug replay`.
#[derive(Debug, Args)]
pub(crate) struct ReplayArgs {
    /// Folder of the chain; the node on it must be stopped
    #[arg(long, value_name = "DIR", env = "QSDM_DATA_DIR")]
    data_dir: PathBuf,
}

pub(super) fn run(command: DebugCommand) -> Result<ExitCode> {
    match command {
        DebugCommand::StateTest(args) => run_state_tests(&args),
        DebugCommand::Replay(args) => run_replay(&args),
    }
}

fn run_state_tests(args: &StateTestArgs) -> Result<ExitCode> {
    let report = state_test::run(&args.paths, |failure| eprintln!("failed: {failure}"))?;
    let line = json!({ "passed": report.passed, "failed": report.failed, "skipped": report.skipped });
    println!("{line}");
    Ok(if report.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn run_replay(args: &ReplayArgs) -> Result<ExitCode> {
    let folder = &args.data_dir;
    let named = || format!("the chain in {} does not open", folder.display());
    let spec = Store::stored_spec(folder).wrap_err_with(named)?.ok_or_else(|| {
        eyre!("{} holds no chain: name the folder that `qsdm dev --data-dir` was given", folder.display())
    })?;
    let store = Store::open(folder, &spec).wrap_err_with(named)?;
    let mut progress = Progress::new("replay");
    let report = replay(&spec, &store, |done, all| progress.show(done, all))
        .wrap_err_with(|| format!("the replay of {} stopped", folder.display()))?;
    progress.end();
    let line = json!({
        "blocks": report.blocks,
        "transactions": report.transactions,
        "stateRoot": report.state_root,
    });
    println!("{line}");
    Ok(ExitCode::SUCCESS)
}
