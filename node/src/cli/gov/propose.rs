//! `qsdm gov propose`

use super::{Context, format::relative, read_file, sender::SenderArgs};
use clap::Args;
use eyre::Result;
use qsdm_governance::{Draft, Ledger, ProposalFile, describe_action};
use qsdm_primitives::limits::PROPOSAL_FILE_BYTES_MAX;
use serde_json::json;
use std::path::PathBuf;

/// Arguments of `qsdm gov propose`.
#[derive(Debug, Args)]
pub(super) struct ProposeArgs {
    /// The proposal: a TOML file with track, title, body and one to ten `[[action]]`
    file: PathBuf,

    /// Show what would be sent, and send nothing
    #[arg(long)]
    dry_run: bool,

    #[command(flatten)]
    sender: SenderArgs,
}

pub(super) fn run(context: &Context, args: &ProposeArgs) -> Result<()> {
    let file = ProposalFile::parse(&read_file(&args.file, PROPOSAL_FILE_BYTES_MAX)?)?;
    let sender = args.sender.open(&context.client)?;
    let draft = Draft::new(&file, sender.address())?;
    let governor = draft.track.governor();
    let described: Vec<_> = draft.actions.iter().map(describe_action).collect();
    if !context.json {
        println!("{}  ({} track, from {})", file.title, draft.track, sender.address());
        for (position, action) in described.iter().enumerate() {
            println!("  {}. {action}", position + 1);
        }
    }
    let mut answer = json!({
        "id": draft.id.to_string(),
        "track": draft.track.to_string(),
        "proposer": sender.address(),
        "description": draft.description,
        "actions": described,
    });
    if args.dry_run {
        let gas = sender.estimate(governor, &draft.calldata())?;
        if context.json {
            answer["gas"] = json!(gas);
            println!("{answer}");
        } else {
            println!("id {}\nwould take {gas} gas; nothing was sent", draft.id);
        }
        return Ok(());
    }
    let sent = sender.send(governor, draft.calldata())?;
    let proposal = context.reader().find(&draft.id.to_string())?;
    if context.json {
        answer["transaction"] = json!(sent.hash);
        answer["block"] = json!(sent.receipt.block_number.to::<u64>());
        answer["times"] = json!(proposal.times);
        println!("{answer}");
        return Ok(());
    }
    let now_s = context.client.present_s()?;
    println!("proposed in block {}, {} gas", sent.receipt.block_number, sent.receipt.gas_used);
    println!("id {}", draft.id);
    println!(
        "the vote opens {} and ends {}",
        relative(proposal.times.vote_start, now_s),
        relative(proposal.times.vote_end, now_s)
    );
    println!("next: qsdm gov vote {} for --wait", draft.id);
    Ok(())
}
