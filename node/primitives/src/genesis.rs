//! The genesis plan: what the chain runs before block 1, as data.
//!
//! The plan is made by the contracts crate (which knows constructors) and carried out by the executor (which knows the
//! EVM), so that genesis is the outcome of the *real constructors* at fixed addresses and not a hand-written storage
//! dump (governance rule 6).

use alloy_primitives::{Address, Bytes, U256};
use serde::{Deserialize, Serialize};

/// One step of genesis. Steps run in order; each must succeed, a revert makes the specification invalid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub enum GenesisStep {
    /// Runs `init_code` as a CREATE whose new contract has exactly the address `address`.
    Deploy {
        /// Contract name, for banners, decoding and error messages.
        name: String,
        /// Where the contract lives.
        address: Address,
        /// Creation bytecode followed by the ABI-encoded constructor arguments.
        init_code: Bytes,
    },
    /// A call from `from` to `to`; no fee, no nonce check.
    Call {
        /// What the call does, in a few words.
        name: String,
        /// `msg.sender` of the call.
        from: Address,
        /// The contract called.
        to: Address,
        /// Calldata.
        data: Bytes,
    },
}

/// An account that exists at genesis without a constructor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GenesisAccount {
    /// Its address.
    pub address: Address,
    /// Balance in wei.
    pub balance: U256,
    /// Runtime code, empty for an externally owned account.
    #[serde(default)]
    pub code: Bytes,
    /// Nonce.
    #[serde(default)]
    pub nonce: u64,
}

/// Everything that exists before block 1: plain accounts first, then the steps in order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GenesisPlan {
    /// Plain accounts.
    pub accounts: Vec<GenesisAccount>,
    /// Constructor runs and calls.
    pub steps: Vec<GenesisStep>,
}
