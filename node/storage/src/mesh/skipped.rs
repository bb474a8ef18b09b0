//! Transactions of committed cells that are in no block, and why.

use super::{MeshStore, codec::flag, read::value};
use crate::{StorageError, seal::Table};
use qsdm_primitives::{
    CellId,
    codec::{CodecError, Decode, Encode, Reader, encode_byte_string},
    limits::SKIP_REASON_BYTES_MAX,
};

/// A transaction that was ordered and not executed. The record is local: it says what this node saw, and depends on nothing
/// but the committed order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// The cell it was in; none for one that came too late to get into one.
    pub cell: Option<CellId>,
    /// The EVM block that it would have been in.
    pub block: u64,
    /// The transaction that used its nonce first, where that is known.
    pub winner: Option<[u8; 32]>,
    /// Why it was skipped, for people.
    pub reason: String,
}

impl Encode for Skipped {
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(u8::from(self.cell.is_some()));
        self.cell.unwrap_or(CellId([0; 32])).encode(out);
        self.block.encode(out);
        out.push(u8::from(self.winner.is_some()));
        out.extend_from_slice(&self.winner.unwrap_or_default());
        let end = self.reason.floor_char_boundary(SKIP_REASON_BYTES_MAX);
        encode_byte_string(&self.reason.as_bytes()[..end], out);
    }
}

impl Decode for Skipped {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CodecError> {
        let (has_cell, cell) = (flag(reader)?, CellId::decode(reader)?);
        let (block, has_winner) = (u64::decode(reader)?, flag(reader)?);
        let winner = CellId::decode(reader)?.0;
        let reason = reader.byte_string("bytes of a reason", SKIP_REASON_BYTES_MAX)?;
        let reason = String::from_utf8_lossy(reason).into_owned();
        Ok(Self { cell: has_cell.then_some(cell), block, winner: has_winner.then_some(winner), reason })
    }
}

impl MeshStore {
    /// Keeps why transactions, by their hashes, were skipped. One that was skipped before keeps its first record.
    ///
    /// # Errors
    /// Where the disk is full or fails; then nothing of it is there.
    pub fn note_skipped(&self, skipped: &[([u8; 32], Skipped)]) -> Result<(), StorageError> {
        if skipped.is_empty() {
            return Ok(());
        }
        self.writer.lock().note_skipped(skipped)
    }

    /// Why a transaction was skipped, if it was.
    ///
    /// # Errors
    /// Where the database fails or the row is damaged.
    pub fn skipped(&self, hash: &[u8; 32]) -> Result<Option<Skipped>, StorageError> {
        let sql = "SELECT data FROM skipped WHERE hash = ?";
        self.with_rows(|rows| rows.one(sql, &[hash], |opener, row| value(opener, Table::Skipped, hash, row, 0)))
    }
}
