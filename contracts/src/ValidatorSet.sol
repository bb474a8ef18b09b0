// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {EnumerableSet} from "@openzeppelin/contracts/utils/structs/EnumerableSet.sol";
import {CodeBlob} from "./CodeBlob.sol";
import {Reputation} from "./Reputation.sol";
import {SetSelection} from "./SetSelection.sol";

/// @title The validators: their ML-DSA-65 keys, PeerIds and weights
/// @notice Candidates are admitted and removed by vote; the set in force changes only at an epoch's end: the 64
/// heaviest candidates, weights clipped so that nobody alone can freeze the set. A proved fault tombstones for ever.
contract ValidatorSet is AccessManaged {
    using EnumerableSet for EnumerableSet.AddressSet;

    struct Candidate {
        uint64 weight;
        bool tombstoned;
        address keyBlob;
        bytes32 keyHash; // keccak256 of the ML-DSA-65 key
        bytes peerId;
    }

    /// One slot a member of the set in force.
    struct Member {
        address who;
        uint64 weight;
    }

    uint256 public constant KEY_BYTES = 1952;
    uint256 public constant MAX_PEER_ID_BYTES = 64;
    uint256 public constant MAX_CANDIDATES = 128;
    /// So that the sum over a set always fits the consensus' u64.
    uint64 public constant MAX_WEIGHT = 1 << 56;
    /// Older evidence is refused; shorter than any unbonding.
    uint64 public constant EVIDENCE_MAX_AGE = 128;
    uint16 public constant FAULT_BPS = 10_000;

    Reputation public immutable REPUTATION;

    /// The lowest epoch number that can still end.
    uint64 public nextEpoch;
    mapping(address operator => Candidate) private _candidates;
    EnumerableSet.AddressSet private _operators;
    mapping(bytes32 keyHash => address) public operatorOfKey;
    mapping(bytes32 peerIdHash => address) public operatorOfPeer;
    mapping(bytes32 caseId => bool) private _punished;
    Member[] private _set;

    event ValidatorAdmitted(address indexed operator, bytes32 indexed keyHash, bytes peerId, uint64 weight);
    event ValidatorRemoved(address indexed operator);
    event ValidatorTombstoned(
        address indexed operator, uint64 indexed epoch, uint8 kind, bytes32 indexed evidence, uint256 reputationSlashed
    );
    event ValidatorSetChanged(uint64 indexed fromEpoch, address[] who, uint64[] weights);

    error ValidatorExists(address operator);
    error ValidatorUnknown(address operator);
    error ValidatorIsTombstoned(address operator);
    error ValidatorKeyTaken(bytes32 keyHash);
    error ValidatorPeerTaken(bytes peerId);
    error ValidatorBadKey(uint256 length);
    error ValidatorBadPeerId(uint256 length);
    error ValidatorBadWeight(uint64 weight);
    error ValidatorLimit(uint256 candidates);
    error EvidenceRepeated(bytes32 caseId);
    error EvidenceStale(uint64 epoch, uint64 current);
    error EpochNotMonotone(uint64 lowest, uint64 got);

    constructor(address authority, Reputation reputation) AccessManaged(authority) {
        REPUTATION = reputation;
    }

    // ------------------------------------------------------------------------------------------ by vote

    /// @notice Adds a candidate, who enters the set at the next epoch's end.
    function admit(address operator, bytes calldata key, bytes calldata peerId, uint64 weight) external restricted {
        Candidate storage candidate = _candidates[operator];
        if (candidate.tombstoned) revert ValidatorIsTombstoned(operator);
        if (operator == address(0)) revert ValidatorUnknown(operator);
        if (key.length != KEY_BYTES) revert ValidatorBadKey(key.length);
        if (peerId.length == 0 || peerId.length > MAX_PEER_ID_BYTES) revert ValidatorBadPeerId(peerId.length);
        if (weight == 0 || weight > MAX_WEIGHT) revert ValidatorBadWeight(weight);
        if (_operators.length() >= MAX_CANDIDATES) revert ValidatorLimit(_operators.length());
        bytes32 keyHash = keccak256(key);
        bytes32 peerHash = keccak256(peerId);
        if (operatorOfKey[keyHash] != address(0)) revert ValidatorKeyTaken(keyHash);
        if (operatorOfPeer[peerHash] != address(0)) revert ValidatorPeerTaken(peerId);
        if (!_operators.add(operator)) revert ValidatorExists(operator);
        operatorOfKey[keyHash] = operator;
        operatorOfPeer[peerHash] = operator;
        candidate.weight = weight;
        candidate.keyHash = keyHash;
        candidate.peerId = peerId;
        candidate.keyBlob = CodeBlob.write(key);
        emit ValidatorAdmitted(operator, keyHash, peerId, weight);
    }

    /// @notice Takes a candidate out of the next set. Its key stays taken and readable: evidence may still name it.
    function remove(address operator) external restricted {
        if (!_operators.remove(operator)) revert ValidatorUnknown(operator);
        delete operatorOfPeer[keccak256(_candidates[operator].peerId)];
        _candidates[operator].weight = 0;
        emit ValidatorRemoved(operator);
    }

    // ------------------------------------------------------------------------------------------ by the system

    /// @notice Ends an epoch: the selection of now becomes the set in force.
    function endEpoch(uint64 epoch)
        external
        restricted
        returns (address[] memory who, bytes32[] memory keyHashes, uint64[] memory weights)
    {
        if (epoch < nextEpoch) revert EpochNotMonotone(nextEpoch, epoch);
        nextEpoch = epoch + 1;
        (who, weights) = nextSet();
        keyHashes = _keyHashes(who);
        if (_store(who, weights)) emit ValidatorSetChanged(epoch + 1, who, weights);
    }

    /// @notice Tombstones a validator whose fault the nodes proved, and takes its reputation. Once a case.
    function punish(address operator, uint64 epoch, uint8 kind, bytes32 evidence) external restricted {
        Candidate storage candidate = _candidates[operator];
        if (candidate.keyBlob == address(0)) revert ValidatorUnknown(operator);
        if (epoch > nextEpoch || nextEpoch - epoch > EVIDENCE_MAX_AGE) revert EvidenceStale(epoch, nextEpoch);
        bytes32 caseId = keccak256(abi.encode(operator, epoch, kind));
        if (_punished[caseId]) revert EvidenceRepeated(caseId);
        _punished[caseId] = true;
        candidate.tombstoned = true;
        candidate.weight = 0;
        // false for one removed before its fault was proved
        // slither-disable-next-line unused-return
        _operators.remove(operator);
        uint256 slashed = REPUTATION.slash(operator, FAULT_BPS, evidence);
        emit ValidatorTombstoned(operator, epoch, kind, evidence, slashed);
    }

    // ------------------------------------------------------------------------------------------ views

    /// @notice The set in force.
    function currentSet()
        external
        view
        returns (address[] memory who, bytes32[] memory keyHashes, uint64[] memory weights)
    {
        uint256 length = _set.length;
        who = new address[](length);
        weights = new uint64[](length);
        for (uint256 i; i < length; ++i) {
            (who[i], weights[i]) = (_set[i].who, _set[i].weight);
        }
        keyHashes = _keyHashes(who);
    }

    /// @notice What the next epoch's end would choose now, heaviest first, equal weights by address.
    function nextSet() public view returns (address[] memory who, uint64[] memory weights) {
        address[] memory operators = _operators.values();
        uint64[] memory before = new uint64[](operators.length);
        for (uint256 i; i < operators.length; ++i) {
            before[i] = _candidates[operators[i]].weight;
        }
        return SetSelection.select(operators, before);
    }

    function candidateCount() external view returns (uint256) {
        return _operators.length();
    }

    function candidates() external view returns (address[] memory) {
        return _operators.values();
    }

    function candidateOf(address operator)
        external
        view
        returns (uint64 weight, bool tombstoned, bytes32 keyHash, bytes memory peerId)
    {
        Candidate storage candidate = _candidates[operator];
        return (candidate.weight, candidate.tombstoned, candidate.keyHash, candidate.peerId);
    }

    /// @notice The ML-DSA-65 key of anyone ever admitted, empty for others.
    function keyOf(address operator) external view returns (bytes memory) {
        return CodeBlob.read(_candidates[operator].keyBlob);
    }

    // ------------------------------------------------------------------------------------------ internals

    /// Writes only the slots that changed: most epochs change none.
    function _store(address[] memory who, uint64[] memory weights) private returns (bool changed) {
        uint256 before = _set.length;
        for (uint256 i; i < who.length; ++i) {
            if (i >= before) {
                _set.push(Member(who[i], weights[i]));
                changed = true;
            } else if (_set[i].who != who[i] || _set[i].weight != weights[i]) {
                _set[i] = Member(who[i], weights[i]);
                changed = true;
            }
        }
        for (uint256 i = who.length; i < before; ++i) {
            _set.pop();
            changed = true;
        }
    }

    function _keyHashes(address[] memory who) private view returns (bytes32[] memory hashes) {
        hashes = new bytes32[](who.length);
        for (uint256 i; i < who.length; ++i) {
            hashes[i] = _candidates[who[i]].keyHash;
        }
    }
}
