//! Parity's `trace_*` methods: flat lists of calls.

use super::{TraceError, find, inspect, meter::Meter, visit};
use crate::{block::Block, builder::Moment, call::CallLimits, chain::Chain, evm::Evm};
use alloy_primitives::B256;
use alloy_rpc_types_eth::TransactionInfo;
use alloy_rpc_types_trace::{filter::TraceFilter, parity::LocalizedTransactionTrace};
use qsdm_primitives::limits::TRACE_FILTER_BLOCKS_MAX;
use revm_inspectors::tracing::{TracingInspector, TracingInspectorConfig};
use std::ops::ControlFlow;

/// The calls of transaction `hash` (`trace_transaction`).
pub fn trace_transaction(
    chain: &Chain,
    hash: &B256,
    limits: &CallLimits,
) -> Result<Vec<LocalizedTransactionTrace>, TraceError> {
    let (block, index) = find(chain, hash)?;
    let mut flat = Flat { chain, limits, meter: Meter::of_calls() };
    visit(chain, &block, |moment| {
        if moment.index < index { ControlFlow::Continue(()) } else { ControlFlow::Break(flat.trace(&block, &moment)) }
    })?
    .unwrap_or(Err(TraceError::TransactionNotFound { hash: *hash }))
}

/// The calls of all transactions of `block` (`trace_block`). There are no block rewards on this chain.
pub fn trace_block(
    chain: &Chain,
    block: &Block,
    limits: &CallLimits,
) -> Result<Vec<LocalizedTransactionTrace>, TraceError> {
    Flat { chain, limits, meter: Meter::of_calls() }.block(block)
}

/// The calls that match `filter` (`trace_filter`), by default in the newest block only.
pub fn trace_filter(
    chain: &Chain,
    filter: &TraceFilter,
    limits: &CallLimits,
) -> Result<Vec<LocalizedTransactionTrace>, TraceError> {
    let head = chain.head().block.number();
    let to = filter.to_block.unwrap_or(head);
    let from = filter.from_block.unwrap_or(to);
    if from > to || to - from >= TRACE_FILTER_BLOCKS_MAX {
        return Err(TraceError::Range { from, to });
    }
    let wanted = usize::try_from(filter.count.unwrap_or(u64::MAX)).unwrap_or(usize::MAX);
    let mut skip = filter.after.unwrap_or(0);
    let matcher = filter.matcher();
    let mut flat = Flat { chain, limits, meter: Meter::of_calls() };
    let mut found = Vec::new();
    // genesis has no transactions
    for number in from.max(1)..=to.min(head) {
        let block = chain.block(number)?.ok_or(TraceError::BlockNotFound { number })?;
        for trace in flat.block(&block)? {
            if !matcher.matches(&trace.trace) {
                continue;
            }
            if skip > 0 {
                skip -= 1;
            } else if found.len() < wanted {
                found.push(trace);
            }
        }
        if found.len() >= wanted {
            break;
        }
    }
    Ok(found)
}

struct Flat<'a> {
    chain: &'a Chain,
    limits: &'a CallLimits,
    meter: Meter,
}

impl Flat<'_> {
    fn block(&mut self, block: &Block) -> Result<Vec<LocalizedTransactionTrace>, TraceError> {
        let mut traces = Vec::new();
        if block.transactions.is_empty() {
            return Ok(traces);
        }
        let chain = self.chain;
        let failure = visit(chain, block, |moment| match self.trace(block, &moment) {
            Ok(more) => {
                traces.extend(more);
                ControlFlow::Continue(())
            }
            Err(error) => ControlFlow::Break(error),
        })?;
        failure.map_or(Ok(traces), Err)
    }

    fn trace(&mut self, block: &Block, moment: &Moment<'_>) -> Result<Vec<LocalizedTransactionTrace>, TraceError> {
        let recorder = TracingInspector::new(TracingInspectorConfig::default_parity());
        let inspector = (self.meter.next(), recorder);
        let mut inspected = inspect(self.chain.spec().chain_id, moment, self.limits, inspector)?;
        let (meter, recorder) = &mut inspected.evm.inspector_mut().1;
        meter.check()?;
        self.meter = meter.next();
        let info = TransactionInfo {
            hash: Some(*moment.tx.tx_hash()),
            index: Some(moment.index as u64),
            block_hash: Some(block.hash),
            block_number: Some(block.number()),
            base_fee: Some(moment.context.base_fee),
            ..Default::default()
        };
        Ok(std::mem::take(recorder).into_parity_builder().into_localized_transaction_traces(info))
    }
}
