//! What a core wanted done, by kind.

use qsdm_consensus::{
    Action, CommittedBlock, FetchRequest, HaltReason, Message, PeerId, SafetyRecord, TimerId, Unsigned, UnsignedBlock,
};
use qsdm_primitives::{BlockId, Evidence, Executed, QcRef, Round};

fn pick<T>(actions: &[Action], choose: impl Fn(&Action) -> Option<T>) -> Vec<T> {
    actions.iter().filter_map(choose).collect()
}

fn signed<T>(actions: &[Action], choose: impl Fn(&Unsigned) -> Option<T>) -> Vec<T> {
    pick(actions, |action| if let Action::Sign(unsigned) = action { choose(unsigned) } else { None })
}

/// The blocks voted for.
pub(crate) fn votes(actions: &[Action]) -> Vec<BlockId> {
    signed(actions, |unsigned| if let Unsigned::Vote(vote) = unsigned { Some(vote.block) } else { None })
}

/// The rounds timed out, with the newest certificate.
pub(crate) fn timeouts(actions: &[Action]) -> Vec<(Round, QcRef)> {
    signed(actions, |unsigned| match unsigned {
        Unsigned::Timeout { round, high_qc } => Some((*round, *high_qc)),
        _ => None,
    })
}

pub(crate) fn proposals(actions: &[Action]) -> Vec<UnsignedBlock> {
    signed(actions, |unsigned| if let Unsigned::Block(block) = unsigned { Some((**block).clone()) } else { None })
}

/// Everything that was signed.
pub(crate) fn signatures(actions: &[Action]) -> Vec<Unsigned> {
    signed(actions, |unsigned| Some(unsigned.clone()))
}

pub(crate) fn commits(actions: &[Action]) -> Vec<CommittedBlock> {
    pick(actions, |action| if let Action::Commit(block) = action { Some((**block).clone()) } else { None })
}

pub(crate) fn finalized(actions: &[Action]) -> Vec<Executed> {
    pick(actions, |action| if let Action::Finalized(executed) = action { Some(*executed) } else { None })
}

/// What was asked of whom, and how often before.
pub(crate) fn fetches(actions: &[Action]) -> Vec<(FetchRequest, Option<PeerId>, u32)> {
    pick(actions, |action| match action {
        Action::Fetch { request, from, attempt } => Some((request.clone(), *from, *attempt)),
        _ => None,
    })
}

pub(crate) fn timers(actions: &[Action]) -> Vec<(TimerId, u64)> {
    pick(actions, |action| if let Action::SetTimer(timer, ms) = action { Some((*timer, *ms)) } else { None })
}

pub(crate) fn records(actions: &[Action]) -> Vec<SafetyRecord> {
    pick(actions, |action| if let Action::Persist(record, _) = action { Some((**record).clone()) } else { None })
}

pub(crate) fn evidence(actions: &[Action]) -> Vec<Evidence> {
    pick(actions, |action| if let Action::Evidence(evidence) = action { Some((**evidence).clone()) } else { None })
}

/// What one peer was sent.
pub(crate) fn answers(actions: &[Action]) -> Vec<(PeerId, Message)> {
    pick(actions, |action| if let Action::Send(peer, message) = action { Some((*peer, message.clone())) } else { None })
}

pub(crate) fn halts(actions: &[Action]) -> Vec<HaltReason> {
    pick(actions, |action| if let Action::Halt(reason) = action { Some(reason.clone()) } else { None })
}

/// Where an action of a kind stands among the others.
pub(crate) fn place(actions: &[Action], is_it: impl Fn(&Action) -> bool) -> Option<usize> {
    actions.iter().position(is_it)
}
