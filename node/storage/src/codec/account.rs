//! Rows of the flat state. They are small and many, so their checksum is eight bytes at their end.

use super::{Decoded, Malformed, Reader, put_u256, put_varint};
use alloy_consensus::constants::KECCAK_EMPTY;
use alloy_primitives::{Address, B256, U256};
use qsdm_vm::diff::AccountFields;

const CHECKSUM: usize = 8;

fn checksum(key: &[u8], payload: &[u8]) -> [u8; CHECKSUM] {
    // one buffer, because hashing in parts costs more than copying this little
    let mut input = [0; 192];
    let length = key.len() + payload.len();
    input[..key.len()].copy_from_slice(key);
    input[key.len()..length].copy_from_slice(payload);
    let hash = blake3::hash(&input[..length]);
    let mut checksum = [0; CHECKSUM];
    checksum.copy_from_slice(&hash.as_bytes()[..CHECKSUM]);
    checksum
}

fn verified<'a>(key: &[u8], row: &'a [u8]) -> Decoded<Reader<'a>> {
    let (payload, stored) = row.split_last_chunk::<CHECKSUM>().ok_or(Malformed("it ends too early"))?;
    // the longest row is 20 + 10 + 33 + 1 + 32 bytes
    if payload.len() > 128 || checksum(key, payload) != *stored {
        return Err(Malformed("its checksum is wrong"));
    }
    Ok(Reader::new(payload))
}

/// Appends the row of an account under `hashed_address`.
pub(crate) fn put_account(out: &mut Vec<u8>, hashed_address: &B256, address: &Address, fields: &AccountFields) {
    let start = out.len();
    out.extend_from_slice(address.as_slice());
    put_varint(out, fields.nonce);
    put_u256(out, fields.balance);
    if fields.code_hash != KECCAK_EMPTY {
        out.extend_from_slice(fields.code_hash.as_slice());
    }
    let checksum = checksum(hashed_address.as_slice(), &out[start..]);
    out.extend_from_slice(&checksum);
}

/// Reads an account's row.
pub(crate) fn account(hashed_address: &[u8], row: &[u8]) -> Decoded<(Address, AccountFields)> {
    let mut reader = verified(hashed_address, row)?;
    let (address, nonce, balance) = (reader.address()?, reader.integer()?, reader.u256()?);
    let code_hash = if reader.rest.is_empty() { KECCAK_EMPTY } else { reader.hash()? };
    reader.finish()?;
    Ok((address, AccountFields { nonce, balance, code_hash }))
}

fn slot_key(hashed_address: &[u8], hashed_key: &[u8]) -> Decoded<[u8; 64]> {
    let mut key = [0; 64];
    if hashed_address.len() != 32 || hashed_key.len() != 32 {
        return Err(Malformed("its key is not two hashes"));
    }
    key[..32].copy_from_slice(hashed_address);
    key[32..].copy_from_slice(hashed_key);
    Ok(key)
}

/// Appends the row of a slot under `hashed_address` and `hashed_key`.
pub(crate) fn put_slot(out: &mut Vec<u8>, hashed_address: &B256, hashed_key: &B256, slot: U256, value: U256) {
    let start = out.len();
    put_u256(out, slot);
    put_u256(out, value);
    let mut key = [0; 64];
    key[..32].copy_from_slice(hashed_address.as_slice());
    key[32..].copy_from_slice(hashed_key.as_slice());
    let checksum = checksum(&key, &out[start..]);
    out.extend_from_slice(&checksum);
}

/// Reads a slot's row: the slot and its value.
pub(crate) fn slot(hashed_address: &[u8], hashed_key: &[u8], row: &[u8]) -> Decoded<(U256, U256)> {
    let mut reader = verified(&slot_key(hashed_address, hashed_key)?, row)?;
    let slot_and_value = (reader.u256()?, reader.u256()?);
    reader.finish()?;
    Ok(slot_and_value)
}
