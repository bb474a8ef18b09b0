// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Arrays} from "@openzeppelin/contracts/utils/Arrays.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

/// @title Choosing the validators of an epoch
library SetSelection {
    uint256 internal constant MAX_MEMBERS = 64;
    /// Fewer can't tolerate a single fault, so nothing is clipped.
    uint256 internal constant MIN_CLIPPED = 4;

    /// @notice The heaviest MAX_MEMBERS, equal weights by ascending address, clipped from four members up.
    /// @param candidates Weights; who has none is no member. Any 64 of them are together below 2^64.
    function select(address[] memory operators, uint64[] memory candidates)
        internal
        pure
        returns (address[] memory who, uint64[] memory weights)
    {
        uint256[] memory keys = new uint256[](operators.length);
        uint256 eligible = 0;
        for (uint256 i; i < keys.length; ++i) {
            if (candidates[i] == 0) continue;
            keys[i] = (uint256(candidates[i]) << 160) | uint256(~uint160(operators[i]));
            ++eligible;
        }
        // ascending, zeros first, then read from the end; sorts in place
        // slither-disable-next-line unused-return
        Arrays.sort(keys);
        uint256 length = Math.min(eligible, MAX_MEMBERS);
        who = new address[](length);
        weights = new uint64[](length);
        for (uint256 i; i < length; ++i) {
            uint256 key = keys[keys.length - 1 - i];
            // forge-lint: disable-next-line(unsafe-typecast) unpacking of the line above
            (who[i], weights[i]) = (address(~uint160(key)), uint64(key >> 160));
        }
        _clip(weights);
    }

    /// The largest cap c with c <= (W - 1) / 3, where W is the sum *after* clipping: clipping once by the sum before
    /// would leave (100, 1, 1, 1) with 34 of 37. Three or more members at the cap always satisfy it, so at most two
    /// have to be clipped. `weights` is descending.
    function _clip(uint64[] memory weights) private pure {
        if (weights.length < MIN_CLIPPED) return;
        uint256 rest = 0; // all but the two heaviest
        for (uint256 i = 2; i < weights.length; ++i) {
            rest += weights[i];
        }
        (uint256 first, uint256 second) = (weights[0], weights[1]);
        // one clipped: 3c + 1 <= c + second + rest
        uint256 cap = (second + rest - 1) / 2;
        // two clipped: 3c + 1 <= 2c + rest
        if (second > cap) cap = rest - 1;
        // forge-lint: disable-start(unsafe-typecast) a minimum with a u64
        weights[0] = uint64(Math.min(first, cap));
        weights[1] = uint64(Math.min(second, cap));
        // forge-lint: disable-end(unsafe-typecast)
    }
}
