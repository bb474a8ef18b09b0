//! What `qsdm dev` shows at its start.

use super::DevArgs;
use crate::service::Running;
use std::io::{self, Write};

/// Accounts listed in full; further ones are only counted.
const ACCOUNTS_SHOWN: usize = 20;

/// Prints accounts, contracts and what to try next.
pub(super) fn print(out: &mut impl Write, args: &DevArgs, running: &Running) -> io::Result<()> {
    let head = running.chain.head();
    let addresses: Vec<_> = running.addresses().collect();
    let Some(address) = addresses.first() else { return Ok(()) };
    writeln!(out, "\n  qsdm {} · development chain {}\n", env!("CARGO_PKG_VERSION"), args.chain_id)?;
    accounts(out, args, running)?;
    writeln!(out, "\n  DAO contracts")?;
    for (name, address) in running.contracts() {
        writeln!(out, "    {name:<18} {address}")?;
    }
    writeln!(out, "\n  Chain")?;
    let blocks = match args.block_time {
        Some(ms) => format!("one every {} s", ms as f64 / 1_000.0),
        None if addresses.len() > 1 => format!("by {} validators, where there are transactions", addresses.len()),
        None => "one with each transaction".to_owned(),
    };
    writeln!(out, "    head               block {}, {} accounts", head.block.number(), head.state.len())?;
    writeln!(out, "    blocks             {blocks}, {} gas at most", args.gas_limit)?;
    writeln!(out, "    governance         delays ÷ {}", args.time_scale)?;
    match &args.data_dir {
        Some(folder) => writeln!(out, "    data               {}", folder.display())?,
        None => writeln!(out, "    data               temporary, removed at the end (--data-dir keeps it)")?,
    }
    for (number, address) in addresses.iter().enumerate().skip(1) {
        writeln!(out, "    {:<18} JSON-RPC on {address}", format!("validator {number}"))?;
    }
    writeln!(out, "\n  Try")?;
    writeln!(out, "    cast block-number --rpc-url http://{address}")?;
    writeln!(out, "    qsdm gov tracks --rpc http://{address}")?;
    writeln!(out, "\n  JSON-RPC over http and ws on {address}; Ctrl-C stops.\n")
}

fn accounts(out: &mut impl Write, args: &DevArgs, running: &Running) -> io::Result<()> {
    let accounts = running.keys.addresses().to_vec();
    writeln!(out, "  Accounts ({} ether each at genesis; the first ten hold reputation)", args.balance)?;
    let public = Running::keys_are_public(&args.mnemonic);
    for (index, account) in accounts.iter().take(ACCOUNTS_SHOWN).enumerate() {
        match running.keys.private_key(account).filter(|_| public) {
            // keys of the phrase that everyone knows; those of another phrase are nobody's business
            Some(key) => writeln!(out, "    ({index}) {account}  key {key}")?,
            None => writeln!(out, "    ({index}) {account}")?,
        }
    }
    if accounts.len() > ACCOUNTS_SHOWN {
        writeln!(out, "    … and {} more (eth_accounts)", accounts.len() - ACCOUNTS_SHOWN)?;
    }
    if public {
        writeln!(out, "    These keys are public. Never send value to these accounts on a real chain.")?;
    }
    Ok(())
}
