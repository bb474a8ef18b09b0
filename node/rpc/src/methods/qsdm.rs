//! What only this chain has.

use super::{App, MethodDoc, hex::Quantity, input::HashInput, required, view::MinedTx};
use crate::{CallContext, Params, Registry, RpcError};
use alloy_primitives::B256;
use serde::Serialize;

pub(super) const DOCS: &[MethodDoc] = &[MethodDoc::new(
    "qsdm_getTransactionStatus",
    "Where a transaction is: pending, queued, mined, dropped with the reason, or unknown.",
    &[required("hash", "Hash")],
    "TransactionStatus",
)];

pub(super) fn register(registry: &mut Registry<App>) {
    registry.heavy("qsdm_getTransactionStatus", |app, params, context, _| Ok(status(app, params, context)?));
}

#[derive(Serialize)]
#[serde(tag = "status", rename_all = "camelCase", rename_all_fields = "camelCase")]
enum Status {
    /// It gets into one of the next blocks.
    Pending,
    /// It waits for a missing nonce or for funds.
    Queued,
    Mined {
        block_number: Quantity<u64>,
        block_hash: B256,
        transaction_index: Quantity<usize>,
        success: bool,
    },
    /// It left the pool without getting into a block.
    Dropped {
        reason: String,
    },
    /// Never seen, or dropped long ago.
    Unknown,
}

fn status(app: &App, params: Params<'_>, _: &CallContext) -> Result<Status, RpcError> {
    let hash: HashInput = params.positional(&["hash"])?.required(0)?;
    if let Some(tx) = app.pool.get(&hash.0) {
        let queued = app.pool.content_from(tx.signer_ref()).queued;
        let waits = queued.values().flat_map(|txs| txs.values()).any(|tx| *tx.tx_hash() == hash.0);
        return Ok(if waits { Status::Queued } else { Status::Pending });
    }
    if let Some(MinedTx { block, index }) = app.find_mined(&hash.0)? {
        return Ok(Status::Mined {
            block_number: Quantity(block.number()),
            block_hash: block.hash,
            transaction_index: Quantity(index),
            success: block.receipts[index].success,
        });
    }
    Ok(match app.pool.dropped(&hash.0) {
        Some(reason) => Status::Dropped { reason: reason.to_string() },
        None => Status::Unknown,
    })
}
