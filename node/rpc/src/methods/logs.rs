//! Searching logs.

use super::{
    App, MethodDoc,
    at::check_parts,
    input::{BlockId, LogFilter, Tag},
    required,
    view::FoundLogs,
};
use crate::{Budget, CallContext, CallError, Params, Registry, RpcError};
use qsdm_primitives::limits::{RPC_LOG_BLOCKS_MAX, RPC_LOG_ROWS_MAX};
use qsdm_vm::{chain::FoundLog, ports::LogQuery};
use serde_json::json;
use std::ops::{ControlFlow, RangeInclusive};

pub(super) const DOCS: &[MethodDoc] = &[MethodDoc::new(
    "eth_getLogs",
    "Logs of at most 10,000 blocks that match; about 10,000 logs at once.",
    &[required("filter", "LogFilter")],
    "Logs",
)];

/// After so many blocks, and so many logs, the search looks at its budget.
const BLOCKS_AT_A_STRETCH: u64 = 1_000;
const LOGS_AT_A_STRETCH: usize = 64;

pub(super) fn register(registry: &mut Registry<App>) {
    registry.heavy("eth_getLogs", get_logs);
}

/// What a search found before it was done or had enough.
pub(super) struct Search {
    pub(super) logs: Vec<FoundLog>,
    /// The first block that was not searched.
    pub(super) next: u64,
}

impl App {
    /// Searches blocks in order until the range ends or [`RPC_LOG_ROWS_MAX`] logs are found. A block is searched whole
    /// or not at all.
    pub(super) fn search_logs(
        &self,
        range: RangeInclusive<u64>,
        query: &LogQuery,
        budget: &Budget,
    ) -> Result<Search, CallError> {
        let mut logs: Vec<FoundLog> = Vec::new();
        let mut next = *range.start();
        while next <= *range.end() {
            if budget.is_over() {
                return Err(CallError::Stopped);
            }
            let last = (*range.end()).min(next.saturating_add(BLOCKS_AT_A_STRETCH - 1));
            let stopped = self.chain.visit_logs(next..=last, query, |found| {
                let full = logs.len() >= RPC_LOG_ROWS_MAX;
                if full && logs.last().is_some_and(|last| last.block.number() != found.block.number()) {
                    return ControlFlow::Break(Some(found.block.number()));
                }
                logs.push(found);
                let pause = logs.len().is_multiple_of(LOGS_AT_A_STRETCH);
                if pause && (budget.is_over() || check_parts(logs.len(), budget).is_err()) {
                    return ControlFlow::Break(None);
                }
                ControlFlow::Continue(())
            })?;
            match stopped {
                None => next = last + 1,
                Some(Some(number)) => return Ok(Search { logs, next: number }),
                Some(None) => return Err(CallError::Stopped),
            }
        }
        Ok(Search { logs, next })
    }

    /// A search that must come to its end.
    pub(super) fn all_logs(
        &self,
        range: RangeInclusive<u64>,
        query: &LogQuery,
        budget: &Budget,
    ) -> Result<FoundLogs, CallError> {
        let (from, to) = (*range.start(), *range.end());
        check_blocks(from, to)?;
        let search = self.search_logs(range, query, budget)?;
        if search.next <= to {
            return Err(too_much(
                format!("query returned more than {RPC_LOG_ROWS_MAX} results"),
                from,
                search.next - 1,
            )
            .into());
        }
        Ok(FoundLogs(search.logs))
    }

    /// The heights that a filter object names.
    pub(super) fn log_range(&self, filter: &LogFilter) -> Result<RangeInclusive<u64>, RpcError> {
        let head = self.chain.head().block.number();
        if let Some(hash) = &filter.block_hash {
            if filter.from_block.is_some() || filter.to_block.is_some() {
                return Err(RpcError::invalid_params("can't specify fromBlock/toBlock with blockHash"));
            }
            let block = self.find_block(BlockId::Hash(hash.0))?.ok_or_else(|| RpcError::server("unknown block"))?;
            return Ok(block.number()..=block.number());
        }
        let settled = |id: Option<BlockId>| id.map(|id| self.settled(id));
        let (from, to) = (height(settled(filter.from_block), head)?, height(settled(filter.to_block), head)?);
        if from > to {
            return Err(RpcError::invalid_params("invalid block range params"));
        }
        if to > head {
            return Err(RpcError::invalid_params("block range extends beyond current head block"));
        }
        Ok(from..=to)
    }
}

/// The height that an end of a range means; the newest block if it is left out.
pub(super) fn height(id: Option<BlockId>, head: u64) -> Result<u64, RpcError> {
    match id {
        Some(BlockId::Number(number)) => Ok(number),
        Some(BlockId::Tag(Tag::Earliest)) => Ok(0),
        Some(BlockId::Hash(_)) => Err(RpcError::invalid_params("fromBlock/toBlock: hex number > 64 bits")),
        Some(BlockId::Tag(_)) | None => Ok(head),
    }
}

pub(super) fn check_blocks(from: u64, to: u64) -> Result<(), RpcError> {
    let blocks = to - from + 1;
    if blocks > RPC_LOG_BLOCKS_MAX {
        let problem = format!("query spans {blocks} blocks, more than {RPC_LOG_BLOCKS_MAX}");
        return Err(too_much(problem, from, from + RPC_LOG_BLOCKS_MAX - 1));
    }
    Ok(())
}

/// The form that indexers read the narrower range from.
fn too_much(problem: String, from: u64, to: u64) -> RpcError {
    RpcError::limit_exceeded(format!("{problem}. Try with this block range [{from:#x}, {to:#x}]."))
        .with_data(&json!({ "from": format!("{from:#x}"), "to": format!("{to:#x}"), "limit": RPC_LOG_ROWS_MAX }))
}

fn get_logs(app: &App, params: Params<'_>, _: &CallContext, budget: &Budget) -> Result<FoundLogs, CallError> {
    let filter: LogFilter = params.positional(&["filter"])?.required(0)?;
    let range = app.log_range(&filter)?;
    app.all_logs(range, &filter.into_query(), budget)
}
