//! `qsdm node`

use super::dev::stop_signal;
use crate::operator::{
    folder::Folder,
    run::{self, Running},
};
use clap::Args;
use eyre::{Result, WrapErr};
use qsdm_network::Multiaddr;
use serde_json::json;
use std::{io::Write, net::SocketAddr, path::PathBuf, process::ExitCode};

/// Arguments of `qsdm node`.
#[derive(Debug, Args)]
pub(crate) struct NodeArgs {
    /// Folder of the node, made by `qsdm init` or `qsdm testnet`
    #[arg(long, value_name = "DIR", env = "QSDM_DIR")]
    dir: PathBuf,

    /// Address of JSON-RPC
    #[arg(long, value_name = "IP:PORT", env = "QSDM_RPC_LISTEN")]
    rpc_listen: Option<SocketAddr>,

    /// Address for other nodes, as /ip4/…/udp/…/quic-v1; repeatable
    #[arg(long, value_name = "ADDRESS", env = "QSDM_P2P_LISTEN", value_delimiter = ',')]
    p2p_listen: Vec<Multiaddr>,

    /// Node to connect to besides those of the configuration; repeatable
    #[arg(long, value_name = "ADDRESS", env = "QSDM_PEERS", value_delimiter = ',')]
    peer: Vec<Multiaddr>,

    /// Address of metrics and health
    #[arg(long, value_name = "IP:PORT", env = "QSDM_METRICS_LISTEN")]
    metrics_listen: Option<SocketAddr>,

    /// File with the password of the validator's key
    #[arg(long, value_name = "FILE", env = "QSDM_PASSWORD_FILE")]
    password_file: Option<PathBuf>,

    /// Print one line of JSON at the start
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: NodeArgs) -> Result<ExitCode> {
    let folder = Folder::new(&args.dir);
    let mut config = folder.config()?;
    if let Some(listen) = args.rpc_listen {
        config.rpc.listen = listen;
    }
    if let Some(listen) = args.metrics_listen {
        config.metrics.listen = listen;
    }
    if !args.p2p_listen.is_empty() {
        config.network.listen.clone_from(&args.p2p_listen);
    }
    config.network.peers.extend(args.peer.iter().cloned());
    if let Some(file) = &args.password_file {
        // named on the command line: it begins where the command is typed
        let file = std::path::absolute(file).wrap_err_with(|| format!("no such place as {}", file.display()))?;
        config.validator.password_file = Some(file);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().wrap_err("no async runtime")?;
    runtime.block_on(async {
        // asked for first, so that a signal during the start is not lost
        let stop = stop_signal()?;
        let mut running = run::start(&folder, &config).await?;
        announce(&args, &running)?;
        let refusal = tokio::select! {
            () = stop => None,
            refusal = running.danger() => Some(refusal),
        };
        running.stop().await;
        refusal.map_or(Ok(ExitCode::SUCCESS), |refusal| Err(refusal.into()))
    })
}

fn announce(args: &NodeArgs, running: &Running) -> Result<()> {
    let standing = running.validator().node.standing();
    let p2p: Vec<String> = running.p2p().iter().map(Multiaddr::to_string).collect();
    let mut out = std::io::stdout().lock();
    if args.json {
        let line = json!({
            "rpc": format!("http://{}", running.rpc()),
            "p2p": p2p,
            "metrics": format!("http://{}/metrics", running.metrics()),
            "node": running.node_id(),
            "chainId": running.spec.chain_id,
            "epoch": standing.status.epoch.0,
            "validator": standing.status.me.map(|me| me.0),
            "block": running.validator().chain.head().block.number(),
        });
        writeln!(out, "{line}")?;
    } else {
        let role = match standing.status.me {
            Some(me) => format!("validator {} of {}", me.0, standing.set.len()),
            None => "observer".to_owned(),
        };
        writeln!(out, "chain    {} · epoch {} · {role}", running.spec.chain_id, standing.status.epoch)?;
        writeln!(out, "JSON-RPC http://{}", running.rpc())?;
        writeln!(out, "metrics  http://{}/metrics", running.metrics())?;
        p2p.iter().try_for_each(|address| writeln!(out, "nodes    {address}"))?;
        writeln!(out, "Ctrl-C stops the node.")?;
    }
    out.flush()?;
    Ok(())
}
