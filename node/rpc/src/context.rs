//! What a method knows about its caller, and how long it may run.

use crate::RpcError;
use std::{
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

/// How a request came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// POST.
    Http,
    /// A websocket message.
    Websocket,
}

/// Who calls, and where.
#[derive(Clone, Debug)]
pub struct CallContext {
    /// Name of the submesh whose endpoint `/submesh/<name>` was used; `None` for `/`.
    pub submesh: Option<Arc<str>>,
    /// Address of the other end of the connection.
    pub peer: IpAddr,
    /// How the request came.
    pub transport: Transport,
    /// Number of the connection, unique while the server lives: what belongs to a connection is kept by it.
    pub connection: u64,
}

/// Why a heavy method ended without a result.
#[derive(Debug)]
pub enum CallError {
    /// It has an answer, and that is an error.
    Rpc(RpcError),
    /// It saw [`Budget::is_over`] and gave up. The dispatcher knows why, and what to do: run it again in the pool, or
    /// answer −32002.
    Stopped,
}

impl From<RpcError> for CallError {
    fn from(error: RpcError) -> Self {
        Self::Rpc(error)
    }
}

/// How long a heavy method may go on. It asks [`is_over`](Self::is_over) every few microseconds of its work.
#[derive(Clone, Debug)]
pub struct Budget {
    cancelled: Option<Arc<AtomicBool>>,
    until: Instant,
}

impl Budget {
    /// A slice of time on the connection's own thread.
    pub(crate) fn inline(until: Instant) -> Self {
        Self { cancelled: None, until }
    }

    /// A run in the pool: until the deadline, or until the caller is gone.
    pub(crate) fn pooled(cancelled: Arc<AtomicBool>, until: Instant) -> Self {
        Self { cancelled: Some(cancelled), until }
    }

    /// Whether to give up with [`CallError::Stopped`]: the time is over or the caller is gone.
    ///
    /// Reads the clock (about 25 ns), so not for every instruction.
    pub fn is_over(&self) -> bool {
        self.cancelled.as_ref().is_some_and(|cancelled| cancelled.load(Ordering::Relaxed))
            || Instant::now() >= self.until
    }

    /// The flag that is set when the caller is gone, for code that polls by itself; `None` in the inline run.
    pub fn cancelled(&self) -> Option<Arc<AtomicBool>> {
        self.cancelled.clone()
    }

    /// When the time is over.
    pub fn until(&self) -> Instant {
        self.until
    }

    /// Whether this is the first, short run on the connection's thread. A method that knows beforehand that its work
    /// is long may return [`CallError::Stopped`] at once and is run in the pool.
    pub fn is_inline(&self) -> bool {
        self.cancelled.is_none()
    }
}
