//! What simulated transactions are: payments whose sender and nonce may be claimed twice.

use super::{Random, scenario::Payments};
use alloy_primitives::Bytes;
use qsdm_mesh::TransactionKey;
use qsdm_primitives::CellBody;

/// Gas that the header of a cell claims for each payment.
pub(super) const GAS: u64 = 21_000;

/// Who claims each nonce in several cells at once; the other senders have small numbers.
const DOUBLE_SPENDER: u64 = u64::MAX;

/// One payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Payment {
    sender: u64,
    nonce: u64,
    value: u64,
    fee: u64,
}

impl Payment {
    /// A payment of some sender at this time. Few senders and few values: some claim what others have claimed, some
    /// repeat it, some differ in the fee only.
    pub(super) fn random(random: &mut Random, rules: &Payments, now_ms: u64) -> Self {
        Self {
            sender: random.below(rules.senders.max(1)),
            nonce: now_ms / rules.nonce_ms.max(1),
            value: random.below(3),
            fee: random.below(3),
        }
    }

    /// One of several of this nonce by the one sender who spends everything twice.
    pub(super) fn contested(nonce: u64, value: u64) -> Self {
        Self { sender: DOUBLE_SPENDER, nonce, value, fee: 0 }
    }

    pub(super) fn to_bytes(self) -> Bytes {
        [self.sender, self.nonce, self.value, self.fee].iter().flat_map(|number| number.to_le_bytes()).collect()
    }

    /// Nothing where the bytes are no payment: whoever breaks rules may put anything into a cell.
    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (numbers, rest) = bytes.as_chunks::<8>();
        match numbers {
            [sender, nonce, value, fee] if rest.is_empty() => Some(Self {
                sender: u64::from_le_bytes(*sender),
                nonce: u64::from_le_bytes(*nonce),
                value: u64::from_le_bytes(*value),
                fee: u64::from_le_bytes(*fee),
            }),
            _ => None,
        }
    }

    fn key(self) -> TransactionKey {
        let sender = account(self.sender);
        let hash = *blake3::hash(&self.to_bytes()).as_bytes();
        let effect = *blake3::hash(&self.value.to_le_bytes()).as_bytes();
        TransactionKey { sender, nonce: self.nonce, hash, effect }
    }
}

/// The payments of a cell, as the mesh compares them.
pub(super) fn keys(body: &CellBody) -> Vec<TransactionKey> {
    body.transactions.iter().filter_map(|bytes| Payment::from_bytes(bytes)).map(Payment::key).collect()
}

/// The account of [`Payment::contested`].
pub(super) fn double_spender() -> [u8; 20] {
    account(DOUBLE_SPENDER)
}

fn account(sender: u64) -> [u8; 20] {
    let mut account = [0; 20];
    account[..8].copy_from_slice(&sender.to_le_bytes());
    account
}
