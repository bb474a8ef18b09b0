//! What a chain's founders decide.

use crate::Error;
use alloy_primitives::{Address, Bytes, U256};
use qsdm_primitives::limits;
use std::collections::BTreeSet;

/// What a chain's founders decide; everything else is the same on every chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GenesisConfig {
    /// By how much governance delays and epochs are divided; 1 is production.
    pub time_scale: u64,
    /// Founding reputation, in units of 10^-18. It is dated to the genesis time and decays from then.
    pub members: Vec<(Address, U256)>,
    /// The first validators.
    pub validators: Vec<GenesisValidator>,
    /// Who may cancel proposals of the Submesh track for 180 days besides their proposers; zero: nobody, ever.
    pub guardian: Address,
    /// Settings of submesh 0.
    pub root_submesh: RootSubmesh,
}

/// A validator of the first epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GenesisValidator {
    /// Account that stands for the validator.
    pub operator: Address,
    /// ML-DSA-65 public key, 1,952 bytes (FIPS 204).
    pub key: Bytes,
    /// libp2p PeerId, its multihash bytes.
    pub peer_id: Bytes,
    /// Coins bonded for it at genesis, and the most its bond may count: 1 to 2^56.
    pub weight: u64,
}

/// What a chain may choose about submesh 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RootSubmesh {
    /// Gas a block, 1 million to 2^40.
    pub gas_limit: u64,
    /// Lowest base fee in wei, at most 10,000 gwei.
    pub base_fee_floor: u64,
}

impl Default for RootSubmesh {
    /// 30 million gas, no floor but the protocol's own.
    fn default() -> Self {
        Self { gas_limit: 30_000_000, base_fee_floor: 0 }
    }
}

impl GenesisConfig {
    /// A chain of these members with no validators, no guardian and the default root submesh.
    pub fn new(time_scale: u64, members: Vec<(Address, U256)>) -> Self {
        let (validators, root_submesh) = (Vec::new(), RootSubmesh::default());
        Self { time_scale, members, validators, guardian: Address::ZERO, root_submesh }
    }

    /// Refuses what a constructor or call would refuse later, with a message for people.
    pub(crate) fn check(&self) -> Result<(), Error> {
        if !(1..=limits::TIME_SCALE_MAX).contains(&self.time_scale) {
            return Err(Error::TimeScale { found: self.time_scale, max: limits::TIME_SCALE_MAX });
        }
        self.check_members()?;
        self.check_validators()?;
        self.root_submesh.check()
    }

    fn check_members(&self) -> Result<(), Error> {
        let found = self.members.len();
        if found == 0 {
            return Err(Error::NoMembers);
        }
        if found > limits::GENESIS_MEMBERS_MAX {
            return Err(Error::TooManyMembers { found, max: limits::GENESIS_MEMBERS_MAX });
        }
        let mut seen = BTreeSet::new();
        let mut total = U256::ZERO;
        for &(address, amount) in &self.members {
            if address.is_zero() || amount.is_zero() {
                return Err(Error::EmptyMember { address, amount });
            }
            if !seen.insert(address) {
                return Err(Error::RepeatedMember { address });
            }
            total = total.saturating_add(amount);
        }
        let max = (U256::ONE << 96) - U256::ONE;
        if total > max { Err(Error::TooMuchReputation { total, max }) } else { Ok(()) }
    }

    fn check_validators(&self) -> Result<(), Error> {
        let (found, max) = (self.validators.len(), limits::VALIDATOR_CANDIDATES_MAX);
        if found > max {
            return Err(Error::TooManyValidators { found, max });
        }
        let (mut operators, mut keys, mut peers) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        for validator in &self.validators {
            validator.check()?;
            let taken = [
                (operators.insert(validator.operator), "the operator"),
                (keys.insert(&validator.key), "its key"),
                (peers.insert(&validator.peer_id), "its PeerId"),
            ];
            if let Some((_, what)) = taken.into_iter().find(|(new, _)| !new) {
                return Err(validator.bad(format!("{what} is another validator's too: each must be its own")));
            }
        }
        Ok(())
    }
}

impl GenesisValidator {
    fn check(&self) -> Result<(), Error> {
        let (key, peer) = (self.key.len(), self.peer_id.len());
        if self.operator.is_zero() {
            return Err(self.bad("the operator is the zero address".to_owned()));
        }
        if key != limits::VALIDATOR_KEY_BYTES {
            let expected = limits::VALIDATOR_KEY_BYTES;
            return Err(self.bad(format!("its key has {key} bytes, an ML-DSA-65 public key has {expected}")));
        }
        if peer == 0 || peer > limits::PEER_ID_BYTES_MAX {
            return Err(self.bad(format!("its PeerId has {peer} bytes, not 1 to {}", limits::PEER_ID_BYTES_MAX)));
        }
        if self.weight == 0 || self.weight > limits::VALIDATOR_WEIGHT_MAX {
            let max = limits::VALIDATOR_WEIGHT_MAX;
            return Err(self.bad(format!("its weight is {}, not 1 to {max}", self.weight)));
        }
        Ok(())
    }

    fn bad(&self, reason: String) -> Error {
        Error::BadValidator { operator: self.operator, reason }
    }
}

impl RootSubmesh {
    fn check(&self) -> Result<(), Error> {
        let (gas_min, gas_max) = (limits::SUBMESH_GAS_MIN, limits::SUBMESH_GAS_MAX);
        if !(gas_min..=gas_max).contains(&self.gas_limit) {
            let reason = format!("a gas limit of {} is outside {gas_min}..={gas_max}", self.gas_limit);
            return Err(Error::BadRootSubmesh { reason });
        }
        let max = limits::SUBMESH_BASE_FEE_FLOOR_MAX_WEI;
        if self.base_fee_floor > max {
            let reason = format!("a base fee floor of {} wei is above {max}", self.base_fee_floor);
            return Err(Error::BadRootSubmesh { reason });
        }
        Ok(())
    }
}
