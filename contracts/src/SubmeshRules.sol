// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {SubmeshRegistry} from "./SubmeshRegistry.sol";

/// @title What a submesh may be called and how it may be set up
library SubmeshRules {
    uint256 internal constant MAX_NAME_BYTES = 31;
    uint32 internal constant MAX_CELL_TXS = 4096;
    uint32 internal constant MIN_CELL_BYTES = 4096;
    uint32 internal constant MAX_CELL_BYTES = 1 << 20;
    uint64 internal constant MIN_GAS = 1_000_000;
    uint64 internal constant MAX_GAS = 1 << 40;
    uint64 internal constant MAX_BASE_FEE_FLOOR = 10_000 gwei;
    uint16 internal constant MAX_VALIDATORS = 64;

    error SubmeshBadName(string name);
    error SubmeshBadParams(SubmeshRegistry.Params params);
    error SubmeshBadPolicy(SubmeshRegistry.Policy policy);

    /// @notice Names are `[a-z0-9-]{1,31}`: safe in a URL, a file name and a terminal.
    function checkName(string memory name) internal pure {
        bytes memory b = bytes(name);
        if (b.length == 0 || b.length > MAX_NAME_BYTES) revert SubmeshBadName(name);
        for (uint256 i; i < b.length; ++i) {
            bytes1 c = b[i];
            if ((c < "a" || c > "z") && (c < "0" || c > "9") && c != "-") revert SubmeshBadName(name);
        }
    }

    function checkParams(SubmeshRegistry.Params memory p) internal pure {
        if (
            p.dimensions < 2 || p.dimensions > 3 || p.maxCellTxs == 0 || p.maxCellTxs > MAX_CELL_TXS
                || p.maxCellBytes < MIN_CELL_BYTES || p.maxCellBytes > MAX_CELL_BYTES
                || p.baseFeeFloor > MAX_BASE_FEE_FLOOR || p.minValidators > MAX_VALIDATORS
                || p.spamThresholdBps > 10_000 || p.gasLimit < MIN_GAS || p.gasLimit > MAX_GAS
        ) revert SubmeshBadParams(p);
    }

    /// @notice One bad epoch alone never degrades, and every streak and drain ends.
    function checkPolicy(SubmeshRegistry.Policy memory p) internal pure {
        if (
            p.minAvailabilityBps > 10_000 || p.maxSpamBps > 10_000 || p.maxConflictBps > 10_000
                || p.badEpochsToDegrade < 2 || p.goodEpochsToRecover == 0 || p.drainEpochs == 0
        ) revert SubmeshBadPolicy(p);
    }

    function breached(SubmeshRegistry.Metrics memory m, SubmeshRegistry.Policy memory p, uint16 minValidators)
        internal
        pure
        returns (bool)
    {
        return m.availabilityBps < p.minAvailabilityBps || m.p99LatencyMs > p.maxP99LatencyMs
            || m.spamBps > p.maxSpamBps || m.conflictBps > p.maxConflictBps || m.activeValidators < minValidators;
    }
}
