//! Values of every type that is sent or stored, as anyone could send them: well-formed, and not more than that.

use alloy_primitives::{Address, Bytes};
use proptest::{array::uniform32, collection::vec, option, prelude::*};
use qsdm_primitives::{
    Algorithm, Block, BlockBody, BlockHeader, BlockId, BodyHash, Cell, CellBody, CellHeader, CellId, CutChange, Epoch,
    EpochCertificate, EpochClaim, EpochVote, Evidence, Executed, ExecutionHash, Height, LaneId, Links, PublicKey,
    QcRef, QuorumCertificate, Round, SetId, Signature, SignedBlockHeader, SignedCellHeader, Signers, SubmeshId,
    Timeout, TimeoutCertificate, TimeoutEntry, Validator, ValidatorIndex, ValidatorSet, Vote, VoteStatement,
};
use std::collections::BTreeMap;

fn algorithm() -> impl Strategy<Value = Algorithm> {
    prop::sample::select(Algorithm::ALL.to_vec())
}

/// Bytes of one length from a seed: to choose each of thousands at random would be most of the work and find nothing.
fn stretched(seed: [u8; 32], length: usize) -> Bytes {
    seed.into_iter().cycle().take(length).collect()
}

/// A signature of any algorithm.
pub(crate) fn signature() -> impl Strategy<Value = Signature> {
    (algorithm(), uniform32(any::<u8>()))
        .prop_map(|(algorithm, seed)| Signature::new(algorithm, stretched(seed, algorithm.signature_bytes())))
}

fn lane() -> impl Strategy<Value = LaneId> {
    (any::<u32>(), any::<u16>())
        .prop_map(|(submesh, author)| LaneId { submesh: SubmeshId(submesh), author: ValidatorIndex(author) })
}

fn cell_id() -> impl Strategy<Value = CellId> {
    uniform32(any::<u8>()).prop_map(CellId)
}

fn block_id() -> impl Strategy<Value = BlockId> {
    uniform32(any::<u8>()).prop_map(BlockId)
}

/// A cell header of two or three links; `body` and `transactions` are the body's.
fn cell_header(transactions: u32, body: BodyHash) -> impl Strategy<Value = CellHeader> {
    let links =
        (cell_id(), cell_id(), option::of(cell_id())).prop_map(|(own, peer, bridge)| Links { own, peer, bridge });
    (any::<[u64; 6]>(), lane(), links).prop_map(
        move |([chain_id, epoch, seq, depth, time_ms, gas_limit], lane, links)| CellHeader {
            chain_id,
            epoch: Epoch(epoch),
            lane,
            seq,
            depth,
            links,
            time_ms,
            gas_limit,
            transactions,
            body,
        },
    )
}

/// The transactions of a cell.
pub(crate) fn cell_body() -> impl Strategy<Value = CellBody> {
    let transaction = vec(any::<u8>(), 0..200).prop_map(Bytes::from);
    vec(transaction, 0..8).prop_map(|transactions| CellBody { transactions })
}

/// A cell header with its signature.
pub(crate) fn signed_cell_header() -> impl Strategy<Value = SignedCellHeader> {
    let header =
        (any::<u32>(), uniform32(any::<u8>())).prop_flat_map(|(count, body)| cell_header(count, BodyHash(body)));
    (header, signature()).prop_map(|(header, signature)| SignedCellHeader { header, signature })
}

/// A cell whose header is its body's.
pub(crate) fn cell() -> impl Strategy<Value = Cell> {
    let parts = cell_body().prop_flat_map(|body| {
        let header = cell_header(body.transactions.len() as u32, body.hash());
        (header, Just(body))
    });
    (parts, signature())
        .prop_map(|((header, body), signature)| Cell { signed: SignedCellHeader { header, signature }, body })
}

fn vote_statement() -> impl Strategy<Value = VoteStatement> {
    (any::<[u64; 2]>(), block_id()).prop_map(|([epoch, round], block)| VoteStatement {
        epoch: Epoch(epoch),
        round: Round(round),
        block,
    })
}

/// A vote.
pub(crate) fn vote() -> impl Strategy<Value = Vote> {
    (vote_statement(), any::<u16>(), signature()).prop_map(|(statement, voter, signature)| Vote {
        statement,
        voter: ValidatorIndex(voter),
        signature,
    })
}

/// A certificate by reference.
pub(crate) fn qc_reference() -> impl Strategy<Value = QcRef> {
    (vote_statement(), any::<u64>()).prop_map(|(statement, bits)| QcRef { statement, signers: Signers(bits) })
}

/// Some signers and as many signatures.
fn signed() -> impl Strategy<Value = (Signers, Vec<Signature>)> {
    vec((0..64u16, signature()), 0..6).prop_map(|pairs| {
        let pairs: BTreeMap<u16, Signature> = pairs.into_iter().collect();
        (pairs.keys().map(|index| ValidatorIndex(*index)).collect(), pairs.into_values().collect())
    })
}

/// A certificate with as many signatures as signers.
pub(crate) fn quorum_certificate() -> impl Strategy<Value = QuorumCertificate> {
    (vote_statement(), signed()).prop_map(|(statement, (signers, signatures))| QuorumCertificate {
        reference: QcRef { statement, signers },
        signatures,
    })
}

/// A timeout.
pub(crate) fn timeout() -> impl Strategy<Value = Timeout> {
    (any::<u64>(), qc_reference(), any::<u16>(), signature()).prop_map(|(round, high_qc, voter, signature)| Timeout {
        round: Round(round),
        high_qc,
        voter: ValidatorIndex(voter),
        signature,
    })
}

/// A certificate of timeouts in ascending order.
pub(crate) fn timeout_certificate() -> impl Strategy<Value = TimeoutCertificate> {
    let entry =
        (any::<u16>(), any::<u64>(), block_id(), signature()).prop_map(|(voter, round, high_block, signature)| {
            TimeoutEntry { voter: ValidatorIndex(voter), high_round: Round(round), high_block, signature }
        });
    (any::<u64>(), qc_reference(), vec(entry, 0..5)).prop_map(|(round, high_qc, mut entries)| {
        entries.sort_by_key(|entry| entry.voter);
        entries.dedup_by_key(|entry| entry.voter);
        TimeoutCertificate { round: Round(round), high_qc, entries }
    })
}

/// Two messages; whether they contradict each other is not the codec's matter.
pub(crate) fn evidence() -> impl Strategy<Value = Evidence> {
    prop_oneof![
        (signed_cell_header(), signed_cell_header())
            .prop_map(|(one, other)| Evidence::LaneFork(Box::new([one, other]))),
        (vote(), vote()).prop_map(|(one, other)| Evidence::DoubleVote(Box::new([one, other]))),
        (signed_block_header(), signed_block_header())
            .prop_map(|(one, other)| Evidence::DoubleProposal(Box::new([one, other]))),
    ]
}

fn block_header(body: BodyHash) -> impl Strategy<Value = BlockHeader> {
    let executed = (any::<u64>(), uniform32(any::<u8>()));
    (any::<[u64; 5]>(), block_id(), qc_reference(), executed, any::<u16>()).prop_map(
        move |([chain_id, epoch, round, height, time_ms], parent, qc, (number, hash), proposer)| BlockHeader {
            chain_id,
            epoch: Epoch(epoch),
            round: Round(round),
            height: Height(height),
            parent,
            qc,
            body,
            executed: Executed { number, hash: ExecutionHash(hash) },
            time_ms,
            proposer: ValidatorIndex(proposer),
        },
    )
}

/// A block header with its signature.
pub(crate) fn signed_block_header() -> impl Strategy<Value = SignedBlockHeader> {
    (uniform32(any::<u8>()).prop_flat_map(|body| block_header(BodyHash(body))), signature())
        .prop_map(|(header, signature)| SignedBlockHeader { header, signature })
}

fn block_body() -> impl Strategy<Value = BlockBody> {
    let change = (lane(), any::<u64>(), cell_id()).prop_map(|(lane, seq, cell)| CutChange { lane, seq, cell });
    (option::of(timeout_certificate()), vec(change, 0..6), vec(evidence(), 0..=4)).prop_map(
        |(timeout, mut cut, evidence)| {
            cut.sort_by_key(|change| change.lane);
            cut.dedup_by_key(|change| change.lane);
            BlockBody { timeout, cut, evidence }
        },
    )
}

/// A block whose header is its body's.
pub(crate) fn block() -> impl Strategy<Value = Block> {
    let parts = block_body().prop_flat_map(|body| (block_header(body.hash()), Just(body)));
    (parts, signature())
        .prop_map(|((header, body), signature)| Block { signed: SignedBlockHeader { header, signature }, body })
}

fn epoch_claim() -> impl Strategy<Value = EpochClaim> {
    (any::<[u64; 2]>(), block_id(), uniform32(any::<u8>()), uniform32(any::<u8>())).prop_map(
        |([epoch, height], block, state_root, next_set)| EpochClaim {
            epoch: Epoch(epoch),
            height: Height(height),
            block,
            state_root: ExecutionHash(state_root),
            next_set: SetId(next_set),
        },
    )
}

/// A vote about an epoch's end.
pub(crate) fn epoch_vote() -> impl Strategy<Value = EpochVote> {
    (epoch_claim(), any::<u16>(), signature()).prop_map(|(claim, voter, signature)| EpochVote {
        claim,
        voter: ValidatorIndex(voter),
        signature,
    })
}

/// An epoch's certificate with as many signatures as signers.
pub(crate) fn epoch_certificate() -> impl Strategy<Value = EpochCertificate> {
    (epoch_claim(), signed()).prop_map(|(claim, (signers, signatures))| EpochCertificate { claim, signers, signatures })
}

/// A validator set of members with distinct keys.
pub(crate) fn validator_set() -> impl Strategy<Value = ValidatorSet> {
    let member = (algorithm(), uniform32(any::<u8>()), any::<u64>()).prop_map(|(algorithm, seed, bonded)| Validator {
        account: Address::from_slice(&seed[..20]),
        key: PublicKey::new(algorithm, stretched(seed, algorithm.public_key_bytes())),
        bonded,
    });
    (any::<u64>(), vec(member, 1..5))
        .prop_filter_map("members with one key", |(epoch, members)| ValidatorSet::new(Epoch(epoch), members).ok())
}
