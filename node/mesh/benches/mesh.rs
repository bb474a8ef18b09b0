//! Admission without signatures, cuts and the linear order: `cargo bench -p qsdm-mesh`.
#![allow(missing_docs, reason = "criterion's macros make undocumented items")]

use alloy_primitives::{Address, Bytes};
use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use qsdm_crypto::{
    Context, Signer, Verified,
    testing::{HashSigner, HashVerifier},
};
use qsdm_mesh::{
    CellRef, Cut, CutRules, Mesh, MeshConfig, Origin, PeerId, Phase, Place, SubmeshRules, TransactionKey, extend,
    order,
    ports::{CellStore, StoredPlace},
    propose,
};
use qsdm_primitives::{
    Algorithm, BlockId, Cell, CellBody, CellHeader, CellId, Dimension, Epoch, LaneId, Links, SignedCellHeader, Signers,
    Statement, SubmeshId, Validator, ValidatorIndex, ValidatorSet, root_cell,
};
use std::{collections::BTreeMap, hint::black_box, sync::Arc};

const CHAIN_ID: u64 = 1;
const EPOCH: Epoch = Epoch(1);
const NOW_MS: u64 = 10_000;

#[derive(Clone, Copy)]
struct Nothing;

impl CellStore for Nothing {
    fn place(&self, _: &CellId) -> Option<StoredPlace> {
        None
    }

    fn signed(&self, _: LaneId, _: u64) -> Option<SignedCellHeader> {
        None
    }
}

fn signer(author: usize) -> HashSigner {
    HashSigner::new(Algorithm::MlDsa65, author as u64)
}

fn config(authors: usize) -> MeshConfig {
    let member = |author| Validator {
        account: Address::with_last_byte(author as u8),
        key: signer(author).public_key().clone(),
        bonded: 1,
    };
    let rules = SubmeshRules {
        dimension: Dimension::Two,
        phase: Phase::Open,
        gas_per_block: u64::MAX,
        authors: Signers(u64::MAX),
    };
    MeshConfig {
        chain_id: CHAIN_ID,
        set: Arc::new(ValidatorSet::new(EPOCH, (0..authors).map(member).collect()).expect("a set")),
        submeshes: BTreeMap::from([(SubmeshId(0), rules)]),
        me: Some(ValidatorIndex(0)),
        included: Cut::default(),
    }
}

type Delivery = (Verified<Cell>, Vec<TransactionKey>);

/// 64 cells of each author, each linked to another's newest; four transactions in each.
fn cells(config: &MeshConfig) -> Vec<Delivery> {
    let authors = config.set.len();
    let root = root_cell(CHAIN_ID, EPOCH, SubmeshId(0));
    let mut newest = vec![(root, 0u64); authors];
    let mut cells = Vec::new();
    for seq in 0..64 {
        for author in 0..authors {
            let (own, own_depth) = newest[author];
            let (peer, peer_depth) = newest[(author + 1 + seq % (authors - 1)) % authors];
            let body = CellBody { transactions: (0..4).map(|byte| Bytes::from(vec![byte; 110])).collect() };
            let header = CellHeader {
                chain_id: CHAIN_ID,
                epoch: EPOCH,
                lane: LaneId { submesh: SubmeshId(0), author: ValidatorIndex(author as u16) },
                seq: seq as u64,
                depth: 1 + own_depth.max(peer_depth),
                links: Links { own, peer, bridge: None },
                time_ms: 1_000,
                gas_limit: 84_000,
                transactions: 4,
                body: body.hash(),
            };
            newest[author] = (header.id(), header.depth);
            let keys = (0..4).map(|nonce| key(author, seq as u64 * 4 + nonce)).collect();
            let signature = signer(author).sign(&header.message(CHAIN_ID)).expect("a signature");
            let cell = Cell { signed: SignedCellHeader { header, signature }, body };
            let context = Context { chain_id: CHAIN_ID, set: &config.set, verifier: &HashVerifier };
            cells.push((context.verify(cell).expect("a valid cell"), keys));
        }
    }
    cells
}

fn key(sender: usize, nonce: u64) -> TransactionKey {
    let hash = *blake3::hash(&[sender as u64, nonce].map(u64::to_le_bytes).concat()).as_bytes();
    TransactionKey { sender: [sender as u8; 20], nonce, hash, effect: hash }
}

fn insert(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("insert");
    for authors in [4, 16, 64] {
        let config = config(authors);
        let cells = cells(&config);
        group.throughput(Throughput::Elements(cells.len() as u64));
        group.bench_with_input(BenchmarkId::new("cells_of_authors", authors), &cells, |bencher, cells| {
            bencher.iter_batched(
                || (Mesh::new(config.clone(), Nothing), cells.clone()),
                |(mut mesh, cells)| {
                    for (cell, keys) in cells {
                        let effects = mesh.receive(cell, keys, PeerId(0), Origin::Pushed, NOW_MS);
                        assert_eq!(effects.len(), 1);
                        black_box(effects);
                    }
                    mesh
                },
                BatchSize::LargeInput,
            );
        });
    }
    group.finish();
}

/// 10,000 cells in 160 lanes, each linked to another lane's.
fn references() -> BTreeMap<CellId, CellRef> {
    let lane = |number: u64| LaneId {
        submesh: SubmeshId((number % 10) as u32),
        author: ValidatorIndex((number / 10 % 16) as u16),
    };
    let id = |lane: LaneId, seq: u64| {
        let numbers = [u64::from(lane.submesh.0), u64::from(lane.author.0), seq];
        CellId(*blake3::hash(&numbers.map(u64::to_le_bytes).concat()).as_bytes())
    };
    let mut cells = BTreeMap::new();
    for number in 0..10_000u64 {
        let (own, seq) = (lane(number), number / 160);
        let other = lane(number + 10 * (1 + number % 15));
        let links = match seq.checked_sub(1) {
            Some(seq) => vec![Place { lane: other, seq, cell: id(other, seq) }],
            None => Vec::new(),
        };
        let reference = CellRef {
            id: id(own, seq),
            lane: own,
            seq,
            depth: seq + 1,
            own: id(own, seq.wrapping_sub(1)),
            links,
            gas_limit: 21_000,
            transactions: 1,
            time_ms: 1_000,
        };
        cells.insert(reference.id, reference);
    }
    cells
}

fn blocks(criterion: &mut Criterion) {
    let cells = references();
    let included: Vec<CellRef> = cells.values().cloned().collect();
    let rules = CutRules { block_gas: u64::MAX, submeshes: (0..10).map(|id| (SubmeshId(id), u64::MAX)).collect() };
    let (before, seed) = (Cut::default(), BlockId([7; 32]));
    let changes = propose(&before, &cells, &|_| true, Signers::NONE, &rules, &seed);
    let mut group = criterion.benchmark_group("ten_thousand_cells");
    group.throughput(Throughput::Elements(10_000));
    group.bench_function("order", |bencher| {
        bencher.iter(|| assert_eq!(order(black_box(&included), &seed).len(), 10_000));
    });
    group.bench_function("propose", |bencher| {
        bencher.iter(|| assert_eq!(propose(&before, &cells, &|_| true, Signers::NONE, &rules, &seed).len(), 160));
    });
    group.bench_function("extend", |bencher| {
        bencher.iter(|| {
            assert_eq!(extend(&before, &changes, &cells, Signers::NONE, &rules).map(|ids| ids.len()), Ok(10_000))
        });
    });
    group.finish();
}

criterion_group!(benches, insert, blocks);
criterion_main!(benches);
