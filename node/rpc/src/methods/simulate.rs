//! Blocks that might follow: `eth_simulateV1`.

use super::{App, MethodDoc, optional, required, view::SimulatedView};
use crate::{Budget, CallContext, CallError, Params, Registry};
use alloy_rpc_types_eth::simulate::SimulatePayload;
use qsdm_vm::simulate;

pub(super) const DOCS: &[MethodDoc] = &[MethodDoc::new(
    "eth_simulateV1",
    "Simulates blocks of calls on top of a block, with overrides of state and environment.",
    &[required("payload", "SimulatePayload"), optional("block", "BlockId")],
    "SimulatedBlocks",
)];

pub(super) fn register(registry: &mut Registry<App>) {
    registry.heavy("eth_simulateV1", simulate_v1);
}

fn simulate_v1(
    app: &App,
    params: Params<'_>,
    _: &CallContext,
    budget: &Budget,
) -> Result<Vec<SimulatedView>, CallError> {
    let params = params.positional(&["payload", "block"])?;
    let payload: SimulatePayload = params.required(0)?;
    let full = payload.return_full_transactions;
    let (database, base) = app.base(params.optional(1)?.unwrap_or_default(), budget)?;
    let chain_id = app.chain.spec().chain_id;
    let limits = app.call_limits(budget);
    let blocks = simulate::simulate(database, chain_id, &base.header, base.hash, payload, &limits)?;
    Ok(blocks.into_iter().map(|simulated| SimulatedView { simulated, full }).collect())
}
