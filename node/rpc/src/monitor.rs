//! A second, small listener for whoever watches the node: `/metrics` in the text format of Prometheus, and `/health`.

use bytes::Bytes;
use http_body_util::Full;
use hyper::{
    Method, Request, Response, StatusCode, body::Incoming, header::CONTENT_TYPE, server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use qsdm_primitives::limits::{MONITOR_CONNECTIONS_MAX, MONITOR_HEADER_MS_MAX, MONITOR_MS_MAX};
use std::{convert::Infallible, io, net::SocketAddr, sync::Arc, time::Duration};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    task::JoinHandle,
    time::timeout,
};

/// What is asked of the node.
pub trait Watched: Send + Sync + 'static {
    /// All figures, in the text format of Prometheus.
    fn figures(&self) -> String;

    /// How the node is, as JSON.
    ///
    /// # Errors
    /// The same where it does not do what it is there for.
    fn health(&self) -> Result<String, String>;
}

/// The listener. Dropping it ends it.
#[derive(Debug)]
pub struct Monitor {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Monitor {
    /// Listens.
    ///
    /// # Errors
    /// Where the address can't be listened on.
    pub async fn bind(listen: SocketAddr, watched: Arc<dyn Watched>) -> io::Result<Self> {
        let listener = TcpListener::bind(listen).await?;
        let address = listener.local_addr()?;
        Ok(Self { address, task: tokio::spawn(accept(listener, watched)) })
    }

    /// Where it listens.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Monitor {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, watched: Arc<dyn Watched>) {
    let room = Arc::new(Semaphore::new(MONITOR_CONNECTIONS_MAX));
    loop {
        let Ok(permit) = room.clone().acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => drop(tokio::spawn(serve(stream, watched.clone(), permit))),
            // out of file descriptors: others end, then there are some again
            Err(error) => {
                tracing::warn!(%error, "the monitor takes no connection");
                tokio::time::sleep(Duration::from_millis(MONITOR_HEADER_MS_MAX / 10)).await;
            }
        }
    }
}

/// Serves one connection for a bounded time, whatever it does.
async fn serve(stream: TcpStream, watched: Arc<dyn Watched>, _room: OwnedSemaphorePermit) {
    let service = service_fn(move |request: Request<Incoming>| {
        let reply = answer(&*watched, &request);
        async move { Ok::<_, Infallible>(reply) }
    });
    let mut server = http1::Builder::new();
    server.timer(TokioTimer::new()).header_read_timeout(Duration::from_millis(MONITOR_HEADER_MS_MAX));
    let connection = server.serve_connection(TokioIo::new(stream), service);
    // whoever watches connects again
    drop(timeout(Duration::from_millis(MONITOR_MS_MAX), connection).await);
}

fn answer(watched: &dyn Watched, request: &Request<Incoming>) -> Response<Full<Bytes>> {
    const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";
    const JSON: &str = "application/json";
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return reply(StatusCode::METHOD_NOT_ALLOWED, TEXT, "GET /metrics or /health\n".to_owned());
    }
    match request.uri().path() {
        "/metrics" => reply(StatusCode::OK, TEXT, watched.figures()),
        "/health" => match watched.health() {
            Ok(health) => reply(StatusCode::OK, JSON, health),
            Err(health) => reply(StatusCode::SERVICE_UNAVAILABLE, JSON, health),
        },
        _ => reply(StatusCode::NOT_FOUND, TEXT, "there are /metrics and /health\n".to_owned()),
    }
}

fn reply(status: StatusCode, content_type: &'static str, text: String) -> Response<Full<Bytes>> {
    let mut reply = Response::new(Full::new(Bytes::from(text)));
    *reply.status_mut() = status;
    reply.headers_mut().insert(CONTENT_TYPE, hyper::header::HeaderValue::from_static(content_type));
    reply
}
