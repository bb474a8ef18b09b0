//! Networks that speak to each other and to hostile peers, over real sockets on loopback.

#![allow(clippy::unwrap_used, reason = "a test that gets something else has failed")]

mod flow;
mod greeting;
mod hostile;
mod peers;
mod raw;
mod support;
mod sync;
mod transport;
