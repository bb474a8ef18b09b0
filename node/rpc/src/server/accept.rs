//! Accepting connections.

use super::{
    connections::{Connections, Refusal, SlotGuard},
    http::Service,
    io::ConnectionIo,
    reply::error_body,
    threads::Threads,
};
use crate::RpcError;
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use qsdm_primitives::limits::RPC_HEADER_BYTES_MAX;
use std::{convert::Infallible, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::{Semaphore, watch},
};

/// Refused connections that are told so at the same time; further ones are closed without a word.
const REFUSALS_AT_ONCE: usize = 32;
/// How long a refused connection is kept so that its answer arrives.
const REFUSAL_TIME: Duration = Duration::from_millis(500);
/// Pause after the system had no resources for a connection.
const EXHAUSTED_PAUSE: Duration = Duration::from_millis(50);
/// Of a connection's buffer: header, and the piece in which bodies are read.
const BUFFER_BYTES: usize = 64 * 1024;

pub(super) struct Acceptor {
    pub(super) listener: TcpListener,
    pub(super) threads: Arc<Threads>,
    pub(super) connections: Arc<Connections>,
    pub(super) stopped: watch::Receiver<bool>,
}

impl Acceptor {
    /// Accepts until the server stops.
    pub(super) async fn run(mut self) {
        let refusals = Arc::new(Semaphore::new(REFUSALS_AT_ONCE));
        loop {
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                _ = self.stopped.changed() => return,
            };
            match accepted {
                Ok((stream, peer)) => match self.connections.admit(peer.ip()) {
                    Ok(guard) => self.threads.hand_over(stream, guard),
                    Err(refusal) => {
                        tracing::debug!(%peer, ?refusal, "rpc.refused");
                        if let Ok(permit) = Arc::clone(&refusals).try_acquire_owned() {
                            tokio::spawn(async move {
                                // a caller that doesn't stay for its refusal needs none
                                let _ = tokio::time::timeout(REFUSAL_TIME, refuse(stream, refusal)).await;
                                drop(permit);
                            });
                        }
                    }
                },
                // the caller was gone before it was accepted: its matter
                Err(error) if error.kind() == std::io::ErrorKind::ConnectionAborted => {}
                Err(error) => {
                    tracing::warn!(%error, "rpc.accept");
                    tokio::time::sleep(EXHAUSTED_PAUSE).await;
                }
            }
        }
    }
}

/// Serves a connection on the thread that this is called on.
pub(super) fn serve<S: Send + Sync + 'static>(service: &Arc<Service<S>>, stream: TcpStream, guard: SlotGuard) {
    // answers are written whole: holding back the end of one for more to come only delays it
    let _ = stream.set_nodelay(true);
    let slot = Arc::clone(&guard.slot);
    let io = TokioIo::new(ConnectionIo::new(stream, guard, service.requests.reservation()));
    let handler = {
        let (service, slot) = (Arc::clone(service), Arc::clone(&slot));
        service_fn(move |request| {
            let answering = Arc::clone(&service).serve(Arc::clone(&slot), request);
            async move { Ok::<_, Infallible>(answering.await) }
        })
    };
    let connection = http1::Builder::new()
        // see `connections`: one clock for all of them
        .header_read_timeout(None)
        .auto_date_header(false)
        .max_header_size(RPC_HEADER_BYTES_MAX)
        .max_buf_size(BUFFER_BYTES)
        // a usual answer is a hundred bytes: copying it behind its header costs less than a vectored write
        .writev(false)
        .serve_connection(io, handler)
        .with_upgrades();
    let task = tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "rpc.connection");
        }
    });
    slot.run_by(task.abort_handle());
}

/// Says why the connection is not served. Reads what the caller sends meanwhile: closing a socket with unread data
/// would reset it, and the answer with it.
async fn refuse(mut stream: TcpStream, refusal: Refusal) -> std::io::Result<()> {
    let message = match refusal {
        Refusal::Total(most) => format!("busy: all {most} connections are taken, try again"),
        Refusal::Address(most) => format!("your address has {most} connections open, the most allowed: reuse them"),
    };
    let body = error_body(&RpcError::limit_exceeded(message));
    let mut answer = format!(
        "HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
         connection: close\r\nretry-after: 1\r\n\r\n",
        body.len()
    )
    .into_bytes();
    answer.extend_from_slice(&body);
    stream.write_all(&answer).await?;
    stream.shutdown().await?;
    let mut unread = [0; 4096];
    while stream.read(&mut unread).await? > 0 {}
    Ok(())
}
