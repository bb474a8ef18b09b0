//! `qsdm config`

use crate::operator::{config::DEFAULT, folder::Folder};
use clap::{Args, Subcommand};
use eyre::Result;
use std::{path::PathBuf, process::ExitCode};

/// Commands of `qsdm config`.
#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Print a configuration
    Print(PrintArgs),
    /// Say whether the configuration of a node can be used
    Check(CheckArgs),
}

/// Arguments of `qsdm config print`.
#[derive(Debug, Args)]
pub(crate) struct PrintArgs {
    /// The one with all defaults, explained
    #[arg(long, required = true)]
    default: bool,
}

/// Arguments of `qsdm config check`.
#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// Folder of the node
    #[arg(long, value_name = "DIR", env = "QSDM_DIR")]
    dir: PathBuf,
}

pub(super) fn run(command: &ConfigCommand) -> Result<ExitCode> {
    match command {
        ConfigCommand::Print(PrintArgs { default: _ }) => print!("{DEFAULT}"),
        ConfigCommand::Check(CheckArgs { dir }) => {
            let folder = Folder::new(dir);
            folder.config()?;
            println!("{} can be used.", folder.config_path().display());
        }
    }
    Ok(ExitCode::SUCCESS)
}
