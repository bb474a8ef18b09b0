//! A validator whose disk lost or changed what it signed before: it signs nothing, says why, and ends with a status of its
//! own. The others go on.

use qsdm_tests::{
    committee::{number, send, wait_for, wait_until},
    node::{Node, run},
    testnet::Testnet,
};
use serde_json::json;
use std::{collections::BTreeMap, fs, path::PathBuf};

/// A network with some blocks, whose last validator is stopped.
fn stopped() -> (Testnet, BTreeMap<u32, u64>, PathBuf) {
    let mut testnet = Testnet::running(4, &[]);
    let mut nonces: BTreeMap<u32, u64> = (0..2).map(|index| (index, 0)).collect();
    send(&mut testnet.clients(), &mut nonces, 3);
    wait_for(&mut testnet.clients(), &nonces);
    testnet.stop(3);
    let log = testnet.dir(3).join("safety.log");
    (testnet, nonces, log)
}

fn refusal(testnet: &Testnet) -> String {
    let refused = Node::of_folder(testnet.dir(3), &[]).expect_err("it must not sign");
    assert!(refused.contains("exit status: 3"), "{refused}");
    refused
}

/// What `qsdm doctor` ends with and says.
fn doctor(testnet: &Testnet) -> String {
    let done = run(&["doctor", "--dir", testnet.dir(3).to_str().expect("a UTF-8 path")]);
    format!("{} {}", done.status.code().unwrap_or(-1), String::from_utf8_lossy(&done.stdout))
}

#[test]
fn a_validator_without_its_log_does_not_sign() {
    let (mut testnet, mut nonces, log) = stopped();
    let said = doctor(&testnet);
    assert!(said.starts_with("0 ") && !said.contains("BAD"), "{said}");
    fs::remove_file(&log).expect("it is there");
    let said = doctor(&testnet);
    assert!(said.starts_with("1 ") && said.contains("safety.log is gone"), "{said}");
    assert!(refusal(&testnet).contains("no safety record"));
    // still none: the refusal began no log that a second start would believe
    assert!(refusal(&testnet).contains("no safety record"));
    send(&mut testnet.clients(), &mut nonces, 1);
    wait_for(&mut testnet.clients(), &nonces);
    testnet.stop_all();
}

#[test]
fn a_validator_with_an_old_log_does_not_sign() {
    let (mut testnet, mut nonces, log) = stopped();
    let old = fs::read(&log).expect("it is there");
    testnet.start(3);
    let height = |testnet: &Testnet| number(&testnet.clients()[3].call("qsdm_getCommittee", json!([]))["height"]);
    let before = height(&testnet);
    send(&mut testnet.clients(), &mut nonces, 3);
    wait_for(&mut testnet.clients(), &nonces);
    wait_until("a commit", || height(&testnet) > before + 1);
    testnet.stop(3);
    let new = fs::read(&log).expect("it is there");
    fs::write(&log, old).expect("it is written");
    assert!(refusal(&testnet).contains("it is a backup"));
    fs::write(&log, new).expect("it is written");
    testnet.start(3);
    wait_for(&mut testnet.clients(), &nonces);
    testnet.stop_all();
}

#[test]
fn a_flipped_bit_in_the_log_is_damage() {
    let (mut testnet, mut nonces, log) = stopped();
    let good = fs::read(&log).expect("it is there");
    let mut bad = good.clone();
    let middle = bad.len() / 2;
    bad[middle] ^= 1;
    fs::write(&log, bad).expect("it is written");
    let explained = doctor(&testnet);
    assert!(explained.starts_with("1 ") && explained.contains("a bit changed on disk"), "{explained}");
    let said = refusal(&testnet);
    assert!(said.contains("damaged") || said.contains("doctor"), "{said}");
    fs::write(&log, good).expect("it is written");
    testnet.start(3);
    send(&mut testnet.clients(), &mut nonces, 1);
    wait_for(&mut testnet.clients(), &nonces);
    testnet.stop_all();
}

/// One changed byte in a cell on disk is found by who looks.
#[test]
fn what_lies_on_disk_can_be_read_through() {
    let (mut testnet, _, _) = stopped();
    testnet.stop_all();
    let dir = testnet.dir(3).to_path_buf();
    let verify = || run(&["db", "verify", "--dir", dir.to_str().expect("a UTF-8 path")]);
    let sound = verify();
    let report: serde_json::Value = serde_json::from_slice(&sound.stdout).expect("one line of JSON");
    assert!(sound.status.success(), "{}", String::from_utf8_lossy(&sound.stderr));
    assert_eq!(report["damaged"], 0);
    assert!(report["cells"].as_u64() > Some(0) && report["committed"].as_u64() > Some(0), "{report}");
    // a bit of a transaction's recipient, wherever a cell holds it in the clear
    let path = dir.join("mesh.db");
    let mut bytes = fs::read(&path).expect("it is there");
    let places: Vec<usize> = (0..bytes.len() - 20).filter(|at| bytes[*at..*at + 20] == [0x42; 20]).collect();
    assert!(!places.is_empty(), "no cell is stored in the clear");
    places.iter().for_each(|at| bytes[at + 7] ^= 1);
    fs::write(&path, bytes).expect("it is written");
    let damaged = verify();
    let said = String::from_utf8_lossy(&damaged.stderr);
    assert_eq!(damaged.status.code(), Some(1), "{said}");
    assert!(said.contains("cells (body)"), "{said}");
}
