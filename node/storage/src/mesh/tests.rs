use super::*;
use alloy_primitives::{Address, Bytes};
use qsdm_crypto::{Signer, testing::HashSigner};
use qsdm_mesh::{
    CutView,
    ports::{CellStore, StoredPlace},
};
use qsdm_primitives::{
    Algorithm, BlockBody, BlockHeader, CutChange, Epoch, EpochClaim, Executed, ExecutionHash, Height, LaneId, Links,
    QcRef, Round, SignedBlockHeader, SignedCellHeader, Signers, SubmeshId, Validator, ValidatorIndex, VoteStatement,
    root_cell,
};
use std::fs;

const CHAIN: u64 = 31_337;
const GENESIS: BlockId = BlockId([0x67; 32]);

fn signer() -> HashSigner {
    HashSigner::new(Algorithm::MlDsa65, 0)
}

fn set(epoch: u64) -> ValidatorSet {
    let member = Validator { account: Address::ZERO, key: signer().public_key().clone(), bonded: 1 };
    ValidatorSet::new(Epoch(epoch), vec![member]).unwrap()
}

fn rules() -> CutRules {
    CutRules { block_gas: 1_000, submeshes: [(SubmeshId(0), 1_000), (SubmeshId(7), 10)].into() }
}

fn genesis() -> CommitTip {
    CommitTip::genesis(GENESIS, 1_000, Executed { number: 0, hash: ExecutionHash([1; 32]) })
}

fn lane() -> LaneId {
    LaneId { submesh: SubmeshId(0), author: ValidatorIndex(0) }
}

/// The cells of one lane.
fn cells(epoch: u64, count: u64) -> Vec<Arc<Cell>> {
    let root = root_cell(CHAIN, Epoch(epoch), SubmeshId(0));
    let mut own = root;
    let cell = |seq: u64| {
        let body = CellBody { transactions: vec![Bytes::from(vec![seq as u8; 2_000]); 2] };
        let header = CellHeader {
            chain_id: CHAIN,
            epoch: Epoch(epoch),
            lane: lane(),
            seq,
            depth: seq + 1,
            links: Links { own, peer: root, bridge: None },
            time_ms: 1_000 + seq,
            gas_limit: 42_000,
            transactions: 2,
            body: body.hash(),
        };
        own = header.id();
        let signature = signer().sign(&[seq as u8; 32]).unwrap();
        Arc::new(Cell { signed: SignedCellHeader { header, signature }, body })
    };
    (0..count).map(cell).collect()
}

fn block(tip: &CommitTip, parent: BlockId, height: u64, cells: &[Arc<Cell>]) -> Arc<Block> {
    let change = |cell: &Arc<Cell>| CutChange { lane: lane(), seq: cell.header().seq, cell: cell.header().id() };
    let body = BlockBody { cut: cells.last().map(change).into_iter().collect(), ..BlockBody::default() };
    let header = BlockHeader {
        chain_id: CHAIN,
        epoch: tip.epoch,
        round: Round(height),
        height: Height(height),
        parent,
        qc: QcRef::start(tip.epoch, parent),
        body: body.hash(),
        executed: tip.executed,
        time_ms: tip.time_ms,
        proposer: ValidatorIndex(0),
    };
    let signature = signer().sign(&header.id().0).unwrap();
    Arc::new(Block { signed: SignedBlockHeader { header, signature }, body })
}

fn certificate(of: BlockId, epoch: Epoch) -> Arc<QuorumCertificate> {
    let statement = VoteStatement { epoch, round: Round(1), block: of };
    let signatures = vec![signer().sign(&of.0).unwrap()];
    Arc::new(QuorumCertificate { reference: QcRef { statement, signers: Signers(1) }, signatures })
}

fn commit(tip: &CommitTip, block: &Arc<Block>, cells: &[Arc<Cell>]) -> CommittedBlock {
    let (id, height) = (block.header().id(), block.header().height);
    let tip = CommitTip { block: id, height, round: block.header().round, ..tip.clone() };
    let cells = cells.iter().map(|cell| cell.header().id()).collect();
    CommittedBlock {
        block: Arc::clone(block),
        id,
        cells,
        seed: GENESIS,
        number: Some(height.0),
        is_boundary: false,
        tip,
    }
}

fn open(folder: &Path) -> Result<MeshStore, StorageError> {
    MeshStore::open(folder, &genesis(), &set(0), &rules())
}

/// Four cells of which two are committed by one block, and a block above it.
fn filled(folder: &Path) -> (MeshStore, Vec<Arc<Cell>>, [Arc<Block>; 2]) {
    let store = open(folder).unwrap();
    let cells = cells(0, 4);
    let first = block(&genesis(), GENESIS, 1, &cells[..2]);
    let second = block(&genesis(), first.header().id(), 2, &cells[2..]);
    let kept = MeshBatch {
        cells: cells.clone(),
        blocks: vec![(Arc::clone(&first), None), (Arc::clone(&second), None)],
        ..MeshBatch::default()
    };
    store.write(&kept).unwrap();
    let commits = vec![commit(&genesis(), &first, &cells[..2])];
    store.write(&MeshBatch { commits, ..MeshBatch::default() }).unwrap();
    (store, cells, [first, second])
}

#[test]
fn a_start_reads_what_was_written() {
    let folder = tempfile::tempdir().unwrap();
    let (store, cells, [first, second]) = filled(folder.path());
    let qc = certificate(first.header().id(), Epoch(0));
    let later = MeshBatch { blocks: vec![(Arc::clone(&second), Some(Arc::clone(&qc)))], ..MeshBatch::default() };
    store.write(&later).unwrap();
    drop(store);
    let store = open(folder.path()).unwrap();
    let found = store.recover().unwrap();
    assert_eq!((found.tip.height, found.tip.block), (Height(1), first.header().id()));
    assert_eq!(found.cut.tip(lane()).map(|tip| tip.seq), Some(1));
    assert_eq!(found.cells, cells[2..].iter().map(|cell| (**cell).clone()).collect::<Vec<_>>());
    assert_eq!(found.blocks, [(second, Some(qc))], "a certificate that comes later is added");
    assert_eq!((found.set, found.rules.submeshes), (set(0), rules().submeshes));
}

#[test]
fn committed_cells_are_served_to_the_mesh_and_others_are_not() {
    let folder = tempfile::tempdir().unwrap();
    let (store, cells, [first, _]) = filled(folder.path());
    let place = |cell: &Arc<Cell>| store.place(&cell.header().id());
    let expected = StoredPlace { lane: lane(), seq: 1, depth: 2, time_ms: 1_001 };
    assert_eq!((place(&cells[1]), place(&cells[2])), (Some(expected), None));
    assert_eq!(store.signed(lane(), 0).as_ref(), Some(&cells[0].signed));
    assert_eq!(store.signed(lane(), 3), None);
    assert_eq!(store.cell(&cells[3].header().id()).unwrap().as_ref(), Some(cells[3].as_ref()));
    let stored = store.commit(Height(1)).unwrap().unwrap();
    assert_eq!((stored.id, stored.cells.len(), stored.number), (first.header().id(), 2, Some(1)));
}

#[test]
fn a_batch_is_there_as_a_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let (store, cells, [_, second]) = filled(folder.path());
    let tip = store.recover().unwrap().tip;
    let strange = self::cells(3, 1);
    let missing = commit(&tip, &second, &strange);
    let draft = (cells[3].header().clone(), cells[3].body.clone());
    let batch = MeshBatch { drafts: vec![draft.clone()], commits: vec![missing], ..MeshBatch::default() };
    let error = store.write(&batch).unwrap_err();
    assert!(error.to_string().contains("is not stored"), "{error}");
    assert_eq!(store.draft(SubmeshId(0)).unwrap(), None);
    let early = CommittedBlock { tip: CommitTip { height: Height(5), ..tip.clone() }, ..commit(&tip, &second, &[]) };
    let error = store.write(&MeshBatch { commits: vec![early], ..MeshBatch::default() }).unwrap_err();
    assert!(matches!(error, StorageError::OutOfOrder { given: 5, expected: 2, .. }), "{error}");
    store.write(&MeshBatch { drafts: vec![draft.clone()], ..MeshBatch::default() }).unwrap();
    assert_eq!(store.draft(SubmeshId(0)).unwrap(), Some(draft));
}

#[test]
fn an_epoch_ends_and_the_next_begins() {
    let folder = tempfile::tempdir().unwrap();
    let (store, ..) = filled(folder.path());
    let claim = EpochClaim {
        epoch: Epoch(0),
        height: Height(1),
        block: GENESIS,
        state_root: ExecutionHash([2; 32]),
        next_set: set(1).id(),
    };
    let signatures = vec![signer().sign(&[1; 32]).unwrap()];
    let ended = Arc::new(EpochCertificate { claim, signers: Signers(1), signatures });
    let epoch = EndedEpoch { certificate: Arc::clone(&ended), next: set(1), rules: rules() };
    store.write(&MeshBatch { epochs: vec![epoch.clone()], ..MeshBatch::default() }).unwrap();
    let found = store.recover().unwrap();
    assert_eq!((found.tip.epoch, found.set.epoch(), found.certificates), (Epoch(1), Epoch(1), vec![ended]));
    assert!(found.cut.is_empty() && found.cells.is_empty() && found.blocks.is_empty());
    let again = store.write(&MeshBatch { epochs: vec![epoch], ..MeshBatch::default() });
    assert!(matches!(again, Err(StorageError::OutOfOrder { .. })), "{again:?}");
}

#[test]
fn another_chain_and_a_second_owner_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).unwrap();
    assert!(matches!(open(folder.path()), Err(StorageError::Locked { .. })));
    drop(store);
    let other = CommitTip { block: BlockId([1; 32]), ..genesis() };
    let found = MeshStore::open(folder.path(), &other, &set(0), &rules());
    assert!(matches!(found, Err(StorageError::OtherChain { .. })), "{found:?}");
}

/// Everything that a store answers.
fn everything(store: &MeshStore, cells: &[Arc<Cell>], blocks: &[Arc<Block>; 2]) -> Result<String, StorageError> {
    let recovery = store.recover()?;
    let cells: Result<Vec<_>, _> = cells.iter().map(|cell| store.cell(&cell.header().id())).collect();
    let blocks: Result<Vec<_>, _> = blocks.iter().map(|block| store.block(&block.header().id())).collect();
    let commits = store.commits(Height(0)..=Height(9), 10)?;
    let (cells, blocks) = (cells?, blocks?);
    let is_missing = cells.iter().any(Option::is_none) || blocks.iter().any(Option::is_none);
    Ok(if is_missing { "None".into() } else { format!("{recovery:?} {cells:?} {blocks:?} {commits:?}") })
}

/// Each byte of the file in turn, in steps: a damage is an error, or lies where nothing is.
#[test]
fn no_damage_goes_unnoticed() {
    let folder = tempfile::tempdir().unwrap();
    let (store, cells, blocks) = filled(folder.path());
    let whole = everything(&store, &cells, &blocks).unwrap();
    drop(store);
    let path = folder.path().join(DATABASE);
    let bytes = fs::read(&path).unwrap();
    let mut noticed = 0;
    for place in (100..bytes.len()).step_by(29) {
        let mut damaged = bytes.clone();
        damaged[place] ^= 0x40;
        fs::write(&path, &damaged).unwrap();
        let found = open(folder.path()).and_then(|store| everything(&store, &cells, &blocks));
        match found {
            // a cell or a block that isn't found is asked for again
            Ok(found) => assert!(found == whole || found.contains("None"), "byte {place} changes an answer: {found}"),
            Err(_) => noticed += 1,
        }
        drop(fs::remove_file(folder.path().join("mesh.db-wal")));
        drop(fs::remove_file(folder.path().join("mesh.db-shm")));
    }
    assert!(noticed > 100, "only {noticed} damages were noticed");
}

#[test]
fn skipped_transactions_are_kept_with_the_first_reason() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).unwrap();
    let lost = Skipped { cell: Some(CellId([3; 32])), block: 7, winner: Some([9; 32]), reason: "ConflictLost".into() };
    let long = Skipped { cell: None, winner: None, reason: "ü".repeat(300), ..lost.clone() };
    store.note_skipped(&[([1; 32], lost.clone()), ([2; 32], long)]).unwrap();
    store.note_skipped(&[([1; 32], Skipped { block: 8, ..lost.clone() })]).unwrap();
    store.note_skipped(&[]).unwrap();
    drop(store);
    let store = open(folder.path()).unwrap();
    assert_eq!(store.skipped(&[1; 32]).unwrap(), Some(lost));
    assert_eq!(store.skipped(&[2; 32]).unwrap().unwrap().reason, "ü".repeat(128), "cut at a character");
    assert_eq!(store.skipped(&[4; 32]).unwrap(), None);
}
