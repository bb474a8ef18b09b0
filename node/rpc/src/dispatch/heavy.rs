//! Where calls run that take longer than their connection can wait.
//!
//! A usual `eth_call` takes 20 µs, a hostile one as long as it is let. Moving every call to another thread would cost
//! more than the usual call itself (two wake-ups, about 10 µs, on either side of the hand-over), and
//! `block_in_place` moves everything else on the thread instead, at the same price. So a call first runs where it
//! was read, for a slice of time that its neighbours don't notice. One that isn't done by then stops itself,
//! and is started again here: a long call pays one slice twice, the others nothing.
//!
//! Two run at a time, so that the processors of a small machine are never all taken; a bounded number waits, a bounded
//! time. The place is given back when the work has ended, not when its caller has left: callers that connect, call and
//! leave don't get more than two threads to work.

use super::panicked;
use crate::{Budget, CallError, RpcError, server::ServerLimits};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// A call looks at its budget every few microseconds; one that is later than this by so much does not look at all.
const GRACE: Duration = Duration::from_millis(500);

pub(super) struct HeavyPool {
    places: Arc<Semaphore>,
    waiting: AtomicUsize,
    at_once: usize,
    waiting_max: usize,
    wait: Duration,
    call_time: Duration,
    call_inline: Duration,
}

impl HeavyPool {
    pub(super) fn new(limits: &ServerLimits) -> Self {
        Self {
            places: Arc::new(Semaphore::new(limits.long_calls)),
            waiting: AtomicUsize::new(0),
            at_once: limits.long_calls,
            waiting_max: limits.long_calls_waiting,
            wait: limits.long_call_wait,
            call_time: limits.call_time,
            call_inline: limits.call_inline,
        }
    }

    /// How long a call may run where it was read. The more calls wait for the pool, the shorter: a flood of long calls
    /// takes less and less from the short ones.
    pub(super) fn slice(&self) -> Duration {
        let waiting = u32::try_from(self.waiting.load(Ordering::Relaxed)).unwrap_or(u32::MAX);
        self.call_inline / waiting.saturating_add(1)
    }

    /// Runs `job` on a thread of its own until it ends or its budget does. Dropping the future cancels it.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        deadline: Instant,
        job: impl FnOnce(&Budget) -> Result<T, CallError> + Send + 'static,
    ) -> Result<T, RpcError> {
        let late = || RpcError::timed_out(format!("stopped: took longer than {} ms", self.call_time.as_millis()));
        if Instant::now() >= deadline {
            return Err(late());
        }
        let place = self.admit(deadline).await?;
        let cancel = CancelOnDrop(Arc::default());
        let budget = Budget::pooled(Arc::clone(&cancel.0), deadline);
        let task = tokio::task::spawn_blocking(move || {
            let result = job(&budget);
            drop(place);
            result
        });
        match tokio::time::timeout_at((deadline + GRACE).into(), task).await {
            Ok(Ok(Ok(result))) => Ok(result),
            Ok(Ok(Err(CallError::Rpc(error)))) => Err(error),
            Ok(Ok(Err(CallError::Stopped))) | Err(_) => Err(late()),
            Ok(Err(_)) => Err(panicked()),
        }
    }

    async fn admit(&self, deadline: Instant) -> Result<OwnedSemaphorePermit, RpcError> {
        if let Ok(place) = Arc::clone(&self.places).try_acquire_owned() {
            return Ok(place);
        }
        let waiting = Waiting::enter(&self.waiting);
        if waiting.others >= self.waiting_max {
            return Err(self.busy());
        }
        let until = deadline.min(Instant::now() + self.wait);
        match tokio::time::timeout_at(until.into(), Arc::clone(&self.places).acquire_owned()).await {
            Ok(Ok(place)) => Ok(place),
            _ => Err(self.busy()),
        }
    }

    fn busy(&self) -> RpcError {
        RpcError::limit_exceeded(format!("busy: {} long calls are running, the most at once; try again", self.at_once))
    }
}

/// Counts one that waits, until it is dropped.
struct Waiting<'a> {
    count: &'a AtomicUsize,
    others: usize,
}

impl<'a> Waiting<'a> {
    fn enter(count: &'a AtomicUsize) -> Self {
        Self { count, others: count.fetch_add(1, Ordering::Relaxed) }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.count.fetch_sub(1, Ordering::Relaxed);
    }
}

struct CancelOnDrop(Arc<AtomicBool>);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
