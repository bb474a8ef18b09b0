//! A block and its header.

use super::TxView;
use crate::methods::hex::Quantity;
use alloy_consensus::Header;
use alloy_primitives::B256;
use qsdm_vm::{block::Block, simulate::SimulatedBlock};
use serde::{Serialize, Serializer, ser::SerializeMap};
use std::sync::Arc;

/// Answer of the methods that return a block.
#[derive(Clone, Debug)]
pub(crate) struct FullBlock {
    pub(crate) block: Arc<Block>,
    /// Whole transactions instead of their hashes.
    pub(crate) full: bool,
    /// The block is not sealed: its hash means nothing.
    pub(crate) pending: bool,
}

impl Serialize for FullBlock {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        BlockView { block: &self.block, full: self.full, pending: self.pending }.serialize(serializer)
    }
}

/// Answer of the methods that return a header.
#[derive(Clone, Debug)]
pub(crate) struct SealedHeader {
    pub(crate) block: Arc<Block>,
    pub(crate) pending: bool,
}

impl Serialize for SealedHeader {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        HeaderView { header: &self.block.header, hash: self.block.hash, pending: self.pending }.serialize(serializer)
    }
}

/// A header with its hash, as `newHeads` notifies of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HeaderView<'a> {
    pub(crate) header: &'a Header,
    pub(crate) hash: B256,
    pub(crate) pending: bool,
}

impl HeaderView<'_> {
    /// Fields that a fork before ours did not have are left out where a header lacks them.
    fn write<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        let header = self.header;
        let sealed = !self.pending;
        write_some(map, "baseFeePerGas", header.base_fee_per_gas.map(Quantity))?;
        write_some(map, "blobGasUsed", header.blob_gas_used.map(Quantity))?;
        map.serialize_entry("difficulty", &Quantity(header.difficulty))?;
        write_some(map, "excessBlobGas", header.excess_blob_gas.map(Quantity))?;
        map.serialize_entry("extraData", &header.extra_data)?;
        map.serialize_entry("gasLimit", &Quantity(header.gas_limit))?;
        map.serialize_entry("gasUsed", &Quantity(header.gas_used))?;
        map.serialize_entry("hash", &sealed.then_some(self.hash))?;
        map.serialize_entry("logsBloom", &header.logs_bloom)?;
        map.serialize_entry("miner", &sealed.then_some(header.beneficiary))?;
        map.serialize_entry("mixHash", &header.mix_hash)?;
        map.serialize_entry("nonce", &sealed.then_some(header.nonce))?;
        map.serialize_entry("number", &Quantity(header.number))?;
        write_some(map, "parentBeaconBlockRoot", header.parent_beacon_block_root)?;
        map.serialize_entry("parentHash", &header.parent_hash)?;
        map.serialize_entry("receiptsRoot", &header.receipts_root)?;
        write_some(map, "requestsHash", header.requests_hash)?;
        map.serialize_entry("sha3Uncles", &header.ommers_hash)?;
        map.serialize_entry("stateRoot", &header.state_root)?;
        map.serialize_entry("timestamp", &Quantity(header.timestamp))?;
        map.serialize_entry("transactionsRoot", &header.transactions_root)?;
        write_some(map, "withdrawalsRoot", header.withdrawals_root)
    }
}

impl Serialize for HeaderView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        self.write(&mut map)?;
        map.end()
    }
}

/// A whole block. There are never uncles nor withdrawals.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BlockView<'a> {
    pub(crate) block: &'a Block,
    pub(crate) full: bool,
    pub(crate) pending: bool,
}

impl BlockView<'_> {
    fn write<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        let Self { block, full, pending } = *self;
        HeaderView { header: &block.header, hash: block.hash, pending }.write(map)?;
        map.serialize_entry("size", &Quantity(block.size))?;
        map.serialize_entry("transactions", &Transactions { block, full, pending })?;
        map.serialize_entry("uncles", &[(); 0])?;
        if block.header.withdrawals_root.is_some() {
            map.serialize_entry("withdrawals", &[(); 0])?;
        }
        Ok(())
    }
}

impl Serialize for BlockView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        self.write(&mut map)?;
        map.end()
    }
}

/// A block that was simulated, with the results of its calls.
pub(crate) struct SimulatedView {
    pub(crate) simulated: SimulatedBlock,
    pub(crate) full: bool,
}

impl Serialize for SimulatedView {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        BlockView { block: &self.simulated.block, full: self.full, pending: false }.write(&mut map)?;
        map.serialize_entry("calls", &self.simulated.calls())?;
        map.end()
    }
}

struct Transactions<'a> {
    block: &'a Block,
    full: bool,
    pending: bool,
}

impl Serialize for Transactions<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { block, full, pending } = *self;
        match (full, pending) {
            (false, _) => serializer.collect_seq(block.transactions.iter().map(|tx| tx.tx_hash())),
            (true, false) => {
                serializer.collect_seq((0..block.transactions.len()).map(|index| TxView::mined(block, index)))
            }
            (true, true) => serializer
                .collect_seq((0..block.transactions.len()).map(|index| TxView::of_pending_block(block, index))),
        }
    }
}

fn write_some<M: SerializeMap>(map: &mut M, key: &str, value: Option<impl Serialize>) -> Result<(), M::Error> {
    value.map_or(Ok(()), |value| map.serialize_entry(key, &value))
}
