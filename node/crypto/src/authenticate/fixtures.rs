//! One valid message of each kind, signed by cheap keys, and what it takes to change and sign it again.

use crate::{
    AuthenticationError, Context, Signer,
    testing::{HashSigner, HashVerifier},
    verified::Authenticate,
};
use alloy_primitives::{Address, Bytes};
use qsdm_primitives::*;

pub(super) const CHAIN: u64 = 7_001;
pub(super) const EPOCH: Epoch = Epoch(3);
/// Everyone in a set of four.
pub(super) const COUNT: usize = 4;

pub(super) fn signer(index: u16) -> HashSigner {
    HashSigner::new(Algorithm::MlDsa65, index.into())
}

pub(super) fn set(bonded: &[u64]) -> ValidatorSet {
    let member = |(index, bonded): (usize, &u64)| Validator {
        account: Address::with_last_byte(index as u8),
        key: signer(index as u16).public_key().clone(),
        bonded: *bonded,
    };
    ValidatorSet::new(EPOCH, bonded.iter().enumerate().map(member).collect()).unwrap()
}

/// Verifies against four validators of equal weight: three decide.
pub(super) fn verify(value: &(impl Authenticate + Clone)) -> Result<(), AuthenticationError> {
    verify_against(&set(&[1; COUNT]), value)
}

pub(super) fn verify_against(
    set: &ValidatorSet,
    value: &(impl Authenticate + Clone),
) -> Result<(), AuthenticationError> {
    Context { chain_id: CHAIN, set, verifier: &HashVerifier }.verify(value.clone()).map(|_| ())
}

pub(super) fn sign(index: u16, statement: &impl Statement) -> Signature {
    signer(index).sign(&statement.message(CHAIN)).unwrap()
}

pub(super) fn signers(indices: &[u16]) -> Signers {
    indices.iter().map(|index| ValidatorIndex(*index)).collect()
}

pub(super) fn qc_ref(round: u64) -> QcRef {
    let statement = VoteStatement { epoch: EPOCH, round: Round(round), block: BlockId([round as u8; 32]) };
    QcRef { statement, signers: if round == 0 { Signers::NONE } else { signers(&[0, 1, 3]) } }
}

pub(super) fn signed_cell(header: CellHeader) -> SignedCellHeader {
    SignedCellHeader { signature: sign(header.lane.author.0, &header), header }
}

pub(super) fn cell() -> Cell {
    let body = CellBody { transactions: vec![Bytes::from_static(b"one"), Bytes::from_static(b"two")] };
    let header = CellHeader {
        chain_id: CHAIN,
        epoch: EPOCH,
        lane: LaneId { submesh: SubmeshId(2), author: ValidatorIndex(1) },
        seq: 5,
        depth: 9,
        links: Links { own: CellId([1; 32]), peer: CellId([2; 32]), bridge: Some(CellId([3; 32])) },
        time_ms: 1_000,
        gas_limit: 42_000,
        transactions: 2,
        body: body.hash(),
    };
    Cell { signed: signed_cell(header), body }
}

pub(super) fn vote(index: u16, round: u64) -> Vote {
    let statement = qc_ref(round).statement;
    Vote { statement, voter: ValidatorIndex(index), signature: sign(index, &statement) }
}

pub(super) fn certificate(round: u64) -> QuorumCertificate {
    let reference = qc_ref(round);
    let signatures = reference.signers.iter().map(|signer| sign(signer.0, &reference.statement)).collect();
    QuorumCertificate { reference, signatures }
}

pub(super) fn timeout(index: u16, round: u64, high: u64) -> Timeout {
    let mut timeout = Timeout {
        round: Round(round),
        high_qc: qc_ref(high),
        voter: ValidatorIndex(index),
        signature: vote(index, 1).signature,
    };
    timeout.signature = sign(index, &timeout.statement());
    timeout
}

/// Of validators 0, 1, 2, whose newest certificates are of these rounds.
pub(super) fn timeout_certificate(round: u64, high: [u64; 3]) -> TimeoutCertificate {
    let entry = |(index, high): (usize, u64)| {
        let timeout = timeout(index as u16, round, high);
        TimeoutEntry {
            voter: timeout.voter,
            high_round: Round(high),
            high_block: timeout.high_qc.block(),
            signature: timeout.signature,
        }
    };
    let newest = high.into_iter().max().unwrap();
    let entries = high.into_iter().enumerate().map(entry).collect();
    TimeoutCertificate { round: Round(round), high_qc: qc_ref(newest), entries }
}

/// Signs all entries again.
pub(super) fn resign_entries(certificate: &mut TimeoutCertificate) {
    for at in 0..certificate.entries.len() {
        let statement = certificate.statement(&certificate.entries[at]);
        certificate.entries[at].signature = sign(certificate.entries[at].voter.0, &statement);
    }
}

/// A block of `round` by validator 2 on the certificate of round `qc`, signed over its body.
pub(super) fn block(round: u64, qc: u64, body: BlockBody) -> Block {
    let header = BlockHeader {
        chain_id: CHAIN,
        epoch: EPOCH,
        round: Round(round),
        height: Height(round + 10),
        parent: qc_ref(qc).block(),
        qc: qc_ref(qc),
        body: body.hash(),
        executed: Executed { number: 4, hash: ExecutionHash([4; 32]) },
        time_ms: 2_000,
        proposer: ValidatorIndex(2),
    };
    Block { signed: SignedBlockHeader { signature: sign(2, &header), header }, body }
}

/// Puts the body's hash into the header and signs again.
pub(super) fn resign_block(block: &mut Block) {
    block.signed.header.body = block.body.hash();
    block.signed.signature = sign(block.signed.header.proposer.0, &block.signed.header);
}

pub(super) fn body() -> BlockBody {
    let change =
        CutChange { lane: LaneId { submesh: SubmeshId(0), author: ValidatorIndex(1) }, seq: 1, cell: CellId([8; 32]) };
    BlockBody { timeout: None, cut: vec![change], evidence: vec![double_vote(), lane_fork(), double_proposal()] }
}

pub(super) fn full_block() -> Block {
    block(9, 6, BlockBody { timeout: Some(timeout_certificate(8, [6, 5, 6])), ..body() })
}

pub(super) fn double_vote() -> Evidence {
    let mut other = vote(3, 6);
    other.statement.block = BlockId([0xee; 32]);
    other.signature = sign(3, &other.statement);
    Evidence::double_vote(vote(3, 6), other)
}

pub(super) fn lane_fork() -> Evidence {
    let one = cell().signed;
    let other = signed_cell(CellHeader { time_ms: 1_001, ..one.header.clone() });
    Evidence::lane_fork(one, other)
}

pub(super) fn double_proposal() -> Evidence {
    Evidence::double_proposal(block(7, 6, BlockBody::default()).signed, block(7, 6, body_without_evidence()).signed)
}

fn body_without_evidence() -> BlockBody {
    BlockBody { timeout: Some(timeout_certificate(6, [0, 0, 0])), ..BlockBody::default() }
}

pub(super) fn claim() -> EpochClaim {
    EpochClaim {
        epoch: EPOCH,
        height: Height(100),
        block: BlockId([1; 32]),
        state_root: ExecutionHash([2; 32]),
        next_set: SetId([3; 32]),
    }
}

pub(super) fn epoch_vote() -> EpochVote {
    EpochVote { claim: claim(), voter: ValidatorIndex(0), signature: sign(0, &claim()) }
}

pub(super) fn epoch_certificate() -> EpochCertificate {
    let signatures = [1, 2, 3].map(|index| sign(index, &claim())).to_vec();
    EpochCertificate { claim: claim(), signers: signers(&[1, 2, 3]), signatures }
}
