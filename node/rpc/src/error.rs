//! What can go wrong when the server starts.

use std::{io, net::SocketAddr};

/// Errors of the server itself. What a caller gets as an answer is an [`RpcError`](crate::RpcError).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Another process listens there.
    #[error("{address} is in use: stop the process that listens on port {} or choose another port", address.port())]
    AddressInUse {
        /// The address asked for.
        address: SocketAddr,
    },
    /// The operating system refuses that port.
    #[error("no permission to listen on {address}: choose a port of 1024 or above")]
    AddressNotPermitted {
        /// The address asked for.
        address: SocketAddr,
    },
    /// The address belongs to another machine.
    #[error("{} is not an address of this machine: listen on 127.0.0.1, or on 0.0.0.0 for all of its addresses", address.ip())]
    AddressNotLocal {
        /// The address asked for.
        address: SocketAddr,
    },
    /// Anything else the operating system says.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address asked for.
        address: SocketAddr,
        /// What the operating system says.
        source: io::Error,
    },
    /// The operating system gives no thread to serve on.
    #[error("cannot start a thread for the JSON-RPC server: {source}")]
    Thread {
        /// What the operating system says.
        source: io::Error,
    },
    /// A configured host name that no `Host` header can have.
    #[error("{host:?} is not a host name: write it without scheme, port and path, or * for any")]
    BadHost {
        /// As configured.
        host: String,
    },
    /// A configured origin that no `Origin` header can have.
    #[error("{origin:?} is not an origin: write scheme://host[:port] without a path, or * for any")]
    BadOrigin {
        /// As configured.
        origin: String,
    },
}

impl Error {
    /// Names what a failed `bind` means.
    pub(crate) fn listen(address: SocketAddr, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::AddrInUse => Self::AddressInUse { address },
            io::ErrorKind::PermissionDenied => Self::AddressNotPermitted { address },
            io::ErrorKind::AddrNotAvailable => Self::AddressNotLocal { address },
            _ => Self::Listen { address, source },
        }
    }
}
