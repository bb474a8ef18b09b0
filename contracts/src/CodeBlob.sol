// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Bytes kept as the code of a contract of their own
/// @notice Keys are written once and read often: a read costs 2,600 gas plus 3 a word instead of a cold slot a word.
library CodeBlob {
    /// The blob contract could not be created: out of gas, or more than 24,575 bytes.
    error CodeBlobFailed(uint256 length);

    /// @notice Stores `data`; a leading STOP keeps anybody from executing it.
    function write(bytes memory data) internal returns (address blob) {
        // PUSH2 size, DUP1, PUSH1 10, RETURNDATASIZE, CODECOPY, RETURNDATASIZE, RETURN, STOP (the last one is stored)
        // forge-lint: disable-next-line(unsafe-typecast)
        bytes memory init = abi.encodePacked(hex"61", uint16(data.length + 1), hex"80600a3d393df300", data);
        if (data.length > 24_575) revert CodeBlobFailed(data.length);
        assembly ("memory-safe") {
            blob := create(0, add(init, 32), mload(init))
        }
        if (blob == address(0)) revert CodeBlobFailed(data.length);
    }

    /// @notice The bytes behind `blob`; empty for the zero address.
    function read(address blob) internal view returns (bytes memory data) {
        if (blob == address(0)) return data;
        uint256 length = blob.code.length - 1;
        data = new bytes(length);
        assembly ("memory-safe") {
            extcodecopy(blob, add(data, 32), 1, length)
        }
    }
}
