//! The store through its public face, against a model, against damage and against death.

#![allow(clippy::unwrap_used, reason = "a test says what went wrong by failing there")]

mod damage;
mod folders;
mod kill;
mod model;
mod properties;
mod samples;
