// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {CodeBlob} from "./CodeBlob.sol";
import {MLDSA} from "./MLDSA.sol";

/// @title The ML-DSA key of an account
/// @notice An account binds one key by its own transaction plus a proof of possession; from then on the key is only
/// replaced by a signature of the *old* key. `pqOnly` gives up secp256k1 for good: signed ballots and delegations by
/// secp256k1 are refused by the contracts, transactions by the node.
contract PQKeyRegistry is EIP712 {
    bytes32 public constant REGISTER_TYPEHASH = keccak256("Register(address account,bytes32 keyHash,uint256 nonce)");
    bytes32 public constant ROTATE_TYPEHASH =
        keccak256("Rotate(address account,bytes32 oldKeyHash,bytes32 newKeyHash,uint256 nonce)");
    bytes32 public constant PQ_ONLY_TYPEHASH = keccak256("PQOnly(address account,uint256 nonce)");

    /// Address of the ML-DSA-44 precompile; 65 and 87 follow it. A chain parameter, because several drafts claim 0x12.
    address public immutable PRECOMPILE_BASE;

    struct Record {
        address blob;
        uint64 nonce;
        bool pqOnly;
    }

    mapping(address account => Record) private _records;

    event PQKeyRegistered(address indexed account, bytes32 indexed keyHash, uint256 keyLength);
    event PQKeyRotated(address indexed account, bytes32 indexed oldKeyHash, bytes32 indexed newKeyHash);
    event PQOnlySet(address indexed account);

    error PQKeyExists(address account);
    error PQKeyAbsent(address account);
    error PQBadSignature(address account);

    constructor(address precompileBase) EIP712("QSDM PQKeyRegistry", "1") {
        PRECOMPILE_BASE = precompileBase;
    }

    /// @notice Binds the caller's first key.
    /// @param proof Signature of `key` over the EIP-712 `Register` message.
    function register(bytes calldata key, bytes calldata proof) external {
        Record storage record = _records[msg.sender];
        if (record.blob != address(0)) revert PQKeyExists(msg.sender);
        bytes32 keyHash = keccak256(key);
        bytes32 digest = _hashTypedDataV4(keccak256(abi.encode(REGISTER_TYPEHASH, msg.sender, keyHash, record.nonce++)));
        if (!MLDSA.verify(PRECOMPILE_BASE, key, proof, digest)) revert PQBadSignature(msg.sender);
        record.blob = CodeBlob.write(key);
        emit PQKeyRegistered(msg.sender, keyHash, key.length);
    }

    /// @notice Replaces a key; anybody may carry the two signatures in.
    /// @param byOld Signature of the key in force over the EIP-712 `Rotate` message.
    /// @param byNew Signature of the new key over the same message (proof of possession).
    function rotate(address account, bytes calldata newKey, bytes calldata byOld, bytes calldata byNew) external {
        bytes memory oldKey = _keyInForce(account);
        bytes32 oldHash = keccak256(oldKey);
        bytes32 newHash = keccak256(newKey);
        Record storage record = _records[account];
        bytes32 digest =
            _hashTypedDataV4(keccak256(abi.encode(ROTATE_TYPEHASH, account, oldHash, newHash, record.nonce++)));
        if (
            !MLDSA.verify(PRECOMPILE_BASE, oldKey, byOld, digest)
                || !MLDSA.verify(PRECOMPILE_BASE, newKey, byNew, digest)
        ) revert PQBadSignature(account);
        record.blob = CodeBlob.write(newKey);
        emit PQKeyRotated(account, oldHash, newHash);
    }

    /// @notice Gives up secp256k1 for the caller, for good. Needs both the transaction and the key's signature.
    /// @param signature Signature of the key in force over the EIP-712 `PQOnly` message.
    function setPQOnly(bytes calldata signature) external {
        bytes memory key = _keyInForce(msg.sender);
        Record storage record = _records[msg.sender];
        bytes32 digest = _hashTypedDataV4(keccak256(abi.encode(PQ_ONLY_TYPEHASH, msg.sender, record.nonce++)));
        if (!MLDSA.verify(PRECOMPILE_BASE, key, signature, digest)) revert PQBadSignature(msg.sender);
        record.pqOnly = true;
        emit PQOnlySet(msg.sender);
    }

    /// @notice Whether `signature` over `digest` is by the key in force of `account`; reverts if there is no key.
    function verify(address account, bytes32 digest, bytes calldata signature) external view returns (bool) {
        return MLDSA.verify(PRECOMPILE_BASE, _keyInForce(account), signature, digest);
    }

    /// @notice Whether `account` gave up secp256k1.
    function pqOnly(address account) external view returns (bool) {
        return _records[account].pqOnly;
    }

    /// @notice The nonce the next signed message of `account` must carry.
    function nonces(address account) external view returns (uint256) {
        return _records[account].nonce;
    }

    /// @notice The key in force, empty where there is none.
    function keyOf(address account) external view returns (bytes memory) {
        return CodeBlob.read(_records[account].blob);
    }

    function _keyInForce(address account) private view returns (bytes memory) {
        address blob = _records[account].blob;
        if (blob == address(0)) revert PQKeyAbsent(account);
        return CodeBlob.read(blob);
    }
}
