//! The filters that exist, in bounded number, size and time.

use crate::{CallContext, RpcError, Transport};
use qsdm_primitives::limits::{RPC_FILTER_IDLE_S, RPC_FILTERS_BYTES_MAX, RPC_FILTERS_MAX, RPC_FILTERS_TOTAL_MAX};
use qsdm_vm::ports::LogQuery;
use serde::{Deserialize, Serialize};
use std::{
    collections::{HashMap, hash_map::RandomState},
    hash::BuildHasher,
    net::IpAddr,
    sync::Arc,
    time::{Duration, Instant},
};

/// Whose filters are counted together: http has no lasting connections, so there it is the address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Owner {
    Address(IpAddr),
    Connection(u64),
}

impl Owner {
    pub(super) fn of(context: &CallContext) -> Self {
        match context.transport {
            Transport::Http => Self::Address(context.peer),
            Transport::Websocket => Self::Connection(context.connection),
        }
    }
}

/// What a filter is about.
#[derive(Debug)]
pub(super) enum Subject {
    /// New blocks.
    Blocks,
    /// Transactions that enter the pool.
    Pending,
    /// Logs of the blocks from `first` to `last` that match.
    Logs {
        query: LogQuery,
        first: u64,
        last: u64,
        /// Whether the caller left the beginning open.
        from_newest: bool,
    },
}

impl Subject {
    fn bytes(&self) -> usize {
        let Self::Logs { query, .. } = self else { return 0 };
        20 * query.addresses.len() + 32 * query.topics.iter().map(Vec::len).sum::<usize>()
    }
}

/// What never changes about a filter.
#[derive(Debug)]
pub(super) struct Kind {
    pub(super) owner: Owner,
    pub(super) subject: Subject,
}

/// Up to where its owner knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cursor {
    /// The first block that is still to be reported.
    pub(super) next_block: u64,
    /// Number of transactions that had entered the pool.
    pub(super) pending_seen: u64,
    /// How often the chain had gone back.
    pub(super) reorgs_seen: u64,
}

/// An id that nobody else guesses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct FilterId(u128);

impl Serialize for FilterId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{:#x}", self.0))
    }
}

impl<'de> Deserialize<'de> for FilterId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        let digits = text.strip_prefix("0x").filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
        let id = digits.and_then(|digits| u128::from_str_radix(digits, 16).ok());
        id.map(Self).ok_or_else(|| serde::de::Error::custom("expected a filter id as eth_newFilter returned it"))
    }
}

#[derive(Debug)]
struct Filter {
    kind: Arc<Kind>,
    cursor: Cursor,
    used: Instant,
}

/// All filters of the node.
#[derive(Debug, Default)]
pub(crate) struct FilterTable {
    filters: HashMap<FilterId, Filter>,
    owned: HashMap<Owner, usize>,
    bytes: usize,
    made: u64,
    /// Keyed with what only this process knows.
    secret: RandomState,
}

impl FilterTable {
    pub(super) fn install(&mut self, kind: Arc<Kind>, cursor: Cursor, now: Instant) -> Result<FilterId, RpcError> {
        if self.full(&kind).is_some() {
            self.expire(now);
        }
        if let Some(reason) = self.full(&kind) {
            return Err(RpcError::limit_exceeded(reason));
        }
        self.made += 1;
        let half = |which: u8| u128::from(self.secret.hash_one((self.made, which)));
        let id = FilterId(half(0) << 64 | half(1));
        *self.owned.entry(kind.owner).or_default() += 1;
        self.bytes += kind.subject.bytes();
        self.filters.insert(id, Filter { kind, cursor, used: now });
        Ok(id)
    }

    fn full(&self, kind: &Kind) -> Option<String> {
        let owned = self.owned.get(&kind.owner).copied().unwrap_or(0);
        let advice = "remove some with eth_uninstallFilter, or let them expire";
        if owned >= RPC_FILTERS_MAX {
            return Some(format!("{owned} filters are installed, the most for one caller: {advice}"));
        }
        if self.filters.len() >= RPC_FILTERS_TOTAL_MAX {
            return Some(format!(
                "{} filters of all callers are installed, the most at once: {advice}",
                self.filters.len()
            ));
        }
        let bytes = self.bytes + kind.subject.bytes();
        (bytes > RPC_FILTERS_BYTES_MAX)
            .then(|| format!("the addresses and topics of all filters would take {bytes} bytes, {RPC_FILTERS_BYTES_MAX} are allowed: {advice}"))
    }

    /// Looks a filter up, which keeps it alive.
    pub(super) fn find(&mut self, id: FilterId, now: Instant) -> Result<(Arc<Kind>, Cursor), RpcError> {
        if self.filters.get(&id).is_some_and(|filter| idle(filter, now)) {
            self.remove(id);
        }
        let filter = self.filters.get_mut(&id).ok_or_else(|| RpcError::server("filter not found"))?;
        filter.used = now;
        Ok((filter.kind.clone(), filter.cursor))
    }

    pub(super) fn move_to(&mut self, id: FilterId, cursor: Cursor) {
        if let Some(filter) = self.filters.get_mut(&id) {
            filter.cursor = cursor;
        }
    }

    pub(super) fn remove(&mut self, id: FilterId) -> bool {
        let Some(filter) = self.filters.remove(&id) else { return false };
        self.bytes -= filter.kind.subject.bytes();
        if let Some(owned) = self.owned.get_mut(&filter.kind.owner) {
            *owned -= 1;
            if *owned == 0 {
                self.owned.remove(&filter.kind.owner);
            }
        }
        true
    }

    fn expire(&mut self, now: Instant) {
        let old: Vec<_> = self.filters.iter().filter(|(_, filter)| idle(filter, now)).map(|(id, _)| *id).collect();
        for id in old {
            self.remove(id);
        }
    }
}

fn idle(filter: &Filter, now: Instant) -> bool {
    now.saturating_duration_since(filter.used) >= Duration::from_secs(RPC_FILTER_IDLE_S)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_primitives::Address;

    const START: Cursor = Cursor { next_block: 1, pending_seen: 0, reorgs_seen: 0 };

    fn kind(connection: u64, addresses: usize) -> Arc<Kind> {
        let query = LogQuery { addresses: vec![Address::ZERO; addresses], ..LogQuery::default() };
        let subject = Subject::Logs { query, first: 0, last: u64::MAX, from_newest: false };
        Arc::new(Kind { owner: Owner::Connection(connection), subject })
    }

    fn install(table: &mut FilterTable, connection: u64, now: Instant) -> Result<FilterId, RpcError> {
        table.install(kind(connection, 1), START, now)
    }

    #[test]
    fn one_caller_has_a_limit_and_another_one_still_gets_a_filter() {
        let (mut table, now) = (FilterTable::default(), Instant::now());
        let first = install(&mut table, 1, now).unwrap();
        for _ in 1..RPC_FILTERS_MAX {
            install(&mut table, 1, now).unwrap();
        }
        for _ in 0..20_000 {
            assert_eq!(install(&mut table, 1, now).unwrap_err().code, -32005);
        }
        assert_eq!(table.filters.len(), RPC_FILTERS_MAX);
        install(&mut table, 2, now).unwrap();
        assert!(table.remove(first));
        assert!(!table.remove(first));
        install(&mut table, 1, now).unwrap();
    }

    #[test]
    fn all_callers_together_have_a_limit_in_number_and_in_bytes() {
        let (mut table, now) = (FilterTable::default(), Instant::now());
        for connection in 0..RPC_FILTERS_TOTAL_MAX as u64 {
            install(&mut table, connection, now).unwrap();
        }
        assert_eq!(install(&mut table, u64::MAX, now).unwrap_err().code, -32005);

        let mut table = FilterTable::default();
        let mut refused = None;
        for connection in 0..RPC_FILTERS_TOTAL_MAX as u64 {
            refused = refused.or(table.install(kind(connection, 1_000), START, now).err());
        }
        assert!(refused.unwrap().message.contains("bytes"));
        assert!(table.bytes <= RPC_FILTERS_BYTES_MAX);
    }

    #[test]
    fn a_filter_that_nobody_polls_expires_and_gives_its_place_back() {
        let (mut table, now) = (FilterTable::default(), Instant::now());
        let idle = Duration::from_secs(RPC_FILTER_IDLE_S);
        let ids: Vec<_> = (0..RPC_FILTERS_MAX).map(|_| install(&mut table, 1, now).unwrap()).collect();
        let polled = now + idle / 2;
        assert!(table.find(ids[0], polled).is_ok());
        assert!(table.find(ids[1], now + idle).unwrap_err().message.contains("filter not found"));
        install(&mut table, 1, now + idle).unwrap();
        install(&mut table, 1, now + idle).unwrap();
        assert!(table.find(ids[0], now + idle).is_ok());
        assert_eq!(table.filters.len(), 3);
        assert_eq!(table.owned[&Owner::Connection(1)], 3);
        assert_eq!(table.bytes, 3 * 20);
    }

    #[test]
    fn an_id_is_unguessable_hex_and_survives_json() {
        let (mut table, now) = (FilterTable::default(), Instant::now());
        let (one, two) = (install(&mut table, 1, now).unwrap(), install(&mut table, 1, now).unwrap());
        assert!(one.0.abs_diff(two.0) > 1 << 64);
        let text = serde_json::to_string(&one).unwrap();
        assert_eq!(serde_json::from_str::<FilterId>(&text).unwrap(), one);
        for bad in [r#""0x""#, r#""1""#, r#""0x+1""#, "1", r#""latest""#] {
            assert!(serde_json::from_str::<FilterId>(bad).is_err(), "{bad}");
        }
    }
}
