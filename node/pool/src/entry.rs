//! A pooled transaction with what the pool asks about it again and again.

use alloy_consensus::{InMemorySize, Transaction};
use alloy_primitives::{Address, B256, U256};
use qsdm_primitives::{SubmeshId, limits};
use qsdm_vm::block::SharedTx;

/// A pooled transaction.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) tx: SharedTx,
    pub(crate) submesh: SubmeshId,
    /// Order of arrival.
    pub(crate) sequence: u64,
    /// When it arrived, seconds since the Unix epoch.
    pub(crate) added_s: u64,
    /// Fee cap, wei per gas; the gas price of types 0 and 1.
    pub(crate) fee: u128,
    /// Priority fee, wei per gas; the gas price of types 0 and 1.
    pub(crate) tip: u128,
    /// Most that it can cost, wei.
    pub(crate) cost: U256,
    /// Bytes of memory it is counted with.
    pub(crate) bytes: usize,
}

impl Entry {
    pub(crate) fn new(tx: SharedTx, submesh: SubmeshId, sequence: u64, added_s: u64) -> Self {
        let (fee, tip) = (tx.max_fee_per_gas(), tx.priority_fee_or_price());
        let (cost, bytes) = (max_cost(&tx), tx.inner().size() + limits::POOL_TX_OVERHEAD_BYTES);
        Self { tx, submesh, sequence, added_s, fee, tip, cost, bytes }
    }

    pub(crate) fn nonce(&self) -> u64 {
        self.tx.nonce()
    }

    pub(crate) fn hash(&self) -> &B256 {
        self.tx.tx_hash()
    }

    pub(crate) fn sender(&self) -> Address {
        self.tx.signer()
    }

    /// What the author of the block would get for each gas; `None` if the base fee is above the fee cap.
    pub(crate) fn effective_tip(&self, base_fee: u64) -> Option<u128> {
        Some(self.fee.checked_sub(u128::from(base_fee))?.min(self.tip))
    }
}

/// Gas limit × fee cap + value in wei; 2^256 − 1 where that does not fit.
pub(crate) fn max_cost(tx: &SharedTx) -> U256 {
    // 64 + 128 bits: the product can't overflow
    let gas = U256::from(tx.gas_limit()) * U256::from(tx.max_fee_per_gas());
    gas.saturating_add(tx.value())
}
