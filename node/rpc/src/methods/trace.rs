//! Traces: what a transaction or a call did, step by step or call by call.

use super::{
    App, MethodDoc,
    input::{BlockId, HashInput},
    optional, required,
};
use crate::{Budget, CallContext, CallError, Params, Registry, RpcError, code};
use alloy_rpc_types_eth::TransactionRequest;
use alloy_rpc_types_trace::{
    common::TraceResult,
    filter::TraceFilter,
    geth::{GethDebugTracingCallOptions, GethDebugTracingOptions, GethTrace},
    parity::LocalizedTransactionTrace,
};
use qsdm_vm::{
    call,
    trace::{self, TraceError, parity},
};

const BLOCK: &[super::ParameterDoc] = &[required("block", "BlockId"), optional("options", "Object")];

pub(super) const DOCS: &[MethodDoc] = &[
    MethodDoc::new(
        "debug_traceTransaction",
        "Executes a transaction again and writes down what it does.",
        &[required("hash", "Hash"), optional("options", "Object")],
        "Object",
    ),
    MethodDoc::new(
        "debug_traceCall",
        "Executes a call and writes down what it does.",
        &[required("transaction", "TransactionRequest"), optional("block", "BlockId"), optional("options", "Object")],
        "Object",
    ),
    MethodDoc::new("debug_traceBlockByNumber", "Traces every transaction of a block.", BLOCK, "Array"),
    MethodDoc::new("debug_traceBlockByHash", "Traces every transaction of a block.", BLOCK, "Array"),
    MethodDoc::new("trace_transaction", "Calls of a transaction.", &[required("hash", "Hash")], "Array"),
    MethodDoc::new("trace_block", "Calls of all transactions of a block.", &[required("block", "BlockId")], "Array"),
    MethodDoc::new(
        "trace_filter",
        "Calls by sender and recipient in a range of blocks.",
        &[required("filter", "Object")],
        "Array",
    ),
];

pub(super) fn register(registry: &mut Registry<App>) {
    registry
        .heavy("debug_traceTransaction", trace_transaction)
        .heavy("debug_traceCall", trace_call)
        .heavy("debug_traceBlockByNumber", trace_block)
        .heavy("debug_traceBlockByHash", trace_block)
        .heavy("trace_transaction", |app, params, _, budget| {
            let hash: HashInput = params.positional(&["hash"])?.required(0)?;
            Ok(parity::trace_transaction(&app.chain, &hash.0, &app.call_limits(budget))?)
        })
        .heavy("trace_block", calls_of_block)
        .heavy("trace_filter", |app, params, _, budget| {
            let filter: TraceFilter = params.positional(&["filter"])?.required(0)?;
            Ok(parity::trace_filter(&app.chain, &filter, &app.call_limits(budget))?)
        });
}

fn trace_transaction(app: &App, params: Params<'_>, _: &CallContext, budget: &Budget) -> Result<GethTrace, CallError> {
    let params = params.positional(&["hash", "options"])?;
    let hash: HashInput = params.required(0)?;
    let options: GethDebugTracingOptions = params.optional(1)?.unwrap_or_default();
    Ok(trace::trace_transaction(&app.chain, &hash.0, &options, &app.call_limits(budget))?)
}

fn trace_call(app: &App, params: Params<'_>, _: &CallContext, budget: &Budget) -> Result<GethTrace, CallError> {
    let params = params.positional(&["transaction", "block", "options"])?;
    let request: TransactionRequest = params.required(0)?;
    let id: BlockId = params.optional(1)?.unwrap_or_default();
    let mut options: GethDebugTracingCallOptions = params.optional(2)?.unwrap_or_default();
    let (database, context) = match options.tx_index.take() {
        Some(index) => {
            let index = usize::try_from(index).unwrap_or(usize::MAX);
            trace::database_within(&app.chain, &*app.block_or_not_found(id)?, index)?
        }
        None => app.environment(id, budget)?,
    };
    let chain_id = app.chain.spec().chain_id;
    Ok(trace::trace_call(database, chain_id, &context, &request, options, &app.call_limits(budget))?)
}

fn trace_block(
    app: &App,
    params: Params<'_>,
    _: &CallContext,
    budget: &Budget,
) -> Result<Vec<TraceResult<GethTrace, String>>, CallError> {
    let params = params.positional(&["block", "options"])?;
    let block = app.block_or_not_found(params.required(0)?)?;
    let options: GethDebugTracingOptions = params.optional(1)?.unwrap_or_default();
    Ok(trace::trace_block(&app.chain, &block, &options, &app.call_limits(budget))?)
}

fn calls_of_block(
    app: &App,
    params: Params<'_>,
    _: &CallContext,
    budget: &Budget,
) -> Result<Option<Vec<LocalizedTransactionTrace>>, CallError> {
    let id: BlockId = params.positional(&["block"])?.required(0)?;
    let Some(block) = app.find_block(id)? else { return Ok(None) };
    if block.number() == 0 {
        return Ok(Some(Vec::new()));
    }
    Ok(Some(parity::trace_block(&app.chain, &block, &app.call_limits(budget))?))
}

impl From<TraceError> for CallError {
    fn from(error: TraceError) -> Self {
        match error {
            TraceError::Call(call::CallError::Timeout | call::CallError::Cancelled) => Self::Stopped,
            // the codes are small numbers; one that is not would be a fault of the node
            _ => Self::Rpc(RpcError::new(i32::try_from(error.code()).unwrap_or(code::INTERNAL), error.to_string())),
        }
    }
}
