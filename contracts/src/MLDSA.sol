// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title ML-DSA (FIPS 204) signatures through the precompiles of EIP-8355
/// @notice Input is public key ++ signature ++ message, the context is empty, the answer is always 32 bytes: 1 or 0.
/// A chain without the precompile answers with no bytes at all; that is an error, never a verdict.
library MLDSA {
    uint256 internal constant KEY_44 = 1312;
    uint256 internal constant KEY_65 = 1952;
    uint256 internal constant KEY_87 = 2592;

    /// The precompile is absent, ran out of gas or answered something EIP-8355 does not know.
    error PrecompileMissing(address precompile);
    /// No ML-DSA parameter set has keys of this length.
    error MLDSABadKeyLength(uint256 length);

    /// @notice Position of the parameter set (0, 1, 2 for 44, 65, 87) and its signature length.
    function parameterSet(uint256 keyLength) internal pure returns (uint160 index, uint256 signatureLength) {
        if (keyLength == KEY_44) return (0, 2420);
        if (keyLength == KEY_65) return (1, 3309);
        if (keyLength == KEY_87) return (2, 4627);
        revert MLDSABadKeyLength(keyLength);
    }

    /// @param base Address of the ML-DSA-44 precompile; the other two follow it.
    function verify(address base, bytes memory key, bytes memory signature, bytes32 message)
        internal
        view
        returns (bool)
    {
        (uint160 index, uint256 signatureLength) = parameterSet(key.length);
        address precompile = address(uint160(base) + index);
        if (signature.length != signatureLength) return false;
        (bool ok, bytes memory answer) = precompile.staticcall(abi.encodePacked(key, signature, message));
        if (!ok || answer.length != 32) revert PrecompileMissing(precompile);
        uint256 verdict = abi.decode(answer, (uint256));
        if (verdict > 1) revert PrecompileMissing(precompile);
        return verdict == 1;
    }
}
