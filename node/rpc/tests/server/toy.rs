//! A server with methods that only tests need.

use parking_lot::{Mutex, RwLock, RwLockReadGuard, RwLockWriteGuard};
use qsdm_rpc::{CallError, Registry, RpcError, Server, ServerConfig, Sink};
use serde_json::value::{RawValue, to_raw_value};
use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

/// What the methods work on, and what tests look at.
#[derive(Default)]
pub(crate) struct State {
    /// Heavy and waiting calls now.
    pub(crate) running: Counter,
    /// Runs of heavy calls begun in the pool.
    pub(crate) pooled: AtomicUsize,
    /// Guards of subscriptions.
    pub(crate) subscribed: Counter,
    pub(crate) sinks: Mutex<Vec<Sink>>,
}

/// Counts what is alive.
#[derive(Clone, Default)]
pub(crate) struct Counter(Arc<AtomicUsize>);

impl Counter {
    pub(crate) fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }

    fn enter(&self) -> Counted {
        self.0.fetch_add(1, Ordering::SeqCst);
        Counted(self.clone())
    }

    /// Waits until there are `wanted`; the test hangs, and is ended by its runner's limit, where that never happens.
    pub(crate) fn wait_for(&self, wanted: usize) {
        while self.count() != wanted {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

struct Counted(Counter);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// A running server.
pub(crate) struct Toy {
    pub(crate) address: SocketAddr,
    pub(crate) state: Arc<State>,
    server: Option<Server>,
    runtime: tokio::runtime::Runtime,
    _turn: Turn,
}

/// Tests that measure run alone, the others beside each other.
static TURNS: RwLock<()> = RwLock::new(());

enum Turn {
    Shared(#[expect(dead_code, reason = "held")] RwLockReadGuard<'static, ()>),
    Alone(#[expect(dead_code, reason = "held")] RwLockWriteGuard<'static, ()>),
}

impl Toy {
    /// For a developer's machine, with `change` made to its configuration.
    pub(crate) fn start(change: impl FnOnce(&mut ServerConfig)) -> Self {
        Self::start_in_turn(change, Turn::Shared(TURNS.read()))
    }

    /// With nothing else going on in this process.
    pub(crate) fn start_alone(change: impl FnOnce(&mut ServerConfig)) -> Self {
        Self::start_in_turn(change, Turn::Alone(TURNS.write()))
    }

    fn start_in_turn(change: impl FnOnce(&mut ServerConfig), turn: Turn) -> Self {
        let mut config = ServerConfig::development("127.0.0.1:0".parse().unwrap());
        config.limits.threads = 2;
        change(&mut config);
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let state = Arc::new(State::default());
        let server = runtime.block_on(Server::bind(config, registry(), Arc::clone(&state))).unwrap();
        Self { address: server.local_addr(), state, server: Some(server), runtime, _turn: turn }
    }

    pub(crate) fn server(&self) -> &Server {
        self.server.as_ref().unwrap()
    }

    pub(crate) fn shutdown(&mut self) {
        self.runtime.block_on(self.server.take().unwrap().shutdown());
    }

    /// One notification to all subscribers; returns how many still listen.
    pub(crate) fn publish(&self, news: &Arc<RawValue>) -> usize {
        let mut sinks = self.state.sinks.lock();
        sinks.retain(|sink| sink.push(news).is_ok());
        sinks.len()
    }
}

fn registry() -> Registry<State> {
    let mut registry = Registry::new();
    registry.submeshes(|_, name| name != "absent");
    registry.fast("toy_echo", |_: &State, params, _| {
        let params = params.positional(&["value", "unused"])?;
        params.required::<Box<RawValue>>(0)
    });
    registry.fast("toy_value", |_, params, _| params.positional(&["value"])?.required::<serde_json::Value>(0));
    registry.fast("toy_context", |_, params, context| {
        params.none()?;
        let submesh = context.submesh.as_deref().map(ToOwned::to_owned);
        Ok((submesh, context.peer, format!("{:?}", context.transport), context.connection))
    });
    registry.fast("toy_large", |_, params, _| Ok("x".repeat(params.positional(&["bytes"])?.required(0)?)));
    registry.fast("toy_panic", |_, _, _| -> Result<(), RpcError> { panic!("on purpose") });
    registry.fast("toy_revert", |_, _, _| -> Result<(), RpcError> {
        Err(RpcError::execution_reverted("execution reverted: no", &[0x08, 0xc3, 0x79, 0xa0]))
    });
    registry.heavy("toy_spin", |state, params, _, budget| {
        let time = Duration::from_millis(params.positional(&["milliseconds"])?.required(0)?);
        if !budget.is_inline() {
            state.pooled.fetch_add(1, Ordering::SeqCst);
        }
        let _running = (!budget.is_inline()).then(|| state.running.enter());
        let end = Instant::now() + time;
        while Instant::now() < end {
            if budget.is_over() {
                return Err(CallError::Stopped);
            }
            std::hint::spin_loop();
        }
        Ok(params.raw().map(ToOwned::to_owned))
    });
    registry.asynchronous("toy_wait", |state, params, _| {
        let time = Duration::from_millis(params.positional(&["milliseconds"])?.required(0)?);
        let running = state.running.enter();
        Ok(async move {
            tokio::time::sleep(time).await;
            drop(running);
            Ok("waited")
        })
    });
    registry.subscription("toy_subscribe", "toy_unsubscribe", "toy_subscription", |state, params, _, sink| {
        let kind: String = params.positional(&["kind"])?.required(0)?;
        if kind != "news" {
            return Err(RpcError::invalid_params(format!("no subscription {kind:?}: there is news")));
        }
        state.sinks.lock().push(sink);
        Ok(state.subscribed.enter())
    });
    registry
}

/// Something to publish.
pub(crate) fn news(value: impl serde::Serialize) -> Arc<RawValue> {
    to_raw_value(&value).unwrap().into()
}
