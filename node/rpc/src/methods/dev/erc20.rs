//! Token balances for tests: finds the slot in which a token keeps a balance, and writes it.

use super::{App, DevQuantity, MethodDoc, operation, refused};
use crate::{
    Registry, RpcError,
    methods::{input::AddressInput, required},
    ports::Dev,
};
use alloy_primitives::{Address, B256, Bytes, TxKind, U256, keccak256};
use alloy_rpc_types_eth::{
    TransactionRequest,
    state::{AccountOverride, StateOverride},
};
use qsdm_vm::{
    block::StatePatch,
    call::{self, CallLimits},
    evm::BlockContext,
    state::StateDatabase,
};

pub(super) const DOCS: &[MethodDoc] = &[MethodDoc::new(
    "anvil_dealERC20",
    "Sets the token balance of an account, where the token keeps it in one slot.",
    &[required("address", "Address"), required("token", "Address"), required("balance", "Quantity")],
    "Null",
)];

pub(super) fn register(registry: &mut Registry<App>) {
    operation(registry, &["anvil_dealERC20", "anvil_setERC20Balance"], |params| {
        let params = params.positional(&["address", "token", "balance"])?;
        let (address, token): (AddressInput, AddressInput) = (params.required(0)?, params.required(1)?);
        let DevQuantity(balance) = params.required(2)?;
        Ok(Box::new(move |app, dev| deal(app, dev, address.0, token.0, balance)))
    });
}

fn deal(app: &App, dev: &dyn Dev, account: Address, token: Address, balance: U256) -> Result<(), RpcError> {
    let mut data = keccak256("balanceOf(address)")[..4].to_vec();
    data.extend_from_slice(account.into_word().as_slice());
    let request =
        TransactionRequest { to: Some(TxKind::Call(token)), input: Bytes::from(data).into(), ..Default::default() };
    let failed = |error: call::CallError| refused(format!("{token} does not answer balanceOf({account}): {error}"));
    let (database, context, chain_id) = environment(app);
    let limits = CallLimits::default();
    let list = call::create_access_list(database, chain_id, &context, &request, Default::default(), &limits);
    for item in list.map_err(failed)?.access_list.0 {
        for slot in item.storage_keys {
            let (database, context, chain_id) = environment(app);
            let overrides = (Some(with_slot(item.address, slot, balance)), None);
            let outcome = call::execute_call(database, chain_id, &context, &request, overrides, &limits);
            let answer = outcome.and_then(call::CallOutcome::into_output);
            if answer.is_ok_and(|output| output.len() == 32 && U256::from_be_slice(&output) == balance) {
                let (address, key) = (item.address, slot.into());
                return Ok(dev.patch(vec![StatePatch::Slot { address, key, value: balance }])?);
            }
        }
    }
    Err(refused(format!(
        "{token} keeps the balance of {account} in no single slot: set its storage by anvil_setStorageAt, or impersonate a holder"
    )))
}

fn environment(app: &App) -> (StateDatabase, BlockContext, u64) {
    let head = app.chain.head();
    let database = StateDatabase::new(head.state.clone(), head.hashes.clone());
    (database, BlockContext::of_header(&head.block.header), app.chain.spec().chain_id)
}

fn with_slot(address: Address, slot: B256, value: U256) -> StateOverride {
    let change =
        AccountOverride { state_diff: Some([(slot, B256::from(value))].into_iter().collect()), ..Default::default() };
    [(address, change)].into_iter().collect()
}
