//! `qsdm dev`

use crate::{
    dev::keys::TEST_MNEMONIC,
    service::{self, DevConfig, Running},
};
use alloy_primitives::U256;
use clap::Args;
use eyre::{Result, WrapErr};
use serde_json::json;
use std::{
    io::Write,
    net::{IpAddr, SocketAddr},
    path::PathBuf,
    process::ExitCode,
};

mod banner;

/// Arguments of `qsdm dev`.
#[derive(Debug, Args)]
pub(crate) struct DevArgs {
    /// Address to listen on
    #[arg(long, default_value = "127.0.0.1", value_name = "IP")]
    host: IpAddr,

    /// Port to listen on; 0 takes a free one
    #[arg(long, short, default_value_t = 8545)]
    port: u16,

    /// Keep the chain in this folder; without it, it lives in a temporary folder that is removed at the end
    #[arg(long, value_name = "DIR", env = "QSDM_DATA_DIR")]
    data_dir: Option<PathBuf>,

    /// BIP-39 phrase of the accounts
    #[arg(long, default_value = TEST_MNEMONIC, hide_default_value = true, value_name = "WORDS", env = "QSDM_MNEMONIC", hide_env_values = true)]
    mnemonic: String,

    /// How many accounts are funded; the first ten hold reputation
    #[arg(long, short, default_value_t = 10, value_name = "N")]
    accounts: u32,

    /// Balance of each account in ether
    #[arg(long, default_value_t = 10_000, value_name = "ETHER")]
    balance: u64,

    /// Make a block every so many seconds instead of one with each transaction
    #[arg(long, short, value_name = "SECONDS", value_parser = block_time)]
    block_time: Option<u64>,

    /// Gas limit of a block
    #[arg(long, default_value_t = 60_000_000, value_name = "GAS")]
    gas_limit: u64,

    /// Chain id
    #[arg(long, default_value_t = 31_337, value_name = "ID")]
    chain_id: u64,

    /// Divide governance delays by this: 3600 lets a proposal pass in two minutes
    #[arg(long, default_value_t = 3_600, value_name = "N")]
    time_scale: u64,

    /// Run so many validators in this process instead of one node that makes blocks by itself
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=64), conflicts_with = "block_time")]
    validators: u16,

    /// Host name under which the node is called, besides localhost; repeatable, `*` for any
    #[arg(long, value_name = "NAME")]
    rpc_host: Vec<String>,

    /// Origin of pages that may call, besides those of this machine; repeatable, `*` for any
    #[arg(long, value_name = "ORIGIN")]
    rpc_cors: Vec<String>,

    /// What `web3_clientVersion` answers, for tools that accept only names they know
    #[arg(long, value_name = "TEXT")]
    client_version: Option<String>,

    /// Print nothing at the start
    #[arg(long, short, conflicts_with = "json")]
    silent: bool,

    /// Print one line of JSON at the start instead of the banner
    #[arg(long)]
    json: bool,
}

fn block_time(text: &str) -> Result<u64, String> {
    let seconds: f64 = text.parse().map_err(|_| format!("`{text}` is not a number of seconds"))?;
    let ms = seconds * 1_000.0;
    if (10.0..=86_400_000.0).contains(&ms) {
        return Ok(ms as u64);
    }
    Err(format!("{text} s is outside 0.01..=86400"))
}

impl DevArgs {
    fn config(&self) -> DevConfig {
        let ether = U256::from(10).pow(U256::from(18));
        let listen = SocketAddr::new(self.host, self.port);
        DevConfig {
            listen,
            allowed_hosts: self.rpc_host.clone(),
            cors_origins: self.rpc_cors.clone(),
            data_dir: self.data_dir.clone(),
            mnemonic: self.mnemonic.clone(),
            accounts: self.accounts,
            balance: U256::from(self.balance) * ether,
            block_time_ms: self.block_time,
            gas_limit: self.gas_limit,
            chain_id: self.chain_id,
            time_scale: self.time_scale,
            validators: usize::from(self.validators),
            client_version: self.client_version.clone(),
        }
    }
}

pub(super) fn run(args: DevArgs) -> Result<ExitCode> {
    let config = args.config();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().wrap_err("no async runtime")?;
    runtime.block_on(async {
        // asked for first, so that a signal during the start is not lost
        let stop = stop_signal()?;
        let running = service::start(config).await?;
        announce(&args, &running)?;
        stop.await;
        running.stop().await;
        Ok(ExitCode::SUCCESS)
    })
}

fn announce(args: &DevArgs, running: &Running) -> Result<()> {
    let mut out = std::io::stdout().lock();
    if args.json {
        let contracts: serde_json::Map<_, _> =
            running.contracts().map(|(name, address)| (name.to_owned(), json!(address))).collect();
        let urls: Vec<String> = running.addresses().map(|address| format!("http://{address}")).collect();
        let line = json!({
            "rpc": urls.first(),
            "validators": urls,
            "chainId": args.chain_id,
            "accounts": running.keys.addresses(),
            "contracts": contracts,
            "block": running.chain.head().block.number(),
        });
        writeln!(out, "{line}")?;
    } else if !args.silent {
        banner::print(&mut out, args, running)?;
    }
    out.flush()?;
    Ok(())
}

/// Resolves at Ctrl-C or SIGTERM.
pub(super) fn stop_signal() -> Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate()).wrap_err("SIGTERM cannot be caught")?;
    let mut interrupt = signal(SignalKind::interrupt()).wrap_err("Ctrl-C cannot be caught")?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
