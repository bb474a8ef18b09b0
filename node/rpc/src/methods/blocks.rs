//! Blocks and headers.

use super::{
    App, MethodDoc,
    at::{check_parts, unknown},
    hex::Quantity,
    input::{BlockId, HashInput, Number, Tag},
    optional, required,
    view::{BlockReceipts, FullBlock, SealedHeader},
};
use crate::{Budget, CallContext, CallError, Params, Registry, RpcError};
use qsdm_primitives::SubmeshId;
use qsdm_vm::{block::Block, builder::BlockAttributes};
use std::sync::Arc;

pub(super) const DOCS: &[MethodDoc] = &[
    MethodDoc::new(
        "eth_getBlockByNumber",
        "Block of a height or tag; `pending` is the block that would be made now.",
        &[required("block", "BlockNumber"), optional("full", "Boolean")],
        "Block",
    ),
    MethodDoc::new(
        "eth_getBlockByHash",
        "Block with this hash.",
        &[required("hash", "Hash"), optional("full", "Boolean")],
        "Block",
    ),
    MethodDoc::new(
        "eth_getHeaderByNumber",
        "Header of a height or tag.",
        &[required("block", "BlockNumber")],
        "Header",
    ),
    MethodDoc::new("eth_getHeaderByHash", "Header with this hash.", &[required("hash", "Hash")], "Header"),
    MethodDoc::new(
        "eth_getBlockTransactionCountByNumber",
        "Number of transactions in a block.",
        &[required("block", "BlockNumber")],
        "Quantity",
    ),
    MethodDoc::new(
        "eth_getBlockTransactionCountByHash",
        "Number of transactions in a block.",
        &[required("hash", "Hash")],
        "Quantity",
    ),
    MethodDoc::new("eth_getBlockReceipts", "All receipts of a block.", &[required("block", "BlockId")], "Receipts"),
    MethodDoc::new(
        "eth_getUncleCountByBlockNumber",
        "Zero: a block has no uncles.",
        &[required("block", "BlockNumber")],
        "Quantity",
    ),
    MethodDoc::new(
        "eth_getUncleCountByBlockHash",
        "Zero: a block has no uncles.",
        &[required("hash", "Hash")],
        "Quantity",
    ),
    MethodDoc::new(
        "eth_getUncleByBlockNumberAndIndex",
        "Null: a block has no uncles.",
        &[required("block", "BlockNumber"), required("index", "Quantity")],
        "Null",
    ),
    MethodDoc::new(
        "eth_getUncleByBlockHashAndIndex",
        "Null: a block has no uncles.",
        &[required("hash", "Hash"), required("index", "Quantity")],
        "Null",
    ),
];

pub(super) fn register(registry: &mut Registry<App>) {
    registry
        .heavy("eth_getBlockByNumber", |app, params, _, budget| block(app, params, &["block", "full"], budget))
        .heavy("eth_getBlockByHash", |app, params, _, budget| block(app, params, &["hash", "full"], budget))
        .heavy("eth_getHeaderByNumber", |app, params, _, budget| header(app, params, &["block"], budget))
        .heavy("eth_getHeaderByHash", |app, params, _, budget| header(app, params, &["hash"], budget))
        .heavy("eth_getBlockTransactionCountByNumber", |app, params, _, budget| count(app, params, &["block"], budget))
        .heavy("eth_getBlockTransactionCountByHash", |app, params, _, budget| count(app, params, &["hash"], budget))
        .heavy("eth_getBlockReceipts", receipts)
        .heavy("eth_getUncleCountByBlockNumber", |app, params, _, _| uncle_count(app, params, &["block"]))
        .heavy("eth_getUncleCountByBlockHash", |app, params, _, _| uncle_count(app, params, &["hash"]))
        .fast("eth_getUncleByBlockNumberAndIndex", |_, params, _| uncle(params, &["block", "index"]))
        .fast("eth_getUncleByBlockHashAndIndex", |_, params, _| uncle(params, &["hash", "index"]));
}

/// The first parameter of a method that names its block by hash (then it is called so) or by number.
pub(super) fn named_block(params: Params<'_>, names: &'static [&'static str]) -> Result<BlockId, RpcError> {
    let params = params.positional(names)?;
    if names[0] == "hash" {
        return Ok(BlockId::Hash(params.required::<HashInput>(0)?.0));
    }
    match params.required(0)? {
        BlockId::Hash(_) => Err(params.invalid(0, "hex number > 64 bits")),
        id => Ok(id),
    }
}

impl App {
    /// The block, with the pending one made for the occasion.
    fn shown_block(&self, id: BlockId, budget: &Budget) -> Result<Option<(Arc<Block>, bool)>, CallError> {
        if id == BlockId::Tag(Tag::Pending) {
            return Ok(Some((self.pending_block(budget)?, true)));
        }
        Ok(self.find_block(id)?.map(|block| (block, false)))
    }

    /// What a block made now would be.
    fn pending_block(&self, budget: &Budget) -> Result<Arc<Block>, CallError> {
        let head = self.chain.head();
        let context = self.next_context(&head);
        let attributes = BlockAttributes {
            timestamp: context.timestamp,
            beneficiary: context.beneficiary,
            gas_limit: context.gas_limit,
            base_fee: context.base_fee,
            prevrandao: context.prevrandao,
            extra_data: head.block.header.extra_data.clone(),
        };
        let mut builder = self.chain.builder(&head, attributes)?;
        let mut best = self.pool.best(SubmeshId::ROOT, context.base_fee);
        while let Some(tx) = best.next() {
            if budget.is_over() {
                return Err(CallError::Stopped);
            }
            // one that does not fit or is refused: neither do the later ones of its sender
            if builder.push(tx).is_err() {
                best.skip_sender();
            }
        }
        Ok(builder.finish().block)
    }
}

fn block(
    app: &App,
    params: Params<'_>,
    names: &'static [&'static str],
    budget: &Budget,
) -> Result<Option<FullBlock>, CallError> {
    let id = named_block(params, names)?;
    let full = params.positional(names)?.optional(1)?.unwrap_or(false);
    let Some((block, pending)) = app.shown_block(id, budget)? else { return Ok(None) };
    if full {
        check_parts(block.transactions.len(), budget)?;
    }
    Ok(Some(FullBlock { block, full, pending }))
}

fn header(
    app: &App,
    params: Params<'_>,
    names: &'static [&'static str],
    budget: &Budget,
) -> Result<Option<SealedHeader>, CallError> {
    let id = named_block(params, names)?;
    Ok(app.shown_block(id, budget)?.map(|(block, pending)| SealedHeader { block, pending }))
}

fn count(
    app: &App,
    params: Params<'_>,
    names: &'static [&'static str],
    budget: &Budget,
) -> Result<Option<Quantity<usize>>, CallError> {
    let id = named_block(params, names)?;
    Ok(app.shown_block(id, budget)?.map(|(block, _)| Quantity(block.transactions.len())))
}

fn receipts(
    app: &App,
    params: Params<'_>,
    _: &CallContext,
    budget: &Budget,
) -> Result<Option<BlockReceipts>, CallError> {
    let id = params.positional(&["block"])?.required(0)?;
    let Some((block, _)) = app.shown_block(id, budget)? else { return Ok(None) };
    check_parts(block.receipts.len(), budget)?;
    Ok(Some(BlockReceipts(block)))
}

fn uncle_count(
    app: &App,
    params: Params<'_>,
    names: &'static [&'static str],
) -> Result<Option<Quantity<u64>>, CallError> {
    Ok(app.find_block(named_block(params, names)?)?.map(|_| Quantity(0)))
}

fn uncle(params: Params<'_>, names: &'static [&'static str]) -> Result<Option<()>, RpcError> {
    named_block(params, names)?;
    params.positional(names)?.required::<Number>(1)?;
    Ok(None)
}

impl App {
    /// A block that must be there, in the words of geth's `debug_` methods.
    pub(super) fn block_or_not_found(&self, id: BlockId) -> Result<Arc<Block>, RpcError> {
        self.find_block(id)?.ok_or_else(|| match id {
            BlockId::Number(number) => RpcError::server(format!("block #{number} not found")),
            BlockId::Hash(hash) => RpcError::server(format!("block {hash} not found")),
            BlockId::Tag(_) => unknown(id),
        })
    }
}
