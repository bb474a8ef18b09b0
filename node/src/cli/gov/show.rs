//! `qsdm gov show`

use super::{
    Context,
    format::{bar, percent, relative, units, utc},
};
use eyre::Result;
use qsdm_governance::{Ledger, Proposal, ProposalState, Tally, printable};

pub(super) fn run(context: &Context, id: &str) -> Result<()> {
    let proposal = context.reader().find(id)?;
    if context.json {
        println!("{}", serde_json::to_string(&proposal)?);
        return Ok(());
    }
    let now_s = context.client.present_s()?;
    println!("{}\n", proposal.title);
    println!("  id           {}", proposal.id);
    println!("  track        {}", proposal.track);
    println!("  proposer     {} in block {}", proposal.proposer, proposal.block);
    println!("  state        {}: {}", proposal.state, proposal.state.meaning());
    println!("\n  If it is executed, the {} timelock calls", proposal.track);
    for (position, action) in proposal.described.iter().enumerate() {
        println!("    {}. {action}", position + 1);
        if !action.decoded {
            println!("       This call could not be decoded. Ask its proposer what it does before you vote.");
        }
    }
    times(&proposal, now_s);
    tally(&proposal.tally);
    next(context, &proposal);
    let body = proposal.description.lines().skip(1).collect::<Vec<_>>().join("\n    ");
    // the text is anybody's: terminal escapes in it could hide the decoded calls above
    println!("\n  Text\n    {}", printable(body.trim()));
    Ok(())
}

fn times(proposal: &Proposal, now_s: u64) {
    let times = &proposal.times;
    let line = |name: &str, moment: u64| println!("    {name:<12} {}  ({})", utc(moment), relative(moment, now_s));
    println!("\n  Times");
    line("vote opens", times.vote_start);
    line("vote ends", times.vote_end);
    if let Some(moment) = times.executable_from {
        line("executable", moment);
    }
    line("expires", times.expires);
}

fn tally(tally: &Tally) {
    let all = tally.in_favour + tally.against + tally.abstain;
    println!("\n  Votes");
    for (name, amount) in [("for", tally.in_favour), ("against", tally.against), ("abstain", tally.abstain)] {
        println!("    {name:<9} {:>14}  {:>7}", units(amount), percent(amount, all));
    }
    match tally.quorum {
        Some(quorum) => {
            let counted = tally.in_favour + tally.abstain;
            let reached = if counted >= quorum { "reached" } else { "not reached" };
            println!("    quorum    {} {} of {}, {reached}", bar(counted, quorum), units(counted), units(quorum));
        }
        None => println!("    quorum    known once the vote opens"),
    }
}

/// Ready-to-paste lines for what can be done now.
fn next(context: &Context, proposal: &Proposal) {
    let (governor, id) = (proposal.track.governor(), proposal.id);
    let rpc = &context.rpc;
    let cast = |data: String| format!("cast send {governor} {data} --rpc-url {rpc} --private-key $KEY");
    let lines = match proposal.state {
        ProposalState::Active => vec![
            format!("qsdm gov vote {id} for --rpc {rpc}"),
            format!("cast send {governor} 'castVote(uint256,uint8)' {id} 1 --rpc-url {rpc} --private-key $KEY"),
        ],
        ProposalState::Succeeded => {
            vec![format!("qsdm gov queue {id} --rpc {rpc}"), cast(proposal.queue_calldata().to_string())]
        }
        ProposalState::Queued => {
            vec![format!("qsdm gov execute {id} --wait --rpc {rpc}"), cast(proposal.execute_calldata().to_string())]
        }
        _ => return,
    };
    println!("\n  Next");
    for line in lines {
        println!("    {line}");
    }
}
