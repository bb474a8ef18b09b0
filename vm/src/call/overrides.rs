//! Changes that a request makes to state and block before it runs.

use super::CallError;
use crate::{
    evm::{self, BlockContext, NodeContext, NodeEvm},
    state::{Account, State},
};
use alloy_primitives::{Address, B256, U256, keccak256, map::B256HashMap};
use alloy_rpc_types_eth::{
    BlockOverrides,
    state::{AccountOverride, StateOverride},
};
use revm::{Inspector, bytecode::Bytecode};

/// Precompiles that are elsewhere, or nowhere, for one execution.
#[derive(Debug, Default)]
pub(crate) struct PrecompileChanges {
    moved: Vec<(Address, Address)>,
    removed: Vec<Address>,
}

impl PrecompileChanges {
    /// Makes the changes. Costs nothing if there are none.
    pub(crate) fn apply<I: Inspector<NodeContext>>(&self, evm: &mut NodeEvm<I>) {
        if !self.removed.is_empty() {
            evm::change_precompiles(evm, &self.moved, &self.removed);
        }
    }
}

/// Applies state overrides. A precompile whose account is overridden is no precompile any longer, as in geth.
pub(crate) fn apply_state(state: &mut State, overrides: &StateOverride) -> Result<PrecompileChanges, CallError> {
    let mut changes = PrecompileChanges::default();
    let mut sorted: Vec<_> = overrides.iter().collect();
    sorted.sort_unstable_by_key(|(address, _)| **address);
    for (address, account) in sorted {
        move_precompile(&mut changes, *address, account, overrides)?;
        let slots = slots(*address, account)?;
        state.modify(*address, |overridden| override_account(overridden, account, slots));
    }
    Ok(changes)
}

fn move_precompile(
    changes: &mut PrecompileChanges,
    address: Address,
    account: &AccountOverride,
    overrides: &StateOverride,
) -> Result<(), CallError> {
    let is_precompile = evm::is_precompile(&address);
    if let Some(target) = account.move_precompile_to {
        if !is_precompile {
            return Err(CallError::Override(format!("account {address} is not a precompile")));
        }
        if target == address {
            return Err(CallError::PrecompileToItself(address));
        }
        if overrides.contains_key(&target) || changes.moved.iter().any(|(_, taken)| *taken == target) {
            return Err(CallError::PrecompileTargetTaken(target));
        }
        changes.moved.push((address, target));
    }
    if is_precompile {
        changes.removed.push(address);
    }
    Ok(())
}

/// The slots to write, and whether they replace the whole storage.
fn slots(address: Address, account: &AccountOverride) -> Result<Option<(&B256HashMap<B256>, bool)>, CallError> {
    match (&account.state, &account.state_diff) {
        (Some(_), Some(_)) => Err(CallError::Override(format!("account {address} has both 'state' and 'stateDiff'"))),
        (Some(whole), None) => Ok(Some((whole, true))),
        (None, Some(some)) => Ok(Some((some, false))),
        (None, None) => Ok(None),
    }
}

fn override_account(account: &mut Account, change: &AccountOverride, slots: Option<(&B256HashMap<B256>, bool)>) {
    if let Some(nonce) = change.nonce {
        account.nonce = nonce;
    }
    if let Some(code) = &change.code {
        account.set_code(keccak256(code), Bytecode::new_raw(code.clone()));
    }
    if let Some(balance) = change.balance {
        account.balance = balance;
    }
    if let Some((slots, replace)) = slots {
        if replace && let Some(contract) = account.contract.take() {
            account.set_code(contract.code_hash, contract.code.clone());
        }
        for (key, value) in slots {
            account.set_slot(U256::from_be_bytes(key.0), U256::from_be_bytes(value.0));
        }
    }
}

/// Applies block overrides. Returns the blob base fee if it is overridden, wei per blob gas.
pub(crate) fn apply_block(block: &mut BlockContext, overrides: &BlockOverrides) -> Result<Option<u128>, CallError> {
    if overrides.beacon_root.is_some() {
        return Err(unsupported("beaconRoot"));
    }
    if overrides.block_hash.is_some() {
        return Err(unsupported("blockHash"));
    }
    if let Some(number) = overrides.number {
        block.number = narrow("number", number)?;
    }
    if let Some(base_fee) = overrides.base_fee {
        block.base_fee = narrow("baseFeePerGas", base_fee)?;
    }
    block.timestamp = overrides.time.unwrap_or(block.timestamp);
    block.gas_limit = overrides.gas_limit.unwrap_or(block.gas_limit);
    block.beneficiary = overrides.coinbase.unwrap_or(block.beneficiary);
    block.prevrandao = overrides.random.unwrap_or(block.prevrandao);
    // `difficulty` has no effect: since EIP-4399 the opcode reads the randomness
    overrides.blob_base_fee.map(|fee| narrow("blobBaseFee", fee)).transpose()
}

fn unsupported(field: &str) -> CallError {
    CallError::Override(format!("block override \"{field}\" is not supported for this RPC method"))
}

fn narrow<T: TryFrom<U256>>(field: &str, value: U256) -> Result<T, CallError> {
    let too_large = || CallError::Override(format!("block override \"{field}\" is too large: {value}"));
    T::try_from(value).map_err(|_| too_large())
}
