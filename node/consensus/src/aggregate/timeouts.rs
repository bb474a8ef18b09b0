//! Timeouts by round.

use qsdm_primitives::{Round, Signers, Timeout, TimeoutCertificate, TimeoutEntry, ValidatorIndex, ValidatorSet};
use std::collections::BTreeMap;

/// Timeouts by round, one for each validator: the one with the newest certificate.
#[derive(Clone, Debug, Default)]
pub(crate) struct Timeouts {
    rounds: BTreeMap<Round, BTreeMap<ValidatorIndex, Timeout>>,
    /// Timeouts whose certificate is not here yet: the newest of each validator.
    parked: BTreeMap<ValidatorIndex, Timeout>,
}

impl Timeouts {
    /// Takes a timeout whose certificate is held. The certificate of the round, once a quorum timed out and this one
    /// changed something.
    pub(crate) fn insert(&mut self, set: &ValidatorSet, quorum: u64, timeout: Timeout) -> Option<TimeoutCertificate> {
        let round = timeout.round;
        let timeouts = self.rounds.entry(round).or_default();
        match timeouts.get(&timeout.voter) {
            Some(known) if known.high_qc.round() >= timeout.high_qc.round() => return None,
            _ => timeouts.insert(timeout.voter, timeout),
        };
        let signers: Signers = timeouts.keys().copied().collect();
        if set.weight_of(signers) < quorum {
            return None;
        }
        let high_qc = timeouts.values().max_by_key(|timeout| timeout.high_qc.round())?.high_qc;
        let entries = timeouts.values().map(|timeout| TimeoutEntry {
            voter: timeout.voter,
            high_round: timeout.high_qc.round(),
            high_block: timeout.high_qc.block(),
            signature: timeout.signature.clone(),
        });
        Some(TimeoutCertificate { round, high_qc, entries: entries.collect() })
    }

    /// Who timed out in a round.
    pub(crate) fn signers(&self, round: Round) -> Signers {
        self.rounds.get(&round).into_iter().flat_map(BTreeMap::keys).copied().collect()
    }

    /// The newest round from `oldest` on in which `weight` timed out.
    pub(crate) fn newest_with(&self, set: &ValidatorSet, oldest: Round, weight: u64) -> Option<Round> {
        let mut rounds = self.rounds.range(oldest..).rev();
        rounds.find(|(round, _)| set.weight_of(self.signers(**round)) >= weight).map(|(round, _)| *round)
    }

    /// Keeps a timeout until its certificate is here.
    pub(crate) fn park(&mut self, timeout: Timeout) {
        match self.parked.get(&timeout.voter) {
            Some(known) if known.round > timeout.round => {}
            _ => {
                self.parked.insert(timeout.voter, timeout);
            }
        }
    }

    /// The parked timeouts, which are parked no more.
    pub(crate) fn take_parked(&mut self) -> Vec<Timeout> {
        std::mem::take(&mut self.parked).into_values().collect()
    }

    /// The timeouts that wait for a certificate.
    pub(crate) fn parked(&self) -> impl Iterator<Item = &Timeout> {
        self.parked.values()
    }

    /// Forgets the rounds before `oldest`.
    pub(crate) fn keep(&mut self, oldest: Round) {
        self.rounds = self.rounds.split_off(&oldest);
        self.parked.retain(|_, timeout| timeout.round >= oldest);
    }

    /// How many timeouts are kept.
    pub(crate) fn len(&self) -> usize {
        self.rounds.values().map(BTreeMap::len).sum::<usize>() + self.parked.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aggregate::fixtures::{set, signature};
    use proptest::prelude::*;
    use qsdm_primitives::{BlockId, Epoch, QcRef, VoteStatement};

    fn timeout(voter: u16, round: u64, high: u64) -> Timeout {
        let statement = VoteStatement { epoch: Epoch(3), round: Round(high), block: BlockId([high as u8; 32]) };
        let high_qc = QcRef { statement, signers: Signers(high) };
        Timeout { round: Round(round), high_qc, voter: ValidatorIndex(voter), signature: signature(voter, high as u8) }
    }

    proptest! {
        #[test]
        fn timeouts_are_counted_as_by_a_list(
            weights in prop::collection::vec(1..6u64, 1..8),
            sent in prop::collection::vec((0..8u16, 10..13u64, 0..5u64), 0..100),
            least in 1..20u64,
        ) {
            let set = set(&weights);
            let mut counted = Timeouts::default();
            let mut list: Vec<(u16, u64, u64)> = Vec::new();
            for (voter, round, high) in sent.into_iter().filter(|(voter, ..)| usize::from(*voter) < weights.len()) {
                let certificate = counted.insert(&set, set.quorum(), timeout(voter, round, high));
                let newest = |list: &[(u16, u64, u64)], voter: u16, round: u64| {
                    list.iter().filter(|(v, r, _)| (*v, *r) == (voter, round)).map(|(.., high)| *high).max()
                };
                let is_news = newest(&list, voter, round).is_none_or(|known| known < high);
                list.push((voter, round, high));
                let entries: Vec<(u16, u64)> = (0..weights.len() as u16)
                    .filter_map(|voter| newest(&list, voter, round).map(|high| (voter, high)))
                    .collect();
                let signers: Signers = entries.iter().map(|(voter, _)| ValidatorIndex(*voter)).collect();
                prop_assert_eq!(counted.signers(Round(round)), signers);
                prop_assert_eq!(certificate.is_some(), is_news && set.weight_of(signers) >= set.quorum());
                if let Some(certificate) = certificate {
                    prop_assert_eq!(certificate.round, Round(round));
                    let found: Vec<(u16, u64)> =
                        certificate.entries.iter().map(|entry| (entry.voter.0, entry.high_round.0)).collect();
                    prop_assert_eq!(&found, &entries);
                    let greatest = entries.iter().map(|(_, high)| *high).max();
                    prop_assert_eq!(Some(certificate.high_qc.round().0), greatest);
                    prop_assert_eq!(certificate.high_qc.signers, Signers(certificate.high_qc.round().0));
                }
                let weighty = (10..13).rev().find(|round| set.weight_of(counted.signers(Round(*round))) >= least);
                prop_assert_eq!(counted.newest_with(&set, Round(10), least), weighty.map(Round));
            }
        }
    }

    #[test]
    fn a_validator_waits_with_its_newest_timeout_only() {
        let mut timeouts = Timeouts::default();
        for (voter, round) in [(0, 5), (0, 9), (0, 7), (1, 6)] {
            timeouts.park(timeout(voter, round, 3));
        }
        let parked: Vec<_> = timeouts.parked().map(|timeout| (timeout.voter.0, timeout.round.0)).collect();
        assert_eq!(parked, [(0, 9), (1, 6)]);
        assert_eq!(timeouts.len(), 2);
        timeouts.keep(Round(7));
        assert_eq!(timeouts.take_parked().len(), 1);
        assert_eq!(timeouts.len(), 0);
    }
}
