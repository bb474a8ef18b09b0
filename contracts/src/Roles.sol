// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Role numbers in the AccessManager
/// @notice Role 0 is the AccessManager's own admin role: the Root timelock.
library Roles {
    /// SystemHooks: reports, uptime awards, epoch ends, evidence.
    uint64 internal constant SYSTEM = 1;
    /// The Submesh timelock: create, setParams, retire, release.
    uint64 internal constant SUBMESH = 2;
    /// The Emergency track: quarantine. Has no member until that track exists.
    uint64 internal constant EMERGENCY = 3;
    /// ValidatorSet: takes reputation for proved faults.
    uint64 internal constant SLASHER = 4;
    /// The Rewards track: awardGovernance. Has no member until that track exists.
    uint64 internal constant REWARDS = 5;
    /// Health policy of the submeshes, the validators' least bond; held by the Root timelock until the Params track exists.
    uint64 internal constant PARAMS = 6;
}
