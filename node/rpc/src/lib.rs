#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod answer;
mod context;
mod dispatch;
mod error;
mod memory;
pub mod methods;
pub mod monitor;
mod params;
pub mod ports;
mod registry;
mod rpc_error;
mod server;
mod subscription;

pub use context::{Budget, CallContext, CallError, Transport};
pub use error::Error;
pub use params::{Params, Positional};
pub use registry::Registry;
pub use rpc_error::{RpcError, code};
pub use server::{Origins, Server, ServerConfig, ServerLimits};
pub use subscription::{Ended, Sink};
