//! The kept inputs of the fuzz targets of this crate, run without a fuzzer; those that are samples are also the golden
//! files of what is sent and stored: an encoding that drifts is noticed here.
//!
//! `QSDM_GOLDEN=write` writes the samples anew.

use crate::support::{
    committee::{Committee, Parent, cell, change, genesis_tip},
    node::Node,
    script,
};
use qsdm_consensus::{CommitTip, Message, append_to_log, read_log};
use qsdm_primitives::{
    EpochClaim, ExecutionHash, Height,
    codec::{Decode, Encode, decode},
};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

fn folder(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fuzz/corpus").join(target)
}

/// The kept files of a target.
fn kept(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let files = fs::read_dir(folder(target)).unwrap_or_else(|error| panic!("no corpus of {target}: {error}"));
    let paths = files.map(|entry| entry.expect("an entry").path());
    paths.map(|path| (path.clone(), fs::read(&path).expect("a readable file"))).collect()
}

/// Compares samples with what is kept, or writes them.
fn compare(target: &str, samples: &BTreeMap<&str, Vec<u8>>) {
    for (name, bytes) in samples {
        let path = folder(target).join(name).with_extension("bin");
        if std::env::var_os("QSDM_GOLDEN").is_some_and(|mode| mode == "write") {
            fs::create_dir_all(folder(target)).expect("the corpus folder can be made");
            fs::write(&path, bytes).expect("the sample can be written");
        }
        let golden = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert_eq!(*bytes, golden, "{target}/{name} has another spelling than it had");
    }
}

/// Runs what is kept through a decoder.
fn have_one_spelling<T: Encode + Decode>(target: &str) {
    for (path, bytes) in kept(target) {
        if let Ok(value) = decode::<T>(&bytes) {
            assert_eq!(value.to_bytes(), bytes, "{} is a second spelling", path.display());
        }
    }
}

/// One message of each kind.
fn messages() -> BTreeMap<&'static str, Vec<u8>> {
    let committee = Committee::new(4);
    let voters = committee.quorum();
    let first = committee.block_with(&Parent::genesis(), 1, |_, body| body.cut = vec![change(&cell(2, 0))]);
    let parent = committee.after(&first, &voters);
    let timeouts = committee.timeout_certificate(2, &voters, parent.qc);
    let second = committee.block_with(&parent, 3, |_, body| body.timeout = Some(timeouts.clone()));
    let certificate = committee.certificate(parent.qc);
    let claim = EpochClaim {
        epoch: committee.epoch(),
        height: Height(1),
        block: first.header().id(),
        state_root: ExecutionHash([5; 32]),
        next_set: committee.set.id(),
    };
    [
        ("proposal", Message::Proposal(Box::new(second.clone()))),
        ("vote", Message::Vote(committee.vote(1, &second))),
        ("timeout", Message::Timeout(Box::new(committee.timeout(1, 3, parent.qc)))),
        ("certificate", Message::Certificate(Box::new(certificate.clone()))),
        ("timeout_certificate", Message::TimeoutCertificate(Box::new(timeouts))),
        ("block", Message::Block(Box::new(second), Some(Box::new(certificate)))),
        ("first_block", Message::Block(Box::new(first), None)),
        ("epoch_vote", Message::EpochVote(committee.epoch_vote(1, claim))),
        ("epoch_certificate", Message::EpochCertificate(Box::new(committee.epoch_certificate(claim, &voters)))),
    ]
    .map(|(name, message)| (name, message.to_bytes()))
    .into()
}

/// A validator that has voted, timed out, proposed and written a cell.
fn busy() -> Node {
    let committee = Committee::new(4);
    let mut node = Node::new(&committee, 1);
    let first = node.block_of(&Parent::genesis(), 1, &[cell(2, 0)]);
    let (parent, _) = node.grow(&first);
    let (second, _) = node.grow(&committee.block(&parent, 2));
    node.grow(&committee.block(&second, 3));
    node.expire();
    node
}

#[test]
fn messages_are_spelled_as_ever() {
    compare("message", &messages());
    have_one_spelling::<Message>("message");
}

#[test]
fn commit_tips_are_spelled_as_ever() {
    let tip = busy().core.committed().0.clone();
    assert!(tip.height > Height(0), "nothing was committed");
    compare("commit_tip", &[("genesis", genesis_tip().to_bytes()), ("later", tip.to_bytes())].into());
    have_one_spelling::<CommitTip>("commit_tip");
}

#[test]
fn safety_logs_are_spelled_as_ever() {
    let mut log = Vec::new();
    let node = busy();
    append_to_log(&mut log, Node::new(&node.committee, 1).core.record());
    append_to_log(&mut log, node.core.record());
    let torn = log[..log.len() - 7].to_vec();
    compare("safety_log", &[("empty", Vec::new()), ("two_records", log), ("torn", torn)].into());
    for (path, bytes) in kept("safety_log") {
        let Ok((newest, whole)) = read_log(&bytes) else { continue };
        let mut frame = Vec::new();
        newest.iter().for_each(|record| append_to_log(&mut frame, record));
        assert!(bytes[..whole].ends_with(&frame), "{}: the newest record is another one", path.display());
    }
}

#[test]
fn kept_stories_are_told_to_their_end() {
    let stories = [("short", 64), ("long", 3_000)].map(|(name, length)| {
        let mut bytes = vec![0; length];
        blake3::Hasher::new().update(name.as_bytes()).finalize_xof().fill(&mut bytes);
        (name, bytes)
    });
    compare("step", &stories.into());
    for (_, bytes) in kept("step") {
        script::tell(&bytes);
    }
}
