//! `qsdm gov rep | delegate`

use super::{
    Context, client,
    format::{duration, percent, units, utc},
    sender::SenderArgs,
};
use alloy_sol_types::SolCall;
use clap::Args;
use eyre::Result;
use qsdm_contracts::{addresses::REPUTATION, bindings::Reputation};
use qsdm_governance::{ReputationView, read_reputation};
use serde_json::json;

/// Arguments of `qsdm gov rep`.
#[derive(Debug, Args)]
pub(super) struct RepArgs {
    /// The account: its address, or its position among the node's accounts
    #[arg(default_value = "0", value_name = "ACCOUNT")]
    account: String,

    /// Show how the figure comes about
    #[arg(long)]
    explain: bool,
}

/// Arguments of `qsdm gov delegate`.
#[derive(Debug, Args)]
pub(super) struct DelegateArgs {
    /// Who votes from now on: an address, or the position of one of the node's accounts
    #[arg(value_name = "ACCOUNT")]
    to: String,

    #[command(flatten)]
    sender: SenderArgs,
}

pub(super) fn run(context: &Context, args: &RepArgs) -> Result<()> {
    let account = client::account(&context.client, &args.account)?;
    let view = read_reputation(&context.client, account)?;
    if context.json {
        println!("{}", serde_json::to_string(&view)?);
        return Ok(());
    }
    println!("{account}");
    println!(
        "  reputation   {}  ({} of {})",
        units(view.reputation),
        percent(view.reputation, view.total),
        units(view.total)
    );
    println!("  votes        {}  ({})", units(view.votes), percent(view.votes, view.total));
    if view.delegate == account {
        println!("  delegate     itself");
    } else {
        println!("  delegate     {}", view.delegate);
    }
    if args.explain {
        explain(&view);
    }
    Ok(())
}

fn explain(view: &ReputationView) {
    println!("\n  How it comes about");
    println!("    stored       {} units that never change by themselves", units(view.raw));
    println!("    worth now    {} at {}", units(view.reputation), utc(view.at));
    println!("    halves in    {}", duration(view.half_life_s));
    println!(
        "    then         {} if nothing is earned until {}",
        units(view.after_half_life),
        utc(view.at + view.half_life_s)
    );
    println!("    Votes are one's own reputation and what others delegate; both decay alike, so shares stay.");
}

pub(super) fn delegate(context: &Context, args: &DelegateArgs) -> Result<()> {
    let sender = args.sender.open(&context.client)?;
    let delegatee = client::account(&context.client, &args.to)?;
    let data = Reputation::delegateCall { delegatee }.abi_encode().into();
    let sent = sender.send(REPUTATION, data)?;
    if context.json {
        let (block, transaction) = (sent.receipt.block_number.to::<u64>(), sent.hash);
        let line = json!({ "from": sender.address(), "to": delegatee, "transaction": transaction, "block": block });
        println!("{line}");
        return Ok(());
    }
    println!("{} votes for {} from now on (block {})", delegatee, sender.address(), sent.receipt.block_number);
    Ok(())
}
