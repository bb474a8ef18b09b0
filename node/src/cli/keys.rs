//! `qsdm keys`

use crate::operator::folder::{Folder, read_password};
use alloy_primitives::{B256, hex, keccak256};
use clap::{Args, Subcommand};
use eyre::{Result, WrapErr};
use qsdm_crypto::{
    Seed,
    keystore::{KdfCost, Keystore},
};
use qsdm_primitives::PublicKey;
use serde_json::json;
use std::{path::PathBuf, process::ExitCode};

/// Commands of `qsdm keys`.
#[derive(Debug, Subcommand)]
pub(crate) enum KeysCommand {
    /// Make a validator's key
    New(NewArgs),
    /// Show the public halves of a node's keys
    Show(ShowArgs),
}

/// Arguments of `qsdm keys new`.
#[derive(Debug, Args)]
pub(crate) struct NewArgs {
    /// Folder of the node
    #[arg(long, value_name = "DIR", env = "QSDM_DIR")]
    dir: PathBuf,

    /// File with the password, readable by its owner only
    #[arg(long, value_name = "FILE", env = "QSDM_PASSWORD_FILE")]
    password_file: PathBuf,
}

/// Arguments of `qsdm keys show`.
#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    /// Folder of the node
    #[arg(long, value_name = "DIR", env = "QSDM_DIR")]
    dir: PathBuf,

    /// Answer in JSON, with the whole key
    #[arg(long)]
    json: bool,
}

/// What the contracts call a key: keccak-256 of its bytes.
pub(super) fn key_hash(key: &PublicKey) -> B256 {
    keccak256(key.bytes())
}

pub(super) fn run(command: &KeysCommand) -> Result<ExitCode> {
    match command {
        KeysCommand::New(args) => new(args),
        KeysCommand::Show(args) => show(args),
    }
}

fn new(args: &NewArgs) -> Result<ExitCode> {
    let folder = Folder::new(&args.dir);
    // a folder without a configuration is not a node's
    folder.config()?;
    let chain_id = folder.genesis()?.chain_id;
    let password = read_password(&args.password_file)?;
    let key = folder.make_validator_key(chain_id, &Seed::generate()?, &password, KdfCost::default())?;
    println!("validator  {}", key_hash(&key));
    println!("Set `key = \"keys/validator.json\"` under [validator] in {}.", folder.config_path().display());
    Ok(ExitCode::SUCCESS)
}

fn show(args: &ShowArgs) -> Result<ExitCode> {
    let folder = Folder::new(&args.dir);
    let config = folder.config()?;
    let node = folder.node_key()?.node_id();
    let validator = match &config.validator.key {
        Some(key) => {
            let path = folder.resolve(key);
            Some(Keystore::read(&path).wrap_err_with(|| format!("the validator's key {}", path.display()))?)
        }
        None => None,
    };
    let key = validator.as_ref().map(Keystore::public_key);
    if args.json {
        let line = json!({
            "node": node.to_string(),
            "peerId": hex::encode_prefixed(node.to_bytes()),
            "keyHash": key.map(key_hash),
            "key": key.map(|key| hex::encode_prefixed(key.bytes())),
        });
        println!("{line}");
        return Ok(ExitCode::SUCCESS);
    }
    println!("node       {node}");
    match key {
        Some(key) => println!("validator  {}", key_hash(key)),
        None => println!("validator  none: this node observes"),
    }
    Ok(ExitCode::SUCCESS)
}
