//! A transaction, in a block or waiting for one.

use crate::methods::hex::Quantity;
use alloy_consensus::{Transaction, TxEnvelope, Typed2718, transaction::Recovered};
use alloy_primitives::U256;
use qsdm_vm::block::{Block, SharedTx};
use serde::{Serialize, Serializer, ser::SerializeMap};
use std::sync::Arc;

/// A transaction of a block. The index is within the block.
#[derive(Clone, Debug)]
pub(crate) struct MinedTx {
    pub(crate) block: Arc<Block>,
    pub(crate) index: usize,
}

impl Serialize for MinedTx {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        TxView::mined(&self.block, self.index).serialize(serializer)
    }
}

/// A transaction that is in no block.
#[derive(Clone, Debug)]
pub(crate) struct PooledTx(pub(crate) SharedTx);

impl Serialize for PooledTx {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        TxView::waiting(&self.0).serialize(serializer)
    }
}

/// What either is written from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TxView<'a> {
    tx: &'a Recovered<TxEnvelope>,
    place: Option<(&'a Block, usize)>,
    /// The block is not sealed: it has a height but no hash.
    pending: bool,
}

impl<'a> TxView<'a> {
    pub(crate) fn mined(block: &'a Block, index: usize) -> Self {
        Self { tx: &block.transactions[index], place: Some((block, index)), pending: false }
    }

    pub(crate) fn of_pending_block(block: &'a Block, index: usize) -> Self {
        Self { pending: true, ..Self::mined(block, index) }
    }

    pub(crate) fn waiting(tx: &'a Recovered<TxEnvelope>) -> Self {
        Self { tx, place: None, pending: false }
    }

    fn write_place<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        let block = self.place.map(|(block, _)| block);
        map.serialize_entry("blockHash", &block.filter(|_| !self.pending).map(|block| block.hash))?;
        map.serialize_entry("blockNumber", &block.map(|block| Quantity(block.number())))?;
        map.serialize_entry("blockTimestamp", &block.map(|block| Quantity(block.header.timestamp)))
    }

    /// Prices. `gasPrice` is what was paid; before that, the most that may be.
    fn write_fees<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        let paid = self.place.and_then(|(block, index)| block.receipts.get(index));
        let price = paid.map_or_else(|| self.tx.max_fee_per_gas(), |receipt| receipt.effective_gas_price);
        map.serialize_entry("gasPrice", &Quantity(price))?;
        if let Some(tip) = self.tx.max_priority_fee_per_gas() {
            map.serialize_entry("maxFeePerGas", &Quantity(self.tx.max_fee_per_gas()))?;
            map.serialize_entry("maxPriorityFeePerGas", &Quantity(tip))?;
        }
        if let Some(fee) = self.tx.max_fee_per_blob_gas() {
            map.serialize_entry("maxFeePerBlobGas", &Quantity(fee))?;
        }
        Ok(())
    }

    fn write_lists<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        if let Some(list) = self.tx.access_list() {
            map.serialize_entry("accessList", list)?;
        }
        if let Some(id) = self.tx.chain_id() {
            map.serialize_entry("chainId", &Quantity(id))?;
        }
        if let Some(hashes) = self.tx.blob_versioned_hashes() {
            map.serialize_entry("blobVersionedHashes", hashes)?;
        }
        if let Some(list) = self.tx.authorization_list() {
            map.serialize_entry("authorizationList", list)?;
        }
        Ok(())
    }

    fn write_signature<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        let signature = self.tx.inner().signature();
        let parity = u64::from(signature.v());
        let v = match (self.tx.is_legacy(), self.tx.chain_id()) {
            (false, _) => u128::from(parity),
            (true, None) => 27 + u128::from(parity),
            // EIP-155
            (true, Some(id)) => 35 + 2 * u128::from(id) + u128::from(parity),
        };
        map.serialize_entry("v", &Quantity(v))?;
        map.serialize_entry("r", &Quantity::<U256>(signature.r()))?;
        map.serialize_entry("s", &Quantity::<U256>(signature.s()))?;
        if !self.tx.is_legacy() {
            map.serialize_entry("yParity", &Quantity(parity))?;
        }
        Ok(())
    }
}

impl Serialize for TxView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        self.write_place(&mut map)?;
        map.serialize_entry("from", &self.tx.signer())?;
        map.serialize_entry("gas", &Quantity(self.tx.gas_limit()))?;
        self.write_fees(&mut map)?;
        map.serialize_entry("hash", self.tx.tx_hash())?;
        map.serialize_entry("input", self.tx.input())?;
        map.serialize_entry("nonce", &Quantity(self.tx.nonce()))?;
        map.serialize_entry("to", &self.tx.to())?;
        map.serialize_entry("transactionIndex", &self.place.map(|(_, index)| Quantity(index)))?;
        map.serialize_entry("value", &Quantity(self.tx.value()))?;
        map.serialize_entry("type", &Quantity(u64::from(self.tx.ty())))?;
        self.write_lists(&mut map)?;
        self.write_signature(&mut map)?;
        map.end()
    }
}
