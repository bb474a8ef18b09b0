//! A node that an operator runs: its folder, its configuration, its start and its stop.
//!
//! ```text
//! DIR/config.toml             what an operator decides
//! DIR/genesis.json            what must be equal on every node of the chain
//! DIR/keys/node.key           who the node is on the network
//! DIR/keys/validator.json     the validator's key, encrypted; a node without one observes
//! DIR/chain.db  mesh.db  safety.log  …   what the node writes
//! ```

pub(crate) mod config;
pub(crate) mod folder;
pub(crate) mod run;
mod watch;
