//! Writing a batch.

use super::{EndedEpoch, MeshBatch, MeshStore, Skipped, StoredCommit, Writer, codec, read};
use crate::{
    StorageError,
    error::Doing,
    schema,
    seal::{Sealer, Table},
};
use qsdm_consensus::{CommitTip, CommittedBlock};
use qsdm_mesh::CutRules;
use qsdm_primitives::{
    Block, BlockId, Cell, CellBody, CellHeader, Epoch, EpochCertificate, QuorumCertificate, ValidatorSet, codec::Encode,
};
use rusqlite::{Connection, ToSql};

const WRITE: &str = "writing cells and blocks";

/// What one transaction writes with.
struct Rows<'a> {
    connection: &'a Connection,
    sealer: &'a mut Sealer,
}

impl Writer {
    pub(super) fn write(&mut self, batch: &MeshBatch) -> Result<(), StorageError> {
        let Self { connection, sealer } = self;
        let mut rows = Rows { connection, sealer };
        schema::transaction(rows.connection, WRITE, || {
            batch.drafts.iter().try_for_each(|(header, body)| rows.draft(header, body))?;
            batch.cells.iter().try_for_each(|cell| rows.cell(cell))?;
            for (block, certificate) in &batch.blocks {
                rows.block(block, certificate.as_deref())?;
            }
            batch.commits.iter().try_for_each(|commit| rows.commit(commit))?;
            batch.epochs.iter().try_for_each(|ended| rows.end_epoch(ended))
        })
    }
}

impl Writer {
    pub(super) fn note_skipped(&mut self, skipped: &[([u8; 32], Skipped)]) -> Result<(), StorageError> {
        let Self { connection, sealer } = self;
        let rows = Rows { connection, sealer };
        schema::transaction(rows.connection, WRITE, || {
            for (hash, skipped) in skipped {
                let data = rows.sealer.seal(Table::Skipped, hash, &skipped.to_bytes())?;
                rows.execute("INSERT OR IGNORE INTO skipped (hash, data) VALUES (?, ?)", &[hash, &data])?;
            }
            Ok(())
        })
    }
}

impl MeshStore {
    /// Writes where the chain begins, unless it has begun.
    pub(super) fn begin(&self, genesis: &CommitTip, set: &ValidatorSet, rules: &CutRules) -> Result<(), StorageError> {
        let writer = &mut *self.writer.lock();
        if read::has_begun(&writer.connection)? {
            return Ok(());
        }
        let mut rows = Rows { connection: &writer.connection, sealer: &mut writer.sealer };
        schema::transaction(rows.connection, WRITE, || {
            rows.epoch(set, rules)?;
            rows.set_tip(genesis, Some(genesis.block))
        })
    }
}

impl Rows<'_> {
    fn execute(&self, sql: &str, params: &[&dyn ToSql]) -> Result<usize, StorageError> {
        self.connection.prepare_cached(sql).and_then(|mut statement| statement.execute(params)).doing(WRITE)
    }

    fn draft(&mut self, header: &CellHeader, body: &CellBody) -> Result<(), StorageError> {
        let submesh = header.lane.submesh.0;
        let mut bytes = header.to_bytes();
        body.encode(&mut bytes);
        let data = self.sealer.seal(Table::Drafts, &submesh.to_le_bytes(), &bytes)?;
        self.execute("REPLACE INTO drafts VALUES (?, ?)", &[&submesh, &data]).map(drop)
    }

    fn cell(&mut self, cell: &Cell) -> Result<(), StorageError> {
        let (header, id) = (cell.header(), cell.header().id());
        let head = self.sealer.seal(Table::CellHeads, &id.0, &cell.signed.to_bytes())?;
        let body = self.sealer.seal(Table::CellBodies, &id.0, &cell.body.to_bytes())?;
        let lane = header.lane;
        let sql =
            "INSERT OR IGNORE INTO cells (id, epoch, submesh, author, seq, head, body) VALUES (?, ?, ?, ?, ?, ?, ?)";
        let (epoch, seq) = (header.epoch.0 as i64, header.seq as i64);
        self.execute(sql, &[&id.0, &epoch, &lane.submesh.0, &lane.author.0, &seq, &head, &body]).map(drop)
    }

    /// A block may be stored before its parent's certificate is known.
    fn block(&mut self, block: &Block, certificate: Option<&QuorumCertificate>) -> Result<(), StorageError> {
        let (header, id) = (block.header(), block.header().id());
        let data = self.sealer.seal(Table::MeshBlocks, &id.0, &block.to_bytes())?;
        let certificate = certificate
            .map(|certificate| self.sealer.seal(Table::Certificates, &id.0, &certificate.to_bytes()))
            .transpose()?;
        let sql = "INSERT INTO blocks (id, epoch, height, data, certificate) VALUES (?, ?, ?, ?, ?) \
                   ON CONFLICT (id) DO UPDATE SET certificate = coalesce(excluded.certificate, certificate)";
        let (epoch, height) = (header.epoch.0 as i64, header.height.0 as i64);
        self.execute(sql, &[&id.0, &epoch, &height, &data, &certificate]).map(drop)
    }

    fn commit(&mut self, commit: &CommittedBlock) -> Result<(), StorageError> {
        let height = commit.tip.height.0;
        let expected = read::tip(self.connection)?.height.0 + 1;
        if height != expected {
            return Err(StorageError::OutOfOrder { what: "committed block", given: height, expected });
        }
        let stored = StoredCommit {
            id: commit.id,
            number: commit.number,
            is_boundary: commit.is_boundary,
            seed: commit.seed,
            cells: commit.cells.clone(),
        };
        let data = self.sealer.seal(Table::Commits, &height.to_le_bytes(), &stored.to_bytes())?;
        self.execute("INSERT INTO commits VALUES (?, ?)", &[&(height as i64), &data])?;
        for cell in &commit.cells {
            let updated = self.execute("UPDATE cells SET height = ? WHERE id = ?", &[&(height as i64), &cell.0])?;
            if updated == 0 {
                let problem = format!("height {height} includes it and it is not stored");
                return Err(StorageError::corrupt(Table::CellHeads.name(), cell, problem));
            }
        }
        for change in &commit.block.body.cut {
            let lane = change.lane;
            let data = self.sealer.seal(Table::Tips, &lane.to_bytes(), &change.to_bytes())?;
            self.execute("REPLACE INTO tips VALUES (?, ?, ?)", &[&lane.submesh.0, &lane.author.0, &data])?;
        }
        self.set_tip(&commit.tip, None)
    }

    fn set_tip(&mut self, tip: &CommitTip, first: Option<BlockId>) -> Result<(), StorageError> {
        let key = read::progress_key(self.connection)?;
        let data = self.sealer.seal(Table::Progress, &key, &tip.to_bytes())?;
        match first {
            Some(first) => self.execute("INSERT INTO progress VALUES (0, ?, ?)", &[&first.0, &data]),
            None => self.execute("UPDATE progress SET tip = ?", &[&data]),
        }
        .map(drop)
    }

    fn epoch(&mut self, set: &ValidatorSet, rules: &CutRules) -> Result<(), StorageError> {
        let bytes = codec::encode_epoch(set, rules);
        let epoch = set.epoch().0;
        let data = self.sealer.seal(Table::Epochs, &epoch.to_le_bytes(), &bytes)?;
        self.execute("INSERT INTO epochs (epoch, data) VALUES (?, ?)", &[&(epoch as i64), &data]).map(drop)
    }

    fn end_epoch(&mut self, EndedEpoch { certificate, next, rules }: &EndedEpoch) -> Result<(), StorageError> {
        let (ended, tip) = (certificate.claim.epoch, read::tip(self.connection)?);
        if ended != tip.epoch {
            let (given, expected) = (ended.0, tip.epoch.0);
            return Err(StorageError::OutOfOrder { what: "end of epoch", given, expected });
        }
        self.certify_epoch(ended, certificate)?;
        self.epoch(next, rules)?;
        self.execute("DELETE FROM tips", &[])?;
        // what was drafted for the lanes of the old epoch can't be written any more
        self.execute("DELETE FROM drafts", &[])?;
        self.set_tip(&tip.next_epoch(Epoch(ended.0 + 1)), None)
    }

    fn certify_epoch(&mut self, epoch: Epoch, certificate: &EpochCertificate) -> Result<(), StorageError> {
        let data = self.sealer.seal(Table::EpochCertificates, &epoch.0.to_le_bytes(), &certificate.to_bytes())?;
        let sql = "UPDATE epochs SET certificate = ? WHERE epoch = ?";
        self.execute(sql, &[&data, &(epoch.0 as i64)]).map(drop)
    }
}
