//! The chain specification: what must be equal on every node of a chain.

use crate::{GenesisPlan, limits};
use serde::{Deserialize, Serialize};

/// Version of the specification format. A data folder carries the one it was made with and is refused by a node that
/// knows another.
pub const SPEC_VERSION: u32 = 1;

/// What must be equal on every node of a chain. Its encoding is part of a data folder's identity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChainSpec {
    /// Format version, [`SPEC_VERSION`].
    pub version: u32,
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// Timestamp of block 0, seconds since the Unix epoch.
    pub genesis_time: u64,
    /// Block gas limit at genesis.
    pub gas_limit: u64,
    /// Base fee of block 0 in wei per gas.
    pub base_fee: u64,
    /// By how much governance delays and epochs are divided. 1 is production, 3,600 the development default.
    pub time_scale: u64,
    /// Accounts, constructors and calls before block 1.
    pub genesis: GenesisPlan,
}

/// Why a specification is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SpecError {
    /// Made by another release.
    #[error(
        "chain specification has version {found}, this release knows version {known}: use the release that made it"
    )]
    Version {
        /// Version in the file.
        found: u32,
        /// [`SPEC_VERSION`].
        known: u32,
    },
    /// A gas limit that no block could work with, or that overflows arithmetic downstream.
    #[error("gas limit {found} is outside {min}..={max}")]
    GasLimit {
        /// The value given.
        found: u64,
        /// Least value.
        min: u64,
        /// Greatest value.
        max: u64,
    },
    /// Chain id 0 is reserved, and ids above 2^63 break clients that compute `35 + 2 * id`.
    #[error("chain id {found} is outside 1..={max}")]
    ChainId {
        /// The value given.
        found: u64,
        /// Greatest value.
        max: u64,
    },
    /// The time scale is a divisor.
    #[error("time scale {found} is outside 1..={max}")]
    TimeScale {
        /// The value given.
        found: u64,
        /// Greatest value.
        max: u64,
    },
}

impl ChainSpec {
    /// The development chain without genesis contents: chain id 31337, 60 M gas, 1 gwei, time scale 3,600.
    pub fn dev(genesis_time: u64) -> Self {
        Self {
            version: SPEC_VERSION,
            chain_id: 31_337,
            genesis_time,
            gas_limit: 60_000_000,
            base_fee: 1_000_000_000,
            time_scale: 3_600,
            genesis: GenesisPlan::default(),
        }
    }

    /// Checks every bound of the specification.
    pub fn check(&self) -> Result<(), SpecError> {
        if self.version != SPEC_VERSION {
            return Err(SpecError::Version { found: self.version, known: SPEC_VERSION });
        }
        if !(limits::BLOCK_GAS_MIN..=limits::BLOCK_GAS_MAX).contains(&self.gas_limit) {
            let (min, max) = (limits::BLOCK_GAS_MIN, limits::BLOCK_GAS_MAX);
            return Err(SpecError::GasLimit { found: self.gas_limit, min, max });
        }
        if !(1..=limits::CHAIN_ID_MAX).contains(&self.chain_id) {
            return Err(SpecError::ChainId { found: self.chain_id, max: limits::CHAIN_ID_MAX });
        }
        if !(1..=limits::TIME_SCALE_MAX).contains(&self.time_scale) {
            return Err(SpecError::TimeScale { found: self.time_scale, max: limits::TIME_SCALE_MAX });
        }
        Ok(())
    }
}
