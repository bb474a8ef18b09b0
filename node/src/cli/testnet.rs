//! `qsdm testnet`

use super::Usage;
use crate::{
    dev::keys::{Keyring, TEST_MNEMONIC},
    genesis::Founding,
    operator::folder::{Folder, write_new},
};
use alloy_primitives::{Bytes, U256};
use clap::Args;
use eyre::{Result, WrapErr};
use qsdm_contracts::GenesisValidator;
use qsdm_crypto::{Password, Seed, keystore::KdfCost};
use serde_json::{Value, json};
use std::{
    fs,
    io::Write,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::ExitCode,
};

/// Arguments of `qsdm testnet`.
#[derive(Debug, Args)]
pub(crate) struct TestnetArgs {
    /// How many validators
    #[arg(long, default_value_t = 4, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=64))]
    validators: u16,

    /// New folder; each node gets one in it
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,

    /// First port of loopback; each node takes the next ten
    #[arg(long, default_value_t = 20_000, value_name = "PORT")]
    base_port: u16,

    /// Divide governance delays and epochs by this
    #[arg(long, default_value_t = 3_600, value_name = "N")]
    time_scale: u64,

    /// Chain id
    #[arg(long, default_value_t = 31_337, value_name = "ID")]
    chain_id: u64,

    /// Gas limit of a block
    #[arg(long, default_value_t = 60_000_000, value_name = "GAS")]
    gas_limit: u64,

    /// Print the nodes as JSON
    #[arg(long)]
    json: bool,
}

/// Ports that each node takes: JSON-RPC, p2p, one to come, metrics, and room for more.
const PORTS: u16 = 10;
/// Accounts that are funded; as in `qsdm dev`, ten of them hold reputation.
const ACCOUNTS: u32 = 10;
/// Ether of each account.
const ETHER: u64 = 10_000;
/// Keys whose password lies beside them need no costly derivation, and sixteen nodes start at once.
const COST: KdfCost = KdfCost { memory_kib: 8 * 1024, passes: 1, lanes: 1 };

/// A node that is being made.
struct Made {
    folder: Folder,
    rpc: u16,
    metrics: u16,
    p2p: String,
    validator: GenesisValidator,
}

pub(super) fn run(args: &TestnetArgs) -> Result<ExitCode> {
    let last = u32::from(args.base_port) + u32::from(args.validators) * u32::from(PORTS);
    if args.base_port == 0 || last > u32::from(u16::MAX) {
        return Err(Usage(format!(
            "--base-port {}: the nodes need the {} ports from there, up to 65535",
            args.base_port,
            args.validators * PORTS
        ))
        .into());
    }
    if fs::read_dir(&args.dir).is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(Usage(format!("--dir {}: there is something in it: name a new folder", args.dir.display())).into());
    }
    fs::create_dir_all(&args.dir).wrap_err_with(|| format!("{} can't be made", args.dir.display()))?;
    let dir = fs::canonicalize(&args.dir).wrap_err_with(|| format!("{} can't be read", args.dir.display()))?;
    let accounts = Keyring::derive(TEST_MNEMONIC, ACCOUNTS.max(args.validators.into()))?;
    let made: Vec<Made> = (0..args.validators)
        .map(|number| make(args, &dir, number, accounts.addresses()[usize::from(number)]))
        .collect::<Result<_>>()?;
    let founding = Founding {
        chain_id: args.chain_id,
        gas_limit: args.gas_limit,
        time_scale: args.time_scale,
        time_s: None,
        accounts: accounts.addresses(),
        balance: U256::from(ETHER) * U256::from(10).pow(U256::from(18)),
        validators: made.iter().map(|node| node.validator.clone()).collect(),
    };
    let spec = founding.specification()?;
    for node in &made {
        node.folder.begin(Some(&configuration(node, &made)), &spec)?;
    }
    let program = std::env::current_exe().wrap_err("the path of this program is not known")?;
    write_start_script(&dir, &program, &made)?;
    print(args, &dir, &program, &made)
}

/// Folder and keys of one node.
fn make(args: &TestnetArgs, dir: &Path, number: u16, operator: alloy_primitives::Address) -> Result<Made> {
    let folder = Folder::new(dir.join(format!("node{number}")));
    fs::create_dir_all(folder.path()).wrap_err_with(|| format!("{} can't be made", folder.path().display()))?;
    let (seed, secret) = (Seed::generate()?, Seed::generate()?);
    let password = alloy_primitives::hex::encode(&secret.expose()[..16]);
    let key = folder.make_validator_key(args.chain_id, &seed, &Password::new(password.clone().into_bytes()), COST)?;
    folder.keep_password(&password)?;
    let node = folder.node_key()?.node_id();
    let first = args.base_port + number * PORTS;
    Ok(Made {
        p2p: format!("/ip4/127.0.0.1/udp/{}/quic-v1/p2p/{node}", first + 1),
        rpc: first,
        metrics: first + 3,
        folder,
        validator: GenesisValidator {
            operator,
            key: Bytes::copy_from_slice(key.bytes()),
            peer_id: node.to_bytes().into(),
            weight: 1,
        },
    })
}

fn configuration(node: &Made, all: &[Made]) -> String {
    let others = all.iter().filter(|other| other.p2p != node.p2p);
    let peers: Vec<String> = others.map(|other| format!("  \"{}\",\n", other.p2p)).collect();
    let listen = node.p2p.split("/p2p/").next().unwrap_or_default();
    format!(
        "# A node of a test network. `qsdm config print --default` explains the keys.\n\n\
         [rpc]\nlisten = \"127.0.0.1:{}\"\n\n\
         [network]\nlisten = [\"{listen}\"]\npeers = [\n{}]\n\n\
         [metrics]\nlisten = \"127.0.0.1:{}\"\n\n\
         [validator]\nkey = \"keys/validator.json\"\npassword_file = \"keys/password\"\n",
        node.rpc,
        peers.concat(),
        node.metrics,
    )
}

/// Starts all nodes and stops them together.
fn write_start_script(dir: &Path, program: &Path, made: &[Made]) -> Result<()> {
    let quoted = |path: &Path| format!("'{}'", path.display().to_string().replace('\'', r"'\''"));
    let mut script = String::from(
        "#!/bin/sh\n# Starts the nodes of this test network; Ctrl-C stops them. Each logs to a file beside its folder.\ntrap 'kill 0' INT TERM\n",
    );
    for node in made {
        let folder = node.folder.path();
        let log = quoted(&folder.with_extension("log"));
        script.push_str(&format!("{} node --dir {} >{log} 2>&1 &\n", quoted(program), quoted(folder)));
    }
    script.push_str("wait\n");
    let path = dir.join("start");
    write_new(&path, script.as_bytes())?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).wrap_err("the start script can't be made executable")
}

fn print(args: &TestnetArgs, dir: &Path, program: &Path, made: &[Made]) -> Result<ExitCode> {
    let mut out = std::io::stdout().lock();
    if args.json {
        let nodes: Vec<Value> = made.iter().map(|node| describe(node, program)).collect();
        writeln!(out, "{}", Value::Array(nodes))?;
        return Ok(ExitCode::SUCCESS);
    }
    writeln!(out, "{} validators of chain {} in {}:", made.len(), args.chain_id, dir.display())?;
    for node in made {
        writeln!(out, "  {}  JSON-RPC http://127.0.0.1:{}", node.folder.path().display(), node.rpc)?;
    }
    writeln!(
        out,
        "The accounts are those of `qsdm dev`; their keys are public, as are the validators' passwords to whoever reads the folder."
    )?;
    writeln!(out, "Start all: {}/start", dir.display())?;
    Ok(ExitCode::SUCCESS)
}

fn describe(node: &Made, program: &Path) -> Value {
    let argv = json!([program, "node", "--dir", node.folder.path()]);
    // what a node does not serve has no address
    json!({
        "dir": node.folder.path(),
        "rpc": format!("http://127.0.0.1:{}", node.rpc),
        "p2p": node.p2p,
        "flower": Value::Null,
        "metrics": format!("http://127.0.0.1:{}/metrics", node.metrics),
        "start": argv,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use qsdm_network::Multiaddr;

    #[test]
    fn the_configuration_of_a_node_is_one() {
        let node = |number: u16| Made {
            folder: Folder::new("x"),
            rpc: number,
            metrics: number,
            p2p: format!("/ip4/127.0.0.1/udp/{number}/quic-v1/p2p/{}", qsdm_network::NodeKey::generate().node_id()),
            validator: GenesisValidator {
                operator: Default::default(),
                key: Bytes::new(),
                peer_id: Bytes::new(),
                weight: 1,
            },
        };
        let all = [node(1), node(2), node(3)];
        let config: crate::operator::config::Config = toml::from_str(&configuration(&all[1], &all)).unwrap();
        let expected: Vec<Multiaddr> = [&all[0], &all[2]].iter().map(|node| node.p2p.parse().unwrap()).collect();
        assert_eq!(config.network.peers, expected);
        assert_eq!(config.rpc.listen.port(), 2);
        assert_eq!(config.network.listen, ["/ip4/127.0.0.1/udp/2/quic-v1".parse::<Multiaddr>().unwrap()]);
    }
}
