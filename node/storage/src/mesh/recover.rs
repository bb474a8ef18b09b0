//! What a start reads.

use super::{
    MeshStore,
    read::{self, Certified, hash, value},
};
use crate::{StorageError, error::Doing, seal::Table};
use qsdm_consensus::CommitTip;
use qsdm_mesh::{Cut, CutRules, CutView};
use qsdm_primitives::{
    Cell, CellBody, CutChange, Epoch, EpochCertificate, LaneId, SubmeshId, ValidatorIndex, ValidatorSet, codec::Encode,
};
use std::sync::Arc;

/// What lies on disk when a node starts.
#[derive(Clone, Debug)]
pub struct MeshRecovery {
    /// Where the committed chain stands.
    pub tip: CommitTip,
    /// What is committed of every lane in the tip's epoch.
    pub cut: Cut,
    /// The validators of the tip's epoch.
    pub set: ValidatorSet,
    /// Gas and open submeshes of the tip's epoch.
    pub rules: CutRules,
    /// The stored blocks above the tip, parents first.
    pub blocks: Vec<Certified>,
    /// The cells of the tip's epoch that are not committed, parents first.
    pub cells: Vec<Cell>,
    /// How the last two epochs ended.
    pub certificates: Vec<Arc<EpochCertificate>>,
}

impl MeshStore {
    /// Reads what a start needs.
    ///
    /// # Errors
    /// Where the database fails or a row is damaged.
    pub fn recover(&self) -> Result<MeshRecovery, StorageError> {
        let tip = self.with_rows(|rows| read::tip(rows.connection))?;
        let missing = || StorageError::corrupt(Table::Epochs.name(), tip.epoch, "the row is missing");
        let (set, rules, _) = self.epoch(tip.epoch)?.ok_or_else(missing)?;
        let mut certificates = Vec::new();
        for epoch in tip.epoch.0.saturating_sub(2)..tip.epoch.0 {
            let ended = self.epoch(Epoch(epoch))?;
            certificates.extend(ended.and_then(|(_, _, certificate)| certificate));
        }
        let cut = self.cut()?;
        let mut cells = self.uncommitted_cells(tip.epoch)?;
        // where a lane forked, the branch that lost
        cells.retain(|cell| cut.tip(cell.header().lane).is_none_or(|tip| cell.header().seq > tip.seq));
        cells.sort_by_key(|cell| (cell.header().depth, cell.header().lane, cell.header().seq));
        Ok(MeshRecovery { cut, blocks: self.blocks_above(&tip)?, tip, set, rules, cells, certificates })
    }

    fn cut(&self) -> Result<Cut, StorageError> {
        let sql = "SELECT submesh, author, data FROM tips ORDER BY submesh, author";
        let action = "reading the lanes";
        let changes: Vec<CutChange> = self.with_rows(|rows| {
            rows.all(sql, &[], |opener, row| {
                let (submesh, author): (u32, u16) = (row.get(0).doing(action)?, row.get(1).doing(action)?);
                let lane = LaneId { submesh: SubmeshId(submesh), author: ValidatorIndex(author) };
                value(opener, Table::Tips, &lane.to_bytes(), row, 2)
            })
        })?;
        let mut cut = Cut::default();
        cut.apply(&changes);
        Ok(cut)
    }

    fn uncommitted_cells(&self, epoch: Epoch) -> Result<Vec<Cell>, StorageError> {
        let sql = "SELECT id, head, body FROM cells WHERE epoch = ? AND height IS NULL";
        self.with_rows(|rows| {
            rows.all(sql, &[&(epoch.0 as i64)], |opener, row| {
                let id = hash(Table::CellHeads, row, 0)?;
                let signed = value(opener, Table::CellHeads, &id, row, 1)?;
                let body: CellBody = value(opener, Table::CellBodies, &id, row, 2)?;
                Ok(Cell { signed, body })
            })
        })
    }
}
