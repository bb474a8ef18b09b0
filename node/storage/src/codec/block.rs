//! A whole block as one blob: header, segments, transactions with their senders, receipts with their logs.

use super::{Decoded, Malformed, Reader, header, put_bytes, put_varint};
use alloy_consensus::{EthereumTxEnvelope, Signed, TxEnvelope, transaction::Recovered};
use alloy_eips::eip2718::{Decodable2718, Encodable2718};
use alloy_primitives::{B256, Bloom, Bytes, Log, LogData, keccak256, logs_bloom};
use qsdm_primitives::SubmeshId;
use qsdm_vm::block::{Block, Receipt, Segment};
use std::sync::Arc;

const HASH_IS_KECCAK: u8 = 0;
const HASH_IS_STORED: u8 = 1;
const SUCCESS: u8 = 1;
const CREATED: u8 = 1 << 1;

/// Appends `block`. Blooms are left out: a receipt's is the bloom of its logs, the header's is stored only if it is not
/// the union of the receipts'.
pub(crate) fn put_block(out: &mut Vec<u8>, block: &Block) {
    let union = block.receipts.iter().fold(Bloom::ZERO, |union, receipt| union | receipt.bloom);
    header::put_header(out, &block.header, &union);
    out.extend_from_slice(block.hash.as_slice());
    put_varint(out, block.size);
    put_varint(out, block.segments.len() as u64);
    for segment in &block.segments {
        put_varint(out, segment.submesh.0);
        put_varint(out, segment.base_fee);
        out.extend_from_slice(segment.beneficiary.as_slice());
        put_varint(out, segment.transactions);
    }
    put_varint(out, block.transactions.len() as u64);
    let mut encoded = Vec::with_capacity(256);
    for tx in &block.transactions {
        put_transaction(out, tx, &mut encoded);
    }
    put_varint(out, block.receipts.len() as u64);
    for receipt in &block.receipts {
        put_receipt(out, receipt);
    }
}

/// A hash that is not that of the encoding (of an impersonated sender's transaction, or of one that carries blobs) is
/// stored, so that the transaction is found under the hash that was acknowledged.
fn put_transaction(out: &mut Vec<u8>, tx: &Recovered<TxEnvelope>, encoded: &mut Vec<u8>) {
    encoded.clear();
    tx.encode_2718(encoded);
    let hash = tx.tx_hash();
    if keccak256(&encoded) == *hash {
        out.push(HASH_IS_KECCAK);
    } else {
        out.push(HASH_IS_STORED);
        out.extend_from_slice(hash.as_slice());
    }
    out.extend_from_slice(tx.signer_ref().as_slice());
    put_bytes(out, encoded);
}

fn put_receipt(out: &mut Vec<u8>, receipt: &Receipt) {
    out.push(receipt.tx_type);
    let created = receipt.contract_address;
    out.push(if receipt.success { SUCCESS } else { 0 } | if created.is_some() { CREATED } else { 0 });
    out.extend_from_slice(created.as_ref().map_or(&[], |address| address.as_slice()));
    put_varint(out, receipt.cumulative_gas_used);
    put_varint(out, receipt.gas_used);
    put_varint(out, receipt.effective_gas_price);
    put_varint(out, receipt.first_log_index);
    put_varint(out, receipt.logs.len() as u64);
    for log in &receipt.logs {
        out.extend_from_slice(log.address.as_slice());
        put_varint(out, log.topics().len() as u64);
        for topic in log.topics() {
            out.extend_from_slice(topic.as_slice());
        }
        put_bytes(out, &log.data.data);
    }
}

/// Reads what [`put_block`] wrote.
pub(crate) fn block(bytes: &[u8]) -> Decoded<Block> {
    let mut reader = Reader::new(bytes);
    let (mut header, bloom_stored) = header::header(&mut reader)?;
    let hash = reader.hash()?;
    let size = reader.integer()?;
    let segments = reader.list(23, segment)?;
    let transactions = reader.list(22, transaction)?;
    let receipts = reader.list(7, receipt)?;
    reader.finish()?;
    if !bloom_stored {
        header.logs_bloom = receipts.iter().fold(Bloom::ZERO, |union, receipt| union | receipt.bloom);
    }
    Ok(Block { header, hash, size, transactions, receipts, segments })
}

fn segment(reader: &mut Reader<'_>) -> Decoded<Segment> {
    Ok(Segment {
        submesh: SubmeshId(reader.integer()?),
        base_fee: reader.integer()?,
        beneficiary: reader.address()?,
        transactions: reader.integer()?,
    })
}

fn transaction(reader: &mut Reader<'_>) -> Decoded<Arc<Recovered<TxEnvelope>>> {
    let stored_hash = match reader.byte()? {
        HASH_IS_KECCAK => None,
        HASH_IS_STORED => Some(reader.hash()?),
        _ => return Err(Malformed("a transaction has an unknown flag")),
    };
    let sender = reader.address()?;
    let tx = TxEnvelope::decode_2718_exact(reader.bytes()?).map_err(|_| Malformed("a transaction does not decode"))?;
    let tx = if let Some(hash) = stored_hash { with_hash(tx, hash) } else { tx };
    Ok(Arc::new(Recovered::new_unchecked(tx, sender)))
}

fn with_hash(tx: TxEnvelope, hash: B256) -> TxEnvelope {
    fn rehash<T>(signed: Signed<T>, hash: B256) -> Signed<T> {
        let signature = *signed.signature();
        Signed::new_unchecked(signed.strip_signature(), signature, hash)
    }
    match tx {
        EthereumTxEnvelope::Legacy(signed) => rehash(signed, hash).into(),
        EthereumTxEnvelope::Eip2930(signed) => rehash(signed, hash).into(),
        EthereumTxEnvelope::Eip1559(signed) => rehash(signed, hash).into(),
        EthereumTxEnvelope::Eip4844(signed) => rehash(signed, hash).into(),
        EthereumTxEnvelope::Eip7702(signed) => rehash(signed, hash).into(),
    }
}

fn receipt(reader: &mut Reader<'_>) -> Decoded<Receipt> {
    let tx_type = reader.byte()?;
    let flags = reader.byte()?;
    if flags & !(SUCCESS | CREATED) != 0 {
        return Err(Malformed("a receipt flag is unknown"));
    }
    let contract_address = if flags & CREATED != 0 { Some(reader.address()?) } else { None };
    let cumulative_gas_used = reader.integer()?;
    let gas_used = reader.integer()?;
    let effective_gas_price = reader.integer()?;
    let first_log_index = reader.integer()?;
    let logs = reader.list(22, log)?;
    let success = flags & SUCCESS != 0;
    let bloom = logs_bloom(&logs);
    Ok(Receipt {
        tx_type,
        success,
        cumulative_gas_used,
        gas_used,
        effective_gas_price,
        contract_address,
        first_log_index,
        logs,
        bloom,
    })
}

fn log(reader: &mut Reader<'_>) -> Decoded<Log> {
    let address = reader.address()?;
    let topics = reader.list(32, Reader::hash)?;
    let data = Bytes::copy_from_slice(reader.bytes()?);
    Ok(Log { address, data: LogData::new_unchecked(topics, data) })
}
