//! Tracing: executing a transaction again, or a call for the first time, and writing down what happens.
//!
//! A transaction of a block is traced in the state, with the base fee and for the fee recipient that it was executed
//! with. What a trace records is bounded in bytes while it is recorded.

use crate::{
    block::{Block, SharedTx},
    builder::{self, Moment},
    call::{CallLimits, session::Session, session::refusal, watch::Watch},
    chain::Chain,
    evm::{self, BlockContext, Evm, NodeEvm, NodeEvmError, ResultAndState, Rules},
    state::StateDatabase,
};
use alloy_primitives::B256;
use alloy_rpc_types_eth::TransactionRequest;
use alloy_rpc_types_trace::{
    common::TraceResult,
    geth::{GethDebugTracingCallOptions, GethDebugTracingOptions, GethTrace},
};
use meter::Meter;
use revm::{Inspector, context::TxEnv};
use revm_inspectors::tracing::{DebugInspector, TransactionContext};
use std::{ops::ControlFlow, sync::Arc};

mod error;
mod meter;
mod options;
pub mod parity;

pub use error::TraceError;

/// Traces transaction `hash` (`debug_traceTransaction`).
pub fn trace_transaction(
    chain: &Chain,
    hash: &B256,
    options: &GethDebugTracingOptions,
    limits: &CallLimits,
) -> Result<GethTrace, TraceError> {
    let (block, index) = find(chain, hash)?;
    let mut tracer = Tracer::new(chain, options, limits)?;
    visit(chain, &block, |moment| {
        if moment.index < index { ControlFlow::Continue(()) } else { ControlFlow::Break(tracer.trace(&block, &moment)) }
    })?
    .unwrap_or(Err(TraceError::TransactionNotFound { hash: *hash }))
}

/// Traces every transaction of `block` (`debug_traceBlockByNumber` and its kin).
pub fn trace_block(
    chain: &Chain,
    block: &Block,
    options: &GethDebugTracingOptions,
    limits: &CallLimits,
) -> Result<Vec<TraceResult<GethTrace, String>>, TraceError> {
    let mut tracer = Tracer::new(chain, options, limits)?;
    let mut traces = Vec::with_capacity(block.transactions.len());
    let failure = visit(chain, block, |moment| match tracer.trace(block, &moment) {
        Ok(trace) => {
            traces.push(TraceResult::new_success(trace, Some(*moment.tx.tx_hash())));
            ControlFlow::Continue(())
        }
        Err(error) => ControlFlow::Break(error),
    })?;
    failure.map_or(Ok(traces), Err)
}

/// Traces a call (`debug_traceCall`) on the state of `database` in `block`. The `tx_index` of the options is the
/// caller's business, see [`database_within`]; here it is refused.
pub fn trace_call(
    database: StateDatabase,
    chain_id: u64,
    block: &BlockContext,
    request: &TransactionRequest,
    options: GethDebugTracingCallOptions,
    limits: &CallLimits,
) -> Result<GethTrace, TraceError> {
    if options.tx_index.is_some() {
        return Err(TraceError::TxIndex);
    }
    let overrides = (options.state_overrides, options.block_overrides);
    let limits = options::limits(&options.tracing_options, limits)?;
    let inspector = options::inspector(&options.tracing_options)?;
    let meter = Meter::new(&options.tracing_options);
    let mut session = Session::open(database, chain_id, block, request, overrides, &limits, (meter, inspector))?;
    let gas_limit = session.gas_limit();
    let tx = session.tx().clone();
    let outcome = session.run(gas_limit);
    session.evm().inspector().1.0.check()?;
    finish(session.evm_mut(), &tx, TransactionContext::default(), &outcome?)
}

/// The state that transaction `index` of `block` found, and the block as it saw it; for an `index` past the last
/// transaction, the state after the block.
pub fn database_within(
    chain: &Chain,
    block: &Block,
    index: usize,
) -> Result<(StateDatabase, BlockContext), TraceError> {
    let found = visit(chain, block, |moment| {
        if moment.index < index {
            return ControlFlow::Continue(());
        }
        ControlFlow::Break((moment.database.clone(), moment.context))
    })?;
    if let Some(found) = found {
        return Ok(found);
    }
    let number = block.number();
    let state = chain.state_at(number)?.ok_or(TraceError::BlockNotFound { number })?;
    let hashes = chain.hashes_at(number.saturating_sub(1))?;
    Ok((StateDatabase::new(state, hashes), BlockContext::of_header(&block.header)))
}

fn find(chain: &Chain, hash: &B256) -> Result<(Arc<Block>, usize), TraceError> {
    let location = chain.tx_location(hash)?.ok_or(TraceError::TransactionNotFound { hash: *hash })?;
    let block = chain.block(location.block)?.ok_or(TraceError::BlockNotFound { number: location.block })?;
    Ok((block, location.index as usize))
}

/// Executes `block` again. The visitor sees every moment before a transaction until it breaks.
fn visit<B>(
    chain: &Chain,
    block: &Block,
    visitor: impl FnMut(Moment<'_>) -> ControlFlow<B>,
) -> Result<Option<B>, TraceError> {
    let number = block.number();
    let Some(before) = number.checked_sub(1) else { return Err(TraceError::Genesis) };
    let parent = chain.block(before)?.ok_or(TraceError::BlockNotFound { number: before })?;
    let state = chain.state_before(number)?.ok_or(TraceError::BlockNotFound { number })?;
    let database = StateDatabase::new(state, chain.hashes_at(before)?);
    let end = builder::replay(chain.spec().chain_id, &parent, block, database, visitor)?;
    Ok(end.break_value())
}

/// An inspected transaction of a block.
struct Inspected<I: Inspector<evm::NodeContext>> {
    evm: NodeEvm<(Watch, I)>,
    tx: TxEnv,
    result: ResultAndState,
}

/// Executes the transaction at `moment` with `inspector` and commits nothing.
fn inspect<I: Inspector<evm::NodeContext>>(
    chain_id: u64,
    moment: &Moment<'_>,
    limits: &CallLimits,
    inspector: I,
) -> Result<Inspected<I>, TraceError> {
    let mut watch = Watch::new(limits);
    watch.check()?;
    let configuration = evm::configuration(chain_id, Rules::Impersonation);
    let mut evm = evm::inspected(moment.database.clone(), configuration, &moment.context, (watch, inspector));
    let tx = evm::tx_env(moment.tx);
    let outcome = evm.transact(tx.clone());
    if let Some(stop) = evm.inspector().0.stopped() {
        return Err(stop.clone().into());
    }
    let result = match outcome {
        Ok(result) => result,
        // the meter's own stop: the caller asks it
        Err(NodeEvmError::Custom(text)) if text == meter::STOP => return Err(TraceError::TooLarge),
        Err(error) => return Err(refusal(error, &tx, evm.ctx()).into()),
    };
    Ok(Inspected { evm, tx, result })
}

/// Traces transactions one after the other within common limits.
struct Tracer<'a> {
    chain_id: u64,
    options: &'a GethDebugTracingOptions,
    limits: CallLimits,
    meter: Meter,
}

impl<'a> Tracer<'a> {
    fn new(chain: &Chain, options: &'a GethDebugTracingOptions, limits: &CallLimits) -> Result<Self, TraceError> {
        // a wrong option is an error also where there is nothing to trace
        options::inspector(options)?;
        let limits = options::limits(options, limits)?;
        Ok(Self { chain_id: chain.spec().chain_id, options, limits, meter: Meter::new(options) })
    }

    fn trace(&mut self, block: &Block, moment: &Moment<'_>) -> Result<GethTrace, TraceError> {
        let inspector = options::inspector(self.options)?;
        let meter = self.meter.next();
        let mut inspected = inspect(self.chain_id, moment, &self.limits, (meter, inspector))?;
        let position = position(block, moment.index, moment.tx);
        let trace = finish(&mut inspected.evm, &inspected.tx, position, &inspected.result)?;
        self.meter = inspected.evm.inspector().1.0.next();
        Ok(trace)
    }
}

fn position(block: &Block, index: usize, tx: &SharedTx) -> TransactionContext {
    TransactionContext { block_hash: Some(block.hash), tx_index: Some(index), tx_hash: Some(*tx.tx_hash()) }
}

/// Turns what was recorded into the trace.
fn finish(
    evm: &mut NodeEvm<(Watch, (Meter, DebugInspector))>,
    tx: &TxEnv,
    position: TransactionContext,
    result: &ResultAndState,
) -> Result<GethTrace, TraceError> {
    let block = evm.block().clone();
    let (database, inspector, _) = evm.components_mut();
    let (meter, recorder) = &mut inspector.1;
    meter.charge_state(&result.state);
    meter.check()?;
    recorder.get_result(Some(position), tx, &block, result, database).map_err(|error| options::refused(&error))
}
