//! The server over real sockets, with methods made for these tests.
#![allow(clippy::unwrap_used, reason = "a test that gets something else has failed")]

mod answers;
mod client;
mod hostile;
mod hostile_websocket;
mod http;
mod lifecycle;
mod long_calls;
mod toy;
mod websocket;
