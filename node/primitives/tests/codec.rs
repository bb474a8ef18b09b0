//! The codec has one spelling for each value, and refuses everything else in bounded memory.

#[path = "support/samples.rs"]
mod samples;
#[path = "support/strategies.rs"]
mod strategies;

use core::fmt::Debug;
use proptest::{prelude::*, sample::Index, test_runner::TestCaseResult};
use qsdm_primitives::{
    Block, BlockBody, BlockHeader, Cell, CellBody, CellHeader, EpochCertificate, EpochClaim, EpochVote, Evidence,
    QcRef, QuorumCertificate, SignedBlockHeader, SignedCellHeader, Timeout, TimeoutCertificate, ValidatorSet, Vote,
    codec::{CodecError, Decode, Encode, decode},
    limits::{
        BLOCK_BYTES_MAX, BLOCK_CUT_CHANGES_MAX, BLOCK_EVIDENCE_MAX, CELL_BYTES_MAX, CELL_TRANSACTIONS_MAX,
        VALIDATORS_MAX,
    },
};

/// Where to cut and to change an encoding, in every case of a property.
type Spots = Vec<(Index, u8)>;

fn spots() -> impl Strategy<Value = Spots> {
    prop::collection::vec((any::<Index>(), 1..=255u8), 64)
}

/// All that a value's encoding has to hold. The fixed fields lie at the front, so those are tried one by one.
fn is_canonical<T: Encode + Decode + PartialEq + Debug>(value: &T, spots: &Spots) -> TestCaseResult {
    let bytes = value.to_bytes();
    let read = decode::<T>(&bytes);
    prop_assert_eq!(read.as_ref(), Ok(value), "round trip");
    for more in [1, 2, 40] {
        let followed = [bytes.as_slice(), &vec![0; more]].concat();
        prop_assert!(decode::<T>(&followed).is_err(), "{} bytes behind the value", more);
    }
    let front = (0..bytes.len().min(48)).map(|at| (at, 1));
    for (at, flip) in spots.iter().map(|(at, flip)| (at.index(bytes.len()), *flip)).chain(front) {
        prop_assert!(decode::<T>(&bytes[..at]).is_err(), "cut after {} bytes", at);
        let mut changed = bytes.clone();
        changed[at] ^= flip;
        prop_assert!(is_refused_or_the_same::<T>(&changed), "byte {} changed", at);
    }
    Ok(())
}

fn is_refused_or_the_same<T: Encode + Decode>(bytes: &[u8]) -> bool {
    decode::<T>(bytes).map_or(true, |value| value.to_bytes() == bytes)
}

macro_rules! canonical {
    ($($test:ident: $strategy:ident;)*) => {
        proptest! {
            #![proptest_config(ProptestConfig::with_cases(48))]
            $(#[test]
            fn $test(value in strategies::$strategy(), spots in spots()) {
                is_canonical(&value, &spots)?;
            })*
        }
    };
}

canonical! {
    a_signature_has_one_spelling: signature;
    a_signed_cell_header_has_one_spelling: signed_cell_header;
    a_cell_body_has_one_spelling: cell_body;
    a_cell_has_one_spelling: cell;
    a_vote_has_one_spelling: vote;
    a_certificate_by_reference_has_one_spelling: qc_reference;
    a_quorum_certificate_has_one_spelling: quorum_certificate;
    a_timeout_has_one_spelling: timeout;
    a_timeout_certificate_has_one_spelling: timeout_certificate;
    evidence_has_one_spelling: evidence;
    a_signed_block_header_has_one_spelling: signed_block_header;
    a_block_has_one_spelling: block;
    an_epoch_vote_has_one_spelling: epoch_vote;
    an_epoch_certificate_has_one_spelling: epoch_certificate;
    a_validator_set_has_one_spelling: validator_set;
}

/// Reads a value and writes it again.
type Again = fn(&[u8]) -> Result<Vec<u8>, CodecError>;

/// How a sample is read, by its name. A timeout's statement is signed and never sent, so nothing reads it.
fn reader_of(name: &str) -> Option<Again> {
    fn again<T: Encode + Decode>(bytes: &[u8]) -> Result<Vec<u8>, CodecError> {
        decode::<T>(bytes).map(|value| value.to_bytes())
    }
    Some(match name {
        "cell_header_2d" | "cell_header_3d" => again::<CellHeader>,
        "signed_cell_header" => again::<SignedCellHeader>,
        "cell_body" => again::<CellBody>,
        "cell" | "cell_witness" => again::<Cell>,
        "block_header" => again::<BlockHeader>,
        "signed_block_header" => again::<SignedBlockHeader>,
        "block_body_empty" => again::<BlockBody>,
        "block" | "block_empty" => again::<Block>,
        "vote" => again::<Vote>,
        "qc_reference" => again::<QcRef>,
        "quorum_certificate" => again::<QuorumCertificate>,
        "timeout" => again::<Timeout>,
        "timeout_certificate" => again::<TimeoutCertificate>,
        "evidence_lane_fork" | "evidence_double_vote" | "evidence_double_proposal" => again::<Evidence>,
        "epoch_claim" => again::<EpochClaim>,
        "epoch_vote" => again::<EpochVote>,
        "epoch_certificate" => again::<EpochCertificate>,
        "validator_set" => again::<ValidatorSet>,
        "timeout_statement" => return None,
        other => panic!("no type is known for the sample {other}"),
    })
}

/// Changes of one byte: all of them where versions and variants are, some within long signatures.
fn flips(at: usize, length: usize) -> Vec<u8> {
    if length < 600 || at < 64 { (1..=255).collect() } else { vec![1, 3, 0x80, 0xff] }
}

#[test]
fn every_sample_refuses_every_truncation_and_every_change_that_is_no_value() {
    for (name, bytes) in samples::encodings() {
        let Some(again) = reader_of(name) else { continue };
        assert_eq!(again(&bytes).as_ref(), Ok(&bytes), "{name}");
        for at in 0..bytes.len() {
            assert!(again(&bytes[..at]).is_err(), "{name} cut after {at} bytes");
            for flip in flips(at, bytes.len()) {
                let mut changed = bytes.clone();
                changed[at] ^= flip;
                let is_one = again(&changed).map_or(true, |re_encoded| re_encoded == changed);
                assert!(is_one, "{name}: byte {at} changed with {flip:#x} has a second spelling");
            }
        }
    }
}

fn bytes_of(name: &str) -> Vec<u8> {
    let found = samples::encodings().into_iter().find(|(sample, _)| *sample == name);
    found.unwrap_or_else(|| panic!("no sample {name}")).1
}

/// Reads `head`, the count, and a few bytes more, so that whoever trusts the count has something to begin with.
fn with_count<T: Decode + Debug>(head: &[u8], count: u32) -> CodecError {
    let bytes = [head, &count.to_le_bytes(), &[1; 64]].concat();
    decode::<T>(&bytes).expect_err("there are not so many items")
}

/// A list: its name, how it is read from what stands before its count and from a count, the former, and its limit.
type List = (&'static str, fn(&[u8], u32) -> CodecError, Vec<u8>, usize);

fn lists() -> Vec<List> {
    let claim = bytes_of("epoch_claim");
    let certificate = bytes_of("qc_reference");
    let no_timeout = vec![0];
    let no_timeout_and_no_cut = vec![0; 5];
    let round_and_certificate = [&10u64.to_le_bytes()[..], &certificate].concat();
    vec![
        ("transactions of a cell", with_count::<CellBody>, Vec::new(), CELL_TRANSACTIONS_MAX),
        ("bytes of a transaction", with_count::<CellBody>, 1u32.to_bytes(), CELL_BYTES_MAX),
        ("cut changes of a block", with_count::<BlockBody>, no_timeout, BLOCK_CUT_CHANGES_MAX),
        ("proofs of misbehaviour in a block", with_count::<BlockBody>, no_timeout_and_no_cut, BLOCK_EVIDENCE_MAX),
        ("signatures of a certificate", with_count::<QuorumCertificate>, certificate, VALIDATORS_MAX),
        ("timeouts of a certificate", with_count::<TimeoutCertificate>, round_and_certificate, VALIDATORS_MAX),
        ("signatures of a certificate", with_count::<EpochCertificate>, [claim, vec![0; 8]].concat(), VALIDATORS_MAX),
        ("validators", with_count::<ValidatorSet>, 3u64.to_bytes(), VALIDATORS_MAX),
    ]
}

#[test]
fn a_count_over_its_limit_is_refused_by_the_count_alone() {
    for (what, read, head, max) in lists() {
        for found in [u32::MAX, 1 << 31, max as u32 + 1] {
            assert_eq!(
                read(&head, found),
                CodecError::TooMany { what, found: found.into(), max: max as u64 },
                "{what}"
            );
        }
    }
}

#[test]
fn a_count_within_its_limit_that_the_bytes_can_not_hold_is_refused_before_its_items_are_read() {
    for (what, read, head, max) in lists().into_iter().filter(|(.., max)| *max > BLOCK_EVIDENCE_MAX) {
        let refused = read(&head, max as u32);
        assert!(matches!(refused, CodecError::Truncated { needed, left: 64 } if needed >= max), "{what}: {refused}");
    }
}

#[test]
fn a_set_out_of_order_is_refused_with_the_place() {
    let certificate = |voters: [usize; 3]| {
        // round, certificate by reference, count; then voter, high round, high block, signature each time
        let (head, entry) = (8 + 56 + 4, 2 + 8 + 32 + 1 + 2_420);
        let bytes = bytes_of("timeout_certificate");
        let entry = |at: usize| bytes[head + at * entry..][..entry].to_vec();
        decode::<TimeoutCertificate>(&[bytes[..head].to_vec(), voters.map(entry).concat()].concat())
    };
    assert!(certificate([0, 1, 2]).is_ok());
    for (voters, index) in [([0, 2, 1], 2), ([1, 0, 2], 1), ([0, 1, 1], 2), ([0, 0, 1], 1)] {
        let what = "the voters of a timeout certificate";
        assert_eq!(certificate(voters), Err(CodecError::NotAscending { what, index }), "{voters:?}");
    }
}

fn cut(lanes: &[(u32, u16)]) -> Vec<u8> {
    let change =
        |(submesh, author): &(u32, u16)| [&submesh.to_le_bytes()[..], &author.to_le_bytes(), &[0; 40]].concat();
    [vec![0], (lanes.len() as u32).to_bytes(), lanes.iter().flat_map(change).collect(), vec![0; 4]].concat()
}

#[test]
fn a_cut_lists_each_lane_once_and_in_order() {
    assert!(decode::<BlockBody>(&cut(&[(0, 1), (0, 2), (1, 0), (256, 0)])).is_ok());
    for (lanes, index) in [([(0, 2), (0, 1)], 1), ([(1, 0), (0, 9)], 1), ([(3, 3), (3, 3)], 1)] {
        let refused = decode::<BlockBody>(&cut(&lanes));
        assert_eq!(refused, Err(CodecError::NotAscending { what: "the lanes of a cut", index }), "{lanes:?}");
    }
}

#[test]
fn a_body_that_is_not_the_one_in_the_header_is_refused() {
    let cell = bytes_of("cell");
    let mut other = cell.clone();
    *other.last_mut().expect("a byte") ^= 1;
    assert_eq!(decode::<Cell>(&other), Err(CodecError::WrongHash { what: "body of a cell" }));
    let fewer = [&cell[..cell.len() - 104 - 4 - 6 - 4], &0u32.to_le_bytes()].concat();
    let refused = CodecError::Mismatch { what: "transactions of a cell", found: 0, expected: 3 };
    assert_eq!(decode::<Cell>(&fewer), Err(refused));
    let mut block = bytes_of("block");
    *block.last_mut().expect("a byte") ^= 1;
    assert_eq!(decode::<Block>(&block), Err(CodecError::WrongHash { what: "body of a block" }));
}

#[test]
fn a_certificate_has_one_signature_for_each_signer() {
    let signatures = bytes_of("quorum_certificate").split_off(56);
    for (bits, expected) in [(0u64, 0), (1, 1), (0b1111, 4), (u64::MAX, 64)] {
        let head = [&bytes_of("qc_reference")[..48], &bits.to_le_bytes()].concat();
        let refused = CodecError::Mismatch { what: "signatures of a certificate", found: 3, expected };
        assert_eq!(decode::<QuorumCertificate>(&[head, signatures.clone()].concat()), Err(refused));
    }
}

#[test]
fn a_validator_set_with_one_key_twice_or_with_nobody_is_refused() {
    let members = bytes_of("validator_set").split_off(12);
    let one = &members[..20 + 1 + 1_952 + 8];
    let twice = [&3u64.to_le_bytes()[..], &2u32.to_le_bytes(), one, one].concat();
    let mismatch = |found, expected| {
        Err(CodecError::Mismatch { what: "number of validators with distinct keys", found, expected })
    };
    assert_eq!(decode::<ValidatorSet>(&twice), mismatch(2, 1));
    assert_eq!(decode::<ValidatorSet>(&[0; 12]), mismatch(0, 1));
}

#[test]
fn a_cell_and_a_block_over_their_limits_are_refused() {
    let transaction = CELL_BYTES_MAX as u32 - 16;
    let body = [&1u32.to_le_bytes()[..], &transaction.to_le_bytes(), &vec![0; transaction as usize]].concat();
    let cell = [bytes_of("signed_cell_header"), body].concat();
    let refused = CodecError::TooLong { what: "cell", found: cell.len(), max: CELL_BYTES_MAX };
    assert_eq!(decode::<Cell>(&cell), Err(refused));
    // a certificate of 64 with the longest signatures and all lanes that a block may advance
    let entry = |voter: u16| [&voter.to_le_bytes()[..], &[0; 40], &[3], &[0; 4_627]].concat();
    let timeout = [&[1][..], &[0; 8], &bytes_of("qc_reference"), &64u32.to_le_bytes()].concat();
    let lanes: Vec<(u32, u16)> = (0..4_096).map(|submesh| (submesh, 0)).collect();
    let cut = &cut(&lanes)[1..];
    let proofs = [&4u32.to_le_bytes()[..], &[2], &[[0; 50].as_slice(), &[3], &[0; 4_627]].concat().repeat(2)].concat();
    let proof = &proofs[4..];
    let body =
        [timeout, (0..64).flat_map(entry).collect(), cut[..cut.len() - 4].to_vec(), proofs.clone(), proof.repeat(3)];
    let body: Vec<u8> = body.concat();
    let decoded = decode::<BlockBody>(&body).expect("a body within every limit of its parts");
    assert_eq!(decoded.evidence.len(), BLOCK_EVIDENCE_MAX);
    let block = [bytes_of("signed_block_header"), body].concat();
    let refused = CodecError::TooLong { what: "block", found: block.len(), max: BLOCK_BYTES_MAX };
    assert_eq!(decode::<Block>(&block), Err(refused));
}
