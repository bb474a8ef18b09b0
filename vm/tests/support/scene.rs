//! A chain with a few hand-assembled contracts and a block of two segments.

use crate::memory_store::MemoryStore;
use alloy_consensus::{SignableTransaction, TxEip1559, TxEnvelope, transaction::Recovered};
use alloy_primitives::{Address, Bytes, Signature, TxKind, U256, address};
use qsdm_primitives::{ChainSpec, GenesisAccount, SubmeshId};
use qsdm_vm::{
    block::SharedTx,
    builder::{BlockAttributes, BlockBuilder},
    chain::{Chain, Head},
};
use revm::bytecode::opcode as op;
use std::sync::Arc;

pub(crate) const ALICE: Address = address!("00000000000000000000000000000000000a11ce");
pub(crate) const BOB: Address = address!("0000000000000000000000000000000000000b0b");
/// Fee recipients of the two segments.
pub(crate) const PROPOSER: Address = address!("00000000000000000000000000000000000000fe");
pub(crate) const AUTHOR: Address = address!("00000000000000000000000000000000000000ff");
/// Base fee of the second segment in wei per gas.
pub(crate) const SECOND_BASE_FEE: u64 = 2_000_000_000;

/// Writes 1 to slot 7, logs one byte with topic 5, returns 32 bytes.
pub(crate) const WRITER: Address = address!("c0de000000000000000000000000000000000001");
/// Reverts with four bytes.
pub(crate) const REVERTER: Address = address!("c0de000000000000000000000000000000000002");
/// Calls [`WRITER`] with value 3 and a selector, then [`REVERTER`], then creates a contract of one byte.
pub(crate) const NESTING: Address = address!("c0de000000000000000000000000000000000003");
/// Returns base fee and fee recipient.
pub(crate) const ENVIRONMENT: Address = address!("c0de000000000000000000000000000000000004");
/// Never ends.
pub(crate) const LOOP: Address = address!("c0de000000000000000000000000000000000005");
/// Calls the identity precompile with a megabyte again and again.
pub(crate) const BULKY: Address = address!("c0de000000000000000000000000000000000006");

fn writer() -> Vec<u8> {
    let mut code = vec![op::PUSH1, 1, op::PUSH1, 7, op::SSTORE];
    code.extend_from_slice(&[op::PUSH1, 5, op::PUSH1, 1, op::PUSH0, op::LOG1]);
    code.extend_from_slice(&[op::PUSH1, 32, op::PUSH0, op::RETURN]);
    code
}

fn reverter() -> Vec<u8> {
    let mut code = vec![op::PUSH4, 1, 2, 3, 4, op::PUSH0, op::MSTORE];
    code.extend_from_slice(&[op::PUSH1, 4, op::PUSH1, 28, op::REVERT]);
    code
}

fn call(to: Address, value: u8, input_at: u8, input: u8) -> Vec<u8> {
    let mut code = vec![op::PUSH0, op::PUSH0, op::PUSH1, input, op::PUSH1, input_at, op::PUSH1, value, op::PUSH20];
    code.extend_from_slice(to.as_slice());
    code.extend_from_slice(&[op::GAS, op::CALL, op::POP]);
    code
}

fn nesting() -> Vec<u8> {
    // memory 28..32: selector 0xaabbccdd
    let mut code = vec![op::PUSH4, 0xaa, 0xbb, 0xcc, 0xdd, op::PUSH0, op::MSTORE];
    code.extend(call(WRITER, 3, 28, 4));
    code.extend(call(REVERTER, 0, 0, 0));
    // init code 6001 5f f3: returns one zero byte
    code.extend_from_slice(&[op::PUSH4, op::PUSH1, 1, op::PUSH0, op::RETURN, op::PUSH0, op::MSTORE]);
    code.extend_from_slice(&[op::PUSH1, 4, op::PUSH1, 28, op::PUSH0, op::CREATE, op::POP, op::STOP]);
    code
}

fn environment() -> Vec<u8> {
    let mut code = vec![op::BASEFEE, op::PUSH0, op::MSTORE, op::COINBASE, op::PUSH1, 32, op::MSTORE];
    code.extend_from_slice(&[op::PUSH1, 64, op::PUSH0, op::RETURN]);
    code
}

fn bulky() -> Vec<u8> {
    let mut code = vec![op::JUMPDEST];
    code.extend_from_slice(&[op::PUSH0, op::PUSH0, op::PUSH3, 16, 0, 0, op::PUSH0, op::PUSH0]);
    code.extend_from_slice(&[op::PUSH20]);
    code.extend_from_slice(BOB.as_slice());
    code.extend_from_slice(&[op::GAS, op::CALL, op::POP, op::PUSH0, op::JUMP]);
    code
}

pub(crate) fn open() -> Chain {
    let mut spec = ChainSpec::dev(1_700_000_000);
    let rich = U256::from(10).pow(U256::from(21));
    let account = |address, balance, code: Vec<u8>| {
        let nonce = u64::from(!code.is_empty());
        GenesisAccount { address, balance, code: code.into(), nonce }
    };
    spec.genesis.accounts = vec![
        account(ALICE, rich, vec![]),
        account(BOB, rich, vec![]),
        account(WRITER, U256::ZERO, writer()),
        account(REVERTER, U256::ZERO, reverter()),
        account(NESTING, rich, nesting()),
        account(ENVIRONMENT, U256::ZERO, environment()),
        account(LOOP, U256::ZERO, vec![op::JUMPDEST, op::PUSH0, op::JUMP]),
        account(BULKY, U256::ZERO, bulky()),
    ];
    spec.genesis.steps = vec![];
    Chain::open(spec, Arc::new(MemoryStore::default())).expect("a fresh chain")
}

/// A transaction with a recovered sender; execution does not look at the signature.
pub(crate) fn tx(from: Address, nonce: u64, to: Address, value: u64, input: &[u8]) -> SharedTx {
    let unsigned = TxEip1559 {
        chain_id: 31_337,
        nonce,
        gas_limit: 300_000,
        max_fee_per_gas: 10_000_000_000,
        max_priority_fee_per_gas: 1_000_000_000,
        to: TxKind::Call(to),
        value: U256::from(value),
        access_list: Default::default(),
        input: Bytes::copy_from_slice(input),
    };
    // senders with equal transactions would have equal hashes
    let signature = Signature::new(U256::from_be_slice(from.as_slice()), U256::from(1), false);
    Arc::new(Recovered::new_unchecked(TxEnvelope::Eip1559(unsigned.into_signed(signature)), from))
}

fn builder(chain: &Chain) -> (Arc<Head>, BlockBuilder) {
    let head = chain.head();
    let attributes = BlockAttributes {
        timestamp: head.block.header.timestamp + 1,
        beneficiary: PROPOSER,
        gas_limit: 60_000_000,
        base_fee: head.next_base_fee(),
        prevrandao: head.next_prevrandao(),
        extra_data: Bytes::new(),
    };
    let builder = chain.builder(&head, attributes).expect("a builder");
    (head, builder)
}

/// Appends a block whose second half of transactions runs in a segment of its own.
pub(crate) fn add_block(chain: &Chain, first: &[SharedTx], second: &[SharedTx]) -> Arc<Head> {
    let (head, mut builder) = builder(chain);
    builder.allow_impersonation();
    for tx in first {
        builder.push(tx.clone()).expect("a valid transaction");
    }
    builder.open_segment(SubmeshId::ROOT, SECOND_BASE_FEE, AUTHOR);
    for tx in second {
        builder.push(tx.clone()).expect("a valid transaction");
    }
    chain.append(&head, builder.finish()).expect("appended").head
}
