//! A log with its place in the chain.

use crate::methods::hex::Quantity;
use qsdm_vm::{block::Block, chain::FoundLog};
use serde::{Serialize, Serializer, ser::SerializeMap};

/// A log of a block.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LogView<'a> {
    pub(crate) block: &'a Block,
    /// Position of its transaction in the block.
    pub(crate) transaction: usize,
    /// Position among the transaction's logs.
    pub(crate) position: usize,
    /// The chain went back and its block is gone.
    pub(crate) removed: bool,
}

impl Serialize for LogView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let receipt = &self.block.receipts[self.transaction];
        let log = &receipt.logs[self.position];
        let mut map = serializer.serialize_map(Some(10))?;
        map.serialize_entry("address", &log.address)?;
        map.serialize_entry("topics", log.data.topics())?;
        map.serialize_entry("data", &log.data.data)?;
        map.serialize_entry("blockNumber", &Quantity(self.block.number()))?;
        map.serialize_entry("transactionHash", self.block.transactions[self.transaction].tx_hash())?;
        map.serialize_entry("transactionIndex", &Quantity(self.transaction))?;
        map.serialize_entry("blockHash", &self.block.hash)?;
        map.serialize_entry("blockTimestamp", &Quantity(self.block.header.timestamp))?;
        map.serialize_entry("logIndex", &Quantity(u64::from(receipt.first_log_index) + self.position as u64))?;
        map.serialize_entry("removed", &self.removed)?;
        map.end()
    }
}

/// Answer of the methods that return logs.
#[derive(Clone, Debug, Default)]
pub(crate) struct FoundLogs(pub(crate) Vec<FoundLog>);

impl Serialize for FoundLogs {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|found| LogView {
            block: &found.block,
            transaction: found.transaction,
            position: found.position,
            removed: false,
        }))
    }
}
