//! Roots, bloom and hash of a block.

use crate::{
    block::{Block, Receipt, Segment, SharedTx},
    evm::BlockContext,
};
use alloy_consensus::{EMPTY_OMMER_ROOT_HASH, Header, TxReceipt};
use alloy_eips::{Encodable2718, eip7685::EMPTY_REQUESTS_HASH};
use alloy_primitives::{B256, Bloom, U256};
use alloy_rlp::Encodable;
use alloy_trie::{EMPTY_ROOT_HASH, root::ordered_trie_root_with_encoder};

/// Root of the transaction trie.
pub(crate) fn transactions_root(transactions: &[SharedTx]) -> B256 {
    ordered_trie_root_with_encoder(transactions, |tx, out| tx.encode_2718(out))
}

/// Root of the receipt trie.
pub(crate) fn receipts_root(receipts: &[Receipt]) -> B256 {
    ordered_trie_root_with_encoder(receipts, |receipt, out| encode_receipt(receipt, out))
}

/// EIP-2718 encoding of a receipt with its bloom: what the receipt trie and `debug_getRawReceipts` hold.
pub(crate) fn encode_receipt(receipt: &Receipt, out: &mut dyn alloy_rlp::BufMut) {
    if receipt.tx_type != 0 {
        out.put_u8(receipt.tx_type);
    }
    let payload = receipt.status().length()
        + receipt.cumulative_gas_used.length()
        + receipt.bloom.length()
        + receipt.logs.length();
    alloy_rlp::Header { list: true, payload_length: payload }.encode(out);
    receipt.status().encode(out);
    receipt.cumulative_gas_used.encode(out);
    receipt.bloom.encode(out);
    receipt.logs.encode(out);
}

/// Union of the receipts' blooms.
pub(crate) fn block_bloom(receipts: &[Receipt]) -> Bloom {
    receipts.iter().fold(Bloom::ZERO, |bloom, receipt| bloom | receipt.bloom)
}

/// The header of a block without extra data. `gas_used` is that of the last receipt.
pub(crate) fn header(
    context: &BlockContext,
    parent_hash: B256,
    state_root: B256,
    (transactions, receipts): (&[SharedTx], &[Receipt]),
) -> Header {
    Header {
        parent_hash,
        ommers_hash: EMPTY_OMMER_ROOT_HASH,
        beneficiary: context.beneficiary,
        state_root,
        transactions_root: transactions_root(transactions),
        receipts_root: receipts_root(receipts),
        logs_bloom: block_bloom(receipts),
        difficulty: U256::ZERO,
        number: context.number,
        gas_limit: context.gas_limit,
        gas_used: receipts.last().map_or(0, |receipt| receipt.cumulative_gas_used),
        timestamp: context.timestamp,
        mix_hash: context.prevrandao,
        base_fee_per_gas: Some(context.base_fee),
        withdrawals_root: Some(EMPTY_ROOT_HASH),
        blob_gas_used: Some(0),
        excess_blob_gas: Some(context.excess_blob_gas),
        parent_beacon_block_root: Some(B256::ZERO),
        requests_hash: Some(EMPTY_REQUESTS_HASH),
        ..Default::default()
    }
}

/// Puts a block together and computes its hash and size.
pub(crate) fn seal(
    header: Header,
    transactions: Vec<SharedTx>,
    receipts: Vec<Receipt>,
    segments: Vec<Segment>,
) -> Block {
    let hash = header.hash_slow();
    let size = block_length(&header, &transactions);
    Block { header, hash, size, transactions, receipts, segments }
}

/// Length of the RLP of a block: header, transactions, no ommers, no withdrawals.
fn block_length(header: &Header, transactions: &[SharedTx]) -> u64 {
    let list = |payload: usize| alloy_rlp::Header { list: true, payload_length: payload }.length() + payload;
    let body: usize = transactions.iter().map(|tx| tx.network_len()).sum();
    list(header.length() + list(body) + 2 * list(0)) as u64
}
