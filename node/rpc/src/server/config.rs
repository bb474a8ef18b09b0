//! What an operator decides, and the limits with their defaults.

use qsdm_primitives::limits as l;
use std::{net::SocketAddr, time::Duration};

/// How the server is reached, and by whom.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// Address and port; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Host names under which the server is called, besides `localhost`, loopback addresses and the address listened on;
    /// `*` for any. A request whose `Host` is none of these is refused: a page that rebinds its own name to this address
    /// can't read from the node (DNS rebinding). Where the server listens on all addresses, any address literal is fine:
    /// an address is not a name and can't be rebound.
    pub allowed_hosts: Vec<String>,
    /// Which pages may call.
    pub origins: Origins,
    /// Limits, usually the defaults.
    pub limits: ServerLimits,
}

impl ServerConfig {
    /// For a node of one's own machine: pages from loopback and browser extensions may call.
    pub fn development(listen: SocketAddr) -> Self {
        let origins = Origins { loopback_and_extensions: true, listed: Vec::new() };
        Self { listen, allowed_hosts: Vec::new(), origins, limits: ServerLimits::default() }
    }

    /// For a validator: no page may call until one is listed.
    pub fn validator(listen: SocketAddr) -> Self {
        Self { origins: Origins::default(), ..Self::development(listen) }
    }
}

/// Origins of pages that may call (CORS). Programs that are not browsers send no `Origin` and are not concerned; a page
/// that this server itself served may always call.
#[derive(Clone, Debug, Default)]
pub struct Origins {
    /// Pages from this machine, and wallets that live in the browser.
    pub loopback_and_extensions: bool,
    /// Further origins, as `scheme://host[:port]`; `*` for any.
    pub listed: Vec<String>,
}

/// Every cap of the server. The defaults are those of [`qsdm_primitives::limits`], which give the reasons.
#[derive(Clone, Debug)]
pub struct ServerLimits {
    /// Threads that serve connections, each of them its own.
    pub threads: usize,
    /// Bytes of a request body or websocket message.
    pub body_bytes: usize,
    /// Requests of a batch.
    pub batch_items: usize,
    /// Bytes of an answer.
    pub response_bytes: usize,
    /// Open connections.
    pub connections: usize,
    /// Open connections of one remote address.
    pub connections_per_address: usize,
    /// Open connections of a loopback address. By default as many as there may be at all: behind loopback are all the
    /// tools of a developer at once, or the reverse proxy with all its callers, and whoever may connect there can harm
    /// the node in easier ways.
    pub connections_per_loopback_address: usize,
    /// For the header of a request.
    pub header_timeout: Duration,
    /// For the body of a request.
    pub body_timeout: Duration,
    /// For fetching an answer and sending the next request; for a websocket that doesn't answer pings.
    pub idle_timeout: Duration,
    /// Between pings of a silent websocket.
    pub websocket_ping: Duration,
    /// Unfinished calls of one websocket.
    pub websocket_calls: usize,
    /// For the heavy calls of one request together.
    pub call_time: Duration,
    /// For the first run of a heavy call, on its connection's thread.
    pub call_inline: Duration,
    /// Heavy calls in the pool at once.
    pub long_calls: usize,
    /// Heavy calls that wait for the pool.
    pub long_calls_waiting: usize,
    /// How long one waits for the pool.
    pub long_call_wait: Duration,
    /// For calls that wait for an event.
    pub waiting_call_time: Duration,
    /// For a shutdown.
    pub shutdown_time: Duration,
}

impl Default for ServerLimits {
    fn default() -> Self {
        let ms = Duration::from_millis;
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            threads: (processors / 2).clamp(1, l::RPC_THREADS_MAX),
            body_bytes: l::RPC_BODY_BYTES_MAX,
            batch_items: l::RPC_BATCH_MAX,
            response_bytes: l::RPC_RESPONSE_BYTES_MAX,
            connections: l::RPC_CONNECTIONS_MAX,
            connections_per_address: l::RPC_CONNECTIONS_PER_ADDRESS_MAX,
            connections_per_loopback_address: l::RPC_CONNECTIONS_MAX,
            header_timeout: ms(l::RPC_HEADER_TIMEOUT_MS),
            body_timeout: ms(l::RPC_BODY_TIMEOUT_MS),
            idle_timeout: ms(l::RPC_IDLE_TIMEOUT_MS),
            websocket_ping: ms(l::RPC_WEBSOCKET_PING_MS),
            websocket_calls: l::RPC_WEBSOCKET_CALLS_MAX,
            call_time: ms(l::RPC_CALL_TIMEOUT_MS),
            call_inline: Duration::from_micros(l::RPC_CALL_INLINE_US),
            long_calls: l::RPC_LONG_CALLS_MAX,
            long_calls_waiting: l::RPC_LONG_CALLS_WAITING_MAX,
            long_call_wait: ms(l::RPC_LONG_CALL_WAIT_MS),
            waiting_call_time: ms(l::RPC_WAITING_CALL_TIMEOUT_MS),
            shutdown_time: ms(l::RPC_SHUTDOWN_MS),
        }
    }
}
