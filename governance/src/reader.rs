//! Reading proposals from a chain.

use crate::{
    Action, DescribedAction, Error, Ledger, LedgerError, LedgerLog, ProposalState, Times, describe_action,
    description_hash, draft::columns, printable,
};
use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_sol_types::{SolCall, SolEvent};
use qsdm_contracts::{
    Track,
    bindings::{MeshGovernor, MeshTimelock},
};
use serde::{Serialize, Serializer};

/// Votes counted so far, in units of 10^-18 reputation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Tally {
    /// For.
    #[serde(rename = "for")]
    pub in_favour: U256,
    /// Against.
    pub against: U256,
    /// Abstaining; counts for the quorum.
    pub abstain: U256,
    /// What For and Abstain must reach; `None` while the vote has not begun and the snapshot lies ahead.
    pub quorum: Option<U256>,
}

/// A proposal as it stands.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Proposal {
    /// The track it is on.
    #[serde(serialize_with = "as_text")]
    pub track: Track,
    /// Its id on that track's governor.
    #[serde(serialize_with = "as_text")]
    pub id: U256,
    /// Who proposed it.
    pub proposer: Address,
    /// First line of the description, printable.
    pub title: String,
    /// The whole description as it is on the chain: pass it through [`printable`] before it reaches a terminal.
    pub description: String,
    /// What it would do, in words.
    #[serde(rename = "actions")]
    pub described: Vec<DescribedAction>,
    /// What it would do.
    #[serde(skip)]
    pub actions: Vec<Action>,
    /// Where it stands.
    pub state: ProposalState,
    /// Deadlines.
    pub times: Times,
    /// Votes.
    pub tally: Tally,
    /// Height of the block in which it was proposed.
    pub block: u64,
}

/// A track as it stands.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TrackView {
    /// Name.
    #[serde(serialize_with = "as_text")]
    pub track: Track,
    /// Where proposals are made.
    pub governor: Address,
    /// Who acts.
    pub timelock: Address,
    /// Seconds from proposal to vote.
    pub voting_delay_s: u64,
    /// Seconds of the vote.
    pub voting_period_s: u64,
    /// Seconds in the timelock.
    pub timelock_delay_s: u64,
    /// Seconds to queue, and to execute.
    pub execution_window_s: u64,
    /// Votes that proposing takes, in units of 10^-18.
    pub threshold: U256,
    /// Percent of the supply that For and Abstain must reach.
    pub quorum_percent: u64,
    /// What it is for.
    pub purpose: &'static str,
}

fn as_text<T: core::fmt::Display, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

/// Reads governance over a [`Ledger`].
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a, L> {
    ledger: &'a L,
}

impl<'a, L: Ledger> Reader<'a, L> {
    /// A reader.
    pub fn new(ledger: &'a L) -> Self {
        Self { ledger }
    }

    fn view<C: SolCall>(&self, to: Address, what: &'static str, call: &C) -> Result<C::Return, Error> {
        let output = self.ledger.call(to, call.abi_encode().into())?;
        C::abi_decode_returns(&output).map_err(|error| Error::Answer { what, reason: error.to_string() })
    }

    /// Every track of the chain.
    pub fn tracks(&self) -> Result<Vec<TrackView>, Error> {
        Track::ALL.into_iter().map(|track| self.track(track)).collect()
    }

    fn track(&self, track: Track) -> Result<TrackView, Error> {
        let (governor, timelock) = (track.governor(), track.timelock());
        let number = |what: &'static str, value: U256| {
            u64::try_from(value).map_err(|_| Error::Answer { what, reason: format!("{value} is above 2^64") })
        };
        let delay = self.view(governor, "votingDelay", &MeshGovernor::votingDelayCall {})?;
        let period = self.view(governor, "votingPeriod", &MeshGovernor::votingPeriodCall {})?;
        let timelock_delay = self.view(timelock, "getMinDelay", &MeshTimelock::getMinDelayCall {})?;
        let quorum = self.view(governor, "quorumNumerator", &MeshGovernor::quorumNumerator_1Call {})?;
        Ok(TrackView {
            track,
            governor,
            timelock,
            voting_delay_s: number("votingDelay", delay)?,
            voting_period_s: number("votingPeriod", period)?,
            timelock_delay_s: number("getMinDelay", timelock_delay)?,
            execution_window_s: self
                .view(governor, "EXECUTION_WINDOW", &MeshGovernor::EXECUTION_WINDOWCall {})?
                .to::<u64>(),
            threshold: self.view(governor, "proposalThreshold", &MeshGovernor::proposalThresholdCall {})?,
            quorum_percent: number("quorumNumerator", quorum)?,
            purpose: purpose(track),
        })
    }

    /// Every proposal of every track, oldest first within a track.
    pub fn proposals(&self) -> Result<Vec<Proposal>, Error> {
        let mut proposals = Vec::new();
        for track in Track::ALL {
            for log in self.created(track)? {
                proposals.push(self.proposal(track, &log)?);
            }
        }
        Ok(proposals)
    }

    fn created(&self, track: Track) -> Result<Vec<LedgerLog>, Error> {
        Ok(self.ledger.logs(track.governor(), &[MeshGovernor::ProposalCreated::SIGNATURE_HASH])?)
    }

    /// The proposal whose id is, or alone begins with, `text`: decimal digits, or hex with 0x.
    pub fn find(&self, text: &str) -> Result<Proposal, Error> {
        let hex = text.strip_prefix("0x");
        let valid = match hex {
            Some(digits) => !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_hexdigit()),
            None => !text.is_empty() && text.bytes().all(|digit| digit.is_ascii_digit()),
        };
        if !valid {
            return Err(Error::BadProposalId(text.to_owned()));
        }
        // by number first, because tools write ids with leading zeros as well
        let (digits, radix) = hex.map_or((text, 10), |digits| (digits, 16));
        let exact = U256::from_str_radix(digits, radix).ok();
        let mut found = Vec::new();
        for track in Track::ALL {
            for log in self.created(track)? {
                let event = decode_created(&log)?;
                if exact == Some(event.proposalId) {
                    return self.proposal(track, &log);
                }
                let id = match hex {
                    Some(_) => format!("{:#x}", event.proposalId),
                    None => event.proposalId.to_string(),
                };
                if id.starts_with(&text.to_lowercase()) {
                    found.push((track, log));
                }
            }
        }
        match found.as_slice() {
            [(track, log)] => self.proposal(*track, log),
            [] => Err(Error::UnknownProposal(text.to_owned())),
            _ => Err(Error::AmbiguousProposal { prefix: text.to_owned(), count: found.len() }),
        }
    }

    /// Present state of a proposal.
    pub fn state(&self, track: Track, id: U256) -> Result<ProposalState, Error> {
        let what = "state";
        let number = self.view(track.governor(), what, &MeshGovernor::stateCall { proposalId: id })?;
        ProposalState::try_from(number).map_err(|number| Error::Answer { what, reason: format!("state {number}") })
    }

    fn proposal(&self, track: Track, log: &LedgerLog) -> Result<Proposal, Error> {
        let event = decode_created(log)?;
        let actions: Vec<Action> = event
            .targets
            .iter()
            .zip(&event.values)
            .zip(&event.calldatas)
            .map(|((target, value), data)| Action { target: *target, value: *value, data: data.clone() })
            .collect();
        let id = event.proposalId;
        let state = self.state(track, id)?;
        let description = event.description.clone();
        Ok(Proposal {
            track,
            id,
            proposer: event.proposer,
            title: printable(description.lines().next().unwrap_or_default().trim_start_matches('#').trim()),
            described: actions.iter().map(describe_action).collect(),
            actions,
            state,
            times: self.times(track, id, event.voteStart)?,
            tally: self.tally(track, id, event.voteStart)?,
            description,
            block: log.block,
        })
    }

    fn times(&self, track: Track, id: U256, start: U256) -> Result<Times, Error> {
        let governor = track.governor();
        let end = self.view(governor, "proposalDeadline", &MeshGovernor::proposalDeadlineCall { proposalId: id })?;
        let eta = self.view(governor, "proposalEta", &MeshGovernor::proposalEtaCall { proposalId: id })?;
        let window = self.view(governor, "EXECUTION_WINDOW", &MeshGovernor::EXECUTION_WINDOWCall {})?.to::<u64>();
        let (end, eta) = (end.saturating_to::<u64>(), eta.saturating_to::<u64>());
        let executable_from = (eta > 0).then_some(eta);
        let expires = executable_from.unwrap_or(end).saturating_add(window);
        Ok(Times { vote_start: start.saturating_to(), vote_end: end, executable_from, expires })
    }

    fn tally(&self, track: Track, id: U256, start: U256) -> Result<Tally, Error> {
        let governor = track.governor();
        let votes = self.view(governor, "proposalVotes", &MeshGovernor::proposalVotesCall { proposalId: id })?;
        let quorum = match self.view(governor, "quorum", &MeshGovernor::quorumCall { timepoint: start }) {
            Ok(quorum) => Some(quorum),
            // the snapshot lies ahead (ERC-5805)
            Err(Error::Ledger(LedgerError::Reverted(_))) => None,
            Err(error) => return Err(error),
        };
        Ok(Tally { in_favour: votes.forVotes, against: votes.againstVotes, abstain: votes.abstainVotes, quorum })
    }
}

fn decode_created(log: &LedgerLog) -> Result<MeshGovernor::ProposalCreated, Error> {
    MeshGovernor::ProposalCreated::decode_raw_log(&log.topics, &log.data)
        .map_err(|error| Error::Answer { what: "ProposalCreated", reason: error.to_string() })
}

/// What may be proposed on a track.
const fn purpose(track: Track) -> &'static str {
    match track {
        Track::Root => "roles, settings of every track, forced retirement",
        Track::Submesh => "create, set up, release and retire submeshes",
        _ => "unknown to this release",
    }
}

impl Proposal {
    /// Calldata of `queue` on the track's governor.
    pub fn queue_calldata(&self) -> Bytes {
        let (targets, values, calldatas, description_hash) = self.parts();
        MeshGovernor::queueCall { targets, values, calldatas, descriptionHash: description_hash }.abi_encode().into()
    }

    /// Calldata of `execute` on the track's governor.
    pub fn execute_calldata(&self) -> Bytes {
        let (targets, values, calldatas, description_hash) = self.parts();
        MeshGovernor::executeCall { targets, values, calldatas, descriptionHash: description_hash }.abi_encode().into()
    }

    /// Calldata of `cancel` on the track's governor.
    pub fn cancel_calldata(&self) -> Bytes {
        let (targets, values, calldatas, description_hash) = self.parts();
        MeshGovernor::cancelCall { targets, values, calldatas, descriptionHash: description_hash }.abi_encode().into()
    }

    fn parts(&self) -> (Vec<Address>, Vec<U256>, Vec<Bytes>, B256) {
        let (targets, values, calldatas) = columns(&self.actions);
        (targets, values, calldatas, description_hash(&self.description))
    }
}
