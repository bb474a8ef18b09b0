//! Role numbers in the AccessManager; `src/Roles.sol` is their other half.

/// The AccessManager's own admin role: the Root timelock.
pub const ADMIN: u64 = 0;
/// SystemHooks: reports, awards, epoch ends, evidence.
pub const SYSTEM: u64 = 1;
/// The Submesh timelock: create, set up, retire, release.
pub const SUBMESH: u64 = 2;
/// The Emergency track: quarantine. Has no member until that track exists.
pub const EMERGENCY: u64 = 3;
/// ValidatorSet: takes reputation for proved faults.
pub const SLASHER: u64 = 4;
/// The Rewards track: awards by vote. Has no member until that track exists.
pub const REWARDS: u64 = 5;
/// Health policy and the least bond; held by the Root timelock until the Params track exists.
pub const PARAMS: u64 = 6;

/// Roles with a label on the chain.
pub(crate) const LABELS: [(u64, &str); 6] = [
    (SYSTEM, "system"),
    (SUBMESH, "submesh"),
    (EMERGENCY, "emergency"),
    (SLASHER, "slasher"),
    (REWARDS, "rewards"),
    (PARAMS, "params"),
];
