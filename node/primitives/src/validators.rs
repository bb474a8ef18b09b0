//! The validator set of an epoch, and the arithmetic of its weights.

use crate::{
    codec::{CodecError, Decode, Encode, Reader, encode_list},
    ids::{Epoch, SetId, ValidatorIndex},
    limits::VALIDATORS_MAX,
    signature::{Algorithm, PublicKey},
    signers::Signers,
    statement::hash_of,
};
use alloy_primitives::Address;

/// One member of a set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Validator {
    /// The account that rewards go to and that evidence slashes.
    pub account: Address,
    /// The key that signs cells, votes and blocks.
    pub key: PublicKey,
    /// Bonded weight, before clipping.
    pub bonded: u64,
}

/// Why members make no set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SetError {
    /// None at all.
    #[error("a validator set needs a member")]
    Empty,
    /// More than the committee has places.
    #[error("{found} validators are more than the {max} places of the committee")]
    TooMany {
        /// Members given.
        found: usize,
        /// [`VALIDATORS_MAX`].
        max: usize,
    },
    /// Two members with one key could vote twice.
    #[error("validators {first} and {second} have the same key")]
    SameKey {
        /// Place of the first of them.
        first: usize,
        /// Place of the second.
        second: usize,
    },
}

/// The validators of one epoch with their effective weights. A set is never refused for its weights:
///
/// - where all are zero, every member counts 1;
/// - with four or more non-zero members, weights are clipped until the greatest is at most ⌊(W−1)/3⌋ of the clipped total
///   W, so that no single fault stops or forks the chain;
/// - with fewer, nothing is clipped and no fault is tolerated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValidatorSet {
    epoch: Epoch,
    members: Vec<Validator>,
    weights: Vec<u64>,
    total: u64,
    faulty: u64,
}

/// Weights above this are read as this: 64 of them still fit 64 bits.
const WEIGHT_MAX: u64 = u64::MAX / VALIDATORS_MAX as u64;

impl ValidatorSet {
    /// The set of `epoch`. The place in `members` is the [`ValidatorIndex`].
    ///
    /// # Errors
    /// [`SetError`] where there are no members, too many, or two with one key.
    pub fn new(epoch: Epoch, members: Vec<Validator>) -> Result<Self, SetError> {
        if members.is_empty() {
            return Err(SetError::Empty);
        }
        if members.len() > VALIDATORS_MAX {
            return Err(SetError::TooMany { found: members.len(), max: VALIDATORS_MAX });
        }
        for (second, member) in members.iter().enumerate() {
            if let Some(first) = members.iter().take(second).position(|other| other.key == member.key) {
                return Err(SetError::SameKey { first, second });
            }
        }
        let bonded: Vec<u64> = members.iter().map(|member| member.bonded).collect();
        let weights = effective_weights(&bonded);
        // at most VALIDATORS_MAX summands of at most WEIGHT_MAX each
        let total: u64 = weights.iter().sum();
        let faulty = if weights.iter().filter(|weight| **weight > 0).count() < 4 { 0 } else { (total - 1) / 3 };
        Ok(Self { epoch, members, weights, total, faulty })
    }

    /// The epoch it serves.
    pub fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// How many members it has: between 1 and [`VALIDATORS_MAX`].
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Never: a set has a member.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// The members in order.
    pub fn members(&self) -> &[Validator] {
        &self.members
    }

    /// The member at a place.
    pub fn get(&self, index: ValidatorIndex) -> Option<&Validator> {
        self.members.get(usize::from(index.0))
    }

    /// All places.
    pub fn indices(&self) -> impl Iterator<Item = ValidatorIndex> + use<> {
        (0..self.members.len() as u16).map(ValidatorIndex)
    }

    /// Effective weight of the member at a place; 0 where there is none.
    pub fn weight(&self, index: ValidatorIndex) -> u64 {
        self.weights.get(usize::from(index.0)).copied().unwrap_or(0)
    }

    /// Effective weight of all members W.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// The greatest weight f that may be faulty: ⌊(W−1)/3⌋, or 0 with fewer than four non-zero members.
    pub fn faulty(&self) -> u64 {
        self.faulty
    }

    /// The weight that decides: ⌊2W/3⌋ + 1. Two quorums share a correct validator.
    pub fn quorum(&self) -> u64 {
        // in 128 bits because 2W may not fit 64; the result is at most W
        (u128::from(self.total) * 2 / 3 + 1) as u64
    }

    /// The weight among which at least one is correct: f + 1.
    pub fn one_correct(&self) -> u64 {
        self.faulty + 1
    }

    /// Effective weight of some members. Bits outside the set count nothing.
    pub fn weight_of(&self, signers: Signers) -> u64 {
        signers.iter().map(|index| self.weight(index)).sum()
    }

    /// All members as a bitmap.
    pub fn everyone(&self) -> Signers {
        self.indices().collect()
    }

    /// BLAKE3-256 of the canonical encoding: what the certificate of the epoch before commits to.
    pub fn id(&self) -> SetId {
        SetId(hash_of(self))
    }
}

fn effective_weights(bonded: &[u64]) -> Vec<u64> {
    let mut weights: Vec<u64> = bonded.iter().map(|weight| (*weight).min(WEIGHT_MAX)).collect();
    if weights.iter().all(|weight| *weight == 0) {
        weights.fill(1);
    }
    if weights.iter().filter(|weight| **weight > 0).count() < 4 {
        return weights;
    }
    // The greatest cap that holds is the fixed point of this. It falls by a third or more each time until at most two
    // members are at the cap; with three or more there and a fourth above zero it holds at once.
    loop {
        let total: u64 = weights.iter().sum();
        let cap = (total - 1) / 3;
        if weights.iter().all(|weight| *weight <= cap) {
            return weights;
        }
        weights.iter_mut().for_each(|weight| *weight = (*weight).min(cap));
    }
}

impl Encode for Validator {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.account.as_slice());
        self.key.encode(out);
        self.bonded.encode(out);
    }
}

impl Decode for Validator {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CodecError> {
        Ok(Self {
            account: Address::from(reader.array()?),
            key: Decode::decode(reader)?,
            bonded: Decode::decode(reader)?,
        })
    }
}

impl Encode for ValidatorSet {
    fn encode(&self, out: &mut Vec<u8>) {
        self.epoch.encode(out);
        encode_list(&self.members, out);
    }
}

impl Decode for ValidatorSet {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CodecError> {
        let epoch = Decode::decode(reader)?;
        let smallest = 20 + 1 + Algorithm::MlDsa44.public_key_bytes() + 8;
        let members: Vec<Validator> = reader.list("validators", VALIDATORS_MAX, smallest)?;
        let found = members.len() as u64;
        let distinct = members.iter().enumerate().filter(|(at, one)| members[..*at].iter().all(|o| o.key != one.key));
        let expected = distinct.count() as u64;
        Self::new(epoch, members).map_err(|_| CodecError::Mismatch {
            what: "number of validators with distinct keys",
            found,
            expected: expected.max(1),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_primitives::Bytes;
    use proptest::prelude::*;

    pub(crate) fn set(bonded: &[u64]) -> ValidatorSet {
        let member = |(index, bonded): (usize, &u64)| Validator {
            account: Address::with_last_byte(index as u8),
            key: PublicKey::new(Algorithm::MlDsa65, Bytes::from(vec![index as u8; 1_952])),
            bonded: *bonded,
        };
        ValidatorSet::new(Epoch(3), bonded.iter().enumerate().map(member).collect()).unwrap()
    }

    #[test]
    fn equal_weights_give_the_textbook_numbers() {
        for (n, f, quorum) in [(1, 0, 1), (2, 0, 2), (3, 0, 3), (4, 1, 3), (7, 2, 5), (16, 5, 11), (64, 21, 43)] {
            let set = set(&vec![1; n]);
            assert_eq!((set.faulty(), set.quorum()), (f, quorum), "n = {n}");
        }
    }

    #[test]
    fn a_giant_is_clipped_and_zeros_count_nothing() {
        assert_eq!(set(&[97, 1, 1, 1]).weights, [1, 1, 1, 1]);
        assert_eq!(set(&[u64::MAX, u64::MAX, 0, 0]).weights, [WEIGHT_MAX, WEIGHT_MAX, 0, 0]);
        assert_eq!(set(&[0, 0, 0, 0, 0]).weights, [1; 5]);
        assert_eq!(set(&[u64::MAX, u64::MAX, u64::MAX, 1]).weights, [WEIGHT_MAX, WEIGHT_MAX, WEIGHT_MAX, 1]);
    }

    #[test]
    fn members_with_one_key_are_refused() {
        let mut members = set(&[1, 1, 1]).members;
        members[2].key = members[0].key.clone();
        assert_eq!(ValidatorSet::new(Epoch(0), members), Err(SetError::SameKey { first: 0, second: 2 }));
    }

    proptest! {
        #[test]
        fn two_quorums_share_more_than_what_may_be_faulty(
            bonded in prop::collection::vec(prop_oneof![0..5u64, any::<u64>(), 1_000..2_000u64], 1..=64)
        ) {
            let set = set(&bonded);
            let (total, quorum, faulty) =
                (u128::from(set.total()), u128::from(set.quorum()), u128::from(set.faulty()));
            prop_assert!(quorum <= total);
            prop_assert!(2 * quorum - total > faulty, "safe: the overlap holds a correct validator");
            prop_assert!(total - faulty >= quorum, "live: the correct ones are a quorum");
            if faulty > 0 {
                prop_assert!(set.indices().all(|index| u128::from(set.weight(index)) <= faulty));
            }
        }
    }
}
