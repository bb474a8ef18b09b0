//! The command line. One file a subcommand.

use clap::{Parser, Subcommand};
use qsdm_consensus::RecoverError;
use qsdm_storage::SafetyLogError;
use std::process::ExitCode;

mod ask;
mod completions;
mod config;
mod db;
mod debug;
mod dev;
mod doctor;
mod gov;
mod init;
mod keys;
mod node;
mod progress;
mod testnet;

/// A smart-contract and governance node.
#[derive(Debug, Parser)]
#[command(name = "qsdm", version, arg_required_else_help = true, max_term_width = 110)]
struct Cli {
    #[command(subcommand)]
    command: Command,

    /// What to log, as `RUST_LOG` understands it: `info`, `qsdm=debug`, …
    #[arg(long, global = true, env = "QSDM_LOG", default_value = "warn", value_name = "FILTER")]
    log: String,

    /// Log as JSON, one object a line
    #[arg(long, global = true, env = "QSDM_LOG_JSON")]
    log_json: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run a development chain on which the DAO already lives
    Dev(dev::DevArgs),
    /// Make the folder of a node
    Init(init::InitArgs),
    /// Keys of a node
    #[command(subcommand)]
    Keys(keys::KeysCommand),
    /// Configuration of a node
    #[command(subcommand)]
    Config(config::ConfigCommand),
    /// Run a node of a network from its folder
    Node(node::NodeArgs),
    /// What a node keeps on disk
    #[command(subcommand)]
    Db(db::DbCommand),
    /// Look at a node's folder, disk, keys and ports, and explain what is wrong
    Doctor(doctor::DoctorArgs),
    /// Validators of the epoch, as a running node knows them
    Validators(ask::AskArgs),
    /// Nodes that a running node is connected with
    Peers(ask::AskArgs),
    /// Make the folders of a network of validators on this machine
    Testnet(testnet::TestnetArgs),
    /// Proposals: see, draft, vote, execute
    Gov(gov::GovArgs),
    /// Check the node against test vectors, or a chain against itself
    #[command(subcommand)]
    Debug(debug::DebugCommand),
    /// Print a completion script for a shell
    Completions(completions::CompletionsArgs),
}

/// Runs the command of the process; the exit code says how it went.
pub(crate) fn run() -> ExitCode {
    // a wrong command line ends here, with exit code 2
    let cli = Cli::parse();
    let outcome = start_logging(&cli).and_then(|()| match cli.command {
        Command::Dev(args) => dev::run(args),
        Command::Init(args) => init::run(&args),
        Command::Keys(command) => keys::run(&command),
        Command::Config(command) => config::run(&command),
        Command::Node(args) => node::run(args),
        Command::Db(command) => db::run(&command),
        Command::Doctor(args) => doctor::run(&args),
        Command::Validators(args) => ask::validators(&args),
        Command::Peers(args) => ask::peers(&args),
        Command::Testnet(args) => testnet::run(&args),
        Command::Gov(args) => gov::run(args),
        Command::Debug(command) => debug::run(command),
        Command::Completions(args) => completions::run(&args),
    });
    match outcome {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(exit_code(&error))
        }
    }
}

/// 2 for a command that can't be, 3 where a validator would put its stake at risk, 1 for all else.
fn exit_code(error: &eyre::Report) -> u8 {
    if error.is::<Usage>() {
        2
    } else if error.is::<Refusal>() || error.chain().any(is_unsafe) {
        3
    } else {
        1
    }
}

/// Whether a node can't know what its key signed before.
fn is_unsafe(cause: &(dyn std::error::Error + 'static)) -> bool {
    let log = cause.downcast_ref::<SafetyLogError>();
    cause.is::<RecoverError>() || log.is_some_and(|error| !matches!(error, SafetyLogError::Storage(_)))
}

/// A validator that signs now, or signs on, could be slashed: exit code 3.
#[derive(Debug)]
pub(crate) struct Refusal(pub(crate) String);

impl std::fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for Refusal {}

/// A command line that parses but asks for something that cannot be: exit code 2.
#[derive(Debug)]
pub(crate) struct Usage(pub(crate) String);

impl std::fmt::Display for Usage {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}

fn start_logging(cli: &Cli) -> eyre::Result<()> {
    use tracing_subscriber::{EnvFilter, fmt};
    let filter = EnvFilter::try_new(&cli.log).map_err(|error| Usage(format!("--log {}: {error}", cli.log)))?;
    let builder = fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let installed = if cli.log_json { builder.json().try_init() } else { builder.try_init() };
    installed.map_err(|error| eyre::eyre!("logging cannot start: {error}"))
}
