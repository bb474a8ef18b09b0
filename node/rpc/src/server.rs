//! The server: http and websockets on one port.

mod accept;
mod body;
mod config;
mod connections;
mod http;
mod io;
mod policy;
mod reply;
mod threads;
mod websocket;

pub use config::{Origins, ServerConfig, ServerLimits};

use crate::{Error, Registry, dispatch::Dispatcher, memory::ByteBudget};
use accept::Acceptor;
use connections::Connections;
use http::Service;
use policy::Policy;
use qsdm_primitives::limits::RPC_LARGE_REQUESTS_BYTES_MAX;
use std::{net::SocketAddr, sync::Arc, time::Duration};
use threads::Threads;
use tokio::{net::TcpListener, sync::watch, task::JoinHandle, time::Instant};

/// A running server. Dropping it cuts all connections; [`shutdown`](Self::shutdown) lets them finish.
pub struct Server {
    address: SocketAddr,
    connections: Arc<Connections>,
    stop: watch::Sender<bool>,
    accepting: JoinHandle<()>,
    sweeping: JoinHandle<()>,
    /// The last one to hold them: they end with it.
    _threads: Arc<Threads>,
    shutdown_time: Duration,
}

impl Server {
    /// Listens, and answers from now on: connections are accepted on the tokio runtime of the caller, which must have
    /// time and I/O enabled, and served on threads of the server.
    ///
    /// # Errors
    /// [`Error`] where the address can't be had, naming the reason, or where the configuration contradicts itself.
    pub async fn bind<S: Send + Sync + 'static>(
        config: ServerConfig,
        registry: Registry<S>,
        state: Arc<S>,
    ) -> Result<Self, Error> {
        let policy = Policy::new(&config)?;
        let limits = config.limits.clone();
        let listener = TcpListener::bind(config.listen).await.map_err(|error| Error::listen(config.listen, error))?;
        let address = listener.local_addr().map_err(|error| Error::listen(config.listen, error))?;
        let connections = Arc::new(Connections::new(&limits));
        let (stop, stopped) = watch::channel(false);
        let service = Arc::new(Service {
            dispatcher: Dispatcher::new(state, registry, limits.clone()),
            policy,
            limits: limits.clone(),
            connections: Arc::clone(&connections),
            requests: ByteBudget::new(RPC_LARGE_REQUESTS_BYTES_MAX),
            stopped: stopped.clone(),
        });
        let serve = move |stream, guard| accept::serve(&service, stream, guard);
        let threads = Arc::new(Threads::start(limits.threads, serve)?);
        let acceptor =
            Acceptor { listener, threads: Arc::clone(&threads), connections: Arc::clone(&connections), stopped };
        let accepting = tokio::spawn(acceptor.run());
        let sweeping = tokio::spawn(connections::sweep(Arc::clone(&connections)));
        tracing::info!(%address, "rpc.listening");
        Ok(Self {
            address,
            connections,
            stop,
            accepting,
            sweeping,
            _threads: threads,
            shutdown_time: limits.shutdown_time,
        })
    }

    /// The address listened on, with the port that the system chose where the configured one was 0.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Open connections now.
    pub fn connections(&self) -> usize {
        self.connections.count()
    }

    /// Accepts nothing more, lets calls in progress finish and their answers be fetched, closes websockets with code
    /// 1001, and cuts what is left after the shutdown time (4.5 s by default).
    pub async fn shutdown(self) {
        let until = Instant::now() + self.shutdown_time;
        self.connections.drain();
        // an error means that nobody listens any more, which is what this asks for
        let _ = self.stop.send(true);
        while self.connections.count() > 0 && Instant::now() < until {
            self.connections.abort_idle();
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        tracing::info!(cut = self.connections.count(), "rpc.stopped");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.connections.drain();
        let _ = self.stop.send(true);
        self.accepting.abort();
        self.sweeping.abort();
        self.connections.abort_all();
    }
}
