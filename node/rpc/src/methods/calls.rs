//! Calls that leave no trace.

use super::{App, MethodDoc, hex::Quantity, input::BlockId, optional, required};
use crate::{Budget, CallContext, CallError, Params, Positional, Registry, RpcError};
use alloy_primitives::Bytes;
use alloy_rpc_types_eth::{AccessListResult, BlockOverrides, TransactionRequest, state::StateOverride};
use qsdm_vm::call::{self, Overrides};

const CALL: &[super::ParameterDoc] = &[
    required("transaction", "TransactionRequest"),
    optional("block", "BlockId"),
    optional("stateOverrides", "StateOverrides"),
    optional("blockOverrides", "BlockOverrides"),
];

pub(super) const DOCS: &[MethodDoc] = &[
    MethodDoc::new("eth_call", "Executes a call and forgets its effects.", CALL, "Bytes"),
    MethodDoc::new("eth_estimateGas", "Gas limit with which a transaction succeeds.", CALL, "Quantity"),
    MethodDoc::new(
        "eth_createAccessList",
        "Addresses and slots that a transaction touches (EIP-2930).",
        CALL,
        "AccessListResult",
    ),
];

pub(super) fn register(registry: &mut Registry<App>) {
    registry
        .heavy("eth_call", eth_call)
        .heavy("eth_estimateGas", estimate_gas)
        .heavy("eth_createAccessList", create_access_list);
}

struct Call {
    request: TransactionRequest,
    block: BlockId,
    overrides: Overrides,
}

impl Call {
    fn from(params: Params<'_>) -> Result<Self, RpcError> {
        let params = params.positional(&["transaction", "block", "stateOverrides", "blockOverrides"])?;
        Ok(Self {
            request: params.required(0)?,
            block: params.optional(1)?.unwrap_or_default(),
            overrides: overrides(&params)?,
        })
    }
}

fn overrides(params: &Positional<'_>) -> Result<Overrides, RpcError> {
    Ok((params.optional::<StateOverride>(2)?, params.optional::<BlockOverrides>(3)?))
}

fn eth_call(app: &App, params: Params<'_>, _: &CallContext, budget: &Budget) -> Result<Bytes, CallError> {
    let Call { request, block, overrides } = Call::from(params)?;
    let (database, context) = app.environment(block, budget)?;
    let chain_id = app.chain.spec().chain_id;
    let outcome = call::execute_call(database, chain_id, &context, &request, overrides, &app.call_limits(budget))?;
    Ok(outcome.into_output()?)
}

fn estimate_gas(app: &App, params: Params<'_>, _: &CallContext, budget: &Budget) -> Result<Quantity<u64>, CallError> {
    let Call { request, block, overrides } = Call::from(params)?;
    Ok(Quantity(app.estimate(&request, block, overrides, budget)?))
}

impl App {
    pub(super) fn estimate(
        &self,
        request: &TransactionRequest,
        block: BlockId,
        overrides: Overrides,
        budget: &Budget,
    ) -> Result<u64, CallError> {
        let (database, context) = self.environment(block, budget)?;
        let (chain_id, limits) = (self.chain.spec().chain_id, self.call_limits(budget));
        Ok(call::estimate_gas(database, chain_id, &context, request, overrides, &limits)?)
    }
}

fn create_access_list(
    app: &App,
    params: Params<'_>,
    _: &CallContext,
    budget: &Budget,
) -> Result<AccessListResult, CallError> {
    let Call { request, block, overrides } = Call::from(params)?;
    let (database, context) = app.environment(block, budget)?;
    let (chain_id, limits) = (app.chain.spec().chain_id, app.call_limits(budget));
    Ok(call::create_access_list(database, chain_id, &context, &request, overrides, &limits)?)
}
