//! Votes for the end of the epoch.

use qsdm_primitives::{EpochCertificate, EpochClaim, EpochVote, Signers, ValidatorIndex, ValidatorSet};
use std::collections::BTreeMap;

/// The newest vote of each validator.
#[derive(Clone, Debug, Default)]
pub(crate) struct EpochVotes {
    votes: BTreeMap<ValidatorIndex, EpochVote>,
}

impl EpochVotes {
    /// Takes a vote; the certificate once a quorum says the same.
    pub(crate) fn insert(&mut self, set: &ValidatorSet, quorum: u64, vote: EpochVote) -> Option<EpochCertificate> {
        let claim = vote.claim;
        self.votes.insert(vote.voter, vote);
        let signers = self.signers(&claim);
        if set.weight_of(signers) < quorum {
            return None;
        }
        let votes = self.votes.values().filter(|vote| vote.claim == claim);
        Some(EpochCertificate { claim, signers, signatures: votes.map(|vote| vote.signature.clone()).collect() })
    }

    fn signers(&self, claim: &EpochClaim) -> Signers {
        self.votes.values().filter(|vote| vote.claim == *claim).map(|vote| vote.voter).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aggregate::fixtures::{set, signature};
    use qsdm_primitives::{BlockId, Epoch, ExecutionHash, Height, SetId};

    fn vote(voter: u16, root: u8) -> EpochVote {
        let claim = EpochClaim {
            epoch: Epoch(3),
            height: Height(9),
            block: BlockId([1; 32]),
            state_root: ExecutionHash([root; 32]),
            next_set: SetId([2; 32]),
        };
        EpochVote { claim, voter: ValidatorIndex(voter), signature: signature(voter, root) }
    }

    #[test]
    fn only_equal_claims_count_together_and_each_validator_once() {
        let set = set(&[1; 4]);
        let mut votes = EpochVotes::default();
        for (voter, root) in [(0, 1), (0, 1), (1, 2), (2, 1), (2, 2)] {
            assert_eq!(votes.insert(&set, set.quorum(), vote(voter, root)), None);
        }
        // validator 2 changed its mind: its newest word counts
        assert_eq!(votes.insert(&set, set.quorum(), vote(3, 1)), None);
        let certificate = votes.insert(&set, set.quorum(), vote(3, 2)).unwrap();
        assert_eq!(certificate.claim, vote(0, 2).claim);
        assert_eq!(certificate.signers, [1, 2, 3].map(ValidatorIndex).into_iter().collect());
        assert_eq!(certificate.signatures, [1, 2, 3].map(|voter| signature(voter, 2)));
    }
}
