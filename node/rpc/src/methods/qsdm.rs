//! What only this chain has.

use super::{App, MethodDoc, hex::Quantity, input::HashInput, required, view::MinedTx};
use crate::{
    CallContext, Params, Registry, RpcError,
    ports::{Committee, CommitteeMember, Conflict, Peer, SeenCell, Sighted, Sighting, Skipped},
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
    MethodDoc::new("qsdm_getPeers", "The connected nodes; null on a chain that one process makes.", &[], "Peers"),
];

pub(super) fn register(registry: &mut Registry<App>) {
    registry.heavy("qsdm_getTransactionStatus", |app, params, context, _| Ok(status(app, params, context)?));
    registry.fast("qsdm_getCommittee", |app, params, _| params.none().map(|()| committee(app)));
    registry.fast("qsdm_getPeers", |app, params, _| params.none().map(|()| peers(app)));
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
    /// It left the pool without getting into a block, or was ordered and not executed.
    Dropped {
        reason: String,
        /// The transaction that used its nonce first.
        #[serde(skip_serializing_if = "Option::is_none")]
        winner: Option<B256>,
        /// The block that it would have been in, where it was ordered.
        #[serde(skip_serializing_if = "Option::is_none")]
        skipped_in_block: Option<Quantity<u64>>,
    },
    /// Never seen, or dropped long ago.
    Unknown,
}

/// Where a transaction is, and what consensus knows of it.
#[derive(Serialize)]
struct StatusView {
    #[serde(flatten)]
    status: Status,
    #[serde(flatten)]
    sighting: Option<SightingView>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SightingView {
    cells: Vec<SeenCellView>,
    conflicts: Vec<ConflictWith>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SeenCellView {
    cell: B256,
    entangled_weight: Option<Quantity<u64>>,
}

#[derive(Serialize)]
struct ConflictWith {
    hash: B256,
    kind: &'static str,
}

/// A conflict as subscribers hear of it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ConflictView {
    kind: &'static str,
    sender: Address,
    nonce: Quantity<u64>,
    newest: SightedView,
    others: Vec<SightedView>,
}

#[derive(Serialize)]
struct SightedView {
    cell: Option<B256>,
    transaction: B256,
}

fn kind(is_replacement: bool) -> &'static str {
    if is_replacement { "replacement" } else { "conflict" }
}

impl From<&Conflict> for ConflictView {
    fn from(conflict: &Conflict) -> Self {
        let view = |Sighted { cell, transaction }: &Sighted| SightedView { cell: *cell, transaction: *transaction };
        Self {
            kind: kind(conflict.is_replacement),
            sender: conflict.sender,
            nonce: Quantity(conflict.nonce),
            newest: view(&conflict.newest),
            others: conflict.others.iter().map(view).collect(),
        }
    }
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

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PeerView {
    node: String,
    address: String,
    validator: Option<B256>,
    direction: &'static str,
    agent: String,
    round_trip_us: Option<Quantity<u64>>,
    points: Quantity<u64>,
    bytes_in: Quantity<u64>,
    bytes_out: Quantity<u64>,
    queued_messages: Quantity<u64>,
}

fn peers(app: &App) -> Option<Vec<PeerView>> {
    let view = |peer: Peer| PeerView {
        node: peer.node,
        address: peer.address,
        validator: peer.validator,
        direction: if peer.is_outgoing { "outgoing" } else { "incoming" },
        agent: peer.agent,
        round_trip_us: peer.round_trip_us.map(Quantity),
        points: Quantity(peer.points),
        bytes_in: Quantity(peer.bytes_in),
        bytes_out: Quantity(peer.bytes_out),
        queued_messages: Quantity(peer.queued),
    };
    Some(app.node.peers()?.into_iter().map(view).collect())
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

fn status(app: &App, params: Params<'_>, _: &CallContext) -> Result<StatusView, RpcError> {
    let hash: HashInput = params.positional(&["hash"])?.required(0)?;
    let hash = hash.0;
    let (sighting, skipped) = match app.node.sighting(&hash) {
        Some(Sighting { cells, conflicts, skipped }) => {
            let seen = |seen: SeenCell| SeenCellView {
                cell: seen.cell,
                entangled_weight: seen.entangled_weight.map(Quantity),
            };
            let with = |(hash, is_replacement)| ConflictWith { hash, kind: kind(is_replacement) };
            let cells = cells.into_iter().map(seen).collect();
            (Some(SightingView { cells, conflicts: conflicts.into_iter().map(with).collect() }), skipped)
        }
        None => (None, None),
    };
    Ok(StatusView { status: plain_status(app, &hash, skipped)?, sighting })
}

fn plain_status(app: &App, hash: &B256, skipped: Option<Skipped>) -> Result<Status, RpcError> {
    if let Some(MinedTx { block, index }) = app.find_mined(hash)? {
        return Ok(Status::Mined {
            block_number: Quantity(block.number()),
            block_hash: block.hash,
            transaction_index: Quantity(index),
            success: block.receipts[index].success,
            finalized: app.node.finalized().is_none_or(|newest| block.number() <= newest),
        });
    }
    // one that was skipped in one cell may still be in the pool, and get into a block by another
    if let Some(tx) = app.pool.get(hash) {
        let queued = app.pool.content_from(tx.signer_ref()).queued;
        let waits = queued.values().flat_map(|txs| txs.values()).any(|tx| *tx.tx_hash() == *hash);
        return Ok(if waits { Status::Queued } else { Status::Pending });
    }
    if let Some(Skipped { block, winner, reason }) = skipped {
        return Ok(Status::Dropped { reason, winner, skipped_in_block: Some(Quantity(block)) });
    }
    Ok(match app.pool.dropped(hash) {
        Some(reason) => Status::Dropped { reason: reason.to_string(), winner: None, skipped_in_block: None },
        None => Status::Unknown,
    })
}
