//! The chain from genesis through blocks, patches, rollbacks, restarts and replays.

#[path = "support/memory_store.rs"]
mod memory_store;

use alloy_consensus::{SignableTransaction, TxEip1559, TxEnvelope, transaction::Recovered};
use alloy_primitives::{Address, B256, Bytes, Signature, TxKind, U256, address, bytes, keccak256};
use memory_store::MemoryStore;
use qsdm_primitives::{ChainSpec, GenesisAccount, GenesisStep};
use qsdm_vm::{
    VmError,
    block::{SharedTx, StatePatch},
    builder::{BlockAttributes, PushError},
    chain::{Chain, Head, replay},
    ports::{ChainStore, LogQuery},
};
use std::{ops::ControlFlow, sync::Arc};

const ALICE: Address = address!("00000000000000000000000000000000000a11ce");
const BOB: Address = address!("0000000000000000000000000000000000000b0b");
const COUNTER: Address = address!("00000000000000000000000000000000000c0de0");
const ETHER: u128 = 1_000_000_000_000_000_000;

/// Adds 1 to slot 0, writes the caller's calldata word to the slot of that number, logs the counter with topic 7.
const COUNTER_CODE: Bytes = bytes!("5f5460010180 5f55 5f35 8035 55 5f52 6007 60205fa1 00");

fn spec() -> ChainSpec {
    let mut spec = ChainSpec::dev(1_700_000_000);
    let funded = |address| GenesisAccount { address, balance: U256::from(1_000 * ETHER), code: Bytes::new(), nonce: 0 };
    spec.genesis.accounts = vec![funded(ALICE), funded(BOB)];
    // init code that returns the 23 bytes after it
    let runtime: Bytes = bytes!("5f54600101805f555f52600760205fa100");
    let mut init = vec![0x60, runtime.len() as u8, 0x80, 0x60, 0x09, 0x5f, 0x39, 0x5f, 0xf3];
    init.extend_from_slice(&runtime);
    spec.genesis.steps = vec![
        GenesisStep::Deploy { name: "Counter".into(), address: COUNTER, init_code: init.into() },
        GenesisStep::Call { name: "count once".into(), from: ALICE, to: COUNTER, data: Bytes::new() },
    ];
    spec
}

/// A transaction with a recovered sender; the signature is not looked at by execution.
fn tx(from: Address, nonce: u64, to: TxKind, value: u128, input: Bytes) -> SharedTx {
    let unsigned = TxEip1559 {
        chain_id: 31_337,
        nonce,
        gas_limit: 200_000,
        max_fee_per_gas: 10_000_000_000,
        max_priority_fee_per_gas: 1_000_000_000,
        to,
        value: U256::from(value),
        access_list: Default::default(),
        input,
    };
    let signature = Signature::new(U256::from(1), U256::from(1), false);
    Arc::new(Recovered::new_unchecked(TxEnvelope::Eip1559(unsigned.into_signed(signature)), from))
}

fn attributes(head: &Head) -> BlockAttributes {
    BlockAttributes {
        timestamp: head.block.header.timestamp + 1,
        beneficiary: address!("00000000000000000000000000000000000000fe"),
        gas_limit: 60_000_000,
        base_fee: head.next_base_fee(),
        prevrandao: head.next_prevrandao(),
        extra_data: Bytes::new(),
    }
}

fn add_block(chain: &Chain, transactions: impl IntoIterator<Item = SharedTx>) -> Arc<Head> {
    let head = chain.head();
    let mut builder = chain.builder(&head, attributes(&head)).expect("a builder");
    for tx in transactions {
        builder.push(tx).expect("a valid transaction");
    }
    chain.append(&head, builder.finish()).expect("appended").head
}

fn open() -> (Arc<MemoryStore>, Chain) {
    let store = Arc::new(MemoryStore::default());
    let chain = Chain::open(spec(), store.clone()).expect("a fresh chain");
    (store, chain)
}

#[test]
fn genesis_runs_constructors_at_their_addresses_and_leaves_no_deployer() {
    let (_, chain) = open();
    let state = &chain.head().state;
    assert_eq!(state.slot(&COUNTER, U256::ZERO), U256::from(1), "the genesis call counted");
    assert_eq!(state.nonce(&COUNTER), 1, "a contract starts with nonce 1 (EIP-161)");
    assert!(state.account(&qsdm_vm::genesis::GENESIS_DEPLOYER).is_none());
    assert_eq!(chain.head().block.header.state_root, state.root());
}

#[test]
fn a_genesis_step_that_reverts_is_named() {
    let mut bad = spec();
    bad.genesis.steps.push(GenesisStep::Deploy {
        name: "Broken".into(),
        address: BOB.create(0),
        init_code: bytes!("5f5ffd"),
    });
    let error = Chain::open(bad, Arc::new(MemoryStore::default())).expect_err("the constructor reverts");
    assert!(matches!(&error, VmError::Genesis { step: 2, name, .. } if name == "Broken"), "{error}");
}

#[test]
fn header_roots_equal_those_of_the_reference_implementation() {
    let (_, chain) = open();
    let calls = (0..5).map(|nonce| tx(ALICE, nonce, COUNTER.into(), 0, Bytes::new()));
    let block = add_block(&chain, calls.chain([tx(BOB, 0, ALICE.into(), 7, Bytes::new())])).block.clone();
    let envelopes: Vec<TxEnvelope> = block.transactions.iter().map(|tx| tx.inner().clone()).collect();
    assert_eq!(block.header.transactions_root, alloy_consensus::proofs::calculate_transaction_root(&envelopes));
    let receipts: Vec<_> = block
        .receipts
        .iter()
        .map(|receipt| {
            let inner = alloy_consensus::Receipt {
                status: receipt.success.into(),
                cumulative_gas_used: receipt.cumulative_gas_used,
                logs: receipt.logs.clone(),
            };
            alloy_consensus::ReceiptEnvelope::Eip1559(inner.with_bloom())
        })
        .collect();
    assert_eq!(block.header.receipts_root, alloy_consensus::proofs::calculate_receipt_root(&receipts));
    assert_eq!(block.hash, block.header.hash_slow());
    assert_eq!(block.receipts.iter().map(|receipt| receipt.gas_used).sum::<u64>(), block.header.gas_used);
    let body =
        alloy_consensus::BlockBody { transactions: envelopes, ommers: vec![], withdrawals: Some(Default::default()) };
    let whole = alloy_consensus::Block { header: block.header.clone(), body };
    assert_eq!(block.size, alloy_rlp::Encodable::length(&whole) as u64);
    assert_eq!(block.logs().map(|(_, index, _)| index).collect::<Vec<_>>(), (0..5).collect::<Vec<_>>());
}

#[test]
fn an_invalid_transaction_leaves_the_block_as_it_was() {
    let (_, chain) = open();
    let head = chain.head();
    let mut builder = chain.builder(&head, attributes(&head)).expect("a builder");
    let before = builder.state().root();
    let refused = builder.push(tx(ALICE, 5, BOB.into(), 1, Bytes::new()));
    assert!(matches!(refused, Err(PushError::Invalid(_))), "{refused:?}");
    let poor = builder.push(tx(COUNTER.create(9), 0, BOB.into(), 1, Bytes::new()));
    assert!(matches!(poor, Err(PushError::Invalid(_))), "{poor:?}");
    assert_eq!(builder.state().root(), before);
    builder.push(tx(ALICE, 0, BOB.into(), 1, Bytes::new())).expect("the right nonce");
    assert_eq!(builder.finish().block.transactions.len(), 1);
}

#[test]
fn states_of_every_age_have_the_roots_of_their_blocks() {
    let (_, chain) = open();
    let blocks = 2 * qsdm_primitives::limits::STATE_SNAPSHOTS as u64 + 40;
    for nonce in 0..blocks {
        add_block(&chain, [tx(ALICE, nonce, COUNTER.into(), 0, Bytes::new())]);
    }
    for number in (0..=blocks).rev().step_by(37).chain([0, 1, blocks]) {
        let expected = chain.block(number).expect("readable").expect("stored").header.state_root;
        assert_eq!(chain.state_at(number).expect("rebuilt").expect("known").root(), expected, "block {number}");
        if number > 0 {
            let parent = chain.block(number - 1).expect("readable").expect("stored").header.state_root;
            assert_eq!(chain.state_before(number).expect("rebuilt").expect("known").root(), parent, "before {number}");
        }
    }
    assert!(chain.state_at(blocks + 1).expect("no failure").is_none());
}

#[test]
fn patches_survive_restart_replay_and_rollback() {
    let (store, chain) = open();
    add_block(&chain, [tx(ALICE, 0, COUNTER.into(), 0, Bytes::new())]);
    let before = chain.head();
    let patches = vec![
        StatePatch::Balance { address: BOB, balance: U256::from(5) },
        StatePatch::Code { address: BOB.create(1), code: COUNTER_CODE },
        StatePatch::Slot { address: COUNTER, key: U256::ZERO, value: U256::from(100) },
        StatePatch::Nonce { address: ALICE, nonce: 9 },
    ];
    chain.patch(patches).expect("patched");
    add_block(&chain, [tx(ALICE, 9, COUNTER.into(), 0, Bytes::new())]);
    chain.patch(vec![StatePatch::Delete { address: COUNTER }]).expect("patched");
    let head = chain.head();
    assert_eq!(head.state.balance(&BOB), U256::from(5));
    assert!(head.state.account(&COUNTER).is_none());
    let report = replay(&spec(), &*store, |_, _| {}).expect("replays");
    assert_eq!((report.blocks, report.transactions, report.state_root), (3, 2, head.state.root()));

    let reopened = Chain::open(spec(), store.clone()).expect("reopens");
    assert_eq!(reopened.head().state.root(), head.state.root());
    assert_eq!(reopened.head().block.hash, head.block.hash);
    assert_eq!(reopened.state_before(2).expect("rebuilt").expect("known").slot(&COUNTER, U256::ZERO), U256::from(100));
    let back = reopened.rollback(before.sequence).expect("rolls back");
    assert_eq!(back.state.root(), before.state.root());
    assert_eq!(back.block.hash, before.block.hash);
    assert_eq!(store.head().expect("readable").expect("stored").sequence, before.sequence);
    assert!(reopened.block(2).expect("readable").is_none());
    let again = add_block(&reopened, [tx(ALICE, 1, COUNTER.into(), 0, Bytes::new())]);
    assert_eq!(again.block.number(), 2);
    replay(&spec(), &*store, |_, _| {}).expect("replays after the rollback");
}

#[test]
fn a_replay_notices_a_chain_with_another_genesis() {
    let (store, chain) = open();
    add_block(&chain, [tx(ALICE, 0, BOB.into(), 1, Bytes::new())]);
    let mut other = spec();
    other.genesis.accounts[1].balance += U256::from(1);
    let error = replay(&other, &*store, |_, _| {}).expect_err("another genesis");
    assert!(matches!(error, VmError::BlockMismatch { number: 0, .. }), "{error}");
}

#[test]
fn logs_are_found_in_memory_and_in_the_store() {
    let (_, chain) = open();
    for nonce in 0..600 {
        let to = if nonce % 3 == 0 { COUNTER } else { BOB };
        add_block(&chain, [tx(ALICE, nonce, to.into(), 0, Bytes::new())]);
    }
    let mut topics: [Vec<B256>; 4] = Default::default();
    topics[0] = vec![B256::with_last_byte(7)];
    let query = LogQuery { addresses: vec![COUNTER], topics };
    let mut found = Vec::new();
    let end = chain.visit_logs(0..=u64::MAX, &query, |log| {
        found.push((log.block.number(), U256::from_be_slice(&log.log().data.data)));
        ControlFlow::<()>::Continue(())
    });
    assert!(end.expect("searched").is_none());
    let expected: Vec<_> = (0..200u64).map(|count| (3 * count + 1, U256::from(count + 2))).collect();
    assert_eq!(found, expected);
    let none = LogQuery { addresses: vec![BOB], ..Default::default() };
    let first = chain.visit_logs(0..=600, &none, |log| ControlFlow::Break(log.block.number()));
    assert!(first.expect("searched").is_none());
}

#[test]
fn blockhash_and_the_history_contract_agree() {
    let (_, chain) = open();
    for _ in 0..300 {
        add_block(&chain, []);
    }
    let head = chain.head();
    let history = alloy_eips::eip2935::HISTORY_STORAGE_ADDRESS;
    for number in [45u64, 100, 299] {
        let expected = chain.block(number).expect("readable").expect("stored").hash;
        assert_eq!(head.hashes.get(number), expected);
        assert_eq!(B256::from(head.state.slot(&history, U256::from(number))), expected);
    }
    assert_eq!(head.hashes.get(44), B256::ZERO, "BLOCKHASH sees 256 blocks");
    assert_eq!(head.next_prevrandao(), {
        let mut seed = head.block.hash.to_vec();
        seed.extend_from_slice(&301u64.to_be_bytes());
        keccak256(seed)
    });
}

#[test]
fn a_block_built_on_an_old_head_is_refused() {
    let (_, chain) = open();
    let old = chain.head();
    let stale = chain.builder(&old, attributes(&old)).expect("a builder").finish();
    add_block(&chain, []);
    assert!(matches!(chain.append(&old, stale), Err(VmError::UnknownStep { .. })));
}
