//! A set of validators as a bitmap.

use crate::{
    codec::{CodecError, Decode, Encode, Reader},
    ids::ValidatorIndex,
    limits::VALIDATORS_MAX,
};
use core::fmt;

/// Which validators of a set: bit i is the validator with index i. A committee has at most 64 places, so 8 bytes are
/// the whole bitmap and no validator can be listed twice.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Signers(pub u64);

const _: () = assert!(VALIDATORS_MAX == u64::BITS as usize, "a bit for every place of the committee");

impl Signers {
    /// Nobody.
    pub const NONE: Self = Self(0);

    /// Adds one; `false` where it was in already or no committee has such a place.
    pub fn insert(&mut self, index: ValidatorIndex) -> bool {
        let bit = Self::bit(index);
        let is_new = bit & !self.0 != 0;
        self.0 |= bit;
        is_new
    }

    /// Whether one is in.
    pub fn contains(self, index: ValidatorIndex) -> bool {
        self.0 & Self::bit(index) != 0
    }

    /// How many there are.
    pub fn count(self) -> usize {
        self.0.count_ones() as usize
    }

    /// Whether there are none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Those in either.
    pub fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Those in both.
    pub fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Those in `self` that are not in `other`.
    pub fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether all of these are in `other`.
    pub fn is_within(self, other: Self) -> bool {
        self.without(other).is_empty()
    }

    /// The places in ascending order.
    pub fn iter(self) -> impl Iterator<Item = ValidatorIndex> {
        let mut left = self.0;
        core::iter::from_fn(move || {
            let index = u16::try_from(left.trailing_zeros()).ok().filter(|_| left != 0)?;
            left &= left - 1;
            Some(ValidatorIndex(index))
        })
    }

    fn bit(index: ValidatorIndex) -> u64 {
        1u64.checked_shl(u32::from(index.0)).unwrap_or(0)
    }
}

impl FromIterator<ValidatorIndex> for Signers {
    fn from_iter<I: IntoIterator<Item = ValidatorIndex>>(indices: I) -> Self {
        indices.into_iter().fold(Self::NONE, |mut all, index| {
            all.insert(index);
            all
        })
    }
}

impl fmt::Debug for Signers {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(self.iter().map(|index| index.0)).finish()
    }
}

impl Encode for Signers {
    fn encode(&self, out: &mut Vec<u8>) {
        self.0.encode(out);
    }
}

impl Decode for Signers {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CodecError> {
        Decode::decode(reader).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bitmap_holds_what_was_put_in_once() {
        let mut signers = Signers::NONE;
        for index in [63, 0, 5] {
            assert!(signers.insert(ValidatorIndex(index)));
        }
        assert!(!signers.insert(ValidatorIndex(5)), "already in");
        assert!(!signers.insert(ValidatorIndex(64)), "no committee has such a place");
        assert_eq!(signers.iter().map(|index| index.0).collect::<Vec<_>>(), [0, 5, 63]);
        assert_eq!(signers.count(), 3);
        assert!(!signers.contains(ValidatorIndex(64)));
    }
}
