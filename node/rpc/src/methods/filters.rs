//! Filters: a place in the chain that is remembered between two polls.

use super::{App, MethodDoc, input::LogFilter, logs::height, required, view::FoundLogs};
use crate::{Budget, CallContext, CallError, Params, Registry, RpcError};
use alloy_primitives::B256;
use qsdm_primitives::limits::{RPC_FILTER_BLOCKS_A_POLL, RPC_LOG_BLOCKS_MAX};
use qsdm_vm::ports::LogQuery;
use serde::Serialize;
use std::{sync::Arc, time::Instant};

mod table;

pub(crate) use table::FilterTable;
use table::{Cursor, FilterId, Kind, Owner, Subject};

const ID: &[super::ParameterDoc] = &[required("filter", "FilterId")];

pub(super) const DOCS: &[MethodDoc] = &[
    MethodDoc::new("eth_newFilter", "Makes a filter of new logs.", &[required("filter", "LogFilter")], "FilterId"),
    MethodDoc::new("eth_newBlockFilter", "Makes a filter of the hashes of new blocks.", &[], "FilterId"),
    MethodDoc::new(
        "eth_newPendingTransactionFilter",
        "Makes a filter of the hashes of transactions that enter the pool.",
        &[],
        "FilterId",
    ),
    MethodDoc::new("eth_getFilterChanges", "What is new since the last poll.", ID, "FilterChanges"),
    MethodDoc::new("eth_getFilterLogs", "All logs that match a filter.", ID, "Logs"),
    MethodDoc::new("eth_uninstallFilter", "Removes a filter; false if there is none.", ID, "Boolean"),
];

pub(super) fn register(registry: &mut Registry<App>) {
    registry
        .fast("eth_newFilter", new_filter)
        .fast("eth_newBlockFilter", |app, params, context| {
            params.none()?;
            install(app, context, Subject::Blocks)
        })
        .fast("eth_newPendingTransactionFilter", |app, params, context| {
            params.none()?;
            install(app, context, Subject::Pending)
        })
        .heavy("eth_getFilterChanges", changes)
        .heavy("eth_getFilterLogs", filter_logs)
        .fast("eth_uninstallFilter", |app, params, _| Ok(app.filters.lock().remove(id(params)?)));
}

fn id(params: Params<'_>) -> Result<FilterId, RpcError> {
    params.positional(&["filter"])?.required(0)
}

fn new_filter(app: &App, params: Params<'_>, context: &CallContext) -> Result<FilterId, RpcError> {
    let params = params.positional(&["filter"])?;
    let filter: LogFilter = params.required(0)?;
    if filter.block_hash.is_some() {
        return Err(params.invalid(0, "a filter follows the chain; logs of one block are read by eth_getLogs"));
    }
    let head = app.chain.head().block.number();
    let (from, to) = (filter.from_block, filter.to_block);
    let (first, last) = (height(from, head)?, to.map(|to| height(Some(to), u64::MAX)).transpose()?);
    if last.is_some_and(|last| first > last) {
        return Err(RpcError::invalid_params("invalid block range params"));
    }
    let (from_newest, last) = (from.is_none(), last.unwrap_or(u64::MAX));
    install(app, context, Subject::Logs { query: filter.into_query(), first, last, from_newest })
}

fn install(app: &App, context: &CallContext, subject: Subject) -> Result<FilterId, RpcError> {
    let cursor = app.feed.with_history(|history| Cursor {
        next_block: app.chain.head().block.number() + 1,
        pending_seen: history.pending_seen(),
        reorgs_seen: history.reorgs_seen(),
    });
    let kind = Arc::new(Kind { owner: Owner::of(context), subject });
    app.filters.lock().install(kind, cursor, Instant::now())
}

/// Answer of `eth_getFilterChanges`.
#[derive(Serialize)]
#[serde(untagged)]
enum Changes {
    Hashes(Vec<B256>),
    Logs(FoundLogs),
}

fn changes(app: &App, params: Params<'_>, _: &CallContext, budget: &Budget) -> Result<Changes, CallError> {
    let id = id(params)?;
    let (kind, cursor) = app.filters.lock().find(id, Instant::now())?;
    let (cursor, pending) = app.feed.with_history(|history| {
        let pending = match kind.subject {
            Subject::Pending => history.pending_after(cursor.pending_seen),
            _ => Vec::new(),
        };
        let unchanged = history.unchanged_since(cursor.reorgs_seen).unwrap_or(u64::MAX);
        let next_block = cursor.next_block.min(unchanged.saturating_add(1));
        let (pending_seen, reorgs_seen) = (history.pending_seen(), history.reorgs_seen());
        (Cursor { next_block, pending_seen, reorgs_seen }, pending)
    });
    let (changes, next_block) = match &kind.subject {
        Subject::Pending => (Changes::Hashes(pending), cursor.next_block),
        Subject::Blocks => new_blocks(app, cursor.next_block, budget)?,
        Subject::Logs { query, first, last, .. } => new_logs(app, cursor.next_block.max(*first), *last, query, budget)?,
    };
    app.filters.lock().move_to(id, Cursor { next_block, ..cursor });
    Ok(changes)
}

/// A long absence is caught up with in several polls.
fn new_blocks(app: &App, next: u64, budget: &Budget) -> Result<(Changes, u64), CallError> {
    let head = app.chain.head().block.number();
    let end = head.saturating_add(1).min(next.saturating_add(RPC_FILTER_BLOCKS_A_POLL));
    let mut hashes = Vec::new();
    for number in next..end {
        if budget.is_over() {
            return Err(CallError::Stopped);
        }
        hashes.extend(app.chain.block(number)?.map(|block| block.hash));
    }
    Ok((Changes::Hashes(hashes), end.max(next)))
}

fn new_logs(app: &App, next: u64, last: u64, query: &LogQuery, budget: &Budget) -> Result<(Changes, u64), CallError> {
    let head = app.chain.head().block.number();
    let end = head.min(last).min(next.saturating_add(RPC_LOG_BLOCKS_MAX - 1));
    if next > end {
        return Ok((Changes::Logs(FoundLogs::default()), next));
    }
    let search = app.search_logs(next..=end, query, budget)?;
    Ok((Changes::Logs(FoundLogs(search.logs)), search.next))
}

fn filter_logs(app: &App, params: Params<'_>, _: &CallContext, budget: &Budget) -> Result<FoundLogs, CallError> {
    let (kind, _) = app.filters.lock().find(id(params)?, Instant::now())?;
    let Subject::Logs { query, first, last, from_newest } = &kind.subject else {
        return Err(RpcError::server("filter not found: this one has no logs; poll it by eth_getFilterChanges").into());
    };
    let head = app.chain.head().block.number();
    // as geth: a beginning that was not named is the newest block whenever it is asked for
    let (begin, end) = (if *from_newest { head } else { *first }, head.min(*last));
    if begin > end {
        return Ok(FoundLogs::default());
    }
    app.all_logs(begin..=end, query, budget)
}
