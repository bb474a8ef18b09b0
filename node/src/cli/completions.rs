//! `qsdm completions`

use super::Cli;
use clap::{Args, CommandFactory};
use clap_complete::{Shell, generate};
use std::{io, process::ExitCode};

/// Arguments of `qsdm completions`.
#[derive(Debug, Args)]
pub(crate) struct CompletionsArgs {
    /// The shell
    shell: Shell,
}

pub(super) fn run(args: &CompletionsArgs) -> eyre::Result<ExitCode> {
    generate(args.shell, &mut Cli::command(), "qsdm", &mut io::stdout());
    Ok(ExitCode::SUCCESS)
}
