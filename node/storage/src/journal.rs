//! Acknowledged transactions that are in no block yet, in an append-only file.
//!
//! ```text
//! "QSDMPJ\0\x01" │ record │ record │ …        record = length u32 │ BLAKE3 [8] │ sender [20] │ EIP-2718 bytes
//! ```
//! An append is one `write` before the acknowledgement goes out, so the death of the process loses nothing. Nothing is
//! synced: after a loss of power the newest records may be missing, as the newest blocks may.

use crate::{StorageError, folder::FolderLock};
use alloy_primitives::{Address, Bytes};
use qsdm_primitives::limits::{POOL_JOURNAL_BYTES_MAX, TX_BYTES_MAX};
use std::{
    fs::{self, File},
    io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

/// Name of the journal in the data folder.
pub(crate) const FILE: &str = "pool.journal";
/// Name of its replacement while that is being written.
pub(crate) const FILE_NEW: &str = "pool.journal.new";

const MAGIC: [u8; 8] = *b"QSDMPJ\0\x01";
const CHECKSUM: usize = 8;
const HEAD: usize = 4 + CHECKSUM;
const SENDER: usize = 20;

/// A transaction as it was acknowledged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalRecord {
    /// Who sends it; kept because development may impersonate senders, whose signatures recover to nobody.
    pub sender: Address,
    /// EIP-2718 encoding.
    pub transaction: Bytes,
}

/// What a journal still had.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Intact records in order of their acknowledgement.
    pub records: Vec<JournalRecord>,
    /// Bytes with a wrong checksum or of a record whose writing was interrupted; they are removed from the file.
    pub dropped_bytes: u64,
}

/// The journal of a data folder. It keeps the folder locked, as the store does that it comes from.
#[derive(Debug)]
pub struct PoolJournal {
    lock: Arc<FolderLock>,
    path: PathBuf,
    file: File,
    size: u64,
    max: u64,
}

fn checksum(payload: &[&[u8]]) -> [u8; CHECKSUM] {
    let mut hasher = blake3::Hasher::new();
    for part in payload {
        hasher.update(part);
    }
    let mut checksum = [0; CHECKSUM];
    checksum.copy_from_slice(&hasher.finalize().as_bytes()[..CHECKSUM]);
    checksum
}

/// Bytes that a record takes in the file.
fn record_bytes(record: &JournalRecord) -> u64 {
    (HEAD + SENDER + record.transaction.len()) as u64
}

fn put_record(out: &mut impl Write, JournalRecord { sender, transaction }: &JournalRecord) -> io::Result<()> {
    out.write_all(&((SENDER + transaction.len()) as u32).to_le_bytes())?;
    out.write_all(&checksum(&[sender.as_slice(), transaction]))?;
    out.write_all(sender.as_slice())?;
    out.write_all(transaction)
}

/// Reads the records of the `left` bytes that follow the beginning of the file.
fn read_records(file: &mut impl Read, mut left: u64) -> io::Result<Recovered> {
    let mut recovered = Recovered::default();
    while left >= (HEAD + SENDER) as u64 {
        let (mut length, mut stored) = ([0; 4], [0; CHECKSUM]);
        file.read_exact(&mut length)?;
        file.read_exact(&mut stored)?;
        let length = u32::from_le_bytes(length) as usize;
        let record = (HEAD + length) as u64;
        if !(SENDER..=SENDER + TX_BYTES_MAX).contains(&length) || record > left {
            break;
        }
        let mut payload = vec![0; length];
        file.read_exact(&mut payload)?;
        left -= record;
        if checksum(&[&payload]) == stored {
            let payload = Bytes::from(payload);
            let sender = Address::from_slice(&payload[..SENDER]);
            recovered.records.push(JournalRecord { sender, transaction: payload.slice(SENDER..) });
        } else {
            // one damaged record costs itself only, as long as its length is right
            recovered.dropped_bytes += record;
        }
    }
    recovered.dropped_bytes += left;
    Ok(recovered)
}

impl PoolJournal {
    pub(crate) fn open(lock: Arc<FolderLock>) -> Result<Self, StorageError> {
        let path = lock.folder().join(FILE);
        let file = File::options().create(true).append(true).read(true).open(&path);
        let file = file.map_err(StorageError::io("open", &path))?;
        let size = file.metadata().map_err(StorageError::io("read", &path))?.len();
        let mut journal = Self { lock, path, file, size, max: POOL_JOURNAL_BYTES_MAX };
        journal.check_magic()?;
        Ok(journal)
    }

    /// A file without a complete beginning is one that was being created.
    fn check_magic(&mut self) -> Result<(), StorageError> {
        let mut magic = Vec::new();
        let mut file = File::open(&self.path).map_err(StorageError::io("open", &self.path))?.take(8);
        file.read_to_end(&mut magic).map_err(StorageError::io("read", &self.path))?;
        if !MAGIC.starts_with(&magic) {
            let found = "it is no pool journal of this release".into();
            return Err(StorageError::ForeignDatabase { path: self.path.clone(), found });
        }
        if magic.len() < MAGIC.len() {
            self.cut(0)?;
            self.write(&MAGIC)?;
        }
        Ok(())
    }

    fn cut(&mut self, size: u64) -> Result<(), StorageError> {
        self.file.set_len(size).map_err(StorageError::io("truncate", &self.path))?;
        self.size = size;
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), StorageError> {
        match self.file.write_all(bytes) {
            Ok(()) => {
                self.size += bytes.len() as u64;
                Ok(())
            }
            Err(error) => {
                // half a record must not stand before the next one
                self.cut(self.size)?;
                Err(StorageError::io("write", &self.path)(error))
            }
        }
    }

    /// Bytes in the file.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The size after adding `records` to a file of `size` bytes, if each of them and all of them are within limits.
    fn grown(&self, size: u64, records: &[JournalRecord]) -> Result<u64, StorageError> {
        if let Some(record) = records.iter().find(|record| record.transaction.len() > TX_BYTES_MAX) {
            let (bytes, max) = (record.transaction.len(), TX_BYTES_MAX);
            return Err(StorageError::TooLarge { what: "a transaction for the pool journal", bytes, max });
        }
        let wanted = size + records.iter().map(record_bytes).sum::<u64>();
        if wanted > self.max {
            return Err(StorageError::JournalFull { size: self.size, wanted, max: self.max });
        }
        Ok(wanted)
    }

    /// Appends records with one write. When this returns they survive the death of the process.
    ///
    /// # Errors
    /// [`StorageError::JournalFull`] asks for a [`PoolJournal::rewrite`]; after any error the file is as it was before.
    pub fn append(&mut self, records: &[JournalRecord]) -> Result<(), StorageError> {
        let wanted = self.grown(self.size, records)?;
        let mut bytes = Vec::with_capacity((wanted - self.size) as usize);
        for record in records {
            put_record(&mut bytes, record).map_err(StorageError::io("write", &self.path))?;
        }
        self.write(&bytes)
    }

    /// Reads back all intact records, and removes the rest from the file.
    ///
    /// # Errors
    /// If the file can't be read or written.
    pub fn recover(&mut self) -> Result<Recovered, StorageError> {
        let mut file = BufReader::new(File::open(&self.path).map_err(StorageError::io("open", &self.path))?);
        let skipped = file.seek(SeekFrom::Start(MAGIC.len() as u64));
        let left = self.size.saturating_sub(MAGIC.len() as u64);
        let recovered = skipped.and_then(|_| read_records(&mut file, left));
        let recovered = recovered.map_err(StorageError::io("read", &self.path))?;
        if recovered.dropped_bytes > 0 {
            self.rewrite(&recovered.records)?;
        }
        Ok(recovered)
    }

    /// Replaces the contents at once: after a crash there are the old records or the new ones.
    ///
    /// # Errors
    /// If the new file can't be written; the old one stays in use then.
    pub fn rewrite(&mut self, records: &[JournalRecord]) -> Result<(), StorageError> {
        if records.is_empty() {
            return self.cut(MAGIC.len() as u64);
        }
        let size = self.grown(MAGIC.len() as u64, records)?;
        let new = self.lock.folder().join(FILE_NEW);
        let file = write_new(&new, records).map_err(StorageError::io("write", &new))?;
        fs::rename(&new, &self.path).map_err(StorageError::io("replace", &self.path))?;
        (self.file, self.size) = (file, size);
        Ok(())
    }
}

/// Writes a complete journal to a new file, open for appending because after a rename it is the journal.
fn write_new(path: &Path, records: &[JournalRecord]) -> io::Result<File> {
    if fs::exists(path)? {
        fs::remove_file(path)?;
    }
    let file = File::options().create_new(true).append(true).open(path)?;
    let mut buffered = BufWriter::new(file);
    buffered.write_all(&MAGIC)?;
    for record in records {
        put_record(&mut buffered, record)?;
    }
    buffered.into_inner().map_err(io::IntoInnerError::into_error)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(seed: u8) -> JournalRecord {
        JournalRecord { sender: Address::repeat_byte(seed), transaction: vec![seed; 30 + usize::from(seed)].into() }
    }

    fn journal(folder: &Path) -> PoolJournal {
        PoolJournal::open(Arc::new(FolderLock::acquire(folder).unwrap())).unwrap()
    }

    #[test]
    fn a_full_journal_refuses_and_is_usable_after_a_rewrite() {
        let folder = tempfile::tempdir().unwrap();
        let mut journal = journal(folder.path());
        journal.max = 300;
        let records: Vec<_> = (1..=4).map(record).collect();
        journal.append(&records).unwrap();
        let size = journal.size();
        let error = journal.append(&records[..1]).unwrap_err();
        assert!(matches!(error, StorageError::JournalFull { max: 300, .. }), "{error}");
        assert!(matches!(journal.rewrite(&vec![record(9); 9]), Err(StorageError::JournalFull { .. })));
        assert_eq!((journal.size(), journal.recover().unwrap().records), (size, records.clone()));
        journal.rewrite(&records[3..]).unwrap();
        journal.append(&records[..1]).unwrap();
        assert_eq!(journal.recover().unwrap().records, [record(4), record(1)]);
    }

    #[test]
    fn a_journal_cut_anywhere_keeps_every_complete_record_and_takes_new_ones() {
        let folder = tempfile::tempdir().unwrap();
        let records: Vec<_> = (1..=3).map(record).collect();
        let mut whole = journal(folder.path());
        whole.append(&records).unwrap();
        let ends: Vec<u64> = (0..=3).map(|count| whole.grown(8, &records[..count]).unwrap()).collect();
        let path = folder.path().join(FILE);
        let bytes = fs::read(&path).unwrap();
        drop(whole);
        for length in 0..=bytes.len() {
            fs::write(&path, &bytes[..length]).unwrap();
            let mut journal = journal(folder.path());
            let complete = ends[1..].iter().filter(|end| **end <= length as u64).count();
            let recovered = journal.recover().unwrap();
            assert_eq!(recovered.records, records[..complete], "cut at {length}");
            let kept = ends[complete];
            assert_eq!(recovered.dropped_bytes, (length as u64).saturating_sub(kept), "cut at {length}");
            journal.append(&[record(7)]).unwrap();
            let mut expected = records[..complete].to_vec();
            expected.push(record(7));
            assert_eq!(journal.recover().unwrap(), Recovered { records: expected, dropped_bytes: 0 });
        }
    }

    #[test]
    fn a_flipped_bit_costs_no_intact_record_before_it_and_is_never_taken_for_a_transaction() {
        let folder = tempfile::tempdir().unwrap();
        let records: Vec<_> = (1..=3).map(record).collect();
        let mut whole = journal(folder.path());
        whole.append(&records).unwrap();
        let second = whole.grown(8, &records[..1]).unwrap() as usize;
        let third = whole.grown(8, &records[..2]).unwrap() as usize;
        let path = folder.path().join(FILE);
        let bytes = fs::read(&path).unwrap();
        drop(whole);
        for bit in second * 8..third * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            fs::write(&path, &flipped).unwrap();
            let recovered = journal(folder.path()).recover().unwrap();
            assert_eq!(recovered.records[0], records[0]);
            assert!(recovered.records.iter().all(|record| records.contains(record)));
            assert!(recovered.dropped_bytes > 0);
            if bit >= (second + 4) * 8 {
                assert_eq!(recovered.records, [records[0].clone(), records[2].clone()], "bit {bit}");
            }
        }
        fs::write(&path, b"something else").unwrap();
        let error = PoolJournal::open(Arc::new(FolderLock::acquire(folder.path()).unwrap())).unwrap_err();
        assert!(error.to_string().contains("no pool journal"), "{error}");
        assert_eq!(fs::read(&path).unwrap(), b"something else");
    }

    #[test]
    fn a_transaction_above_the_limit_is_refused_with_both_numbers() {
        let folder = tempfile::tempdir().unwrap();
        let large = JournalRecord { sender: Address::ZERO, transaction: vec![0; TX_BYTES_MAX + 1].into() };
        let error = journal(folder.path()).append(&[large]).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!(
                "a transaction for the pool journal of {} bytes exceeds the limit of {TX_BYTES_MAX}",
                TX_BYTES_MAX + 1
            )
        );
    }
}
