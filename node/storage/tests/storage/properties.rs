//! Random chains: appended, rolled back, closed, killed, and compared with the model.

use crate::{
    model::Model,
    samples::{Random, State, assert_same_block, block, envelope, spec, step},
};
use alloy_consensus::{Signed, TxEip4844, TxEip4844Variant, TxEip4844WithSidecar, TxEnvelope, transaction::Recovered};
use alloy_eips::{eip4844::BlobTransactionSidecar, eip7594::BlobTransactionSidecarVariant};
use alloy_primitives::{B256, Signature, U256};
use proptest::prelude::*;
use qsdm_primitives::limits::STORE_PENDING_STEPS_MAX;
use qsdm_storage::Store;
use qsdm_vm::{
    diff::StateDiff,
    ports::{ChainStore, Commit},
};
use std::{fs, path::Path, sync::Arc};

#[derive(Clone, Debug)]
enum Operation {
    Grow(u8),
    Rollback(u8),
    Reopen,
    /// Goes on with a copy of the files as they are while the store is open: what a killed process leaves.
    Crash,
    Compare,
}

fn operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        6 => (1..12u8).prop_map(Operation::Grow),
        2 => (0..8u8).prop_map(Operation::Rollback),
        1 => Just(Operation::Reopen),
        2 => Just(Operation::Crash),
        1 => Just(Operation::Compare),
    ]
}

/// Copies the database and its log as a killed process would have left them.
pub(crate) fn copy(from: &Path, to: &Path) {
    for file in ["chain.db", "chain.db-wal"] {
        fs::copy(from.join(file), to.join(file)).unwrap();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn the_store_answers_like_the_model(seed: u64, operations in prop::collection::vec(operation(), 1..14)) {
        let mut random = Random(seed);
        let mut folder = tempfile::tempdir().unwrap();
        let mut store = Store::open(folder.path(), &spec()).unwrap();
        let mut model = Model::default();
        for operation in operations {
            match operation {
                Operation::Grow(steps) => {
                    for _ in 0..steps {
                        store.commit(model.grow(&mut random)).unwrap();
                    }
                }
                Operation::Rollback(steps) => {
                    let length = model.steps.len() as u64;
                    let Some(target) = length.checked_sub(1 + u64::from(steps)) else {
                        prop_assert!(store.rollback(length).is_err());
                        continue;
                    };
                    store.rollback(target).unwrap();
                    model.rollback(target);
                }
                Operation::Reopen => {
                    drop(store);
                    store = Store::open(folder.path(), &spec()).unwrap();
                }
                Operation::Crash => {
                    let next = tempfile::tempdir().unwrap();
                    copy(folder.path(), next.path());
                    store = Store::open(next.path(), &spec()).unwrap();
                    folder = next;
                }
                Operation::Compare => model.assert_is(&store, &mut random),
            }
        }
        model.assert_is(&store, &mut random);
        let report = store.check(&mut |_| {}).unwrap();
        prop_assert!(report.is_sound(), "{:?}", report);
        prop_assert_eq!(report.steps, model.steps.len() as u64);
    }

    #[test]
    fn a_block_of_any_size_is_read_back_as_it_was(seed: u64, transactions in 0..80u64) {
        let mut random = Random(seed);
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path(), &spec()).unwrap();
        let block = Arc::new(block(&mut random, 0, transactions));
        let diff = StateDiff::default();
        let commit = Commit { sequence: 0, block: Some(block.clone()), patches: vec![], diff, state_root: B256::ZERO };
        store.commit(&commit).unwrap();
        assert_same_block(&store.block(0).unwrap().unwrap(), &block);
    }
}

/// One block with transactions of all types, and one that carries its blobs.
#[test]
fn every_transaction_type_is_read_back_as_it_was() {
    let mut random = Random(7);
    let mut all: Vec<TxEnvelope> = (0..5).map(|tx_type| envelope(&mut random, tx_type)).collect();
    let sidecar = BlobTransactionSidecarVariant::Eip4844(BlobTransactionSidecar::default());
    let tx = TxEip4844WithSidecar { tx: TxEip4844::default(), sidecar };
    let signature = Signature::new(U256::from(3), U256::from(5), true);
    all.push(Signed::new_unhashed(<TxEip4844Variant>::TxEip4844WithSidecar(tx), signature).into());
    let mut block = block(&mut random, 0, 0);
    block.transactions = all.into_iter().map(|tx| Arc::new(Recovered::new_unchecked(tx, random.address()))).collect();
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), &spec()).unwrap();
    let (diff, block) = (StateDiff::default(), Arc::new(block));
    let commit = Commit { sequence: 0, block: Some(block.clone()), patches: vec![], diff, state_root: B256::ZERO };
    store.commit(&commit).unwrap();
    let found = store.block(0).unwrap().unwrap();
    assert_same_block(&found, &block);
    for (found, expected) in found.transactions.iter().zip(&block.transactions) {
        assert_eq!((found.tx_hash(), found.signer()), (expected.tx_hash(), expected.signer()));
    }
}

#[test]
fn a_chain_longer_than_what_may_be_pending_is_the_same_after_a_crash_and_after_a_deep_rollback() {
    let mut random = Random(11);
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), &spec()).unwrap();
    let mut model = Model::default();
    for _ in 0..STORE_PENDING_STEPS_MAX + 200 {
        store.commit(model.grow(&mut random)).unwrap();
    }
    let copied = tempfile::tempdir().unwrap();
    copy(folder.path(), copied.path());
    model.assert_is(&Store::open(copied.path(), &spec()).unwrap(), &mut random);
    model.assert_is(&store, &mut random);
    store.rollback(100).unwrap();
    model.rollback(100);
    model.assert_is(&store, &mut random);
    for _ in 0..50 {
        store.commit(model.grow(&mut random)).unwrap();
    }
    drop(store);
    model.assert_is(&Store::open(folder.path(), &spec()).unwrap(), &mut random);
}

#[test]
fn steps_that_do_not_continue_the_chain_are_refused_and_change_nothing() {
    let mut random = Random(3);
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), &spec()).unwrap();
    let mut model = Model::default();
    let mut refused = |sequence, number, problem: &str| {
        let error = store.commit(&step(&mut random, sequence, number, &mut State::new())).unwrap_err();
        assert!(error.to_string().contains(problem), "{error}");
    };
    refused(0, None, "genesis");
    refused(1, Some(0), "step 1 does not continue the stored chain, 0 is next");
    refused(0, Some(1), "block 1 does not continue the stored chain, 0 is next");
    let mut random = Random(4);
    store.commit(model.grow(&mut random)).unwrap();
    let mut refused = |sequence, number, problem: &str| {
        let error = store.commit(&step(&mut random, sequence, number, &mut State::new())).unwrap_err();
        assert!(error.to_string().contains(problem), "{error}");
    };
    refused(0, Some(1), "step 0 does not continue the stored chain, 1 is next");
    refused(2, Some(1), "step 2");
    refused(1, Some(0), "block 0");
    refused(1, Some(2), "block 2");
    let error = store.rollback(1).unwrap_err();
    assert_eq!(error.to_string(), "cannot return to step 1: the newest is Some(0)");
    store.rollback(0).unwrap();
    model.assert_is(&store, &mut random);
}

/// Reads go on while a writer appends and rolls back; none of them sees a torn chain or damage.
#[test]
fn readers_beside_a_writer_see_whole_blocks_only() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), &spec()).unwrap();
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        for seed in 0..6 {
            let (store, done) = (&store, &done);
            scope.spawn(move || {
                let mut random = Random(seed);
                while !done.load(std::sync::atomic::Ordering::Relaxed) {
                    let Some(head) = store.head().unwrap() else { continue };
                    let number = random.below(head.block + 2);
                    if let Some(block) = store.block(number).unwrap() {
                        assert_eq!(block.number(), number);
                        assert_eq!(block.header.hash_slow(), block.hash);
                    }
                    store.visit_steps(0..=head.sequence, random.chance(50), &mut |_| true).unwrap();
                    store.blocks_with_logs(0..=head.block, &Default::default()).unwrap();
                }
            });
        }
        let mut random = Random(99);
        let mut model = Model::default();
        for _ in 0..40 {
            for _ in 0..10 {
                store.commit(model.grow(&mut random)).unwrap();
            }
            let target = model.steps.len() as u64 - 1 - random.below(8);
            store.rollback(target).unwrap();
            model.rollback(target);
        }
        done.store(true, std::sync::atomic::Ordering::Relaxed);
        model.assert_is(&store, &mut random);
    });
}
