//! Encodings never drift: bytes that are on disks and in signatures have to be read for ever.
//!
//! `QSDM_GOLDEN=write cargo test -p qsdm-primitives --test golden` writes the files anew; that is a new version of the
//! format, with all that follows from it.

#[path = "support/hex.rs"]
mod hex;
#[path = "support/samples.rs"]
mod samples;

use qsdm_primitives::{Statement, SubmeshId, hash_of, root_cell};
use samples::{CHAIN, EPOCH, block, cell_2d, cell_3d, epoch_claim, quorum_certificate, timeout, validator_set, vote};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

const IDS: &str = "ids";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

fn file(name: &str) -> PathBuf {
    folder().join(name).with_extension("hex")
}

fn is_writing() -> bool {
    std::env::var_os("QSDM_GOLDEN").is_some_and(|mode| mode == "write")
}

/// What differs between the file and the bytes, or nothing.
fn drift(name: &str, bytes: &[u8]) -> Option<String> {
    let path = file(name);
    if is_writing() {
        fs::write(&path, hex::encode(bytes)).expect("the golden file can be written");
    }
    let golden = match fs::read_to_string(&path).map_err(|error| error.to_string()).and_then(|text| hex::decode(&text))
    {
        Ok(golden) => golden,
        Err(error) => return Some(format!("{name}: {}: {error}", path.display())),
    };
    let at = golden.iter().zip(bytes).position(|(one, other)| one != other);
    let at = at.or_else(|| (golden.len() != bytes.len()).then(|| golden.len().min(bytes.len())))?;
    Some(format!(
        "{name} has changed: byte {at} is {} instead of {}, {} bytes instead of {}",
        shown(bytes.get(at)),
        shown(golden.get(at)),
        bytes.len(),
        golden.len(),
    ))
}

fn shown(byte: Option<&u8>) -> String {
    byte.map_or_else(|| "missing".to_owned(), |byte| format!("0x{byte:02x}"))
}

/// A hash that others refer to or that is signed, by name.
fn hashes() -> Vec<(&'static str, [u8; 32])> {
    let (cell, block, vote, timeout) = (cell_3d(), block(), vote(2, 0x11), timeout().statement());
    vec![
        ("root_cell", root_cell(CHAIN, EPOCH, SubmeshId(7)).0),
        ("cell_2d_id", cell_2d().header().id().0),
        ("cell_id", cell.header().id().0),
        ("cell_body_hash", cell.body.hash().0),
        ("cell_message", cell.header().message(CHAIN)),
        ("block_id", block.header().id().0),
        ("block_body_hash", block.body.hash().0),
        ("block_message", block.header().message(CHAIN)),
        ("vote_statement_id", vote.statement.statement_id()),
        ("vote_message", vote.statement.message(CHAIN)),
        ("timeout_statement_id", timeout.statement_id()),
        ("timeout_message", timeout.message(CHAIN)),
        ("epoch_claim_id", epoch_claim().statement_id()),
        ("epoch_message", epoch_claim().message(CHAIN)),
        ("validator_set_id", validator_set().id().0),
        ("quorum_certificate_hash", hash_of(&quorum_certificate())),
    ]
}

fn assert_none(drifts: &[String]) {
    assert!(
        drifts.is_empty(),
        "{}\nWhat is stored or signed with the old encoding can't be read any more. If that is meant, give the format a \
         new version and run this test with QSDM_GOLDEN=write.",
        drifts.join("\n")
    );
}

#[test]
fn encodings_are_the_golden_ones() {
    let drifts: Vec<String> = samples::encodings().iter().filter_map(|(name, bytes)| drift(name, bytes)).collect();
    assert_none(&drifts);
}

#[test]
fn ids_are_the_golden_ones() {
    let lines: Vec<String> =
        hashes().iter().map(|(name, hash)| format!("{} {name}", hex::encode(hash).trim_end())).collect();
    if is_writing() {
        fs::write(file(IDS), lines.join("\n") + "\n").expect("the golden file can be written");
    }
    let golden = fs::read_to_string(file(IDS)).expect("tests/golden/ids.hex");
    let golden: BTreeSet<&str> = golden.lines().collect();
    let found: BTreeSet<&str> = lines.iter().map(String::as_str).collect();
    let drifts: Vec<String> = found.difference(&golden).map(|line| format!("not in ids.hex: {line}")).collect();
    assert_none(&drifts);
    assert_eq!(found, golden, "a hash in ids.hex belongs to no sample");
}

#[test]
fn every_golden_file_has_its_sample() {
    let samples: BTreeSet<PathBuf> =
        samples::encodings().iter().map(|(name, _)| file(name)).chain([file(IDS)]).collect();
    let files = fs::read_dir(folder()).expect("tests/golden").map(|entry| entry.expect("an entry").path());
    let orphans: Vec<PathBuf> = files.filter(|path| !samples.contains(path)).collect();
    assert!(orphans.is_empty(), "{orphans:?} belong to no sample");
}
