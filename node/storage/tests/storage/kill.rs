//! A process that commits is killed; nothing that it reported is missing.

use crate::{
    model::Model,
    samples::{Random, spec},
};
use alloy_primitives::Address;
use qsdm_storage::{JournalRecord, PoolJournal, StorageError, Store};
use qsdm_vm::ports::ChainStore;
use std::{
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Command, Stdio},
};

/// Set in the process that is to be killed: its data folder.
const VICTIM: &str = "QSDM_STORAGE_TEST_VICTIM";
const SEED: u64 = 42;

fn record(index: u64) -> JournalRecord {
    JournalRecord { sender: Address::left_padding_from(&index.to_be_bytes()), transaction: vec![7; 99].into() }
}

/// Commits and journals until killed, and says so after each.
fn victim(folder: &Path) {
    let store = Store::open(folder, &spec()).unwrap();
    let mut journal: PoolJournal = store.pool_journal().unwrap();
    let (mut model, mut random) = (Model::default(), Random(SEED));
    for index in 0.. {
        store.commit(model.grow(&mut random)).unwrap();
        journal.append(&[record(index)]).unwrap();
        let mut out = std::io::stdout().lock();
        writeln!(out, "committed {index}").unwrap();
        out.flush().unwrap();
    }
}

#[test]
fn nothing_that_was_committed_is_missing_after_a_kill() {
    if let Some(folder) = std::env::var_os(VICTIM) {
        victim(Path::new(&folder));
    }
    for reports in [1, 40, 150] {
        let folder = tempfile::tempdir().unwrap();
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "kill::nothing_that_was_committed_is_missing_after_a_kill", "--nocapture"])
            .env(VICTIM, folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut lines = lines.map_while(Result::ok).filter(|line| line.starts_with("committed "));
        let mut last = lines.by_ref().take(reports).last().unwrap();
        let error = Store::open(folder.path(), &spec()).unwrap_err();
        assert!(matches!(error, StorageError::Locked { .. }), "{error}");
        assert_eq!(Store::stored_spec(folder.path()).unwrap(), Some(spec()), "asking needs no lock");
        child.kill().unwrap();
        child.wait().unwrap();
        // what it said before it died, except for a line that was cut
        for line in lines {
            if line.len() >= last.len() {
                last = line;
            }
        }
        let reported: u64 = last.strip_prefix("committed ").unwrap().parse().unwrap();

        let store = Store::open(folder.path(), &spec()).unwrap();
        let head = store.head().unwrap().unwrap();
        assert!(head.sequence >= reported, "{reported} was reported, {head:?} is there");
        let (mut model, mut random) = (Model::default(), Random(SEED));
        for _ in 0..=head.sequence {
            model.grow(&mut random);
        }
        model.assert_is(&store, &mut random);
        let recovered = store.pool_journal().unwrap().recover().unwrap();
        assert!(recovered.records.len() as u64 > reported);
        assert!(recovered.records.iter().zip(0..).all(|(found, index)| *found == record(index)));
    }
}
