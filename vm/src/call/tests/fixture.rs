//! A small state with hand-assembled contracts.

use crate::{
    call::{CallError, CallLimits, CallOutcome, Overrides, execute_call},
    evm::BlockContext,
    state::{RecentHashes, State, StateDatabase},
};
use alloy_primitives::{Address, B256, Bytes, TxKind, U256, address, keccak256};
use alloy_rpc_types_eth::{TransactionInput, TransactionRequest};
use revm::bytecode::{Bytecode, opcode as op};

/// Chain id of the tests.
pub(crate) const CHAIN: u64 = 31_337;
/// An account with [`FUNDS`].
pub(crate) const ALICE: Address = address!("a11ce00000000000000000000000000000000001");
/// An account without anything.
pub(crate) const BOB: Address = address!("b0b0000000000000000000000000000000000002");
/// Balance of [`ALICE`]: one ether.
pub(crate) const FUNDS: u128 = 1_000_000_000_000_000_000;
/// Where [`world`] puts the contract under test.
pub(crate) const CONTRACT: Address = address!("c0de000000000000000000000000000000000003");
/// Where tests put a second contract.
pub(crate) const OTHER: Address = address!("c0de000000000000000000000000000000000004");

/// Reverts with its calldata.
pub(crate) const REVERT_INPUT: &[u8] =
    &[op::CALLDATASIZE, op::PUSH0, op::PUSH0, op::CALLDATACOPY, op::CALLDATASIZE, op::PUSH0, op::REVERT];
/// Never ends.
pub(crate) const LOOP: &[u8] = &[op::JUMPDEST, op::PUSH0, op::JUMP];

/// Code that returns the word that `body` leaves on the stack.
pub(crate) fn returning(body: &[u8]) -> Vec<u8> {
    [body, &[op::PUSH0, op::MSTORE, op::PUSH1, 32, op::PUSH0, op::RETURN]].concat()
}

/// Code that calls `to` with `gas`, `value` and the first `input` bytes of memory, and leaves the success flag.
pub(crate) fn calling(to: Address, gas: u32, value: u8, input: u8) -> Vec<u8> {
    let mut code = vec![op::PUSH0, op::PUSH0, op::PUSH1, input, op::PUSH0, op::PUSH1, value, op::PUSH20];
    code.extend_from_slice(to.as_slice());
    code.push(op::PUSH4);
    code.extend_from_slice(&gas.to_be_bytes());
    code.push(op::CALL);
    code
}

/// A state with [`ALICE`] and `code` at [`CONTRACT`].
pub(crate) fn world(code: &[u8]) -> State {
    let mut state = State::default();
    state.modify(ALICE, |account| account.balance = U256::from(FUNDS));
    place(&mut state, CONTRACT, code);
    state
}

/// Puts code somewhere.
pub(crate) fn place(state: &mut State, address: Address, code: &[u8]) {
    state.modify(address, |account| {
        account.nonce = 1;
        account.set_code(keccak256(code), Bytecode::new_raw(Bytes::copy_from_slice(code)));
    });
}

/// A block in which calls run.
pub(crate) fn block() -> BlockContext {
    BlockContext {
        number: 7,
        timestamp: 1_700_000_000,
        beneficiary: address!("fee0000000000000000000000000000000000005"),
        gas_limit: 30_000_000,
        base_fee: 1_000,
        prevrandao: B256::repeat_byte(9),
        excess_blob_gas: 0,
    }
}

/// The state as a database.
pub(crate) fn database(state: &State) -> StateDatabase {
    StateDatabase::new(state.clone(), RecentHashes::default())
}

/// A request from [`ALICE`] to [`CONTRACT`].
pub(crate) fn request(data: &[u8]) -> TransactionRequest {
    TransactionRequest {
        from: Some(ALICE),
        to: Some(TxKind::Call(CONTRACT)),
        input: TransactionInput::new(Bytes::copy_from_slice(data)),
        ..Default::default()
    }
}

/// Executes without overrides.
pub(crate) fn call(state: &State, request: &TransactionRequest) -> Result<CallOutcome, CallError> {
    call_with(state, request, (None, None))
}

/// Executes with overrides.
pub(crate) fn call_with(
    state: &State,
    request: &TransactionRequest,
    overrides: Overrides,
) -> Result<CallOutcome, CallError> {
    execute_call(database(state), CHAIN, &block(), request, overrides, &CallLimits::default())
}

/// The word that a call returned.
pub(crate) fn returned_word(outcome: Result<CallOutcome, CallError>) -> U256 {
    U256::from_be_slice(&outcome.unwrap().into_output().unwrap())
}
