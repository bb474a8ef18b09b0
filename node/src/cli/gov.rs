//! `qsdm gov`

use clap::{Args, Subcommand};
use client::Client;
use eyre::Result;
use qsdm_governance::{Reader, Step};
use sender::SenderArgs;
use std::{
    fs::File,
    io::{self, Read},
    path::Path,
    process::ExitCode,
};

pub(super) mod client;
mod format;
mod keystore;
mod list;
mod propose;
mod rep;
mod sender;
mod show;
mod steps;
mod tracks;

/// Arguments of `qsdm gov`.
#[derive(Debug, Args)]
pub(crate) struct GovArgs {
    #[command(subcommand)]
    command: GovCommand,

    /// JSON-RPC address of a node
    #[arg(long, global = true, env = "QSDM_RPC", default_value = "http://127.0.0.1:8545", value_name = "URL")]
    rpc: String,

    /// Answer in JSON
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum GovCommand {
    /// The tracks: what each may do, how long it takes, what it needs
    Tracks,
    /// Proposals
    List(list::ListArgs),
    /// A proposal: what it would do, where it stands, what comes next
    Show {
        /// Its id, or the first digits of it
        id: String,
    },
    /// Send a proposal from a TOML file
    Propose(propose::ProposeArgs),
    /// Vote on a proposal
    Vote(steps::VoteArgs),
    /// Put a proposal that passed into the timelock
    Queue(StepArgs),
    /// Carry a queued proposal out
    Execute(StepArgs),
    /// Withdraw a proposal
    Cancel(StepArgs),
    /// Delegate votes to an account; to yourself takes them back
    Delegate(rep::DelegateArgs),
    /// Reputation and votes of an account
    Rep(rep::RepArgs),
}

/// Arguments of a step that takes nothing but the proposal.
#[derive(Debug, Args)]
pub(super) struct StepArgs {
    /// Its id, or the first digits of it
    id: String,

    /// Wait until the step is possible
    #[arg(long)]
    wait: bool,

    #[command(flatten)]
    sender: SenderArgs,
}

/// What every command works with.
struct Context {
    client: Client,
    rpc: String,
    json: bool,
}

impl Context {
    fn reader(&self) -> Reader<'_, Client> {
        Reader::new(&self.client)
    }
}

pub(super) fn run(args: GovArgs) -> Result<ExitCode> {
    let context = Context { client: Client::new(&args.rpc)?, rpc: args.rpc, json: args.json };
    match args.command {
        GovCommand::Tracks => tracks::run(&context),
        GovCommand::List(list) => list::run(&context, &list),
        GovCommand::Show { id } => show::run(&context, &id),
        GovCommand::Propose(propose) => propose::run(&context, &propose),
        GovCommand::Vote(vote) => steps::vote(&context, &vote),
        GovCommand::Queue(step) => steps::run(&context, Step::Queue, &step),
        GovCommand::Execute(step) => steps::run(&context, Step::Execute, &step),
        GovCommand::Cancel(step) => steps::run(&context, Step::Cancel, &step),
        GovCommand::Delegate(delegate) => rep::delegate(&context, &delegate),
        GovCommand::Rep(rep) => rep::run(&context, &rep),
    }?;
    Ok(ExitCode::SUCCESS)
}

/// Text of a file, refused with its name if it cannot be read or is larger than `bytes_max`.
fn read_file(path: &Path, bytes_max: usize) -> Result<String> {
    let failed = |error: io::Error| eyre::eyre!("cannot read {}: {error}", path.display());
    let mut text = String::new();
    let file = File::open(path).map_err(failed)?;
    file.take(bytes_max as u64 + 1).read_to_string(&mut text).map_err(failed)?;
    if text.len() > bytes_max {
        eyre::bail!("{} has more than {bytes_max} bytes: is it the right file?", path.display());
    }
    Ok(text)
}
