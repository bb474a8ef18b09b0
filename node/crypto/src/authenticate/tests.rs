//! Every change of every message is refused, and by the rule that it breaks.

use super::fixtures::*;
use crate::{AuthenticationError as Error, Claim, Context, testing::HashVerifier, verified::Authenticate};
use proptest::prelude::*;
use qsdm_primitives::{
    codec::{Decode, Encode, decode},
    *,
};
use std::collections::BTreeSet;

fn changed<T: Clone>(value: &T, change: impl FnOnce(&mut T)) -> T {
    let mut value = value.clone();
    change(&mut value);
    value
}

fn wrong_signature(index: usize, count: usize) -> Result<(), Error> {
    Err(Error::WrongSignature { index, count })
}

fn stranger() -> Result<(), Error> {
    Err(Error::NoSuchValidator { found: ValidatorIndex(4), count: COUNT })
}

fn other_epoch() -> Result<(), Error> {
    Err(Error::WrongEpoch { found: Epoch(4), expected: EPOCH })
}

fn other_chain() -> Result<(), Error> {
    Err(Error::WrongChain { found: CHAIN + 1, expected: CHAIN })
}

#[test]
fn valid_messages_are_accepted() {
    assert_eq!(verify(&cell()), Ok(()));
    assert_eq!(verify(&cell().signed), Ok(()));
    assert_eq!(verify(&vote(0, 1)), Ok(()));
    assert_eq!(verify(&certificate(6)), Ok(()));
    assert_eq!(verify(&timeout(0, 8, 6)), Ok(()));
    assert_eq!(verify(&timeout(0, 1, 0)), Ok(()), "names the start of the epoch");
    assert_eq!(verify(&timeout_certificate(8, [6, 5, 0])), Ok(()));
    assert_eq!(verify(&timeout_certificate(1, [0, 0, 0])), Ok(()), "names the start of the epoch");
    for evidence in [double_vote(), lane_fork(), double_proposal()] {
        assert_eq!(verify(&evidence), Ok(()));
    }
    assert_eq!(verify(&block(1, 0, body())), Ok(()), "the first block of an epoch");
    assert_eq!(verify(&block(7, 6, body())), Ok(()));
    assert_eq!(verify(&full_block()), Ok(()));
    assert_eq!(verify(&epoch_vote()), Ok(()));
    assert_eq!(verify(&epoch_certificate()), Ok(()));
}

/// Changes each byte of the canonical encoding in turn, in two ways. Whatever still decodes must be refused. Answers the
/// places where a change was accepted.
fn accepted_flips<T: Authenticate + Encode + Decode + Clone>(value: &T) -> BTreeSet<usize> {
    let (bytes, set) = (value.to_bytes(), set(&[1; COUNT]));
    let flips = (0..bytes.len()).flat_map(|at| [(at, 1u8), (at, 0x80)]);
    let accepted = flips.filter(|(at, flip)| {
        let mut bytes = bytes.clone();
        bytes[*at] ^= flip;
        decode::<T>(&bytes).is_ok_and(|changed| verify_against(&set, &changed).is_ok())
    });
    accepted.map(|(at, _)| at).collect()
}

#[test]
fn no_byte_of_a_message_can_be_changed() {
    assert_eq!(accepted_flips(&cell()), BTreeSet::new());
    assert_eq!(accepted_flips(&vote(2, 6)), BTreeSet::new());
    assert_eq!(accepted_flips(&certificate(6)), BTreeSet::new());
    assert_eq!(accepted_flips(&timeout(2, 8, 6)), BTreeSet::new());
    assert_eq!(accepted_flips(&timeout(2, 8, 0)), BTreeSet::new());
    assert_eq!(accepted_flips(&timeout_certificate(8, [6, 5, 6])), BTreeSet::new());
    assert_eq!(accepted_flips(&full_block()), BTreeSet::new());
    assert_eq!(accepted_flips(&double_vote()), BTreeSet::new());
    assert_eq!(accepted_flips(&lane_fork()), BTreeSet::new());
    assert_eq!(accepted_flips(&double_proposal()), BTreeSet::new());
    assert_eq!(accepted_flips(&epoch_vote()), BTreeSet::new());
    assert_eq!(accepted_flips(&epoch_certificate()), BTreeSet::new());
}

#[test]
fn which_quorum_a_timeout_names_is_not_signed() {
    // The votes prove a certificate, not the list of voters in a timeout. So another quorum is accepted there, and
    // nothing below one is.
    let timeout = timeout(2, 8, 6);
    assert_eq!(verify(&changed(&timeout, |t| t.high_qc.signers = signers(&[0, 1, 2]))), Ok(()));
    for (bits, found) in [(0b0011, 2), (0, 0)] {
        let weak = changed(&timeout, |t| t.high_qc.signers = Signers(bits));
        assert_eq!(verify(&weak), Err(Error::TooLittleWeight { found, quorum: 3 }));
    }
    let beyond = changed(&timeout, |t| t.high_qc.signers = Signers(0b1_1111));
    assert_eq!(verify(&beyond), stranger());
}

#[test]
fn a_cell_is_refused_by_the_rule_it_breaks() {
    let cell = cell();
    let header = |change: fn(&mut CellHeader)| {
        let mut header = cell.signed.header.clone();
        change(&mut header);
        header
    };
    let changes: [fn(&mut CellHeader); 5] =
        [|h| h.seq = 6, |h| h.depth = 1, |h| h.time_ms = 0, |h| h.gas_limit = 1, |h| h.lane.submesh = SubmeshId(0)];
    for change in changes {
        let unsigned = SignedCellHeader { header: header(change), signature: cell.signed.signature.clone() };
        assert_eq!(verify(&unsigned), wrong_signature(0, 1));
    }
    assert_eq!(verify(&signed_cell(header(|h| h.chain_id += 1))), other_chain());
    assert_eq!(verify(&signed_cell(header(|h| h.epoch = Epoch(4)))), other_epoch());
    assert_eq!(verify(&signed_cell(header(|h| h.lane.author = ValidatorIndex(4)))), stranger());
    let by_another = changed(&cell.signed, |c| c.signature = sign(2, &c.header));
    assert_eq!(verify(&by_another), wrong_signature(0, 1));
    let other_algorithm = changed(&cell.signed, |c| {
        c.signature = Signature::new(Algorithm::MlDsa44, c.signature.bytes().to_vec());
    });
    assert_eq!(verify(&other_algorithm), wrong_signature(0, 1));
    let short = changed(&cell.signed, |c| {
        c.signature = Signature::new(Algorithm::MlDsa65, c.signature.bytes()[1..].to_vec());
    });
    assert_eq!(verify(&short), wrong_signature(0, 1));
    let longer = changed(&cell, |c| c.body.transactions.push(vec![1].into()));
    assert_eq!(verify(&longer), Err(Error::TransactionCount { found: 3, expected: 2 }));
    let other_body = changed(&cell, |c| c.body.transactions[0] = vec![1].into());
    assert_eq!(verify(&other_body), Err(Error::WrongBody { what: "body of the cell" }));
}

#[test]
fn a_vote_is_refused_by_the_rule_it_breaks() {
    let resigned = |change: fn(&mut Vote)| {
        changed(&vote(1, 6), |v| {
            change(v);
            v.signature = sign(v.voter.0, &v.statement);
        })
    };
    assert_eq!(verify(&resigned(|_| {})), Ok(()));
    assert_eq!(verify(&resigned(|v| v.statement.epoch = Epoch(4))), other_epoch());
    assert_eq!(verify(&resigned(|v| v.statement.round = Round(0))), Err(Error::RoundZero));
    assert_eq!(verify(&resigned(|v| v.voter = ValidatorIndex(4))), stranger());
    let changes: [fn(&mut Vote); 4] = [
        |v| v.statement.round = Round(7),
        |v| v.statement.block = BlockId([9; 32]),
        |v| v.voter = ValidatorIndex(2),
        |v| v.signature = vote(2, 6).signature,
    ];
    for change in changes {
        assert_eq!(verify(&changed(&vote(1, 6), change)), wrong_signature(0, 1));
    }
    // A vote names no chain: the chain is in what is signed.
    let of_another_chain = changed(&vote(1, 6), |v| {
        v.signature = crate::Signer::sign(&signer(1), &v.statement.message(CHAIN + 1)).unwrap();
    });
    assert_eq!(verify(&of_another_chain), wrong_signature(0, 1));
}

#[test]
fn a_certificate_is_refused_by_the_rule_it_breaks() {
    let valid = certificate(6);
    assert_eq!(verify(&certificate(0)), Err(Error::RoundZero), "nobody sends the start of an epoch");
    let check = |change: fn(&mut QuorumCertificate)| verify(&changed(&valid, change));
    assert_eq!(check(|c| c.reference.statement.epoch = Epoch(4)), other_epoch());
    assert_eq!(check(|c| c.reference.statement.round = Round(7)), wrong_signature(0, 3));
    assert_eq!(check(|c| c.reference.statement.block = BlockId([9; 32])), wrong_signature(0, 3));
    assert_eq!(check(|c| c.reference.signers = signers(&[0, 2, 3])), wrong_signature(1, 3), "2 for 1");
    assert_eq!(check(|c| c.reference.signers = signers(&[0, 1, 4])), stranger());
    assert_eq!(check(|c| c.signatures.swap(1, 2)), wrong_signature(1, 3));
    assert_eq!(check(|c| c.signatures[2] = c.signatures[0].clone()), wrong_signature(2, 3), "one counted twice");
    let pairs = |signatures, signers| Err(Error::SignatureCount { signatures, signers });
    assert_eq!(check(|c| drop(c.signatures.pop())), pairs(2, 3));
    assert_eq!(check(|c| c.signatures.push(c.signatures[0].clone())), pairs(4, 3));
    assert_eq!(check(|c| c.reference.signers = signers(&[0, 1])), pairs(3, 2));
    let weak = changed(&valid, |c| {
        c.reference.signers = signers(&[0, 1]);
        c.signatures.pop();
    });
    assert_eq!(verify(&weak), Err(Error::TooLittleWeight { found: 2, quorum: 3 }));
}

#[test]
fn weight_decides_and_not_the_number_of_signers() {
    let set = set(&[3, 3, 2, 1, 1]);
    assert_eq!(set.quorum(), 7);
    let of = |indices: &[u16]| {
        let mut certificate = certificate(6);
        certificate.reference.signers = signers(indices);
        let statement = certificate.reference.statement;
        certificate.signatures = indices.iter().map(|index| sign(*index, &statement)).collect();
        verify_against(&set, &certificate)
    };
    assert_eq!(of(&[0, 1, 3]), Ok(()));
    assert_eq!(of(&[0, 2, 3]), Err(Error::TooLittleWeight { found: 6, quorum: 7 }));
    assert_eq!(of(&[1, 2, 3, 4]), Ok(()));
}

#[test]
fn a_timeout_is_refused_by_the_rule_it_breaks() {
    let resigned = |high: u64, change: fn(&mut Timeout)| {
        verify(&changed(&timeout(1, 8, high), |t| {
            change(t);
            t.signature = sign(t.voter.0, &t.statement());
        }))
    };
    assert_eq!(resigned(6, |t| t.round = Round(0)), Err(Error::RoundZero));
    let not_before = |round, found| Err(Error::NotBefore { round: Round(round), found: Round(found) });
    assert_eq!(resigned(6, |t| t.round = Round(6)), not_before(6, 6));
    assert_eq!(resigned(6, |t| t.round = Round(5)), not_before(5, 6));
    assert_eq!(resigned(6, |t| t.high_qc.statement.epoch = Epoch(4)), other_epoch());
    assert_eq!(resigned(6, |t| t.voter = ValidatorIndex(4)), stranger());
    assert_eq!(resigned(0, |t| t.high_qc.signers = signers(&[0, 1, 2])), Err(Error::SignersOfStart { found: 3 }));
    let changes: [fn(&mut Timeout); 5] = [
        |t| t.round = Round(9),
        |t| t.high_qc.statement.round = Round(5),
        |t| t.high_qc.statement.block = BlockId([9; 32]),
        |t| t.voter = ValidatorIndex(0),
        |t| t.signature = vote(1, 6).signature,
    ];
    for change in changes {
        assert_eq!(verify(&changed(&timeout(1, 8, 6), change)), wrong_signature(0, 1));
    }
}

#[test]
fn a_timeout_certificate_is_refused_by_the_rule_it_breaks() {
    let valid = timeout_certificate(8, [6, 5, 6]);
    let resigned = |change: fn(&mut TimeoutCertificate)| {
        verify(&changed(&valid, |c| {
            change(c);
            resign_entries(c);
        }))
    };
    assert_eq!(resigned(|c| c.round = Round(0)), Err(Error::RoundZero));
    let not_before = |round, found| Err(Error::NotBefore { round: Round(round), found: Round(found) });
    assert_eq!(resigned(|c| c.round = Round(6)), not_before(6, 6));
    assert_eq!(resigned(|c| c.entries[1].high_round = Round(8)), not_before(8, 8));
    assert_eq!(resigned(|c| c.high_qc.statement.epoch = Epoch(4)), other_epoch());
    assert_eq!(resigned(|c| c.entries[2].voter = ValidatorIndex(4)), stranger());
    let weak = |found| Err(Error::TooLittleWeight { found, quorum: 3 });
    assert_eq!(resigned(|c| drop(c.entries.pop())), weak(2));
    assert_eq!(resigned(|c| c.entries.clear()), weak(0));
    assert_eq!(resigned(|c| c.high_qc.signers = signers(&[0, 1])), weak(2));
    let order = |found, before| Error::EntriesNotAscending {
        index: 1,
        found: ValidatorIndex(found),
        before: ValidatorIndex(before),
    };
    assert_eq!(resigned(|c| c.entries[1] = c.entries[0].clone()), Err(order(0, 0)), "one counted twice");
    assert_eq!(resigned(|c| c.entries.swap(0, 1)), Err(order(0, 1)));
    let not_newest = |named, newest| Err(Error::NotNewest { named: Round(named), newest: Round(newest) });
    assert_eq!(resigned(|c| c.high_qc = qc_ref(5)), not_newest(5, 6));
    assert_eq!(resigned(|c| c.high_qc = qc_ref(7)), not_newest(7, 6));
    assert_eq!(resigned(|c| c.high_qc = qc_ref(0)), not_newest(0, 6));
    assert_eq!(resigned(|c| c.entries[1].high_round = Round(7)), not_newest(6, 7));
    let unnamed = Err(Error::NotNamed { round: Round(6), entries: 2 });
    assert_eq!(resigned(|c| c.high_qc.statement.block = BlockId([9; 32])), unnamed);
    let check = |change: fn(&mut TimeoutCertificate)| verify(&changed(&valid, change));
    assert_eq!(check(|c| c.round = Round(9)), wrong_signature(0, 3));
    assert_eq!(check(|c| c.entries[1].high_round = Round(4)), wrong_signature(1, 3));
    assert_eq!(check(|c| c.entries[2].high_block = BlockId([9; 32])), wrong_signature(2, 3));
    assert_eq!(check(|c| c.entries[2].voter = ValidatorIndex(3)), wrong_signature(2, 3));
}

#[test]
fn a_block_is_refused_by_the_rule_it_breaks() {
    let resigned = |change: fn(&mut Block)| {
        verify(&changed(&full_block(), |b| {
            change(b);
            resign_block(b);
        }))
    };
    assert_eq!(resigned(|_| {}), Ok(()));
    assert_eq!(resigned(|b| b.signed.header.chain_id += 1), other_chain());
    assert_eq!(resigned(|b| b.signed.header.epoch = Epoch(4)), other_epoch());
    assert_eq!(resigned(|b| b.signed.header.qc.statement.epoch = Epoch(4)), other_epoch());
    assert_eq!(resigned(|b| b.signed.header.round = Round(0)), Err(Error::RoundZero));
    assert_eq!(resigned(|b| b.signed.header.proposer = ValidatorIndex(4)), stranger());
    assert_eq!(resigned(|b| b.signed.header.parent = BlockId([9; 32])), Err(Error::ParentNotCertified));
    let not_before = Err(Error::NotBefore { round: Round(6), found: Round(6) });
    assert_eq!(resigned(|b| b.signed.header.round = Round(6)), not_before);
    let weak = Err(Error::TooLittleWeight { found: 2, quorum: 3 });
    assert_eq!(resigned(|b| b.signed.header.qc.signers = signers(&[0, 3])), weak);
    assert_eq!(resigned(|b| b.signed.header.qc.signers = signers(&[0, 1, 4])), stranger());
    let timeout_round = |round, found| Err(Error::TimeoutRound { round: Round(round), found: Round(found) });
    assert_eq!(resigned(|b| b.signed.header.round = Round(10)), timeout_round(10, 8));
    assert_eq!(resigned(|b| b.body.timeout = Some(timeout_certificate(9, [6, 6, 6]))), timeout_round(9, 9));
    let skipped = Err(Error::RoundsSkipped { round: Round(9), found: Round(6) });
    assert_eq!(resigned(|b| b.body.timeout = None), skipped);
    let of_start = changed(&block(1, 0, body()), |b| {
        b.signed.header.qc.signers = signers(&[0, 1, 2]);
        resign_block(b);
    });
    assert_eq!(verify(&of_start), Err(Error::SignersOfStart { found: 3 }));
}

#[test]
fn what_a_block_carries_has_to_be_right_itself() {
    let resigned = |change: fn(&mut Block)| {
        verify(&changed(&full_block(), |b| {
            change(b);
            resign_block(b);
        }))
    };
    let timeout = |change: fn(&mut TimeoutCertificate)| {
        verify(&changed(&full_block(), |b| {
            change(b.body.timeout.as_mut().unwrap());
            resign_entries(b.body.timeout.as_mut().unwrap());
            resign_block(b);
        }))
    };
    assert_eq!(timeout(|t| t.high_qc.statement.epoch = Epoch(4)), other_epoch());
    assert_eq!(timeout(|t| drop(t.entries.pop())), Err(Error::TooLittleWeight { found: 2, quorum: 3 }));
    // The proposer's signature, three timeouts, and three times two of evidence.
    assert_eq!(resigned(|b| b.body.timeout.as_mut().unwrap().entries[0].high_round = Round(5)), wrong_signature(1, 10));
    assert_eq!(
        resigned(|b| b.body.evidence[2] = changed(&double_proposal(), |e| {
            let Evidence::DoubleProposal(blocks) = e else { unreachable!() };
            blocks[1].signature = vote(2, 6).signature;
        })),
        wrong_signature(9, 10)
    );
    assert_eq!(verify(&changed(&full_block(), |b| b.signed.signature = vote(2, 6).signature)), wrong_signature(0, 10));
    let unsigned_body = changed(&full_block(), |b| drop(b.body.evidence.pop()));
    assert_eq!(verify(&unsigned_body), Err(Error::WrongBody { what: "body of the block" }));
    let useless = resigned(|b| b.body.evidence[0] = Evidence::double_vote(vote(3, 6), vote(3, 6)));
    assert_eq!(useless, Err(Error::Evidence(EvidenceError::Same)));
}

#[test]
fn evidence_is_refused_by_the_rule_it_breaks() {
    let votes = |one: Vote, other: Vote| verify(&Evidence::double_vote(one, other));
    let Evidence::DoubleVote(pair) = double_vote() else { unreachable!() };
    let [one, other] = *pair;
    let two_validators = EvidenceError::TwoValidators { first: ValidatorIndex(2), second: ValidatorIndex(3) };
    let swapped = verify(&Evidence::DoubleVote(Box::new([vote(2, 6), one.clone()])));
    assert_eq!(swapped, Err(Error::Evidence(two_validators)));
    assert_eq!(
        verify(&Evidence::DoubleVote(Box::new([vote(3, 5), vote(3, 6)]))),
        Err(Error::Evidence(EvidenceError::TwoPlaces { what: "rounds", first: 5, second: 6 }))
    );
    assert_eq!(
        verify(&Evidence::DoubleVote(Box::new([other.clone(), one.clone()]))),
        Err(Error::Evidence(EvidenceError::NotAscending))
    );
    assert_eq!(votes(one.clone(), one.clone()), Err(Error::Evidence(EvidenceError::Same)));
    let old = |v: &Vote| changed(v, |v| v.statement.epoch = Epoch(4));
    assert_eq!(votes(old(&one), old(&other)), other_epoch());
    let by_nobody = |v: &Vote| changed(v, |v| v.voter = ValidatorIndex(4));
    assert_eq!(votes(by_nobody(&one), by_nobody(&other)), stranger());
    let framed = |v: &Vote| changed(v, |v| v.voter = ValidatorIndex(1));
    assert_eq!(votes(framed(&one), framed(&other)), wrong_signature(0, 2), "signed by another than it accuses");
    let Evidence::LaneFork(cells) = lane_fork() else { unreachable!() };
    let abroad = |c: &SignedCellHeader| signed_cell(CellHeader { chain_id: CHAIN + 1, ..c.header.clone() });
    assert_eq!(verify(&Evidence::lane_fork(abroad(&cells[0]), abroad(&cells[1]))), other_chain());
    let Evidence::DoubleProposal(blocks) = double_proposal() else { unreachable!() };
    let abroad = blocks.map(|b| changed(&b, |b| b.header.chain_id += 1));
    let [one, other] = abroad;
    assert_eq!(verify(&Evidence::double_proposal(one, other)), other_chain());
}

#[test]
fn the_end_of_an_epoch_is_refused_by_the_rule_it_breaks() {
    let vote = epoch_vote();
    assert_eq!(verify(&changed(&vote, |v| v.claim.epoch = Epoch(4))), other_epoch());
    assert_eq!(verify(&changed(&vote, |v| v.voter = ValidatorIndex(4))), stranger());
    assert_eq!(verify(&changed(&vote, |v| v.voter = ValidatorIndex(1))), wrong_signature(0, 1));
    assert_eq!(verify(&changed(&vote, |v| v.claim.next_set = SetId([0; 32]))), wrong_signature(0, 1));
    let certificate = epoch_certificate();
    let check = |change: fn(&mut EpochCertificate)| verify(&changed(&certificate, change));
    assert_eq!(check(|c| c.claim.epoch = Epoch(4)), other_epoch());
    assert_eq!(check(|c| c.claim.state_root = ExecutionHash([0; 32])), wrong_signature(0, 3));
    assert_eq!(check(|c| c.signers = signers(&[0, 2, 3])), wrong_signature(0, 3));
    assert_eq!(check(|c| c.signers = signers(&[1, 2, 4])), stranger());
    assert_eq!(check(|c| drop(c.signatures.pop())), Err(Error::SignatureCount { signatures: 2, signers: 3 }));
    assert_eq!(check(|c| c.signatures.swap(0, 2)), wrong_signature(0, 3));
    let weak = changed(&certificate, |c| {
        c.signers = signers(&[1, 2]);
        c.signatures.pop();
    });
    assert_eq!(verify(&weak), Err(Error::TooLittleWeight { found: 2, quorum: 3 }));
}

#[test]
fn a_signature_for_one_kind_of_statement_is_none_for_another() {
    // The same id under another domain: a vote's signature can't stand for a timeout's or a block's.
    let id = [5; 32];
    let messages: BTreeSet<_> = Domain::ALL.into_iter().map(|domain| domain.message(CHAIN, &id)).collect();
    assert_eq!(messages.len(), Domain::ALL.len());
}

/// Answers nothing.
struct Silent;

impl crate::Verifier for Silent {
    fn verify(&self, _: &Claim<'_>) -> bool {
        true
    }
}

impl crate::BatchVerifier for Silent {
    fn verify_batch(&self, _: &[Claim<'_>]) -> Vec<bool> {
        Vec::new()
    }
}

#[test]
fn what_a_verifier_leaves_unanswered_is_wrong() {
    let set = set(&[1; COUNT]);
    let context = Context { chain_id: CHAIN, set: &set, verifier: &Silent };
    assert_eq!(context.verify(vote(1, 6)).map(|_| ()), wrong_signature(0, 1));
    let all = context.verify_all(vec![vote(1, 6), vote(2, 6)]);
    assert!(all.iter().all(Result::is_err));
}

proptest! {
    #[test]
    fn many_are_judged_as_each_alone(wrong in prop::collection::vec(0..4u8, 0..24)) {
        let set = set(&[1; COUNT]);
        let context = Context { chain_id: CHAIN, set: &set, verifier: &HashVerifier };
        let of = |kind: &u8| match kind {
            0 => certificate(6),
            1 => changed(&certificate(6), |c| c.signatures.swap(0, 1)),
            2 => changed(&certificate(6), |c| drop(c.signatures.pop())),
            _ => changed(&certificate(6), |c| c.reference.signers = signers(&[0, 1, 4])),
        };
        let values: Vec<_> = wrong.iter().map(of).collect();
        let alone: Vec<_> = values.iter().map(|value| context.verify(value.clone())).collect();
        prop_assert_eq!(context.verify_all(values), alone);
    }
}
