//! Block headers without what can be derived: the usual constants are bits, the bloom comes from the logs.

use super::{Decoded, Malformed, Reader, put_bytes, put_u256, put_varint};
use alloy_consensus::{
    Header,
    constants::{EMPTY_OMMER_ROOT_HASH, EMPTY_WITHDRAWALS},
};
use alloy_eips::eip7685::EMPTY_REQUESTS_HASH;
use alloy_primitives::{B64, B256, Bloom, Bytes};

const OMMERS: u32 = 1;
const BLOOM: u32 = 1 << 1;
const DIFFICULTY: u32 = 1 << 2;
const MIX_HASH: u32 = 1 << 3;
const NONCE: u32 = 1 << 4;
const BASE_FEE: u32 = 1 << 5;
const WITHDRAWALS: u32 = 1 << 6;
const WITHDRAWALS_EMPTY: u32 = 1 << 7;
const BLOB_GAS: u32 = 1 << 8;
const EXCESS_BLOB_GAS: u32 = 1 << 9;
const BEACON_ROOT: u32 = 1 << 10;
const BEACON_ROOT_ZERO: u32 = 1 << 11;
const REQUESTS: u32 = 1 << 12;
const REQUESTS_EMPTY: u32 = 1 << 13;
const ACCESS_LIST: u32 = 1 << 14;
const SLOT_NUMBER: u32 = 1 << 15;
const KNOWN: u32 = (1 << 16) - 1;

/// Writes `header`; its bloom only if it differs from `logs_bloom`, the one that the logs make.
pub(super) fn put_header(out: &mut Vec<u8>, header: &Header, logs_bloom: &Bloom) {
    let start = out.len();
    let mut flags = 0;
    out.extend_from_slice(&[0; 4]);
    for hash in [header.parent_hash, header.state_root, header.transactions_root, header.receipts_root] {
        out.extend_from_slice(hash.as_slice());
    }
    out.extend_from_slice(header.beneficiary.as_slice());
    for number in [header.number, header.gas_limit, header.gas_used, header.timestamp] {
        put_varint(out, number);
    }
    put_bytes(out, &header.extra_data);

    let mut put_if = |flag: u32, present: bool, bytes: &[u8]| {
        if present {
            flags |= flag;
            out.extend_from_slice(bytes);
        }
    };
    put_if(OMMERS, header.ommers_hash != EMPTY_OMMER_ROOT_HASH, header.ommers_hash.as_slice());
    put_if(BLOOM, header.logs_bloom != *logs_bloom, header.logs_bloom.as_slice());
    put_if(MIX_HASH, !header.mix_hash.is_zero(), header.mix_hash.as_slice());
    put_if(NONCE, !header.nonce.is_zero(), header.nonce.as_slice());
    let mut put_hash = |flag: u32, usual_flag: u32, usual: B256, hash: Option<B256>| {
        put_if(usual_flag, hash == Some(usual), &[]);
        put_if(flag, hash.is_some_and(|hash| hash != usual), hash.unwrap_or_default().as_slice());
    };
    put_hash(WITHDRAWALS, WITHDRAWALS_EMPTY, EMPTY_WITHDRAWALS, header.withdrawals_root);
    put_hash(BEACON_ROOT, BEACON_ROOT_ZERO, B256::ZERO, header.parent_beacon_block_root);
    put_hash(REQUESTS, REQUESTS_EMPTY, EMPTY_REQUESTS_HASH, header.requests_hash);
    let access_list = header.block_access_list_hash;
    put_if(ACCESS_LIST, access_list.is_some(), access_list.unwrap_or_default().as_slice());

    if !header.difficulty.is_zero() {
        flags |= DIFFICULTY;
        put_u256(out, header.difficulty);
    }
    let numbers = [
        (BASE_FEE, header.base_fee_per_gas),
        (BLOB_GAS, header.blob_gas_used),
        (EXCESS_BLOB_GAS, header.excess_blob_gas),
        (SLOT_NUMBER, header.slot_number),
    ];
    for (flag, number) in numbers {
        if let Some(number) = number {
            flags |= flag;
            put_varint(out, number);
        }
    }
    out[start..start + 4].copy_from_slice(&flags.to_le_bytes());
}

/// Reads a header, and whether its bloom was stored (if not, it is the one that the logs make).
pub(super) fn header(reader: &mut Reader<'_>) -> Decoded<(Header, bool)> {
    let flags = u32::from_le_bytes(reader.array()?);
    if flags & !KNOWN != 0 {
        return Err(Malformed("a header flag is unknown"));
    }
    let has = |flag: u32| flags & flag != 0;
    // The order of the fields below is the order of reading.
    let mut header = Header {
        parent_hash: reader.hash()?,
        state_root: reader.hash()?,
        transactions_root: reader.hash()?,
        receipts_root: reader.hash()?,
        beneficiary: reader.address()?,
        number: reader.integer()?,
        gas_limit: reader.integer()?,
        gas_used: reader.integer()?,
        timestamp: reader.integer()?,
        extra_data: Bytes::copy_from_slice(reader.bytes()?),
        ..Header::default()
    };
    if has(OMMERS) {
        header.ommers_hash = reader.hash()?;
    }
    if has(BLOOM) {
        header.logs_bloom = Bloom::new(reader.array()?);
    }
    if has(MIX_HASH) {
        header.mix_hash = reader.hash()?;
    }
    if has(NONCE) {
        header.nonce = B64::new(reader.array()?);
    }
    let mut hash = |flag: u32, usual_flag: u32, usual: B256| match (has(flag), has(usual_flag)) {
        (true, true) => Err(Malformed("two header flags exclude each other")),
        (true, false) => reader.hash().map(Some),
        (false, true) => Ok(Some(usual)),
        (false, false) => Ok(None),
    };
    header.withdrawals_root = hash(WITHDRAWALS, WITHDRAWALS_EMPTY, EMPTY_WITHDRAWALS)?;
    header.parent_beacon_block_root = hash(BEACON_ROOT, BEACON_ROOT_ZERO, B256::ZERO)?;
    header.requests_hash = hash(REQUESTS, REQUESTS_EMPTY, EMPTY_REQUESTS_HASH)?;
    header.block_access_list_hash = if has(ACCESS_LIST) { Some(reader.hash()?) } else { None };
    if has(DIFFICULTY) {
        header.difficulty = reader.u256()?;
    }
    let mut number = |flag: u32| if has(flag) { reader.integer().map(Some) } else { Ok(None) };
    header.base_fee_per_gas = number(BASE_FEE)?;
    header.blob_gas_used = number(BLOB_GAS)?;
    header.excess_blob_gas = number(EXCESS_BLOB_GAS)?;
    header.slot_number = number(SLOT_NUMBER)?;
    Ok((header, has(BLOOM)))
}
