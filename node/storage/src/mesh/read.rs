//! Reading single things and ranges.

use super::{
    MeshStore, StoredCommit,
    codec::{Draft, EpochRow},
};
use crate::{
    StorageError,
    error::Doing,
    seal::{Opener, Table},
};
use qsdm_consensus::CommitTip;
use qsdm_mesh::{
    CutRules,
    ports::{CellStore, StoredPlace},
};
use qsdm_primitives::{
    Block, BlockId, Cell, CellBody, CellHeader, CellId, Epoch, EpochCertificate, Height, LaneId, QuorumCertificate,
    SignedCellHeader, SubmeshId, ValidatorSet,
    codec::{self, Decode},
};
use rusqlite::{Connection, Row, ToSql};
use std::{ops::RangeInclusive, sync::Arc};

const READ: &str = "reading cells and blocks";

/// A block with the certificate of its parent.
pub(super) type Certified = (Arc<Block>, Option<Arc<QuorumCertificate>>);

/// Reads rows and checks them.
pub(super) struct Rows<'a> {
    pub(super) connection: &'a Connection,
    pub(super) opener: &'a mut Opener,
}

impl Rows<'_> {
    /// The first row of a query.
    pub(super) fn one<T>(
        &mut self,
        sql: &str,
        params: &[&dyn ToSql],
        read: impl FnOnce(&mut Opener, &Row<'_>) -> Result<T, StorageError>,
    ) -> Result<Option<T>, StorageError> {
        let mut statement = self.connection.prepare_cached(sql).doing(READ)?;
        let mut rows = statement.query(params).doing(READ)?;
        rows.next().doing(READ)?.map(|row| read(self.opener, row)).transpose()
    }

    /// All rows of a query.
    pub(super) fn all<T>(
        &mut self,
        sql: &str,
        params: &[&dyn ToSql],
        mut read: impl FnMut(&mut Opener, &Row<'_>) -> Result<T, StorageError>,
    ) -> Result<Vec<T>, StorageError> {
        let mut statement = self.connection.prepare_cached(sql).doing(READ)?;
        let mut rows = statement.query(params).doing(READ)?;
        let mut found = Vec::new();
        while let Some(row) = rows.next().doing(READ)? {
            found.push(read(self.opener, row)?);
        }
        Ok(found)
    }
}

/// A sealed value.
pub(super) fn value<T: Decode>(
    opener: &mut Opener,
    table: Table,
    key: &[u8],
    row: &Row<'_>,
    column: usize,
) -> Result<T, StorageError> {
    let corrupt = |problem: &str| StorageError::corrupt(table.name(), alloy_primitives::hex::encode(key), problem);
    let blob = row.get_ref(column).doing(READ)?.as_blob().map_err(|_| corrupt("its data is no blob"))?;
    let payload = opener.open(table, key, blob).map_err(corrupt)?;
    codec::decode(&payload).map_err(|error| corrupt(&error.to_string()))
}

/// The 32 bytes in a column.
pub(super) fn hash(table: Table, row: &Row<'_>, column: usize) -> Result<[u8; 32], StorageError> {
    row.get(column).map_err(|error| StorageError::corrupt(table.name(), "hash", error.to_string()))
}

pub(super) fn has_begun(connection: &Connection) -> Result<bool, StorageError> {
    connection.prepare_cached("SELECT 1 FROM progress").and_then(|mut found| found.exists([])).doing(READ)
}

/// The number of rows in `tips`.
pub(super) fn progress_key(connection: &Connection) -> Result<[u8; 8], StorageError> {
    let mut statement = connection.prepare_cached("SELECT count(*) FROM tips").doing(READ)?;
    statement.query_row([], |row| row.get::<_, i64>(0)).map(i64::to_le_bytes).doing(READ)
}

/// Where the committed chain stands.
pub(super) fn tip(connection: &Connection) -> Result<CommitTip, StorageError> {
    let (mut opener, key) = (Opener::new()?, progress_key(connection)?);
    let mut rows = Rows { connection, opener: &mut opener };
    let tip = rows.one("SELECT tip FROM progress", &[], |opener, row| value(opener, Table::Progress, &key, row, 0))?;
    tip.ok_or_else(|| StorageError::corrupt(Table::Progress.name(), 0, "the row is missing"))
}

fn certified(opener: &mut Opener, row: &Row<'_>) -> Result<Certified, StorageError> {
    let id = hash(Table::MeshBlocks, row, 0)?;
    let block = value(opener, Table::MeshBlocks, &id, row, 1)?;
    let has_certificate = row.get_ref(2).doing(READ)? != rusqlite::types::ValueRef::Null;
    let certificate = has_certificate.then(|| value(opener, Table::Certificates, &id, row, 2)).transpose()?;
    Ok((Arc::new(block), certificate.map(Arc::new)))
}

impl MeshStore {
    pub(super) fn with_rows<T>(
        &self,
        read: impl FnOnce(&mut Rows<'_>) -> Result<T, StorageError>,
    ) -> Result<T, StorageError> {
        self.readers.with(|reader| read(&mut Rows { connection: &reader.connection, opener: &mut reader.opener }))
    }

    /// The parent of the first block.
    pub(super) fn first(&self) -> Result<BlockId, StorageError> {
        let first =
            self.with_rows(|rows| rows.one("SELECT first FROM progress", &[], |_, row| hash(Table::Progress, row, 0)))?;
        first.map(BlockId).ok_or_else(|| StorageError::corrupt(Table::Progress.name(), 0, "the row is missing"))
    }

    /// A whole cell.
    ///
    /// # Errors
    /// Where the database fails or the row is damaged.
    pub fn cell(&self, id: &CellId) -> Result<Option<Cell>, StorageError> {
        let sql = "SELECT head, body FROM cells WHERE id = ?";
        self.with_rows(|rows| {
            rows.one(sql, &[&id.0], |opener, row| {
                let signed = value(opener, Table::CellHeads, &id.0, row, 0)?;
                let body: CellBody = value(opener, Table::CellBodies, &id.0, row, 1)?;
                Ok(Cell { signed, body })
            })
        })
    }

    /// A cell's signed header, and the height of the block that includes it.
    ///
    /// # Errors
    /// Where the database fails or the row is damaged.
    pub fn cell_head(&self, id: &CellId) -> Result<Option<(SignedCellHeader, Option<Height>)>, StorageError> {
        let sql = "SELECT head, height FROM cells WHERE id = ?";
        self.with_rows(|rows| {
            rows.one(sql, &[&id.0], |opener, row| {
                let height: Option<i64> = row.get(1).doing(READ)?;
                Ok((value(opener, Table::CellHeads, &id.0, row, 0)?, height.map(|height| Height(height as u64))))
            })
        })
    }

    /// The committed cell in a place of an epoch.
    ///
    /// # Errors
    /// Where the database fails or the row is damaged.
    pub fn committed_cell(
        &self,
        epoch: Epoch,
        lane: LaneId,
        seq: u64,
    ) -> Result<Option<SignedCellHeader>, StorageError> {
        let sql = "SELECT id, head FROM cells \
                   WHERE epoch = ? AND submesh = ? AND author = ? AND seq = ? AND height IS NOT NULL";
        self.with_rows(|rows| {
            let place: [&dyn ToSql; 4] = [&(epoch.0 as i64), &lane.submesh.0, &lane.author.0, &(seq as i64)];
            rows.one(sql, &place, |opener, row| {
                let id = hash(Table::CellHeads, row, 0)?;
                let signed: SignedCellHeader = value(opener, Table::CellHeads, &id, row, 1)?;
                let header = &signed.header;
                if (header.epoch, header.lane, header.seq) != (epoch, lane, seq) {
                    let problem = format!("it is cell {} of {}, not {seq} of {lane}", header.seq, header.lane);
                    return Err(StorageError::corrupt(Table::CellHeads.name(), CellId(id), problem));
                }
                Ok(signed)
            })
        })
    }

    /// The own next cell of a submesh's lane, as it was before it was signed.
    ///
    /// # Errors
    /// Where the database fails or the row is damaged.
    pub fn draft(&self, submesh: SubmeshId) -> Result<Option<(CellHeader, CellBody)>, StorageError> {
        let (sql, key) = ("SELECT data FROM drafts WHERE submesh = ?", submesh.0.to_le_bytes());
        let draft = self.with_rows(|rows| {
            rows.one(sql, &[&submesh.0], |opener, row| value::<Draft>(opener, Table::Drafts, &key, row, 0))
        })?;
        Ok(draft.map(|Draft { header, body }| (header, body)))
    }

    /// A block with the certificate of its parent.
    ///
    /// # Errors
    /// Where the database fails or the row is damaged.
    pub fn block(&self, id: &BlockId) -> Result<Option<Certified>, StorageError> {
        let sql = "SELECT id, data, certificate FROM blocks WHERE id = ?";
        self.with_rows(|rows| rows.one(sql, &[&id.0], certified))
    }

    /// All stored blocks of a height, committed or not.
    ///
    /// # Errors
    /// Where the database fails or a row is damaged.
    pub fn blocks_at(&self, height: Height) -> Result<Vec<Certified>, StorageError> {
        let sql = "SELECT id, data, certificate FROM blocks WHERE height = ?";
        self.with_rows(|rows| rows.all(sql, &[&(height.0 as i64)], certified))
    }

    /// The stored blocks of an epoch above a height, lower ones first.
    pub(super) fn blocks_above(&self, tip: &CommitTip) -> Result<Vec<Certified>, StorageError> {
        let sql = "SELECT id, data, certificate FROM blocks WHERE height > ? AND epoch = ? ORDER BY height, row";
        let (height, epoch) = (tip.height.0 as i64, tip.epoch.0 as i64);
        self.with_rows(|rows| rows.all(sql, &[&height, &epoch], certified))
    }

    /// The committed block of a height.
    ///
    /// # Errors
    /// Where the database fails or the row is damaged.
    pub fn commit(&self, height: Height) -> Result<Option<StoredCommit>, StorageError> {
        Ok(self.commits(height..=height, usize::MAX)?.pop())
    }

    /// The committed blocks of a range of heights, the first `max` of them.
    ///
    /// # Errors
    /// Where the database fails or a row is damaged.
    pub fn commits(&self, heights: RangeInclusive<Height>, max: usize) -> Result<Vec<StoredCommit>, StorageError> {
        let sql = "SELECT height, data FROM commits WHERE height BETWEEN ? AND ? ORDER BY height LIMIT ?";
        let (first, last) = (heights.start().0 as i64, heights.end().0.min(i64::MAX as u64) as i64);
        let max = i64::try_from(max).unwrap_or(i64::MAX);
        self.with_rows(|rows| {
            rows.all(sql, &[&first, &last, &max], |opener, row| {
                let height: i64 = row.get(0).doing(READ)?;
                value(opener, Table::Commits, &(height as u64).to_le_bytes(), row, 1)
            })
        })
    }

    /// Who decides in an epoch and by which rules, and how it ended.
    ///
    /// # Errors
    /// Where the database fails or the row is damaged.
    #[allow(clippy::type_complexity, reason = "three things that are one row")]
    pub fn epoch(
        &self,
        epoch: Epoch,
    ) -> Result<Option<(ValidatorSet, CutRules, Option<Arc<EpochCertificate>>)>, StorageError> {
        let (sql, key) = ("SELECT data, certificate FROM epochs WHERE epoch = ?", epoch.0.to_le_bytes());
        self.with_rows(|rows| {
            rows.one(sql, &[&(epoch.0 as i64)], |opener, row| {
                let EpochRow { set, rules } = value(opener, Table::Epochs, &key, row, 0)?;
                let has_ended = row.get_ref(1).doing(READ)? != rusqlite::types::ValueRef::Null;
                let table = Table::EpochCertificates;
                let certificate = has_ended.then(|| value(opener, table, &key, row, 1)).transpose()?;
                Ok((set, rules, certificate.map(Arc::new)))
            })
        })
    }
}

/// The committed cells of the newest epoch, for the mesh. A database that can't be read has none: a cell whose parent is
/// not found waits and is asked for, which is what a validator with a failing disk can still do without harm.
impl CellStore for MeshStore {
    fn place(&self, id: &CellId) -> Option<StoredPlace> {
        let found = self.cell_head(id).unwrap_or_else(|error| {
            tracing::error!(%error, "a committed cell can't be read");
            None
        });
        let (signed, height) = found?;
        let CellHeader { lane, seq, depth, time_ms, .. } = signed.header;
        height.map(|_| StoredPlace { lane, seq, depth, time_ms })
    }

    fn signed(&self, lane: LaneId, seq: u64) -> Option<SignedCellHeader> {
        let epoch = self.with_rows(|rows| tip(rows.connection)).map(|tip| tip.epoch);
        let found = epoch.and_then(|epoch| self.committed_cell(epoch, lane, seq));
        found.unwrap_or_else(|error| {
            tracing::error!(%error, "a committed cell can't be read");
            None
        })
    }
}
