// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title What code a proposal would call
/// @notice Members vote on code, so it must not be another one when the proposal is executed. Code that can be swapped
/// behind one code hash is refused: EIP-7702 accounts, and whatever contains DELEGATECALL or CALLCODE unless Root
/// recorded its implementation.
library TargetCode {
    /// The genesis contracts live at 28 zeros, "QSDM" and four digits; nobody else can deploy there, none is a proxy.
    uint160 private constant GENESIS_PREFIX = 0x5153444d;
    uint256 private constant DELEGATION_BYTES = 23;

    /// The target is an account that runs somebody's code by EIP-7702.
    error TargetIsDelegated(address target);
    /// The target could run code that its code hash does not cover; Root may record its implementation.
    error TargetMayDelegate(address target);

    function isGenesis(address target) internal pure returns (bool) {
        return uint160(target) >> 16 == GENESIS_PREFIX;
    }

    /// @notice Extends a commitment by one target and whatever runs behind it.
    /// @param implementation What Root recorded as the target's implementation, else zero.
    function extend(bytes32 commitment, address target, address implementation) internal view returns (bytes32) {
        bytes32 behind = 0;
        if (implementation != address(0)) {
            _refuseDelegated(implementation);
            behind = implementation.codehash;
        } else if (target.code.length != 0) {
            _refuseDelegated(target);
            if (mayDelegate(target.code)) revert TargetMayDelegate(target);
        }
        // an account without code hashes to zero or to the empty hash, depending on its balance
        bytes32 hash = target.code.length == 0 ? bytes32(0) : target.codehash;
        return keccak256(abi.encode(commitment, target, hash, implementation, behind));
    }

    /// @notice Whether DELEGATECALL (0xf4) or CALLCODE (0xf2) occurs as an instruction. Jumps only land on instructions
    /// of this same linear reading, so nothing can hide in push data.
    function mayDelegate(bytes memory code) internal pure returns (bool found) {
        assembly ("memory-safe") {
            let at := add(code, 32)
            let end := add(at, mload(code))
            for {} lt(at, end) {} {
                let op := byte(0, mload(at))
                at := add(at, 1)
                switch lt(sub(op, 0x60), 32)
                case 1 { at := add(at, sub(op, 0x5f)) }
                default {
                    if or(eq(op, 0xf4), eq(op, 0xf2)) {
                        found := 1
                        break
                    }
                }
            }
        }
    }

    function _refuseDelegated(address target) private view {
        // no other code may start with 0xef (EIP-3541)
        if (target.code.length == DELEGATION_BYTES && target.code[0] == 0xef) revert TargetIsDelegated(target);
    }
}
