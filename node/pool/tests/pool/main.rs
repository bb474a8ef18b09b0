//! The pool through its public interface.

#![allow(clippy::unwrap_used, reason = "a test ends where something is missing, helpers included")]

mod admission;
mod follow;
mod limits;
mod model;
mod naive;
mod order;
mod recovery;
mod support;
mod words;
