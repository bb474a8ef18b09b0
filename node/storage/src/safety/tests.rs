use super::*;
use proptest::prelude::*;
use qsdm_primitives::{Algorithm, BlockId, CellId, Epoch, Round, SubmeshId};
use std::{cell::RefCell, fs, io, rc::Rc};

fn record(round: u64) -> SafetyRecord {
    let mut record = SafetyRecord::new(Epoch(1), BlockId([3; 32]));
    record.last_timeout = Round(round);
    // of another length each time
    record.lanes = (0..round % 5).map(|submesh| (SubmeshId(submesh as u32), (round, CellId([7; 32])))).collect();
    record
}

fn key(byte: u8) -> PublicKey {
    PublicKey::new(Algorithm::MlDsa44, vec![byte; 1312])
}

/// A file in memory of which a crash keeps what was synced and some of the rest.
#[derive(Clone, Debug, Default)]
struct Memory(Rc<RefCell<Disk>>);

#[derive(Debug, Default)]
struct Disk {
    file: Option<Vec<u8>>,
    /// Bytes at the end of the file that a crash may lose.
    unsynced: usize,
    /// How many more operations succeed.
    lives: usize,
    /// How much of what the failing operation wrote arrives.
    arrives: usize,
}

impl Memory {
    fn fail(&self) -> Result<(), StorageError> {
        let mut disk = self.0.borrow_mut();
        let fails = || StorageError::io("write", "disk")(io::Error::other("it fails"));
        disk.lives = disk.lives.checked_sub(1).ok_or_else(fails)?;
        Ok(())
    }
}

impl Medium for Memory {
    fn read(&self) -> Result<Option<Vec<u8>>, StorageError> {
        Ok(self.0.borrow().file.clone())
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), StorageError> {
        let result = self.fail();
        let mut disk = self.0.borrow_mut();
        let arrives = if result.is_ok() { bytes.len() } else { disk.arrives.min(bytes.len()) };
        disk.file.get_or_insert_default().extend_from_slice(&bytes[..arrives]);
        disk.unsynced = if result.is_ok() { 0 } else { disk.unsynced + arrives };
        result
    }

    fn replace(&mut self, bytes: &[u8]) -> Result<(), StorageError> {
        let result = self.fail();
        let mut disk = self.0.borrow_mut();
        // a rename that failed to be synced may have happened all the same
        if result.is_ok() || disk.arrives.is_multiple_of(2) {
            disk.file = Some(bytes.to_vec());
            disk.unsynced = 0;
        }
        result
    }
}

const HEADER: [u8; HEADER_BYTES] = {
    let mut header = [9; HEADER_BYTES];
    let mut place = 0;
    while place < MAGIC.len() {
        header[place] = MAGIC[place];
        place += 1;
    }
    header
};

proptest! {
    /// Power is lost and operations fail at any point: what the next start reads is never older than what was last
    /// acknowledged, and never anything that was not appended.
    #[test]
    fn no_acknowledged_record_is_lost(
        lives in prop::collection::vec((0..12_usize, 0..400_usize, 0..4_usize), 1..12),
    ) {
        let disk = Memory::default();
        let (mut round, mut acknowledged) = (0, 0);
        for (lives, arrives, keeps) in lives {
            *disk.0.borrow_mut() = Disk { lives: usize::MAX, arrives, ..disk.0.take() };
            let (mut log, newest) = Log::open(disk.clone(), HEADER).expect("an intact log");
            let newest = newest.map_or(0, |newest: SafetyRecord| newest.last_timeout.0);
            prop_assert!((acknowledged..=round).contains(&newest), "{newest} is not in {acknowledged}..={round}");
            acknowledged = newest;
            disk.0.borrow_mut().lives = lives;
            for attempt in 0.. {
                round += 1;
                match log.append(&record(round)) {
                    Ok(()) => acknowledged = round,
                    // once it may go on, as on a full disk that was cleaned up
                    Err(_) if attempt < 6 => disk.0.borrow_mut().lives = usize::from(attempt % 2 == 0) * 3,
                    Err(_) => break,
                }
                if attempt > 20 {
                    break;
                }
            }
            let mut disk = disk.0.borrow_mut();
            let lost = disk.unsynced.min(keeps * 40);
            let length = disk.file.as_ref().map_or(0, Vec::len);
            disk.file.iter_mut().for_each(|file| file.truncate(length - lost));
            disk.unsynced = 0;
        }
    }
}

#[test]
fn the_newest_record_is_read_by_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let (mut log, newest) = SafetyLog::open(folder.path(), 5, &key(1)).unwrap();
    assert_eq!(newest, None);
    for round in 1..=40 {
        log.append(&record(round)).unwrap();
        let report = SafetyLog::inspect(folder.path(), 5, &key(1)).unwrap().unwrap();
        assert_eq!(report, SafetyReport { newest: Some(record(round)), torn_bytes: 0 });
    }
    drop(log);
    let (_, newest) = SafetyLog::open(folder.path(), 5, &key(1)).unwrap();
    assert_eq!(newest, Some(record(40)));
}

#[test]
fn a_log_is_replaced_before_it_grows_beyond_its_limit() {
    let folder = tempfile::tempdir().unwrap();
    let (mut log, _) = SafetyLog::open(folder.path(), 5, &key(1)).unwrap();
    let mut sizes = Vec::new();
    let frame = {
        let mut frame = Vec::new();
        append_to_log(&mut frame, &record(0));
        frame.len()
    };
    // what a file of many records looks like, without writing them all
    log.log.bytes = SAFETY_LOG_BYTES_MAX - 3 * frame;
    for round in (5..=50).step_by(5) {
        log.append(&record(round)).unwrap();
        sizes.push(fs::metadata(folder.path().join(FILE)).unwrap().len() as usize);
    }
    assert!(sizes.windows(2).any(|pair| pair[1] < pair[0]), "{sizes:?}");
    assert_eq!(SafetyLog::inspect(folder.path(), 5, &key(1)).unwrap().unwrap().newest, Some(record(50)));
}

#[test]
fn one_process_has_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let _first = SafetyLog::open(folder.path(), 5, &key(1)).unwrap();
    let second = SafetyLog::open(folder.path(), 5, &key(1)).map(|_| ());
    assert!(matches!(second, Err(SafetyLogError::Storage(StorageError::Locked { .. }))), "{second:?}");
}

#[test]
fn the_log_of_another_key_or_chain_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    drop(SafetyLog::open(folder.path(), 5, &key(1)).unwrap());
    for (chain, of, expected) in [(6, key(1), "chain"), (5, key(2), "key")] {
        let opened = SafetyLog::open(folder.path(), chain, &of).map(|_| ());
        assert!(matches!(opened, Err(SafetyLogError::Other { what }) if what == expected), "{opened:?}");
    }
}

#[test]
fn the_log_of_a_new_key_is_begun_once_and_says_that_nothing_was_signed() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(SafetyLog::inspect(folder.path(), 5, &key(1)).unwrap(), None);
    SafetyLog::begin(folder.path(), 5, &key(1)).unwrap();
    let report = SafetyLog::inspect(folder.path(), 5, &key(1)).unwrap().unwrap();
    assert_eq!((report.newest, report.torn_bytes), (None, 0));
    let (mut log, newest) = SafetyLog::open(folder.path(), 5, &key(1)).unwrap();
    assert_eq!(newest, None);
    log.append(&record(1)).unwrap();
    drop(log);
    for of in [key(1), key(2)] {
        assert!(matches!(SafetyLog::begin(folder.path(), 5, &of), Err(SafetyLogError::Begun { .. })));
    }
    assert_eq!(SafetyLog::open(folder.path(), 5, &key(1)).unwrap().1, Some(record(1)), "it is as it was");
}

#[test]
fn a_torn_end_is_dropped_and_any_other_damage_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(FILE);
    let (mut log, _) = SafetyLog::open(folder.path(), 5, &key(1)).unwrap();
    (1..=3).for_each(|round| log.append(&record(round)).unwrap());
    drop(log);
    let whole = fs::read(&path).unwrap();
    let mut last = Vec::new();
    append_to_log(&mut last, &record(3));
    for cut in 1..last.len() {
        fs::write(&path, &whole[..whole.len() - cut]).unwrap();
        let report = SafetyLog::inspect(folder.path(), 5, &key(1)).unwrap().unwrap();
        assert_eq!((report.newest, report.torn_bytes), (Some(record(2)), last.len() - cut));
    }
    for place in 0..whole.len() - last.len() {
        let mut damaged = whole.clone();
        damaged[place] ^= 1;
        fs::write(&path, &damaged).unwrap();
        assert!(SafetyLog::open(folder.path(), 5, &key(1)).is_err(), "byte {place}");
        assert_eq!(fs::read(&path).unwrap(), damaged, "what was refused is left as it was");
    }
}
