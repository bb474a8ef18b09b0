//! `qsdm gov list`

use super::{
    Context,
    format::{relative, short_id},
};
use crate::cli::Usage;
use clap::Args;
use eyre::Result;
use qsdm_contracts::Track;
use qsdm_governance::{Ledger, Proposal, ProposalState};

/// Arguments of `qsdm gov list`.
#[derive(Debug, Args)]
pub(super) struct ListArgs {
    /// Only those in this state: pending, active, succeeded, queued, …
    #[arg(long, value_name = "STATE")]
    state: Option<String>,

    /// Only those of this track
    #[arg(long, value_name = "TRACK")]
    track: Option<Track>,
}

pub(super) fn run(context: &Context, args: &ListArgs) -> Result<()> {
    let state = args.state.as_deref().map(parse_state).transpose()?;
    let mut proposals = context.reader().proposals()?;
    proposals.retain(|proposal| {
        state.is_none_or(|wanted| proposal.state == wanted) && args.track.is_none_or(|wanted| proposal.track == wanted)
    });
    if context.json {
        println!("{}", serde_json::to_string(&proposals)?);
        return Ok(());
    }
    if proposals.is_empty() {
        println!("no proposals{}", if state.is_some() || args.track.is_some() { " of this kind" } else { " yet" });
        return Ok(());
    }
    let now_s = context.client.present_s()?;
    for proposal in &proposals {
        let next = next(proposal, now_s);
        println!(
            "{:<10}  {:<8} {:<10} {:<24} {}",
            short_id(proposal.id),
            proposal.track.to_string(),
            proposal.state.to_string(),
            next,
            proposal.title
        );
    }
    Ok(())
}

/// What happens next, in a few words.
fn next(proposal: &Proposal, now_s: u64) -> String {
    let times = &proposal.times;
    match proposal.state {
        ProposalState::Pending => format!("vote opens {}", relative(times.vote_start, now_s)),
        ProposalState::Active => format!("vote ends {}", relative(times.vote_end, now_s)),
        ProposalState::Succeeded => format!("queue until {}", relative(times.expires, now_s)),
        ProposalState::Queued => match times.executable_from.filter(|moment| *moment > now_s) {
            Some(moment) => format!("executable {}", relative(moment, now_s)),
            None => "executable now".to_owned(),
        },
        _ => String::new(),
    }
}

fn parse_state(text: &str) -> Result<ProposalState, Usage> {
    let known = ProposalState::ALL.iter().find(|state| state.to_string().eq_ignore_ascii_case(text));
    known.copied().ok_or_else(|| {
        let names: Vec<String> = ProposalState::ALL.iter().map(|state| state.to_string().to_lowercase()).collect();
        Usage(format!("--state {text}: give one of {}", names.join(", ")))
    })
}
