//! `qsdm gov vote | queue | execute | cancel`

use super::{
    Context, StepArgs,
    format::{duration, units, watched},
    sender::{SenderArgs, Sent},
};
use alloy_primitives::Bytes;
use alloy_sol_types::SolCall;
use clap::{Args, ValueEnum};
use eyre::Result;
use qsdm_contracts::bindings::MeshGovernor;
use qsdm_governance::{Error, Ledger, Proposal, ProposalState, Step, read_reputation};
use serde_json::json;
use std::{thread, time::Duration};

/// Arguments of `qsdm gov vote`.
#[derive(Debug, Args)]
pub(super) struct VoteArgs {
    /// Its id, or the first digits of it
    id: String,

    /// The vote
    support: Support,

    /// Why, for everyone to read
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,

    /// Wait until the vote opens
    #[arg(long)]
    wait: bool,

    #[command(flatten)]
    sender: SenderArgs,
}

/// A vote.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Support {
    /// Against it
    Against,
    /// For it
    For,
    /// Neither, but counts for the quorum
    Abstain,
}

/// Between two looks at the chain while waiting.
const POLL: Duration = Duration::from_millis(500);

pub(super) fn vote(context: &Context, args: &VoteArgs) -> Result<()> {
    let sender = args.sender.open(&context.client)?;
    let proposal = ready(context, &args.id, Step::Vote, args.wait)?;
    let (id, support) = (proposal.id, args.support as u8);
    let data: Bytes = match &args.reason {
        Some(reason) => {
            MeshGovernor::castVoteWithReasonCall { proposalId: id, support, reason: reason.clone() }.abi_encode()
        }
        None => MeshGovernor::castVoteCall { proposalId: id, support }.abi_encode(),
    }
    .into();
    let sent = sender.send(proposal.track.governor(), data)?;
    let votes = read_reputation(&context.client, sender.address())?.votes;
    if votes.is_zero() && !context.json {
        println!("note: {} has no votes; the vote counts nothing", sender.address());
    }
    report(
        context,
        &proposal,
        &sent,
        &format!("voted {:?} with about {} votes", args.support, units(votes)).to_lowercase(),
    )
}

pub(super) fn run(context: &Context, step: Step, args: &StepArgs) -> Result<()> {
    let sender = args.sender.open(&context.client)?;
    let proposal = ready(context, &args.id, step, args.wait)?;
    let (data, done) = match step {
        Step::Queue => (proposal.queue_calldata(), "queued"),
        Step::Cancel => (proposal.cancel_calldata(), "cancelled"),
        _ => (proposal.execute_calldata(), "executed"),
    };
    let sent = sender.send(proposal.track.governor(), data)?;
    report(context, &proposal, &sent, done)
}

fn report(context: &Context, proposal: &Proposal, sent: &Sent, done: &str) -> Result<()> {
    let state = context.reader().state(proposal.track, proposal.id)?;
    if context.json {
        let line = json!({
            "id": proposal.id.to_string(),
            "transaction": sent.hash,
            "block": sent.receipt.block_number.to::<u64>(),
            "gasUsed": sent.receipt.gas_used.to::<u64>(),
            "state": state,
        });
        println!("{line}");
        return Ok(());
    }
    println!("{done}: {} (block {}, {} gas)", proposal.title, sent.receipt.block_number, sent.receipt.gas_used);
    println!("the proposal is {state}: {}", state.meaning());
    Ok(())
}

/// The proposal, once `step` is possible; waits for that if asked to.
fn ready(context: &Context, id: &str, step: Step, wait: bool) -> Result<Proposal> {
    let reader = context.reader();
    let proposal = reader.find(id)?;
    let mut state = proposal.state;
    loop {
        let now_s = context.client.present_s()?;
        match step.possible_in(state, &proposal.times, now_s) {
            Some(0) => {
                clear_countdown();
                return Ok(Proposal { state, ..proposal });
            }
            Some(seconds) if wait => countdown(step, state, seconds),
            Some(seconds) => return Err(not_now(step, state, Some(seconds))),
            None => {
                clear_countdown();
                return Err(not_now(step, state, None));
            }
        }
        thread::sleep(POLL);
        state = reader.state(proposal.track, proposal.id)?;
    }
}

fn not_now(step: Step, state: ProposalState, seconds: Option<u64>) -> eyre::Report {
    let text = match seconds {
        Some(seconds) => format!(
            "{step} is not possible yet: the proposal is {state}, {}; possible in about {} (--wait waits for it)",
            state.meaning(),
            duration(seconds)
        ),
        None => format!("{step} is not possible: the proposal is {state}, {}", state.meaning()),
    };
    Error::NotNow(text).into()
}

fn countdown(step: Step, state: ProposalState, seconds: u64) {
    if watched() {
        eprint!("\r\x1b[2K{state}: {step} is possible in {}", duration(seconds));
    }
}

fn clear_countdown() {
    if watched() {
        eprint!("\r\x1b[2K");
    }
}
