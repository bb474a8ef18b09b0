//! The kept inputs of the fuzz targets, run through the decoders without a fuzzer: what was found once stays fixed.
//!
//! `QSDM_GOLDEN=write` writes the seeds that are samples anew.

#[path = "support/frames.rs"]
mod frames;
#[path = "support/samples.rs"]
mod samples;

use qsdm_primitives::{
    Block, Cell, EpochCertificate, Evidence, QuorumCertificate, Timeout, TimeoutCertificate, ValidatorSet, Vote,
    codec::{Decode, Encode, decode},
};
use std::fs;
use std::path::{Path, PathBuf};

/// Whether bytes were accepted, or why they may not be.
type Check = fn(&[u8]) -> Result<bool, String>;

/// Each target with its check and the samples that are its seeds.
const TARGETS: &[(&str, Check, &[&str])] = &[
    ("cell", has_one_spelling::<Cell>, &["cell", "cell_witness"]),
    ("block", has_one_spelling::<Block>, &["block", "block_empty"]),
    ("vote", has_one_spelling::<Vote>, &["vote"]),
    ("quorum_certificate", has_one_spelling::<QuorumCertificate>, &["quorum_certificate"]),
    ("timeout", has_one_spelling::<Timeout>, &["timeout"]),
    ("timeout_certificate", has_one_spelling::<TimeoutCertificate>, &["timeout_certificate"]),
    (
        "evidence",
        has_one_spelling::<Evidence>,
        &["evidence_lane_fork", "evidence_double_vote", "evidence_double_proposal"],
    ),
    ("epoch_certificate", has_one_spelling::<EpochCertificate>, &["epoch_certificate"]),
    ("validator_set", has_one_spelling::<ValidatorSet>, &["validator_set"]),
    ("frame", is_bounded, &[]),
];

fn has_one_spelling<T: Encode + Decode>(bytes: &[u8]) -> Result<bool, String> {
    match decode::<T>(bytes) {
        Ok(value) if value.to_bytes() == bytes => Ok(true),
        Ok(_) => Err("a second spelling was accepted".to_owned()),
        Err(_) => Ok(false),
    }
}

#[cfg(feature = "compression")]
fn is_bounded(bytes: &[u8]) -> Result<bool, String> {
    use qsdm_primitives::compression::{compress, decompress};
    const MAX: usize = 256 * 1024;
    let Ok(content) = decompress(bytes, MAX) else { return Ok(false) };
    let again = decompress(&compress(&content), MAX).map_err(|error| error.to_string())?;
    if content.len() <= MAX && again == content { Ok(true) } else { Err(format!("{} bytes came out", content.len())) }
}

#[cfg(not(feature = "compression"))]
fn is_bounded(_: &[u8]) -> Result<bool, String> {
    Ok(true)
}

fn folder(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fuzz/corpus").join(target)
}

/// Frames written by hand: one that is accepted, one with two blocks, and one for each way to be refused.
fn frames() -> Vec<(&'static str, Vec<u8>)> {
    let block = frames::BLOCK_BYTES as u64;
    vec![
        ("one_block", frames::zeros(1, Some(block), frames::WINDOW_8_MIB)),
        ("two_blocks", frames::zeros(2, Some(2 * block), frames::WINDOW_8_MIB)),
        ("length_missing", frames::zeros(1, None, frames::WINDOW_8_MIB)),
        ("length_too_small", frames::zeros(2, Some(block), frames::WINDOW_8_MIB)),
        ("window_too_large", frames::zeros(1, Some(block), frames::WINDOW_128_MIB)),
    ]
}

fn write_seeds() {
    for (target, _, samples) in TARGETS {
        fs::create_dir_all(folder(target)).expect("the corpus folder can be made");
        let encodings = samples::encodings().into_iter().filter(|(name, _)| samples.contains(name));
        let seeds = encodings.chain(if *target == "frame" { frames() } else { Vec::new() });
        for (name, bytes) in seeds {
            fs::write(folder(target).join(name).with_extension("bin"), bytes).expect("the seed can be written");
        }
    }
}

#[test]
fn every_kept_input_is_refused_or_has_one_spelling() {
    if std::env::var_os("QSDM_GOLDEN").is_some_and(|mode| mode == "write") {
        write_seeds();
    }
    for (target, check, _) in TARGETS {
        let files = fs::read_dir(folder(target)).unwrap_or_else(|error| panic!("no corpus of {target}: {error}"));
        let mut accepted = 0;
        for path in files.map(|entry| entry.expect("an entry").path()) {
            let bytes = fs::read(&path).expect("a readable seed");
            match check(&bytes) {
                Ok(is_accepted) => accepted += usize::from(is_accepted),
                Err(reason) => panic!("{}: {reason}", path.display()),
            }
        }
        assert!(accepted > 0, "{target} has no seed from which a fuzzer could start");
    }
}

#[test]
fn every_target_here_has_its_file_and_its_corpus() {
    let names = |folder: PathBuf| {
        let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        let stem = |path: PathBuf| path.file_stem().expect("a name").to_string_lossy().into_owned();
        let mut names: Vec<String> = entries.map(|entry| stem(entry.expect("an entry").path())).collect();
        names.sort();
        names
    };
    let mut known: Vec<String> = TARGETS.iter().map(|(target, ..)| (*target).to_owned()).collect();
    known.sort();
    let targets = names(folder("").join("../fuzz_targets"));
    assert!(known.iter().all(|target| targets.contains(target)), "{known:?} in {targets:?}");
    assert!(known.iter().all(|target| names(folder("")).contains(target)), "a corpus is missing");
}
