//! Executing a sealed block again, exactly as it was built: for checking a stored chain and for tracing.

use super::{BlockAttributes, BlockBuilder, ExecutedBlock};
use crate::{
    VmError,
    block::{Block, SharedTx},
    evm::{BlockContext, Evm},
    state::StateDatabase,
};
use std::ops::ControlFlow;

/// The point in a block's execution right before one of its transactions.
pub(crate) struct Moment<'a> {
    /// Position of the transaction in the block.
    pub(crate) index: usize,
    /// The transaction.
    pub(crate) tx: &'a SharedTx,
    /// The block as the transaction sees it, with the base fee and the recipient of its segment.
    pub(crate) context: BlockContext,
    /// The state as the transaction finds it.
    pub(crate) database: &'a StateDatabase,
}

/// Executes `block` on `database`, the state after its `parent`, until `visit` breaks, which it may before every
/// transaction.
pub(crate) fn replay<B>(
    chain_id: u64,
    parent: &Block,
    block: &Block,
    database: StateDatabase,
    mut visit: impl FnMut(Moment<'_>) -> ControlFlow<B>,
) -> Result<ControlFlow<B, ExecutedBlock>, VmError> {
    let StateDatabase { state, hashes, .. } = database;
    let mut builder = BlockBuilder::new(chain_id, parent, state, hashes, attributes(block))?;
    // a development block may have contracts as senders, and nothing in a sealed block says whether it does
    builder.allow_impersonation();
    let mut next = 0;
    for segment in &block.segments {
        builder.open_segment(segment.submesh, segment.base_fee, segment.beneficiary);
        let context =
            BlockContext { base_fee: segment.base_fee, beneficiary: segment.beneficiary, ..builder.context.clone() };
        let end = next + segment.transactions as usize;
        for (index, tx) in block.transactions.iter().enumerate().take(end).skip(next) {
            let moment = Moment { index, tx, context: context.clone(), database: builder.evm.db() };
            if let ControlFlow::Break(end) = visit(moment) {
                return Ok(ControlFlow::Break(end));
            }
            builder.push(tx.clone()).map_err(|error| VmError::BlockMismatch {
                number: block.number(),
                field: "transaction",
                found: error.to_string(),
                expected: format!("{} included", tx.tx_hash()),
            })?;
        }
        next = end;
    }
    Ok(ControlFlow::Continue(builder.finish()))
}

/// What the producer of a sealed block decided.
fn attributes(block: &Block) -> BlockAttributes {
    let header = &block.header;
    BlockAttributes {
        timestamp: header.timestamp,
        beneficiary: header.beneficiary,
        gas_limit: header.gas_limit,
        base_fee: header.base_fee_per_gas.unwrap_or(0),
        prevrandao: header.mix_hash,
        extra_data: header.extra_data.clone(),
    }
}
