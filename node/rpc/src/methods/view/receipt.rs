//! The receipt of a transaction.

use super::LogView;
use crate::methods::{chain, hex::Quantity};
use alloy_consensus::Transaction;
use qsdm_vm::block::Block;
use serde::{Serialize, Serializer, ser::SerializeMap};
use std::sync::Arc;

/// Answer of the methods that return one receipt. The index is that of the transaction in the block.
#[derive(Clone, Debug)]
pub(crate) struct MinedReceipt {
    pub(crate) block: Arc<Block>,
    pub(crate) index: usize,
}

impl Serialize for MinedReceipt {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        ReceiptView { block: &self.block, index: self.index }.serialize(serializer)
    }
}

/// All receipts of a block.
#[derive(Clone, Debug)]
pub(crate) struct BlockReceipts(pub(crate) Arc<Block>);

impl Serialize for BlockReceipts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let block = &*self.0;
        serializer.collect_seq((0..block.receipts.len()).map(|index| ReceiptView { block, index }))
    }
}

struct ReceiptView<'a> {
    block: &'a Block,
    index: usize,
}

impl Serialize for ReceiptView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { block, index } = *self;
        let (tx, receipt) = (&block.transactions[index], &block.receipts[index]);
        let mut map = serializer.serialize_map(None)?;
        if let Some(gas) = tx.blob_gas_used() {
            map.serialize_entry("blobGasPrice", &Quantity(chain::blob_base_fee(&block.header)))?;
            map.serialize_entry("blobGasUsed", &Quantity(gas))?;
        }
        map.serialize_entry("blockHash", &block.hash)?;
        map.serialize_entry("blockNumber", &Quantity(block.number()))?;
        map.serialize_entry("contractAddress", &receipt.contract_address)?;
        map.serialize_entry("cumulativeGasUsed", &Quantity(receipt.cumulative_gas_used))?;
        map.serialize_entry("effectiveGasPrice", &Quantity(receipt.effective_gas_price))?;
        map.serialize_entry("from", &tx.signer())?;
        map.serialize_entry("gasUsed", &Quantity(receipt.gas_used))?;
        map.serialize_entry("logs", &Logs { block, transaction: index })?;
        map.serialize_entry("logsBloom", &receipt.bloom)?;
        map.serialize_entry("status", &Quantity(u64::from(receipt.success)))?;
        map.serialize_entry("to", &tx.to())?;
        map.serialize_entry("transactionHash", tx.tx_hash())?;
        map.serialize_entry("transactionIndex", &Quantity(index))?;
        map.serialize_entry("type", &Quantity(u64::from(receipt.tx_type)))?;
        map.end()
    }
}

struct Logs<'a> {
    block: &'a Block,
    transaction: usize,
}

impl Serialize for Logs<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { block, transaction } = *self;
        let count = block.receipts[transaction].logs.len();
        serializer.collect_seq((0..count).map(|position| LogView { block, transaction, position, removed: false }))
    }
}
