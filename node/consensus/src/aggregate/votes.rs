//! Votes by round and block.

use qsdm_primitives::{
    BlockId, Evidence, QcRef, QuorumCertificate, Round, Signature, Signers, ValidatorIndex, ValidatorSet, Vote,
    VoteStatement,
};
use std::{collections::BTreeMap, sync::Arc};

/// Blocks that one voter is kept as a voter for in one round: the second one proves the double vote.
const BLOCKS_A_VOTER_MAX: usize = 2;

#[derive(Clone, Debug, Default)]
struct BlockVotes {
    signatures: BTreeMap<ValidatorIndex, Signature>,
    /// Those for whom this was the first block of the round: a double voter counts once.
    counted: Signers,
    certificate: Option<Arc<QuorumCertificate>>,
}

impl BlockVotes {
    fn signers(&self) -> Signers {
        self.signatures.keys().copied().collect()
    }

    fn certificate_of(&self, reference: QcRef) -> Option<QuorumCertificate> {
        let signatures: Option<Vec<Signature>> =
            reference.signers.iter().map(|voter| self.signatures.get(&voter).cloned()).collect();
        signatures.map(|signatures| QuorumCertificate { reference, signatures })
    }
}

/// Votes by round and block. Bounded by the rounds that [`Votes::keep`] leaves, the validators, and two blocks a voter.
#[derive(Clone, Debug, Default)]
pub(crate) struct Votes {
    rounds: BTreeMap<Round, BTreeMap<BlockId, BlockVotes>>,
}

/// What a vote led to.
#[derive(Debug, Default)]
pub(crate) struct VoteOutcome {
    /// A certificate, with the vote that completed it.
    pub(crate) certificate: Option<Arc<QuorumCertificate>>,
    /// The proof that the voter voted twice in the round.
    pub(crate) evidence: Option<Evidence>,
    /// Whether the vote was not known before.
    pub(crate) is_new: bool,
}

impl Votes {
    /// Takes a vote. `quorum` is the weight that decides.
    pub(crate) fn insert(&mut self, set: &ValidatorSet, quorum: u64, vote: Vote, count_all: bool) -> VoteOutcome {
        let VoteStatement { epoch, round, block } = vote.statement;
        let blocks = self.rounds.entry(round).or_default();
        let other = blocks.iter().find_map(|(other, votes)| {
            let signature = votes.signatures.get(&vote.voter).filter(|_| *other != block)?;
            Some(Vote {
                statement: VoteStatement { epoch, round, block: *other },
                voter: vote.voter,
                signature: signature.clone(),
            })
        });
        let others = blocks.iter().filter(|(id, votes)| **id != block && votes.signatures.contains_key(&vote.voter));
        if others.count() >= BLOCKS_A_VOTER_MAX {
            return VoteOutcome::default();
        }
        let votes = blocks.entry(block).or_default();
        if votes.signatures.contains_key(&vote.voter) {
            return VoteOutcome::default();
        }
        votes.signatures.insert(vote.voter, vote.signature.clone());
        if other.is_none() || count_all {
            votes.counted.insert(vote.voter);
        }
        let mut outcome = VoteOutcome { is_new: true, ..VoteOutcome::default() };
        if votes.certificate.is_none() && set.weight_of(votes.counted) >= quorum {
            let reference = QcRef { statement: vote.statement, signers: votes.counted };
            votes.certificate = votes.certificate_of(reference).map(Arc::new);
            outcome.certificate = votes.certificate.clone();
        }
        outcome.evidence = other.map(|other| Evidence::double_vote(other, vote));
        outcome
    }

    /// Takes the votes of a certificate, which count whatever else their voters voted for.
    pub(crate) fn insert_certificate(&mut self, certificate: &Arc<QuorumCertificate>) {
        let blocks = self.rounds.entry(certificate.round()).or_default();
        let votes = blocks.entry(certificate.reference.block()).or_default();
        for vote in certificate.votes() {
            votes.signatures.entry(vote.voter).or_insert(vote.signature);
        }
        votes.certificate.get_or_insert_with(|| Arc::clone(certificate));
    }

    /// Whether every vote that `reference` lists is here.
    pub(crate) fn hold(&self, reference: &QcRef) -> bool {
        self.of(reference).is_some_and(|votes| reference.signers.is_within(votes.signers()))
    }

    /// A certificate for the block of `reference`, of whichever votes.
    pub(crate) fn certificate(&self, round: Round, block: &BlockId) -> Option<&Arc<QuorumCertificate>> {
        self.rounds.get(&round)?.get(block)?.certificate.as_ref()
    }

    /// The certificate of exactly the votes that `reference` lists.
    pub(crate) fn exact(&self, reference: &QcRef) -> Option<Arc<QuorumCertificate>> {
        let votes = self.of(reference)?;
        match &votes.certificate {
            Some(certificate) if certificate.reference == *reference => Some(Arc::clone(certificate)),
            _ => votes.certificate_of(*reference).map(Arc::new),
        }
    }

    /// Forgets the rounds before `oldest`.
    pub(crate) fn keep(&mut self, oldest: Round) {
        self.rounds = self.rounds.split_off(&oldest);
    }

    /// Of the rounds before `oldest` keeps the votes of certificates only. These may be needed however old they are: the
    /// next block extends the newest one.
    pub(crate) fn keep_certified(&mut self, oldest: Round) {
        let mut recent = self.rounds.split_off(&oldest);
        self.rounds.retain(|_, blocks| {
            blocks.retain(|_, votes| votes.certificate.is_some());
            !blocks.is_empty()
        });
        self.rounds.append(&mut recent);
    }

    /// How many votes are kept.
    pub(crate) fn len(&self) -> usize {
        self.rounds.values().flat_map(BTreeMap::values).map(|votes| votes.signatures.len()).sum()
    }

    fn of(&self, reference: &QcRef) -> Option<&BlockVotes> {
        self.rounds.get(&reference.round())?.get(&reference.block())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aggregate::fixtures::{set, signature};
    use proptest::prelude::*;
    use qsdm_primitives::Epoch;

    fn vote(voter: u16, round: u64, block: u8) -> Vote {
        let statement = VoteStatement { epoch: Epoch(3), round: Round(round), block: BlockId([block; 32]) };
        Vote { statement, voter: ValidatorIndex(voter), signature: signature(voter, block) }
    }

    /// The votes as a list, looked through from the beginning each time.
    #[derive(Default)]
    struct Oracle {
        taken: Vec<(u16, u64, u8)>,
        certified: Vec<(u64, u8)>,
    }

    impl Oracle {
        /// The blocks that a voter voted for in a round, in order.
        fn blocks_of(&self, voter: u16, round: u64) -> Vec<u8> {
            self.taken.iter().filter(|(v, r, _)| (*v, *r) == (voter, round)).map(|(.., block)| *block).collect()
        }

        /// Whether the vote is news, whether it proves something, and the voters of a certificate that it completes.
        fn insert(
            &mut self,
            set: &ValidatorSet,
            (voter, round, block): (u16, u64, u8),
        ) -> (bool, bool, Option<Signers>) {
            let before = self.blocks_of(voter, round);
            if before.contains(&block) || before.len() >= 2 {
                return (false, false, None);
            }
            self.taken.push((voter, round, block));
            let counted: Signers =
                set.indices().filter(|voter| self.blocks_of(voter.0, round).first() == Some(&block)).collect();
            let is_quorum = set.weight_of(counted) >= set.quorum() && !self.certified.contains(&(round, block));
            if is_quorum {
                self.certified.push((round, block));
            }
            (true, !before.is_empty(), is_quorum.then_some(counted))
        }
    }

    proptest! {
        #[test]
        fn votes_are_counted_as_by_a_list(
            weights in prop::collection::vec(1..6u64, 1..8),
            votes in prop::collection::vec((0..8u16, 1..4u64, 0..4u8), 0..120),
        ) {
            let set = set(&weights);
            let (mut counted, mut oracle) = (Votes::default(), Oracle::default());
            for (voter, round, block) in votes.into_iter().filter(|(voter, ..)| usize::from(*voter) < weights.len()) {
                let outcome = counted.insert(&set, set.quorum(), vote(voter, round, block), false);
                let (is_new, is_proof, signers) = oracle.insert(&set, (voter, round, block));
                prop_assert_eq!(outcome.is_new, is_new);
                prop_assert_eq!(outcome.evidence.is_some(), is_proof);
                if let Some(evidence) = outcome.evidence {
                    prop_assert_eq!(evidence.check(), Ok(()));
                    prop_assert_eq!(evidence.offender(), ValidatorIndex(voter));
                }
                prop_assert_eq!(outcome.certificate.as_ref().map(|certificate| certificate.reference.signers), signers);
                if let Some(certificate) = outcome.certificate {
                    let expected: Vec<Signature> =
                        certificate.reference.signers.iter().map(|voter| signature(voter.0, block)).collect();
                    prop_assert_eq!(&certificate.signatures, &expected);
                    prop_assert!(counted.hold(&certificate.reference));
                    prop_assert_eq!(counted.exact(&certificate.reference), Some(certificate));
                }
                prop_assert_eq!(counted.len(), oracle.taken.len());
            }
        }

        #[test]
        fn the_order_of_votes_decides_nothing_where_nobody_votes_twice(
            weights in prop::collection::vec(1..6u64, 1..8),
            choices in prop::collection::vec(0..3u8, 8),
            seed in any::<u64>(),
        ) {
            let set = set(&weights);
            let certified = |order: Vec<u16>| {
                let mut votes = Votes::default();
                let outcomes = order.into_iter().map(|voter| {
                    votes.insert(&set, set.quorum(), vote(voter, 1, choices[usize::from(voter)]), false)
                });
                let certificates: Vec<_> = outcomes.filter_map(|outcome| outcome.certificate).collect();
                let weighty = |certificate: &Arc<QuorumCertificate>| {
                    set.weight_of(certificate.reference.signers) >= set.quorum()
                };
                assert!(certificates.iter().all(weighty));
                certificates.iter().map(|certificate| certificate.reference.block()).collect::<Vec<_>>()
            };
            let voters: Vec<u16> = (0..weights.len() as u16).collect();
            let mut shuffled = voters.clone();
            shuffled.sort_by_key(|voter| seed.rotate_left(u32::from(*voter) * 7).wrapping_mul(0x9e37_79b9_7f4a_7c15));
            prop_assert_eq!(certified(voters), certified(shuffled));
        }

        #[test]
        fn with_few_double_voters_one_block_a_round_is_certified(
            double in prop::collection::vec(any::<bool>(), 7),
            votes in prop::collection::vec((0..7u16, 0..3u8), 0..60),
        ) {
            let set = set(&[1; 7]);
            let mut counted = Votes::default();
            let mut certified = Vec::new();
            let mut faulty = 0;
            let may_vote_twice: Vec<bool> = double.into_iter().map(|double| double && { faulty += 1; faulty <= 2 }).collect();
            let mut chosen = [None; 7];
            for (voter, block) in votes {
                let place = usize::from(voter);
                let block = if may_vote_twice[place] { block } else { *chosen[place].get_or_insert(block) };
                let outcome = counted.insert(&set, set.quorum(), vote(voter, 1, block), false);
                certified.extend(outcome.certificate);
            }
            prop_assert!(certified.len() <= 1, "{certified:?}");
        }
    }

    #[test]
    fn a_certificate_brings_its_votes_along_and_stays_what_it_is() {
        let set = set(&[1; 4]);
        let mut votes = Votes::default();
        let statement = vote(0, 5, 7).statement;
        let reference = QcRef { statement, signers: [0, 1, 2].map(ValidatorIndex).into_iter().collect() };
        let signatures = (0..3).map(|voter| signature(voter, 7)).collect();
        let certificate = Arc::new(QuorumCertificate { reference, signatures });
        votes.insert_certificate(&certificate);
        assert!(votes.hold(&reference));
        assert_eq!(votes.len(), 3);
        assert!(!votes.insert(&set, 3, vote(1, 5, 7), false).is_new);
        let late = votes.insert(&set, 3, vote(3, 5, 7), false);
        assert!(late.is_new && late.certificate.is_none(), "there is one already");
        assert_eq!(votes.certificate(Round(5), &statement.block), Some(&certificate));
        let other = QcRef { signers: [1, 2, 3].map(ValidatorIndex).into_iter().collect(), ..reference };
        assert_eq!(votes.exact(&other).unwrap().signatures.len(), 3, "any of the held votes can be served");
        let absent =
            QcRef { signers: set.everyone().union([9].map(ValidatorIndex).into_iter().collect()), ..reference };
        assert_eq!((votes.hold(&absent), votes.exact(&absent)), (false, None));
    }

    #[test]
    fn old_votes_are_forgotten_but_for_certificates() {
        let set = set(&[1; 4]);
        let mut votes = Votes::default();
        for round in 1..=10 {
            for voter in 0..if round % 2 == 0 { 3 } else { 2 } {
                votes.insert(&set, 3, vote(voter, round, 1), false);
            }
        }
        votes.keep_certified(Round(9));
        assert_eq!(votes.len(), 4 * 3 + 2 + 3);
        assert!(votes.certificate(Round(2), &BlockId([1; 32])).is_some());
        votes.keep(Round(9));
        assert_eq!(votes.len(), 2 + 3);
    }
}
