//! Genesis: carries out the plan of the chain specification, constructors included.

use crate::{
    VmError,
    block::Block,
    builder,
    evm::{self, BlockContext, Evm, ExecutionResult, NodeContext, NodeEvm, Rules},
    state::{Account, RecentHashes, State, StateDatabase},
};
use alloy_eips::eip2935::{HISTORY_STORAGE_ADDRESS, HISTORY_STORAGE_CODE};
use alloy_primitives::{Address, B256, Bytes, TxKind, keccak256};
use qsdm_primitives::{ChainSpec, GenesisAccount, GenesisStep};
use revm::{
    DatabaseCommit, Inspector,
    bytecode::Bytecode,
    context::TxEnv,
    context_interface::{CreateScheme, result::HaltReason},
    interpreter::{CreateInputs, CreateOutcome},
};

/// Gas for one genesis step. Genesis runs once; the bound only stops a plan that never ends.
const STEP_GAS: u64 = 1 << 32;

/// Gives the outermost CREATE of a step the address that the plan names. Constructors that create further contracts
/// keep their ordinary addresses.
#[derive(Debug, Default)]
struct PlacedCreate {
    address: Option<Address>,
}

impl Inspector<NodeContext> for PlacedCreate {
    fn create(&mut self, _: &mut NodeContext, inputs: &mut CreateInputs) -> Option<CreateOutcome> {
        if let Some(address) = self.address.take() {
            inputs.set_scheme(CreateScheme::Custom { address });
        }
        None
    }
}

/// Block 0 and the state after it.
pub fn genesis(spec: &ChainSpec) -> Result<(Block, State), VmError> {
    spec.check()?;
    let mut state = State::default();
    for account in &spec.genesis.accounts {
        place(&mut state, account);
    }
    place(&mut state, &history_storage());
    let mut evm = genesis_evm(spec, state);
    for (position, step) in spec.genesis.steps.iter().enumerate() {
        run(&mut evm, position, step)?;
    }
    let (database, _) = evm.finish();
    let state = database.state;
    Ok((builder::genesis_block(spec, &state), state))
}

fn genesis_evm(spec: &ChainSpec, state: State) -> NodeEvm<PlacedCreate> {
    let context = BlockContext {
        number: 0,
        timestamp: spec.genesis_time,
        beneficiary: Address::ZERO,
        gas_limit: STEP_GAS,
        base_fee: 0,
        prevrandao: B256::ZERO,
        excess_blob_gas: 0,
    };
    let database = StateDatabase::new(state, RecentHashes::default());
    evm::inspected(database, evm::configuration(spec.chain_id, Rules::Call), &context, PlacedCreate::default())
}

/// `msg.sender` of every genesis constructor. Nobody has its key.
pub const GENESIS_DEPLOYER: Address = qsdm_primitives::system::GENESIS_DEPLOYER;

fn run(evm: &mut NodeEvm<PlacedCreate>, position: usize, step: &GenesisStep) -> Result<(), VmError> {
    let (name, from, kind, data, place) = match step {
        GenesisStep::Deploy { name, address, init_code } => {
            (name, GENESIS_DEPLOYER, TxKind::Create, init_code, Some(*address))
        }
        GenesisStep::Call { name, from, to, data } => (name, *from, TxKind::Call(*to), data, None),
    };
    evm.inspector_mut().address = place;
    let tx = TxEnv { caller: from, kind, data: data.clone(), gas_limit: STEP_GAS, ..Default::default() };
    let failed = |reason: String| VmError::Genesis { step: position, name: name.clone(), reason };
    let outcome = evm.transact(tx).map_err(|error| failed(error.to_string()))?;
    if !outcome.result.is_success() {
        return Err(failed(describe(&outcome.result)));
    }
    let before = evm.db().state.account(&from).cloned();
    evm.db_mut().commit(outcome.state);
    forget_sender(&mut evm.db_mut().state, from, before.map_or(0, |account| account.nonce));
    if let Some(address) = place
        && evm.db().state.code(&address).is_empty()
    {
        let (name, reason) = (name.clone(), "the constructor left no code".to_owned());
        return Err(VmError::GenesisContract { name, address, reason });
    }
    Ok(())
}

/// A genesis step is no transaction: whoever it came from keeps its nonce, and does not come to exist by it.
fn forget_sender(state: &mut State, sender: Address, nonce: u64) {
    state.modify(sender, |account| account.nonce = nonce);
    let empty = |account: &Account| account.nonce == 0 && account.balance.is_zero() && account.contract.is_none();
    if state.account(&sender).is_some_and(empty) {
        state.delete(&sender);
    }
}

fn describe(result: &ExecutionResult<HaltReason>) -> String {
    match result {
        ExecutionResult::Revert { output, .. } => format!("reverted with {output}"),
        ExecutionResult::Halt { reason, .. } => format!("halted: {reason:?}"),
        ExecutionResult::Success { .. } => "success".to_owned(),
    }
}

fn history_storage() -> GenesisAccount {
    let (address, code) = (HISTORY_STORAGE_ADDRESS, HISTORY_STORAGE_CODE.clone());
    GenesisAccount { address, balance: Default::default(), code, nonce: 1 }
}

fn place(state: &mut State, account: &GenesisAccount) {
    state.modify(account.address, |placed| {
        placed.balance = account.balance;
        placed.nonce = account.nonce;
        if !account.code.is_empty() {
            let code: &Bytes = &account.code;
            placed.set_code(keccak256(code), Bytecode::new_raw(code.clone()));
        }
    });
}
