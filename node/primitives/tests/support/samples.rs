//! One fixed value of every type that is sent or stored. The golden files are their encodings.

use alloy_primitives::{Address, Bytes};
use qsdm_primitives::{
    Algorithm, Block, BlockBody, BlockHeader, BlockId, BodyHash, Cell, CellBody, CellHeader, CellId, CutChange, Epoch,
    EpochCertificate, EpochClaim, EpochVote, Evidence, Executed, ExecutionHash, Height, LaneId, Links, PublicKey,
    QcRef, QuorumCertificate, Round, SetId, Signature, SignedBlockHeader, SignedCellHeader, Signers, SubmeshId,
    Timeout, TimeoutCertificate, TimeoutEntry, Validator, ValidatorIndex, ValidatorSet, Vote, VoteStatement,
    codec::Encode,
};

/// The chain of all samples.
pub(crate) const CHAIN: u64 = 31_337;
/// The epoch of all samples.
pub(crate) const EPOCH: Epoch = Epoch(3);

/// A sample's name, which is also its file's, and its canonical bytes.
pub(crate) fn encodings() -> Vec<(&'static str, Vec<u8>)> {
    let [lane_fork, double_vote, double_proposal] = evidence();
    vec![
        ("cell_header_2d", cell_2d().header().to_bytes()),
        ("cell_header_3d", cell_3d().header().to_bytes()),
        ("signed_cell_header", cell_2d().signed.to_bytes()),
        ("cell_body", cell_3d().body.to_bytes()),
        ("cell", cell_3d().to_bytes()),
        ("cell_witness", cell_2d().to_bytes()),
        ("block_header", block().header().to_bytes()),
        ("signed_block_header", block().signed.to_bytes()),
        ("block_body_empty", BlockBody::default().to_bytes()),
        ("block", block().to_bytes()),
        ("block_empty", block_of(BlockBody::default()).to_bytes()),
        ("vote", vote(2, 0x11).to_bytes()),
        ("qc_reference", quorum_certificate().reference.to_bytes()),
        ("quorum_certificate", quorum_certificate().to_bytes()),
        ("timeout", timeout().to_bytes()),
        ("timeout_statement", timeout().statement().to_bytes()),
        ("timeout_certificate", timeout_certificate().to_bytes()),
        ("evidence_lane_fork", lane_fork.to_bytes()),
        ("evidence_double_vote", double_vote.to_bytes()),
        ("evidence_double_proposal", double_proposal.to_bytes()),
        ("epoch_claim", epoch_claim().to_bytes()),
        ("epoch_vote", epoch_vote().to_bytes()),
        ("epoch_certificate", epoch_certificate().to_bytes()),
        ("validator_set", validator_set().to_bytes()),
    ]
}

fn signature(algorithm: Algorithm, seed: u8) -> Signature {
    Signature::new(algorithm, Bytes::from(vec![seed; algorithm.signature_bytes()]))
}

fn links(bridge: Option<CellId>) -> Links {
    Links { own: CellId([0xa1; 32]), peer: CellId([0xa2; 32]), bridge }
}

fn cell_with(links: Links, seq: u64, transactions: Vec<Bytes>, signature: Signature) -> Cell {
    let body = CellBody { transactions };
    let header = CellHeader {
        chain_id: CHAIN,
        epoch: EPOCH,
        lane: LaneId { submesh: SubmeshId(7), author: ValidatorIndex(2) },
        seq,
        depth: 42,
        links,
        time_ms: 1_700_000_000_123,
        gas_limit: 21_000,
        transactions: body.transactions.len() as u32,
        body: body.hash(),
    };
    Cell { signed: SignedCellHeader { header, signature }, body }
}

/// A witness with two links.
pub(crate) fn cell_2d() -> Cell {
    cell_with(links(None), 41, Vec::new(), signature(Algorithm::MlDsa65, 0xc2))
}

/// A cell with three links and three transactions, one of them empty.
pub(crate) fn cell_3d() -> Cell {
    let transactions = vec![Bytes::from_static(&[0x02, 0xc0]), Bytes::new(), Bytes::from(vec![0x7f; 100])];
    cell_with(links(Some(CellId([0xa3; 32]))), 41, transactions, signature(Algorithm::MlDsa65, 0xc3))
}

fn vote_statement(block: u8) -> VoteStatement {
    VoteStatement { epoch: EPOCH, round: Round(9), block: BlockId([block; 32]) }
}

pub(crate) fn vote(voter: u16, block: u8) -> Vote {
    Vote {
        statement: vote_statement(block),
        voter: ValidatorIndex(voter),
        signature: signature(Algorithm::MlDsa44, block),
    }
}

fn signers() -> Signers {
    [0, 2, 63].map(ValidatorIndex).into_iter().collect()
}

fn signatures() -> Vec<Signature> {
    Algorithm::ALL.map(|algorithm| signature(algorithm, 0xd0 + algorithm as u8)).to_vec()
}

pub(crate) fn quorum_certificate() -> QuorumCertificate {
    let reference = QcRef { statement: vote_statement(0x11), signers: signers() };
    QuorumCertificate { reference, signatures: signatures() }
}

pub(crate) fn timeout() -> Timeout {
    Timeout {
        round: Round(10),
        high_qc: quorum_certificate().reference,
        voter: ValidatorIndex(1),
        signature: signature(Algorithm::MlDsa65, 0xe1),
    }
}

fn timeout_certificate() -> TimeoutCertificate {
    let entry = |(voter, high): (u16, u64)| TimeoutEntry {
        voter: ValidatorIndex(voter),
        high_round: Round(high),
        high_block: BlockId([high as u8; 32]),
        signature: signature(Algorithm::MlDsa44, voter as u8),
    };
    TimeoutCertificate {
        round: Round(10),
        high_qc: quorum_certificate().reference,
        entries: [(0, 8), (1, 9), (3, 9)].map(entry).to_vec(),
    }
}

/// One of each kind.
fn evidence() -> [Evidence; 3] {
    let fork = |seed| {
        let cell = cell_with(links(Some(CellId([seed; 32]))), 41, Vec::new(), signature(Algorithm::MlDsa44, seed));
        cell.signed
    };
    let proposal = |seed| SignedBlockHeader {
        header: BlockHeader { time_ms: u64::from(seed), ..block_header(BodyHash([seed; 32])) },
        signature: signature(Algorithm::MlDsa44, seed),
    };
    [
        Evidence::lane_fork(fork(1), fork(2)),
        Evidence::double_vote(vote(2, 0x11), vote(2, 0x22)),
        Evidence::double_proposal(proposal(3), proposal(4)),
    ]
}

fn block_header(body: BodyHash) -> BlockHeader {
    BlockHeader {
        chain_id: CHAIN,
        epoch: EPOCH,
        round: Round(11),
        height: Height(1_000),
        parent: BlockId([0x11; 32]),
        qc: quorum_certificate().reference,
        body,
        executed: Executed { number: 990, hash: ExecutionHash([0xee; 32]) },
        time_ms: 1_700_000_001_000,
        proposer: ValidatorIndex(1),
    }
}

/// A block with a timeout certificate, two lanes and a proof of each kind.
pub(crate) fn block() -> Block {
    let change = |(submesh, author): (u32, u16)| CutChange {
        lane: LaneId { submesh: SubmeshId(submesh), author: ValidatorIndex(author) },
        seq: 41,
        cell: CellId([author as u8; 32]),
    };
    let body = BlockBody {
        timeout: Some(timeout_certificate()),
        cut: [(0, 3), (7, 2)].map(change).to_vec(),
        evidence: evidence().to_vec(),
    };
    block_of(body)
}

fn block_of(body: BlockBody) -> Block {
    let header = block_header(body.hash());
    Block { signed: SignedBlockHeader { header, signature: signature(Algorithm::MlDsa65, 0xb1) }, body }
}

pub(crate) fn epoch_claim() -> EpochClaim {
    EpochClaim {
        epoch: EPOCH,
        height: Height(1_001),
        block: BlockId([0x33; 32]),
        state_root: ExecutionHash([0x44; 32]),
        next_set: SetId([0x55; 32]),
    }
}

fn epoch_vote() -> EpochVote {
    EpochVote { claim: epoch_claim(), voter: ValidatorIndex(3), signature: signature(Algorithm::MlDsa87, 0xf1) }
}

fn epoch_certificate() -> EpochCertificate {
    EpochCertificate { claim: epoch_claim(), signers: signers(), signatures: signatures() }
}

pub(crate) fn validator_set() -> ValidatorSet {
    let member = |index: u8| {
        let algorithm = Algorithm::ALL[usize::from(index) % 3];
        Validator {
            account: Address::repeat_byte(index),
            key: PublicKey::new(algorithm, Bytes::from(vec![index; algorithm.public_key_bytes()])),
            bonded: 1_000 + u64::from(index),
        }
    };
    ValidatorSet::new(EPOCH, (1..=4).map(member).collect()).expect("invariant: four distinct keys")
}
