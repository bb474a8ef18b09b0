//! What only this chain has.

use super::{App, MethodDoc, hex::Quantity, input::HashInput, required, view::MinedTx};
use crate::{
    CallContext, Params, Registry, RpcError,
    ports::{Committee, CommitteeMember},
};
use alloy_primitives::{Address, B256};
use serde::Serialize;

pub(super) const DOCS: &[MethodDoc] = &[
    MethodDoc::new(
        "qsdm_getTransactionStatus",
        "Where a transaction is: pending, queued, mined, dropped with the reason, or unknown.",
        &[required("hash", "Hash")],
        "TransactionStatus",
    ),
    MethodDoc::new(
        "qsdm_getCommittee",
        "Where the validators stand, and who they are; null on a chain that one node makes.",
        &[],
        "Committee",
    ),
];

pub(super) fn register(registry: &mut Registry<App>) {
    registry.heavy("qsdm_getTransactionStatus", |app, params, context, _| Ok(status(app, params, context)?));
    registry.fast("qsdm_getCommittee", |app, params, _| params.none().map(|()| committee(app)));
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
        /// Whether a quorum of validators agrees on the block's execution.
        finalized: bool,
    },
    /// It left the pool without getting into a block.
    Dropped { reason: String },
    /// Never seen, or dropped long ago.
    Unknown,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CommitteeView {
    epoch: Quantity<u64>,
    round: Quantity<u64>,
    height: Quantity<u64>,
    finalized_block: Quantity<u64>,
    leader: Quantity<u64>,
    me: Option<Quantity<u64>>,
    validators: Vec<MemberView>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct MemberView {
    account: Address,
    key_hash: B256,
    bonded: Quantity<u64>,
    weight: Quantity<u64>,
}

fn committee(app: &App) -> Option<CommitteeView> {
    let Committee { epoch, round, height, leader, me, validators } = app.node.committee()?;
    let member = |CommitteeMember { account, key_hash, bonded, weight }: CommitteeMember| MemberView {
        account,
        key_hash,
        bonded: Quantity(bonded),
        weight: Quantity(weight),
    };
    Some(CommitteeView {
        epoch: Quantity(epoch),
        round: Quantity(round),
        height: Quantity(height),
        finalized_block: Quantity(app.node.finalized()?),
        leader: Quantity(leader.into()),
        me: me.map(|me| Quantity(me.into())),
        validators: validators.into_iter().map(member).collect(),
    })
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
            finalized: app.node.finalized().is_none_or(|newest| block.number() <= newest),
        });
    }
    Ok(match app.pool.dropped(&hash.0) {
        Some(reason) => Status::Dropped { reason: reason.to_string() },
        None => Status::Unknown,
    })
}
