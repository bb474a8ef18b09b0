//! Subscriptions of a websocket and the queue of their notifications.

use crate::RpcError;
use parking_lot::Mutex;
use qsdm_primitives::limits::{RPC_NOTICES_QUEUED_BYTES_MAX, RPC_NOTICES_QUEUED_MAX, RPC_SUBSCRIPTIONS_MAX};
use serde_json::value::RawValue;
use std::{
    any::Any,
    collections::{HashMap, VecDeque},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};
use tokio::sync::Notify;

/// The subscription has ended; whoever feeds it forgets its [`Sink`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the subscription has ended")]
pub struct Ended;

/// The sending end of one subscription. Cheap to clone; [`push`](Self::push) never waits.
#[derive(Clone)]
pub struct Sink {
    id: u64,
    notification: &'static str,
    ended: Arc<AtomicBool>,
    outbox: Arc<Outbox>,
}

impl Sink {
    /// Queues one notification. News for many subscribers is serialised once and shared.
    ///
    /// # Errors
    /// [`Ended`] once the subscription has ended, and from the moment on when its reader was further behind than the
    /// queue holds, which ends the connection.
    pub fn push(&self, result: &Arc<RawValue>) -> Result<(), Ended> {
        if self.has_ended() {
            return Err(Ended);
        }
        self.outbox.push(Notice { id: self.id, notification: self.notification, result: Arc::clone(result) })
    }

    /// Whether nobody listens any more.
    pub fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Relaxed)
    }

    /// The id that the subscriber knows.
    pub fn id(&self) -> String {
        shown(self.id)
    }
}

fn shown(id: u64) -> String {
    format!("0x{id:x}")
}

/// One notification on its way.
pub(crate) struct Notice {
    id: u64,
    notification: &'static str,
    result: Arc<RawValue>,
}

impl Notice {
    /// The message as sent.
    pub(crate) fn message(&self) -> String {
        let (method, id, result) = (self.notification, self.id, self.result.get());
        format!(r#"{{"jsonrpc":"2.0","method":"{method}","params":{{"subscription":"0x{id:x}","result":{result}}}}}"#)
    }
}

/// The queue between the sinks of a connection and the task that writes to it.
pub(crate) struct Outbox {
    queue: Mutex<Queue>,
    filled: Notify,
    overflowed: Notify,
}

#[derive(Default)]
struct Queue {
    notices: VecDeque<Notice>,
    bytes: usize,
    overflowed_by: Option<u64>,
}

impl Outbox {
    fn push(&self, notice: Notice) -> Result<(), Ended> {
        let mut queue = self.queue.lock();
        if queue.overflowed_by.is_some() {
            return Err(Ended);
        }
        let bytes = notice.result.get().len();
        // one notification larger than the whole queue still passes if its reader keeps up
        let full = queue.notices.len() >= RPC_NOTICES_QUEUED_MAX
            || (!queue.notices.is_empty() && queue.bytes + bytes > RPC_NOTICES_QUEUED_BYTES_MAX);
        if full {
            // what a slow reader holds is given back at once, not when its socket gives up
            *queue = Queue { overflowed_by: Some(notice.id), ..Queue::default() };
            drop(queue);
            self.overflowed.notify_one();
            return Err(Ended);
        }
        queue.bytes += bytes;
        queue.notices.push_back(notice);
        drop(queue);
        self.filled.notify_one();
        Ok(())
    }

    /// Waits for a notification and takes all that are queued.
    pub(crate) async fn take(&self) -> VecDeque<Notice> {
        loop {
            let taken = {
                let mut queue = self.queue.lock();
                queue.bytes = 0;
                std::mem::take(&mut queue.notices)
            };
            if !taken.is_empty() {
                return taken;
            }
            self.filled.notified().await;
        }
    }

    /// Waits until a subscription fell too far behind, and says why the connection ends.
    pub(crate) async fn overflowed(&self) -> String {
        loop {
            if let Some(id) = self.queue.lock().overflowed_by {
                return format!("subscription {} fell too far behind: read faster or ask for less", shown(id));
            }
            self.overflowed.notified().await;
        }
    }
}

/// The subscriptions of one websocket.
pub(crate) struct Subscriptions {
    outbox: Arc<Outbox>,
    active: Mutex<HashMap<u64, Active>>,
}

struct Active {
    ended: Arc<AtomicBool>,
    /// Dropped at the end of the subscription: its feeder's sign to forget it.
    _guard: Box<dyn Any + Send>,
}

impl Drop for Active {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
    }
}

impl Subscriptions {
    pub(crate) fn new() -> Self {
        let outbox = Outbox { queue: Mutex::default(), filled: Notify::new(), overflowed: Notify::new() };
        Self { outbox: Arc::new(outbox), active: Mutex::default() }
    }

    pub(crate) fn outbox(&self) -> Arc<Outbox> {
        Arc::clone(&self.outbox)
    }

    /// Starts a subscription and returns its id as shown to the subscriber.
    pub(crate) fn start(
        &self,
        notification: &'static str,
        start: impl FnOnce(Sink) -> Result<Box<dyn Any + Send>, RpcError>,
    ) -> Result<String, RpcError> {
        // one counter for all connections: an id in a log names one subscription
        static NEXT_ID: AtomicU64 = AtomicU64::new(1);
        let count = self.active.lock().len();
        if count >= RPC_SUBSCRIPTIONS_MAX {
            return Err(RpcError::limit_exceeded(format!(
                "this connection has {count} subscriptions, the most allowed: end one or open another connection"
            )));
        }
        let id = NEXT_ID.fetch_add(1, Ordering::Relaxed);
        let ended = Arc::new(AtomicBool::new(false));
        let sink = Sink { id, notification, ended: Arc::clone(&ended), outbox: Arc::clone(&self.outbox) };
        let guard = start(sink)?;
        self.active.lock().insert(id, Active { ended, _guard: guard });
        Ok(shown(id))
    }

    /// Ends a subscription; false where this connection has none of that id.
    pub(crate) fn end(&self, shown: &str) -> bool {
        let Some(id) = shown.strip_prefix("0x").and_then(|digits| u64::from_str_radix(digits, 16).ok()) else {
            return false;
        };
        // the guard is dropped after the lock is given back: what it does is not ours
        let ended = self.active.lock().remove(&id);
        let mut queue = self.outbox.queue.lock();
        queue.notices.retain(|notice| notice.id != id);
        queue.bytes = queue.notices.iter().map(|notice| notice.result.get().len()).sum();
        drop(queue);
        ended.is_some()
    }
}
