//! Blocks, segments, transactions and receipts as the rest of the node sees them.

use alloy_consensus::{Header, TxEnvelope, TxReceipt, transaction::Recovered};
use alloy_primitives::{Address, B256, Bloom, Log, U256};
use qsdm_primitives::SubmeshId;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A signed transaction with the sender that was recovered once, at admission.
pub type SharedTx = Arc<Recovered<TxEnvelope>>;

/// A run of transactions that execute with one base fee and one fee recipient: what a cell becomes in a block.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segment {
    /// Submesh whose fee market priced these transactions.
    pub submesh: SubmeshId,
    /// Base fee in wei per gas of that submesh in this block.
    pub base_fee: u64,
    /// Who receives the priority fees: the author of the cell.
    pub beneficiary: Address,
    /// How many of the block's transactions belong to it, in order.
    pub transactions: u32,
}

/// Outcome of one transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// EIP-2718 type.
    pub tx_type: u8,
    /// False if execution reverted or halted.
    pub success: bool,
    /// Gas used by this and all earlier transactions of the block.
    pub cumulative_gas_used: u64,
    /// Gas used by this transaction after refunds.
    pub gas_used: u64,
    /// Price paid, wei per gas.
    pub effective_gas_price: u128,
    /// Address of the created contract, for a creation.
    pub contract_address: Option<Address>,
    /// Position in the block of this transaction's first log.
    pub first_log_index: u32,
    /// Logs in order of emission.
    pub logs: Vec<Log>,
    /// Bloom of `logs` (yellow paper, section 4.3.1).
    pub bloom: Bloom,
}

/// A sealed block with everything that clients ask about it.
#[derive(Clone, Debug)]
pub struct Block {
    /// Ethereum header.
    pub header: Header,
    /// keccak-256 of the RLP of `header`.
    pub hash: B256,
    /// Length in bytes of the RLP of the whole block.
    pub size: u64,
    /// Transactions in execution order.
    pub transactions: Vec<SharedTx>,
    /// One for each transaction.
    pub receipts: Vec<Receipt>,
    /// Segments; the sum of their `transactions` is the number of transactions.
    pub segments: Vec<Segment>,
}

impl Block {
    /// Height.
    pub fn number(&self) -> u64 {
        self.header.number
    }

    /// The segment in which transaction `index` ran.
    pub fn segment_of(&self, index: usize) -> Option<&Segment> {
        let mut end = 0;
        self.segments.iter().find(|segment| {
            end += segment.transactions as usize;
            index < end
        })
    }

    /// All logs with (transaction index, log index in the block).
    pub fn logs(&self) -> impl Iterator<Item = (usize, u32, &Log)> {
        self.receipts.iter().enumerate().flat_map(|(index, receipt)| {
            let numbered = receipt.logs.iter().zip(receipt.first_log_index..);
            numbered.map(move |(log, log_index)| (index, log_index, log))
        })
    }
}

impl TxReceipt for Receipt {
    type Log = Log;

    fn status_or_post_state(&self) -> alloy_consensus::Eip658Value {
        self.success.into()
    }

    fn status(&self) -> bool {
        self.success
    }

    fn bloom(&self) -> Bloom {
        self.bloom
    }

    fn cumulative_gas_used(&self) -> u64 {
        self.cumulative_gas_used
    }

    fn logs(&self) -> &[Log] {
        &self.logs
    }
}

/// Where a transaction is in the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TxLocation {
    /// Height of its block.
    pub block: u64,
    /// Position in that block.
    pub index: u32,
}

/// A change of state that no transaction made: a development operation such as `anvil_setBalance`. Stored, so that a
/// replay arrives at the same roots.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub enum StatePatch {
    /// Sets a balance in wei.
    Balance {
        /// The account.
        address: Address,
        /// New balance.
        balance: U256,
    },
    /// Sets a nonce.
    Nonce {
        /// The account.
        address: Address,
        /// New nonce.
        nonce: u64,
    },
    /// Replaces the code.
    Code {
        /// The account.
        address: Address,
        /// New runtime code.
        code: alloy_primitives::Bytes,
    },
    /// Sets a storage slot.
    Slot {
        /// The account.
        address: Address,
        /// Slot.
        key: U256,
        /// New value.
        value: U256,
    },
    /// Deletes an account with its code and storage.
    Delete {
        /// The account.
        address: Address,
    },
}
