//! Whose folder it is.

use crate::samples::spec;
use qsdm_primitives::ChainSpec;
use qsdm_storage::{StorageError, Store};
use rusqlite::Connection;
use std::{collections::BTreeMap, fs, path::Path};

/// Every file below a folder with the length and a checksum of its contents.
fn contents(folder: &Path) -> BTreeMap<String, (usize, blake3::Hash)> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(contents(&path));
        } else {
            let bytes = fs::read(&path).unwrap();
            files.insert(path.display().to_string(), (bytes.len(), blake3::hash(&bytes)));
        }
    }
    files
}

/// Opening is refused with a message that has all of `parts`, and the folder is as before.
fn assert_refused(folder: &Path, spec: &ChainSpec, parts: &[&str]) -> StorageError {
    let before = contents(folder);
    let error = Store::open(folder, spec).unwrap_err();
    let message = error.to_string();
    for part in parts {
        assert!(message.contains(part), "`{message}` lacks `{part}`");
    }
    assert!(message.contains(&folder.display().to_string()), "`{message}` does not name the folder");
    assert_eq!(contents(folder), before, "the folder was changed");
    error
}

#[test]
fn a_folder_is_made_for_its_owner_only_and_remembers_its_specification() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("a?b #/ü%20");
    assert_eq!(Store::stored_spec(&folder).unwrap(), None);
    assert!(!folder.exists(), "asking must not create it");
    drop(Store::open(&folder, &spec()).unwrap());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700);
    }
    assert_eq!(Store::stored_spec(&folder).unwrap(), Some(spec()));
    drop(Store::open(&folder, &spec()).unwrap());
}

#[test]
fn a_folder_with_other_files_of_the_node_is_accepted() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("config.toml"), "").unwrap();
    fs::create_dir(folder.path().join("keys")).unwrap();
    fs::write(folder.path().join("chain.db.new"), "left by a crash while it was made").unwrap();
    drop(Store::open(folder.path(), &spec()).unwrap());
    assert!(!folder.path().join("chain.db.new").exists());
}

#[test]
fn the_folder_of_another_program_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("thesis.tex"), "text").unwrap();
    assert_refused(folder.path(), &spec(), &["thesis.tex", "name an empty folder"]);
    assert!(Store::stored_spec(folder.path()).is_err());
    let file = folder.path().join("thesis.tex");
    let error = Store::open(&file, &spec()).unwrap_err();
    assert!(matches!(error, StorageError::NotAFolder { .. }), "{error}");
    let error = Store::open(&file.join("below"), &spec()).unwrap_err();
    assert!(error.to_string().contains("below"), "{error}");
}

#[test]
fn a_database_that_is_not_ours_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("chain.db");
    for text in ["", "short", &"not a database at all ".repeat(50)] {
        fs::write(&path, text).unwrap();
        assert_refused(folder.path(), &spec(), &["chain.db is no chain database"]);
    }
    fs::remove_file(&path).unwrap();
    let foreign = Connection::open(&path).unwrap();
    foreign.execute_batch("PRAGMA application_id = 7; CREATE TABLE t (x); INSERT INTO t VALUES (1);").unwrap();
    drop(foreign);
    assert_refused(folder.path(), &spec(), &["application id is 0x00000007, not 0x5153444d"]);
    assert!(Store::stored_spec(folder.path()).is_err());
}

#[test]
fn another_schema_version_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    drop(Store::open(folder.path(), &spec()).unwrap());
    let connection = Connection::open(folder.path().join("chain.db")).unwrap();
    connection.execute_batch("PRAGMA user_version = 9;").unwrap();
    drop(connection);
    assert_refused(folder.path(), &spec(), &["schema version 9, this release knows version 1"]);
}

#[test]
fn another_chain_is_refused_by_the_first_difference_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    drop(Store::open(folder.path(), &spec()).unwrap());
    let mut other = spec();
    other.genesis.accounts.push(qsdm_primitives::GenesisAccount {
        address: Default::default(),
        balance: Default::default(),
        code: Default::default(),
        nonce: 1,
    });
    assert_refused(folder.path(), &other, &["another chain", "its genesis accounts or contracts are others"]);
    other.chain_id = 5;
    assert_refused(folder.path(), &other, &["another chain", "its chain id is 31337, not 5"]);
    let mut invalid = spec();
    invalid.time_scale = 0;
    assert_refused(folder.path(), &invalid, &["time scale 0 is outside"]);
}

#[test]
fn a_file_that_can_not_be_opened_is_named_as_a_matter_of_rights() {
    let folder = tempfile::tempdir().unwrap();
    drop(Store::open(folder.path(), &spec()).unwrap());
    // a folder instead of missing rights, which a test that runs as root would have
    fs::create_dir(folder.path().join("chain.db-wal")).unwrap();
    let error = Store::open(folder.path(), &spec()).unwrap_err();
    assert!(matches!(error, StorageError::NotWritable { .. }), "{error}");
    assert!(error.to_string().contains("check the rights"), "{error}");
}

#[test]
fn a_second_store_on_the_same_folder_is_refused_until_the_first_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let first = Store::open(folder.path(), &spec()).unwrap();
    let error = Store::open(folder.path(), &spec()).unwrap_err();
    assert!(matches!(error, StorageError::Locked { .. }), "{error}");
    assert!(error.to_string().contains("in use by another process"), "{error}");
    let journal = first.pool_journal().unwrap();
    drop(first);
    assert!(matches!(Store::open(folder.path(), &spec()), Err(StorageError::Locked { .. })), "the journal holds it");
    drop(journal);
    drop(Store::open(folder.path(), &spec()).unwrap());
}
