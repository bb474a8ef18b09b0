//! The validators that the contract on the chain names.

use alloy_consensus::Header;
use alloy_primitives::{Address, Bytes, TxKind};
use alloy_sol_types::SolCall;
use qsdm_contracts::{addresses::VALIDATOR_SET, bindings::ValidatorSet as Contract};
use qsdm_primitives::{
    Algorithm, ChainSpec, Epoch, PublicKey, SetError, Validator, ValidatorSet, limits::VALIDATOR_KEY_BYTES,
};
use qsdm_vm::{
    VmError,
    call::{CallError, CallLimits, Overrides, execute_call},
    evm::BlockContext,
    genesis::genesis,
    state::{RecentHashes, State, StateDatabase},
};

/// The first epoch of consensus: epoch 0 is genesis itself, and ends there.
pub(crate) const FIRST_EPOCH: Epoch = Epoch(1);

/// Why the contract names no validators.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MembersError {
    /// Genesis can't be executed.
    #[error(transparent)]
    Vm(#[from] VmError),
    /// The contract can't be read.
    #[error("the validators can't be read from the chain: {0}")]
    Call(#[from] CallError),
    /// The contract answers with something else.
    #[error("the validators can't be read from the chain: {0}")]
    Answer(#[from] alloy_sol_types::Error),
    /// A validator without a key.
    #[error("the key of validator {0} on the chain is none of ML-DSA-65")]
    Key(Address),
    /// The validators make no set.
    #[error("the validators on the chain make no committee: {0}")]
    Set(#[from] SetError),
}

/// The validators of the first epoch.
pub(crate) fn at_genesis(spec: &ChainSpec) -> Result<ValidatorSet, MembersError> {
    let (block, state) = genesis(spec)?;
    in_force(spec.chain_id, &block.header, &state, FIRST_EPOCH)
}

/// The set in force in a state, in the contract's order.
pub(crate) fn in_force(
    chain_id: u64,
    header: &Header,
    state: &State,
    epoch: Epoch,
) -> Result<ValidatorSet, MembersError> {
    let contract = Reader { chain_id, header, state };
    let set = contract.call(&Contract::currentSetCall {})?;
    let mut members = Vec::with_capacity(set.who.len());
    // by hash: a member serves with the key it was chosen with
    for ((account, key_hash), bonded) in set.who.into_iter().zip(set.keyHashes).zip(set.weights) {
        let bytes = contract.call(&Contract::keyByHashCall { keyHash: key_hash })?;
        if bytes.len() != VALIDATOR_KEY_BYTES {
            return Err(MembersError::Key(account));
        }
        members.push(Validator { account, key: PublicKey::new(Algorithm::MlDsa65, bytes), bonded });
    }
    Ok(ValidatorSet::new(epoch, members)?)
}

/// Reads the contract in one state.
struct Reader<'a> {
    chain_id: u64,
    header: &'a Header,
    state: &'a State,
}

impl Reader<'_> {
    fn call<C: SolCall>(&self, call: &C) -> Result<C::Return, MembersError> {
        let database = StateDatabase::new(self.state.clone(), RecentHashes::default());
        let input = Bytes::from(call.abi_encode());
        let request = alloy_rpc_types_eth::TransactionRequest {
            to: Some(TxKind::Call(VALIDATOR_SET)),
            input: input.into(),
            ..Default::default()
        };
        let block = BlockContext::of_header(self.header);
        let outcome =
            execute_call(database, self.chain_id, &block, &request, Overrides::default(), &CallLimits::default())?;
        Ok(C::abi_decode_returns(&outcome.into_output()?)?)
    }
}
