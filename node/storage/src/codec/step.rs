//! A step of history: state root, patches, and what changed with the values before and after.
//!
//! Hashed keys are left out, they are keccak-256 of the keys beside them. Code is in its own table.

use super::{Decoded, Malformed, Reader, put_bytes, put_u256, put_varint};
use alloy_consensus::constants::KECCAK_EMPTY;
use alloy_primitives::{B256, Bytes, keccak256};
use qsdm_vm::{
    block::StatePatch,
    diff::{AccountChange, AccountFields, SlotChange, StateDiff},
    ports::{Commit, Step},
};

const BEFORE: u8 = 1;
const BEFORE_CODE: u8 = 1 << 1;
const AFTER: u8 = 1 << 2;
const AFTER_CODE: u8 = 1 << 3;
const SAME_CODE: u8 = 1 << 4;

const BALANCE: u8 = 0;
const NONCE: u8 = 1;
const CODE: u8 = 2;
const SLOT: u8 = 3;
const DELETE: u8 = 4;

/// Appends everything of `commit` that belongs to the step, which is all but the block and the codes.
pub(crate) fn put_step(out: &mut Vec<u8>, commit: &Commit) {
    out.extend_from_slice(commit.state_root.as_slice());
    put_varint(out, commit.patches.len() as u64);
    for patch in &commit.patches {
        put_patch(out, patch);
    }
    put_varint(out, commit.diff.accounts.len() as u64);
    for change in &commit.diff.accounts {
        put_change(out, change);
    }
}

fn put_patch(out: &mut Vec<u8>, patch: &StatePatch) {
    let (kind, address) = match patch {
        StatePatch::Balance { address, .. } => (BALANCE, address),
        StatePatch::Nonce { address, .. } => (NONCE, address),
        StatePatch::Code { address, .. } => (CODE, address),
        StatePatch::Slot { address, .. } => (SLOT, address),
        StatePatch::Delete { address } => (DELETE, address),
    };
    out.push(kind);
    out.extend_from_slice(address.as_slice());
    match patch {
        StatePatch::Balance { balance, .. } => put_u256(out, *balance),
        StatePatch::Nonce { nonce, .. } => put_varint(out, *nonce),
        StatePatch::Code { code, .. } => put_bytes(out, code),
        StatePatch::Slot { key, value, .. } => {
            put_u256(out, *key);
            put_u256(out, *value);
        }
        StatePatch::Delete { .. } => {}
    }
}

fn put_change(out: &mut Vec<u8>, change: &AccountChange) {
    debug_assert_eq!(keccak256(change.address), change.hashed_address, "hashed_address is keccak-256 of the address");
    let mut flags = 0;
    if let Some(before) = &change.before {
        flags |= BEFORE | if before.code_hash == KECCAK_EMPTY { 0 } else { BEFORE_CODE };
    }
    if let Some(after) = &change.after {
        flags |= AFTER;
        flags |= match &change.before {
            _ if after.code_hash == KECCAK_EMPTY => 0,
            Some(before) if before.code_hash == after.code_hash => SAME_CODE,
            _ => AFTER_CODE,
        };
    }
    out.extend_from_slice(change.address.as_slice());
    out.push(flags);
    for (fields, code) in [(&change.before, BEFORE_CODE), (&change.after, AFTER_CODE)] {
        let Some(fields) = fields else { continue };
        put_varint(out, fields.nonce);
        put_u256(out, fields.balance);
        if flags & code != 0 {
            out.extend_from_slice(fields.code_hash.as_slice());
        }
    }
    put_varint(out, change.slots.len() as u64);
    for slot in &change.slots {
        put_u256(out, slot.key);
        put_u256(out, slot.before);
        put_u256(out, slot.after);
    }
}

/// Reads what [`put_step`] wrote; `sequence` and `block` are the row's.
pub(crate) fn step(sequence: u64, block: Option<u64>, bytes: &[u8]) -> Decoded<Step> {
    let mut reader = Reader::new(bytes);
    let state_root = reader.hash()?;
    let patches = reader.list(21, patch)?;
    let accounts = reader.list(22, change)?;
    reader.finish()?;
    Ok(Step { sequence, block, patches, diff: StateDiff { accounts, codes: Vec::new() }, state_root })
}

fn patch(reader: &mut Reader<'_>) -> Decoded<StatePatch> {
    let kind = reader.byte()?;
    let address = reader.address()?;
    Ok(match kind {
        BALANCE => StatePatch::Balance { address, balance: reader.u256()? },
        NONCE => StatePatch::Nonce { address, nonce: reader.integer()? },
        CODE => StatePatch::Code { address, code: Bytes::copy_from_slice(reader.bytes()?) },
        SLOT => StatePatch::Slot { address, key: reader.u256()?, value: reader.u256()? },
        DELETE => StatePatch::Delete { address },
        _ => return Err(Malformed("a patch has an unknown kind")),
    })
}

fn change(reader: &mut Reader<'_>) -> Decoded<AccountChange> {
    let address = reader.address()?;
    let flags = reader.byte()?;
    if flags & !(BEFORE | BEFORE_CODE | AFTER | AFTER_CODE | SAME_CODE) != 0 {
        return Err(Malformed("an account change has an unknown flag"));
    }
    let mut fields = |present: u8, code: u8, otherwise: B256| {
        if flags & present == 0 {
            return Ok(None);
        }
        let (nonce, balance) = (reader.integer()?, reader.u256()?);
        let code_hash = if flags & code != 0 { reader.hash()? } else { otherwise };
        Ok(Some(AccountFields { nonce, balance, code_hash }))
    };
    let before = fields(BEFORE, BEFORE_CODE, KECCAK_EMPTY)?;
    let same = before.map_or(KECCAK_EMPTY, |before| before.code_hash);
    let after = fields(AFTER, AFTER_CODE, if flags & SAME_CODE != 0 { same } else { KECCAK_EMPTY })?;
    let slots = reader.list(3, slot)?;
    Ok(AccountChange { hashed_address: keccak256(address), address, before, after, slots })
}

fn slot(reader: &mut Reader<'_>) -> Decoded<SlotChange> {
    let (key, before, after) = (reader.u256()?, reader.u256()?, reader.u256()?);
    Ok(SlotChange { hashed_key: keccak256(key.to_be_bytes::<32>()), key, before, after })
}
