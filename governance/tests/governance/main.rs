//! Proposals through the public interface.

#![allow(clippy::unwrap_used, reason = "a test ends where something is missing, helpers included")]

mod draft;
mod file;
mod reader;
mod revert;
mod steps;
mod values;
mod words;
