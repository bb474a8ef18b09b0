#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

pub mod block;
pub mod builder;
pub mod call;
pub mod chain;
pub mod diff;
mod error;
pub mod evm;
pub mod genesis;
pub mod intrinsic;
pub mod ports;
pub mod simulate;
pub mod state;
pub mod state_test;
pub mod trace;
pub mod trie;

pub use error::VmError;
