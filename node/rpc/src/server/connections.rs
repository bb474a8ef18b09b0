//! The table of open connections: how many there may be, and which have waited too long.
//!
//! A timer per request would cost more than the request. Instead each connection notes its phase and the tick of a
//! coarse clock, two stores, and one task looks at all of them with every tick.

use super::config::ServerLimits;
use futures_util::task::AtomicWaker;
use parking_lot::Mutex;
use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering},
    },
    task::Poll,
    time::Duration,
};
use tokio::task::AbortHandle;

/// What a connection does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Phase {
    /// A header is expected or has begun: the header timeout runs.
    Header,
    /// A body is being read: the body timeout runs.
    Body,
    /// A request is being run; its method has a timeout.
    Busy,
    /// An answer is being written: the idle timeout runs.
    Writing,
    /// Between requests: the idle timeout runs on.
    Idle,
    /// A websocket has timeouts of its own.
    Websocket,
}

/// One connection.
pub(super) struct Slot {
    pub(super) number: u64,
    pub(super) peer: IpAddr,
    /// The thread that serves it.
    pub(super) thread: usize,
    /// Bytes read since the last whole websocket message.
    pub(super) unread_bytes: AtomicUsize,
    phase: AtomicU8,
    since: AtomicU32,
    late: AtomicBool,
    reader: AtomicWaker,
    task: Mutex<Option<AbortHandle>>,
    clock: Arc<Clock>,
}

struct Clock {
    tick: AtomicU32,
}

impl Slot {
    pub(super) fn enter(&self, phase: Phase) {
        self.since.store(self.clock.tick.load(Ordering::Relaxed), Ordering::Relaxed);
        self.phase.store(phase as u8, Ordering::Release);
    }

    /// Moves on from `before`; elsewhere nothing changes.
    pub(super) fn advance(&self, before: Phase, after: Phase) {
        if self.phase.load(Ordering::Relaxed) == before as u8 {
            self.phase.store(after as u8, Ordering::Release);
        }
    }

    /// As [`advance`](Self::advance), and the time of `after` starts now.
    pub(super) fn restart(&self, before: Phase, after: Phase) {
        if self.phase.load(Ordering::Relaxed) == before as u8 {
            self.enter(after);
        }
    }

    pub(super) fn is_in(&self, phase: Phase) -> bool {
        self.phase.load(Ordering::Acquire) == phase as u8
    }

    /// Runs `read` in [`Phase::Body`]; `None` where the body timeout ended it. Costs no timer.
    pub(super) async fn read_body<T>(&self, read: impl Future<Output = T>) -> Option<T> {
        self.late.store(false, Ordering::Relaxed);
        self.enter(Phase::Body);
        let mut read = std::pin::pin!(read);
        let result = std::future::poll_fn(|cx| {
            if let Poll::Ready(result) = read.as_mut().poll(cx) {
                return Poll::Ready(Some(result));
            }
            self.reader.register(cx.waker());
            if self.late.load(Ordering::Acquire) { Poll::Ready(None) } else { Poll::Pending }
        })
        .await;
        self.enter(Phase::Busy);
        result
    }

    fn end_body(&self) {
        self.late.store(true, Ordering::Release);
        self.reader.wake();
    }

    /// The task that ends when this connection is cut.
    pub(super) fn run_by(&self, task: AbortHandle) {
        *self.task.lock() = Some(task);
    }

    fn ticks(&self) -> u32 {
        self.clock.tick.load(Ordering::Relaxed).wrapping_sub(self.since.load(Ordering::Relaxed))
    }

    fn abort(&self) {
        if let Some(task) = &*self.task.lock() {
            task.abort();
        }
    }
}

/// Belongs to the socket: the connection counts until this is dropped with it.
pub(super) struct SlotGuard {
    pub(super) slot: Arc<Slot>,
    connections: Arc<Connections>,
}

impl Drop for SlotGuard {
    fn drop(&mut self) {
        self.connections.remove(self.slot.number);
    }
}

/// Why a connection is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// Too many in all.
    Total(usize),
    /// Too many of this address.
    Address(usize),
}

pub(super) struct Connections {
    table: Mutex<Table>,
    next_number: AtomicU64,
    draining: AtomicBool,
    clock: Arc<Clock>,
    tick: Duration,
    header_ticks: u32,
    body_ticks: u32,
    idle_ticks: u32,
    most: usize,
    most_per_address: usize,
    most_per_loopback_address: usize,
}

#[derive(Default)]
struct Table {
    slots: HashMap<u64, Arc<Slot>>,
    by_address: HashMap<IpAddr, usize>,
    by_thread: Vec<usize>,
}

impl Connections {
    pub(super) fn new(limits: &ServerLimits) -> Self {
        let shortest = limits.header_timeout.min(limits.body_timeout).min(limits.idle_timeout);
        let tick = (shortest / 8).clamp(Duration::from_millis(5), Duration::from_millis(100));
        let ticks = |time: Duration| u32::try_from(time.as_millis() / tick.as_millis()).unwrap_or(u32::MAX);
        Self {
            table: Mutex::new(Table { by_thread: vec![0; limits.threads.max(1)], ..Table::default() }),
            next_number: AtomicU64::new(1),
            draining: AtomicBool::new(false),
            clock: Arc::new(Clock { tick: AtomicU32::new(0) }),
            tick,
            header_ticks: ticks(limits.header_timeout),
            body_ticks: ticks(limits.body_timeout),
            idle_ticks: ticks(limits.idle_timeout),
            most: limits.connections,
            most_per_address: limits.connections_per_address,
            most_per_loopback_address: limits.connections_per_loopback_address,
        }
    }

    pub(super) fn count(&self) -> usize {
        self.table.lock().slots.len()
    }

    pub(super) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    pub(super) fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    /// Takes a place. With all places taken, the connection gives way that has been waiting longest for nothing: a
    /// flood of silent connections doesn't lock the others out.
    pub(super) fn admit(self: &Arc<Self>, peer: IpAddr) -> Result<SlotGuard, Refusal> {
        let address = counted_as(peer);
        let loopback = address.is_loopback();
        let most_here = if loopback { self.most_per_loopback_address } else { self.most_per_address };
        let mut table = self.table.lock();
        // a limit as large as the total says nothing of its own: then the longest silent one gives way instead
        if most_here < self.most && table.by_address.get(&address).is_some_and(|count| *count >= most_here) {
            return Err(Refusal::Address(most_here));
        }
        if table.slots.len() >= self.most {
            let Some(number) = longest_silent(&table) else {
                return Err(Refusal::Total(self.most));
            };
            if let Some(slot) = table.remove(number) {
                slot.abort();
            }
        }
        let thread = (0..table.by_thread.len()).min_by_key(|thread| table.by_thread[*thread]).unwrap_or(0);
        table.by_thread[thread] += 1;
        let slot = Arc::new(Slot {
            thread,
            number: self.next_number.fetch_add(1, Ordering::Relaxed),
            peer,
            unread_bytes: AtomicUsize::new(0),
            phase: AtomicU8::new(Phase::Header as u8),
            since: AtomicU32::new(self.clock.tick.load(Ordering::Relaxed)),
            late: AtomicBool::new(false),
            reader: AtomicWaker::new(),
            task: Mutex::default(),
            clock: Arc::clone(&self.clock),
        });
        table.slots.insert(slot.number, Arc::clone(&slot));
        *table.by_address.entry(address).or_insert(0) += 1;
        Ok(SlotGuard { slot, connections: Arc::clone(self) })
    }

    /// Cuts the connections in which no call is running and no answer is being fetched.
    pub(super) fn abort_idle(&self) {
        self.abort_where(|slot| slot.is_in(Phase::Idle) || slot.is_in(Phase::Header));
    }

    pub(super) fn abort_all(&self) {
        self.abort_where(|_| true);
    }

    fn abort_where(&self, condition: impl Fn(&Slot) -> bool) {
        self.table.lock().slots.values().filter(|slot| condition(slot)).for_each(|slot| slot.abort());
    }

    fn remove(&self, number: u64) {
        self.table.lock().remove(number);
    }
}

impl Table {
    fn remove(&mut self, number: u64) -> Option<Arc<Slot>> {
        let slot = self.slots.remove(&number)?;
        self.by_thread[slot.thread] -= 1;
        let address = counted_as(slot.peer);
        if let Some(count) = self.by_address.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                self.by_address.remove(&address);
            }
        }
        Some(slot)
    }
}

/// Connections that never sent a header go first, then those that wait between requests; of each the longest waiting,
/// none that came or was served within the last tick.
fn longest_silent(table: &Table) -> Option<u64> {
    let longest = |phase| {
        let waiting = table.slots.values().filter(|slot| slot.is_in(phase) && slot.ticks() > 1);
        waiting.max_by_key(|slot| slot.ticks()).map(|slot| slot.number)
    };
    longest(Phase::Header).or_else(|| longest(Phase::Idle))
}

/// The owner of an IPv6 host usually has a whole /64 to connect from.
fn counted_as(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) if !address.is_loopback() => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        address => address,
    }
}

/// Moves the clock on, and cuts what has waited too long.
pub(super) async fn sweep(connections: Arc<Connections>) {
    let mut interval = tokio::time::interval(connections.tick);
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    loop {
        interval.tick().await;
        connections.clock.tick.fetch_add(1, Ordering::Relaxed);
        for slot in connections.table.lock().slots.values() {
            let ticks = slot.ticks();
            if slot.is_in(Phase::Body) && ticks > connections.body_ticks {
                slot.end_body();
            }
            let header = slot.is_in(Phase::Header) && ticks > connections.header_ticks;
            let idle = (slot.is_in(Phase::Idle) || slot.is_in(Phase::Writing)) && ticks > connections.idle_ticks;
            if header || idle {
                slot.abort();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connections(most: usize, per_address: usize) -> Arc<Connections> {
        let limits = ServerLimits {
            connections: most,
            connections_per_address: per_address,
            connections_per_loopback_address: most,
            ..ServerLimits::default()
        };
        Arc::new(Connections::new(&limits))
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn addresses_are_counted_apart_and_an_ipv6_network_as_one() {
        let connections = connections(10, 2);
        let mut held: Vec<_> = ["192.0.2.1", "192.0.2.1", "2001:db8::1", "2001:db8::2"]
            .iter()
            .map(|text| connections.admit(ip(text)).ok().unwrap())
            .collect();
        for full in ["192.0.2.1", "::ffff:192.0.2.1", "2001:db8::3"] {
            assert_eq!(connections.admit(ip(full)).err(), Some(Refusal::Address(2)), "{full}");
        }
        held.push(connections.admit(ip("192.0.2.2")).ok().unwrap());
        held.push(connections.admit(ip("2001:db8:0:1::1")).ok().unwrap());
        held.remove(0);
        assert!(connections.admit(ip("192.0.2.1")).is_ok());
    }

    #[test]
    fn loopback_has_no_limit_of_its_own() {
        let connections = connections(5, 1);
        let held: Vec<_> = (0..5).map(|_| connections.admit(ip("127.0.0.1")).ok().unwrap()).collect();
        assert_eq!(connections.admit(ip("127.0.0.1")).err(), Some(Refusal::Total(5)));
        assert_eq!(connections.count(), held.len());
    }

    #[test]
    fn with_all_places_taken_the_longest_silent_connection_gives_way() {
        let connections = connections(3, 3);
        let held: Vec<_> = (0..3).map(|_| connections.admit(ip("127.0.0.1")).ok().unwrap()).collect();
        let tick = || connections.clock.tick.fetch_add(1, Ordering::Relaxed);
        assert_eq!(connections.admit(ip("127.0.0.1")).err(), Some(Refusal::Total(3)), "all have just come");
        tick();
        held[0].slot.enter(Phase::Busy);
        held[1].slot.enter(Phase::Idle);
        tick();
        tick();
        tick();
        let newer = connections.admit(ip("127.0.0.1")).ok().unwrap();
        let numbers = |table: &Table| {
            let mut numbers: Vec<u64> = table.slots.keys().copied().collect();
            numbers.sort_unstable();
            numbers
        };
        assert_eq!(numbers(&connections.table.lock()), [1, 2, 4], "the third never sent a header");
        newer.slot.enter(Phase::Busy);
        let _newest = connections.admit(ip("127.0.0.1")).ok().unwrap();
        assert_eq!(numbers(&connections.table.lock()), [1, 4, 5], "the second was idle");
        drop(held);
        assert_eq!(connections.count(), 2, "a place given away is not given back twice");
    }
}
