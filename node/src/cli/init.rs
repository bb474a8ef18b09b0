//! `qsdm init`

use crate::operator::{
    config::DEFAULT,
    folder::{Folder, read_genesis, read_password},
};
use clap::Args;
use eyre::Result;
use qsdm_crypto::{Seed, keystore::KdfCost};
use qsdm_network::Multiaddr;
use std::{path::PathBuf, process::ExitCode};

/// Arguments of `qsdm init`.
#[derive(Debug, Args)]
pub(crate) struct InitArgs {
    /// New folder of the node
    #[arg(long, value_name = "DIR", env = "QSDM_DIR")]
    dir: PathBuf,

    /// Specification of the chain: genesis.json of any of its nodes
    #[arg(long, value_name = "FILE")]
    genesis: PathBuf,

    /// Node of the chain to connect to; repeatable
    #[arg(long, value_name = "ADDRESS")]
    peer: Vec<Multiaddr>,

    /// Make a validator's key as well, encrypted with the password in this file
    #[arg(long, value_name = "FILE", env = "QSDM_PASSWORD_FILE")]
    password_file: Option<PathBuf>,
}

pub(super) fn run(args: &InitArgs) -> Result<ExitCode> {
    let folder = Folder::new(&args.dir);
    // what is wrong with these shows before anything is written
    let spec = read_genesis(&args.genesis)?;
    let password = args.password_file.as_deref().map(read_password).transpose()?;
    let peers: Vec<String> = args.peer.iter().map(|peer| format!("\"{peer}\"")).collect();
    let mut config = DEFAULT.replace("peers = []", &format!("peers = [{}]", peers.join(", ")));
    if password.is_some() {
        config = config.replace("# key =", "key =");
    }
    folder.begin(Some(&config), &spec)?;
    println!("node       {}", folder.node_key()?.node_id());
    if let Some(password) = password {
        let key = folder.make_validator_key(spec.chain_id, &Seed::generate()?, &password, KdfCost::default())?;
        println!("validator  {}", super::keys::key_hash(&key));
        println!(
            "It becomes a validator when a vote on the Root track admits it: `qsdm keys show` prints what that takes."
        );
    }
    println!("Settings: {}", folder.config_path().display());
    println!("Start:    qsdm node --dir {}", folder.path().display());
    Ok(ExitCode::SUCCESS)
}
