#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

pub mod committee;
pub mod model;
pub mod node;
pub mod rpc;
pub mod sim;
pub mod socket;
pub mod testnet;
pub mod tidy;
pub mod vectors;
pub mod wallet;
