//! A disk that forgets what was not synced.

use super::{Micros, Random, cells::SharedCell, node::Draft, scenario::DiskFault};
use qsdm_consensus::{CommittedBlock, LogError, SafetyRecord, append_to_log, read_log};
use qsdm_mesh::CellRef;
use qsdm_primitives::{Block, EpochCertificate, QuorumCertificate};
use std::{collections::BTreeMap, sync::Arc};

/// What a node writes beside its safety record.
#[derive(Clone, Debug)]
pub(super) enum Entry {
    Draft(Box<Draft>),
    Cell(CellRef, SharedCell),
    Block(Arc<Block>, Option<Arc<QuorumCertificate>>),
    Commit(Box<CommittedBlock>),
    Epoch(Arc<EpochCertificate>),
}

/// How much of both files was written at some moment.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Written {
    safety: usize,
    entries: usize,
}

/// Two files: the safety log and everything else.
#[derive(Clone, Debug, Default)]
pub(super) struct Disk {
    safety: Vec<u8>,
    entries: Vec<Entry>,
    synced: Written,
    /// The records that are written and not synced, by the length of the log with them.
    unsynced: Vec<(usize, SafetyRecord)>,
    /// The newest record that is sure to be there after a crash.
    durable: Option<SafetyRecord>,
    backups: BTreeMap<Micros, Vec<u8>>,
}

impl Disk {
    pub(super) fn write_record(&mut self, record: &SafetyRecord) {
        append_to_log(&mut self.safety, record);
        self.unsynced.push((self.safety.len(), record.clone()));
    }

    pub(super) fn write(&mut self, entry: Entry) {
        self.entries.push(entry);
    }

    /// How much is written, to be synced later.
    pub(super) fn written(&self) -> Written {
        Written { safety: self.safety.len(), entries: self.entries.len() }
    }

    /// What was written up to then survives a crash.
    pub(super) fn sync(&mut self, written: Written) {
        self.synced.safety = self.synced.safety.max(written.safety);
        self.synced.entries = self.synced.entries.max(written.entries);
        let count = self.unsynced.partition_point(|(end, _)| *end <= self.synced.safety);
        if let Some((_, record)) = self.unsynced.drain(..count).next_back() {
            self.durable = Some(record);
        }
    }

    /// The newest record that is sure to be there after a crash.
    pub(super) fn durable(&self) -> Option<&SafetyRecord> {
        self.durable.as_ref()
    }

    /// Power is lost: of what was not synced, a random beginning of each file stays.
    pub(super) fn lose_power(&mut self, random: &mut Random) {
        let keep = |random: &mut Random, synced: usize, written: usize| {
            // in half of the cases nothing unsynced is left, else any part of it
            if random.per_mille(500) { synced } else { random.between(synced as u64, written as u64) as usize }
        };
        let safety = keep(random, self.synced.safety, self.safety.len());
        let entries = keep(random, self.synced.entries, self.entries.len());
        self.safety.truncate(safety);
        self.entries.truncate(entries);
        self.unsynced.clear();
    }

    /// Copies the safety log, as a careless operator does.
    pub(super) fn back_up(&mut self, now: Micros) {
        self.backups.insert(now, self.safety.clone());
    }

    /// Does to the safety log what is told.
    pub(super) fn suffer(&mut self, fault: DiskFault) {
        match fault {
            DiskFault::Restored(taken) => self.safety = self.backups.get(&taken).cloned().unwrap_or_default(),
            DiskFault::Torn => {
                // where the power loss has torn the last one already, no other one can be
                let whole = self.safety.len();
                let is_whole = read_log(&self.safety).is_ok_and(|(_, length)| length == whole);
                if let Some(record) = self.durable.as_ref().filter(|_| is_whole) {
                    append_to_log(&mut self.safety, record);
                }
                self.safety.truncate(whole + (self.safety.len() - whole) / 2);
            }
            DiskFault::Damaged => {
                if let Some(byte) = self.safety.get_mut(50) {
                    *byte ^= 1;
                }
            }
        }
    }

    /// The newest record; a torn one at the end is cut off.
    pub(super) fn read_record(&mut self) -> Result<Option<SafetyRecord>, LogError> {
        let (record, length) = read_log(&self.safety)?;
        self.safety.truncate(length);
        self.synced = self.written();
        self.durable.clone_from(&record);
        Ok(record)
    }

    pub(super) fn entries(&self) -> &[Entry] {
        &self.entries
    }
}
