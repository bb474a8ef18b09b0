//! Blocks, headers and receipts in their encoding.

use super::{App, MethodDoc, input::BlockId, required};
use crate::{Params, Registry, RpcError};
use alloy_consensus::{Eip658Value, ReceiptEnvelope, ReceiptWithBloom, TxType};
use alloy_eips::{Encodable2718, eip2718::Eip2718Error};
use alloy_primitives::Bytes;
use qsdm_vm::block::{Block, Receipt};
use std::sync::Arc;

const BLOCK: &[super::ParameterDoc] = &[required("block", "BlockId")];

pub(super) const DOCS: &[MethodDoc] = &[
    MethodDoc::new("debug_getRawHeader", "RLP of a header.", BLOCK, "Bytes"),
    MethodDoc::new("debug_getRawBlock", "RLP of a block.", BLOCK, "Bytes"),
    MethodDoc::new("debug_getRawReceipts", "Encoded receipts of a block (EIP-2718).", BLOCK, "BytesList"),
];

pub(super) fn register(registry: &mut Registry<App>) {
    registry
        .heavy("debug_getRawHeader", |app, params, _, _| {
            Ok(Bytes::from(alloy_rlp::encode(&block(app, params)?.header)))
        })
        .heavy("debug_getRawBlock", |app, params, _, _| Ok(encode_block(&*block(app, params)?)))
        .heavy("debug_getRawReceipts", |app, params, _, _| {
            let receipts = block(app, params)?;
            Ok(receipts.receipts.iter().map(encode_receipt).collect::<Result<Vec<_>, _>>()?)
        });
}

fn block(app: &App, params: Params<'_>) -> Result<Arc<Block>, RpcError> {
    app.block_or_not_found(params.positional(&["block"])?.required::<BlockId>(0)?)
}

/// Header, transactions, no ommers, and no withdrawals where the header knows of them.
fn encode_block(block: &Block) -> Bytes {
    let mut transactions = Vec::new();
    block.transactions.iter().for_each(|tx| tx.network_encode(&mut transactions));
    let mut payload = alloy_rlp::encode(&block.header);
    alloy_rlp::Header { list: true, payload_length: transactions.len() }.encode(&mut payload);
    payload.extend_from_slice(&transactions);
    let empty_lists = 1 + usize::from(block.header.withdrawals_root.is_some());
    payload.extend(std::iter::repeat_n(alloy_rlp::EMPTY_LIST_CODE, empty_lists));
    let mut rlp = Vec::with_capacity(payload.len() + 9);
    alloy_rlp::Header { list: true, payload_length: payload.len() }.encode(&mut rlp);
    rlp.extend_from_slice(&payload);
    rlp.into()
}

fn encode_receipt(receipt: &Receipt) -> Result<Bytes, RpcError> {
    let unknown = |error: Eip2718Error| RpcError::internal(error.to_string());
    let tx_type = TxType::try_from(receipt.tx_type).map_err(unknown)?;
    let inner = alloy_consensus::Receipt {
        status: Eip658Value::Eip658(receipt.success),
        cumulative_gas_used: receipt.cumulative_gas_used,
        logs: receipt.logs.clone(),
    };
    let with_bloom = ReceiptWithBloom { receipt: inner, logs_bloom: receipt.bloom };
    Ok(ReceiptEnvelope::from_typed(tx_type, with_bloom).encoded_2718().into())
}
