//! Blocks, transactions, receipts and logs in the form of geth: written straight from what the chain holds, without
//! copies.

mod block;
mod log;
mod receipt;
mod transaction;

pub(crate) use block::{FullBlock, HeaderView, SealedHeader, SimulatedView};
pub(crate) use log::{FoundLogs, LogView};
pub(crate) use receipt::{BlockReceipts, MinedReceipt};
pub(crate) use transaction::{MinedTx, PooledTx, TxView};
