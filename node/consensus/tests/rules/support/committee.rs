//! Validators with cheap keys, and everything that they sign.

use alloy_primitives::Address;
use qsdm_consensus::CommitTip;
use qsdm_crypto::{
    Authenticate, Context, Signer, Verified,
    testing::{HashSigner, HashVerifier},
};
use qsdm_mesh::{CellRef, CutRules};
use qsdm_primitives::{
    Algorithm, Block, BlockBody, BlockHeader, BlockId, CellId, CutChange, Epoch, EpochCertificate, EpochClaim,
    EpochVote, Executed, ExecutionHash, Height, LaneId, PublicKey, QcRef, QuorumCertificate, Round, Signature,
    SignedBlockHeader, Signers, Statement, SubmeshId, Timeout, TimeoutCertificate, TimeoutEntry, Validator,
    ValidatorIndex, ValidatorSet, Vote, VoteStatement,
};

pub(crate) const CHAIN: u64 = 31_337;
/// Time of the genesis block.
pub(crate) const START_MS: u64 = 1_800_000_000_000;
/// Parent of the first block.
pub(crate) const GENESIS: BlockId = BlockId([0x67; 32]);

/// Validators of one epoch with their keys.
#[derive(Clone, Debug)]
pub(crate) struct Committee {
    signers: Vec<HashSigner>,
    pub(crate) set: ValidatorSet,
}

/// What a block needs to know of its parent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parent {
    pub(crate) id: BlockId,
    pub(crate) height: Height,
    pub(crate) round: Round,
    pub(crate) time_ms: u64,
    pub(crate) executed: Executed,
    pub(crate) qc: QcRef,
}

/// The result of executing the EVM block of a number.
pub(crate) fn result(number: u64) -> Executed {
    Executed { number, hash: ExecutionHash(*blake3::hash(&number.to_le_bytes()).as_bytes()) }
}

pub(crate) fn genesis_tip() -> CommitTip {
    CommitTip::genesis(GENESIS, START_MS, result(0))
}

pub(crate) fn rules() -> CutRules {
    CutRules { block_gas: 1_000_000, submeshes: [(SubmeshId(0), 1_000_000), (SubmeshId(1), 500_000)].into() }
}

pub(crate) fn index(place: u16) -> ValidatorIndex {
    ValidatorIndex(place)
}

pub(crate) fn lane(author: u16) -> LaneId {
    LaneId { submesh: SubmeshId(0), author: index(author) }
}

/// The cell of a place in the root submesh: one transaction, linked to nothing but its own lane.
pub(crate) fn cell(author: u16, seq: u64) -> CellRef {
    let id = |seq: u64| {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&author.to_le_bytes()).update(&seq.to_le_bytes());
        CellId(*hasher.finalize().as_bytes())
    };
    CellRef {
        id: id(seq),
        lane: lane(author),
        seq,
        depth: seq + 1,
        own: seq.checked_sub(1).map_or(CellId([0; 32]), id),
        links: Vec::new(),
        gas_limit: 21_000,
        transactions: 1,
        time_ms: START_MS,
    }
}

/// The cut change that includes a cell.
pub(crate) fn change(cell: &CellRef) -> CutChange {
    CutChange { lane: cell.lane, seq: cell.seq, cell: cell.id }
}

impl Parent {
    pub(crate) fn genesis() -> Self {
        Self::start(Epoch(0), &genesis_tip())
    }

    /// The parent of an epoch's first block.
    pub(crate) fn start(epoch: Epoch, tip: &CommitTip) -> Self {
        Self {
            id: tip.block,
            height: tip.height,
            round: Round(0),
            time_ms: tip.time_ms,
            executed: tip.executed,
            qc: QcRef::start(epoch, tip.block),
        }
    }
}

impl Committee {
    /// So many validators of equal weight, in the first epoch.
    pub(crate) fn new(count: usize) -> Self {
        Self::of(Epoch(0), &vec![1; count])
    }

    /// Validators of these weights.
    pub(crate) fn of(epoch: Epoch, weights: &[u64]) -> Self {
        let signers: Vec<_> =
            (0..weights.len() as u64).map(|number| HashSigner::new(Algorithm::MlDsa65, number)).collect();
        let member = |(signer, bonded): (&HashSigner, &u64)| Validator {
            account: Address::ZERO,
            key: signer.public_key().clone(),
            bonded: *bonded,
        };
        let members = signers.iter().zip(weights).map(member).collect();
        Self { set: ValidatorSet::new(epoch, members).expect("distinct keys"), signers }
    }

    pub(crate) fn epoch(&self) -> Epoch {
        self.set.epoch()
    }

    pub(crate) fn key(&self, of: u16) -> PublicKey {
        self.signers[usize::from(of)].public_key().clone()
    }

    /// Checks what a peer would have sent.
    pub(crate) fn verify<T: Authenticate>(&self, value: T) -> Verified<T> {
        let context = Context { chain_id: CHAIN, set: &self.set, verifier: &HashVerifier };
        context.verify(value).unwrap_or_else(|error| panic!("a test sends only what a shell lets through: {error}"))
    }

    pub(crate) fn sign(&self, by: u16, statement: &impl Statement) -> Signature {
        self.signers[usize::from(by)].sign(&statement.message(CHAIN)).expect("cheap keys sign everything")
    }

    /// Who leads a round where weights are equal and nobody has a reputation: in the first two windows, and after a
    /// parent below them.
    pub(crate) fn leader(&self, round: u64) -> u16 {
        let count = self.set.len() as u64;
        let window = (count * 4).clamp(32, 256);
        ((round % window / 2) % count) as u16
    }

    /// The least number of the first validators that decide, where weights are equal.
    pub(crate) fn quorum(&self) -> Vec<u16> {
        (0..self.set.quorum() as u16).collect()
    }

    /// An empty block by the leader of the round.
    pub(crate) fn block(&self, parent: &Parent, round: u64) -> Block {
        self.block_with(parent, round, |_, _| {})
    }

    /// A block by the leader of the round, changed before it is signed.
    pub(crate) fn block_with(
        &self,
        parent: &Parent,
        round: u64,
        change: impl FnOnce(&mut BlockHeader, &mut BlockBody),
    ) -> Block {
        let mut body = BlockBody::default();
        let mut header = BlockHeader {
            chain_id: CHAIN,
            epoch: self.epoch(),
            round: Round(round),
            height: Height(parent.height.0 + 1),
            parent: parent.id,
            qc: parent.qc,
            body: body.hash(),
            executed: parent.executed,
            time_ms: parent.time_ms,
            proposer: index(self.leader(round)),
        };
        change(&mut header, &mut body);
        header.body = body.hash();
        let signature = self.sign(header.proposer.0, &header);
        Block { signed: SignedBlockHeader { header, signature }, body }
    }

    /// A block as parent of the next one, certified by these voters.
    pub(crate) fn after(&self, block: &Block, voters: &[u16]) -> Parent {
        let header = block.header();
        let signers = voters.iter().copied().map(index).collect();
        Parent {
            id: header.id(),
            height: header.height,
            round: header.round,
            time_ms: header.time_ms,
            executed: header.executed,
            qc: QcRef { statement: statement(block), signers },
        }
    }

    pub(crate) fn vote(&self, voter: u16, block: &Block) -> Vote {
        self.vote_for(voter, statement(block))
    }

    pub(crate) fn vote_for(&self, voter: u16, statement: VoteStatement) -> Vote {
        Vote { statement, voter: index(voter), signature: self.sign(voter, &statement) }
    }

    /// The certificate that a reference stands for.
    pub(crate) fn certificate(&self, reference: QcRef) -> QuorumCertificate {
        let signature = |voter: ValidatorIndex| self.sign(voter.0, &reference.statement);
        QuorumCertificate { reference, signatures: reference.signers.iter().map(signature).collect() }
    }

    pub(crate) fn timeout(&self, voter: u16, round: u64, high_qc: QcRef) -> Timeout {
        let signature = Signature::new(Algorithm::MlDsa65, Vec::new());
        let mut timeout = Timeout { round: Round(round), high_qc, voter: index(voter), signature };
        timeout.signature = self.sign(voter, &timeout.statement());
        timeout
    }

    /// Timeouts of these voters, who all know the same certificate.
    pub(crate) fn timeout_certificate(&self, round: u64, voters: &[u16], high_qc: QcRef) -> TimeoutCertificate {
        let entry = |voter: &u16| TimeoutEntry {
            voter: index(*voter),
            high_round: high_qc.round(),
            high_block: high_qc.block(),
            signature: self.timeout(*voter, round, high_qc).signature,
        };
        TimeoutCertificate { round: Round(round), high_qc, entries: voters.iter().map(entry).collect() }
    }

    pub(crate) fn epoch_vote(&self, voter: u16, claim: EpochClaim) -> EpochVote {
        EpochVote { claim, voter: index(voter), signature: self.sign(voter, &claim) }
    }

    pub(crate) fn epoch_certificate(&self, claim: EpochClaim, voters: &[u16]) -> EpochCertificate {
        let signers: Signers = voters.iter().copied().map(index).collect();
        let signatures = voters.iter().map(|voter| self.sign(*voter, &claim)).collect();
        EpochCertificate { claim, signers, signatures }
    }
}

pub(crate) fn statement(block: &Block) -> VoteStatement {
    let header = block.header();
    VoteStatement { epoch: header.epoch, round: header.round, block: header.id() }
}

/// A certificate that nobody has: of a quorum's bits and for a block that was never proposed.
pub(crate) fn bogus(committee: &Committee, round: u64) -> QcRef {
    let block = BlockId(*blake3::hash(&round.to_be_bytes()).as_bytes());
    QcRef {
        statement: VoteStatement { epoch: committee.epoch(), round: Round(round), block },
        signers: committee.set.everyone(),
    }
}
