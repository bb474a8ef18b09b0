//! What is signed.

use crate::codec::Encode;

/// What kind of statement a signature is about. A signature for one kind is none for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Domain {
    /// A cell.
    Cell,
    /// A block, signed by its proposer.
    Block,
    /// A vote for a block.
    Vote,
    /// The end of a round.
    Timeout,
    /// The end of an epoch.
    Epoch,
    /// A quantum-safe transaction.
    Transaction,
    /// That a node of the network is run by a validator.
    Peer,
}

impl Domain {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Cell, Self::Block, Self::Vote, Self::Timeout, Self::Epoch, Self::Transaction, Self::Peer];

    /// The bytes that stand before the chain id and the statement's id. No tag is the beginning of another.
    pub const fn tag(self) -> &'static [u8] {
        match self {
            Self::Cell => b"QSDM-cell-v1",
            Self::Block => b"QSDM-block-v1",
            Self::Vote => b"QSDM-vote-v1",
            Self::Timeout => b"QSDM-timeout-v1",
            Self::Epoch => b"QSDM-epoch-v1",
            Self::Transaction => b"QSDM-tx-v1",
            Self::Peer => b"QSDM-peer-v1",
        }
    }

    /// The 32-byte message that ML-DSA signs, with an empty context: BLAKE3(tag ‖ chain id as 8 bytes, little-endian ‖ id).
    pub fn message(self, chain_id: u64, id: &[u8; 32]) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new();
        hasher.update(self.tag()).update(&chain_id.to_le_bytes()).update(id);
        *hasher.finalize().as_bytes()
    }
}

/// Something that a validator signs.
pub trait Statement {
    /// Its kind.
    const DOMAIN: Domain;

    /// BLAKE3-256 of its canonical bytes.
    fn statement_id(&self) -> [u8; 32];

    /// The 32-byte message that is signed.
    fn message(&self, chain_id: u64) -> [u8; 32] {
        Self::DOMAIN.message(chain_id, &self.statement_id())
    }
}

/// BLAKE3-256 of a value's canonical bytes.
pub fn hash_of(value: &impl Encode) -> [u8; 32] {
    *blake3::hash(&value.to_bytes()).as_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_tag_is_the_beginning_of_another() {
        for one in Domain::ALL {
            for other in Domain::ALL.into_iter().filter(|other| *other != one) {
                assert!(!other.tag().starts_with(one.tag()), "{one:?} and {other:?}");
            }
        }
    }

    #[test]
    fn kind_and_chain_change_the_message() {
        let id = [7; 32];
        let mut messages: Vec<_> = Domain::ALL.iter().flat_map(|d| [d.message(1, &id), d.message(2, &id)]).collect();
        messages.sort_unstable();
        messages.dedup();
        assert_eq!(messages.len(), 2 * Domain::ALL.len());
    }
}
