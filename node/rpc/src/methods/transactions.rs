//! Transactions and their receipts.

use super::{
    App, MethodDoc,
    blocks::named_block,
    input::{AddressInput, HashInput, Number},
    required,
    view::{MinedReceipt, MinedTx, PooledTx},
};
use crate::{Budget, CallContext, CallError, Params, Registry, RpcError};
use alloy_consensus::Transaction;
use alloy_primitives::{Address, B256, Bytes};
use qsdm_primitives::limits::RPC_SENDER_SEARCH_BLOCKS_MAX;
use qsdm_vm::block::{Block, SharedTx};
use serde::Serialize;
use std::sync::Arc;

const BY_HASH: &[super::ParameterDoc] = &[required("hash", "Hash")];
const IN_HASH: &[super::ParameterDoc] = &[required("hash", "Hash"), required("index", "Quantity")];
const IN_NUMBER: &[super::ParameterDoc] = &[required("block", "BlockNumber"), required("index", "Quantity")];

pub(super) const DOCS: &[MethodDoc] = &[
    MethodDoc::new("eth_getTransactionByHash", "Transaction, in a block or waiting.", BY_HASH, "Transaction"),
    MethodDoc::new("eth_getTransactionReceipt", "Receipt of a transaction that is in a block.", BY_HASH, "Receipt"),
    MethodDoc::new("eth_getTransactionByBlockHashAndIndex", "Transaction of a block.", IN_HASH, "Transaction"),
    MethodDoc::new("eth_getTransactionByBlockNumberAndIndex", "Transaction of a block.", IN_NUMBER, "Transaction"),
    MethodDoc::new("eth_getRawTransactionByHash", "Encoded transaction (EIP-2718).", BY_HASH, "Bytes"),
    MethodDoc::new("debug_getRawTransaction", "Encoded transaction (EIP-2718).", BY_HASH, "Bytes"),
    MethodDoc::new("eth_getRawTransactionByBlockHashAndIndex", "Encoded transaction of a block.", IN_HASH, "Bytes"),
    MethodDoc::new("eth_getRawTransactionByBlockNumberAndIndex", "Encoded transaction of a block.", IN_NUMBER, "Bytes"),
    MethodDoc::new(
        "eth_getTransactionBySenderAndNonce",
        "Transaction of a sender with this nonce, waiting or in one of the newest 100,000 blocks.",
        &[required("sender", "Address"), required("nonce", "Quantity")],
        "Transaction",
    ),
];

pub(super) fn register(registry: &mut Registry<App>) {
    registry
        .heavy("eth_getTransactionByHash", |app, params, _, _| Ok(app.find_tx(&hash(params)?)?))
        .heavy("eth_getTransactionReceipt", |app, params, _, _| Ok(app.find_receipt(&hash(params)?)?))
        .heavy("eth_getTransactionByBlockHashAndIndex", |app, params, _, _| in_block(app, params, &["hash", "index"]))
        .heavy("eth_getTransactionByBlockNumberAndIndex", |app, params, _, _| {
            in_block(app, params, &["block", "index"])
        })
        .heavy("eth_getRawTransactionByHash", |app, params, _, _| raw_by_hash(app, params))
        .heavy("debug_getRawTransaction", |app, params, _, _| raw_by_hash(app, params))
        .heavy("eth_getRawTransactionByBlockHashAndIndex", |app, params, _, _| {
            Ok(in_block(app, params, &["hash", "index"])?.map(|mined| raw(mined.tx())))
        })
        .heavy("eth_getRawTransactionByBlockNumberAndIndex", |app, params, _, _| {
            Ok(in_block(app, params, &["block", "index"])?.map(|mined| raw(mined.tx())))
        })
        .heavy("eth_getTransactionBySenderAndNonce", by_sender_and_nonce);
}

/// A transaction, wherever it is.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub(super) enum FoundTx {
    /// In a block.
    Mined(MinedTx),
    /// In the pool.
    Waiting(PooledTx),
}

impl FoundTx {
    fn tx(&self) -> &SharedTx {
        match self {
            Self::Mined(mined) => mined.tx(),
            Self::Waiting(waiting) => &waiting.0,
        }
    }
}

impl MinedTx {
    fn tx(&self) -> &SharedTx {
        &self.block.transactions[self.index]
    }
}

impl App {
    /// Block and index of a transaction.
    pub(super) fn find_mined(&self, hash: &B256) -> Result<Option<MinedTx>, RpcError> {
        let Some(location) = self.chain.tx_location(hash)? else { return Ok(None) };
        let index = location.index as usize;
        let block = self.chain.block(location.block)?;
        // the chain may have gone back in between
        let same = |block: &Arc<Block>| block.transactions.get(index).is_some_and(|tx| tx.tx_hash() == hash);
        Ok(block.filter(same).map(|block| MinedTx { block, index }))
    }

    fn find_tx(&self, hash: &B256) -> Result<Option<FoundTx>, RpcError> {
        if let Some(tx) = self.pool.get(hash) {
            return Ok(Some(FoundTx::Waiting(PooledTx(tx))));
        }
        Ok(self.find_mined(hash)?.map(FoundTx::Mined))
    }

    pub(super) fn find_receipt(&self, hash: &B256) -> Result<Option<MinedReceipt>, RpcError> {
        Ok(self.find_mined(hash)?.map(|MinedTx { block, index }| MinedReceipt { block, index }))
    }

    /// Walks back from the newest block; a sender's transactions are in the order of their nonces.
    fn find_by_nonce(&self, sender: Address, nonce: u64, budget: &Budget) -> Result<Option<MinedTx>, CallError> {
        let head = self.chain.head();
        if nonce >= head.state.nonce(&sender) {
            return Ok(None);
        }
        let newest = head.block.number();
        for number in (newest.saturating_sub(RPC_SENDER_SEARCH_BLOCKS_MAX)..=newest).rev() {
            if budget.is_over() {
                return Err(CallError::Stopped);
            }
            let Some(block) = self.chain.block(number)? else { return Ok(None) };
            let own = block
                .transactions
                .iter()
                .enumerate()
                .rev()
                .find(|(_, tx)| tx.signer() == sender && tx.nonce() <= nonce);
            if let Some((index, tx)) = own {
                // below: made up for by something that is no transaction, such as a 7702 authorization
                return Ok((tx.nonce() == nonce).then(|| MinedTx { block: block.clone(), index }));
            }
        }
        Ok(None)
    }
}

fn hash(params: Params<'_>) -> Result<B256, RpcError> {
    Ok(params.positional(&["hash"])?.required::<HashInput>(0)?.0)
}

fn in_block(app: &App, params: Params<'_>, names: &'static [&'static str]) -> Result<Option<MinedTx>, CallError> {
    let id = named_block(params, names)?;
    let Number(index) = params.positional(names)?.required(1)?;
    let index = usize::try_from(index).unwrap_or(usize::MAX);
    let block = app.find_block(id)?.filter(|block| index < block.transactions.len());
    Ok(block.map(|block| MinedTx { block, index }))
}

fn raw(tx: &SharedTx) -> Bytes {
    qsdm_pool::encode(tx).into()
}

fn raw_by_hash(app: &App, params: Params<'_>) -> Result<Option<Bytes>, CallError> {
    Ok(app.find_tx(&hash(params)?)?.map(|found| raw(found.tx())))
}

fn by_sender_and_nonce(
    app: &App,
    params: Params<'_>,
    _: &CallContext,
    budget: &Budget,
) -> Result<Option<FoundTx>, CallError> {
    let params = params.positional(&["sender", "nonce"])?;
    let (sender, nonce): (AddressInput, Number) = (params.required(0)?, params.required(1)?);
    if let Some(tx) = app.pool.get_by_nonce(&sender.0, nonce.0) {
        return Ok(Some(FoundTx::Waiting(PooledTx(tx))));
    }
    Ok(app.find_by_nonce(sender.0, nonce.0, budget)?.map(FoundTx::Mined))
}
