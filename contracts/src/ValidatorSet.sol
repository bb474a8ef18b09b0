// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {EnumerableSet} from "@openzeppelin/contracts/utils/structs/EnumerableSet.sol";
import {Bonds} from "./Bonds.sol";
import {CodeBlob} from "./CodeBlob.sol";
import {Reputation} from "./Reputation.sol";
import {SetSelection} from "./SetSelection.sol";
import {ValidatorTypes} from "./ValidatorTypes.sol";

/// @title The validators: their ML-DSA-65 keys, PeerIds, bonds and weights
/// @notice Root admits candidates and says how much of a bond may count; what does count is bonded. The set in force
/// changes only at an epoch's end: the 64 heaviest candidates, weights clipped so that nobody alone can freeze it. A
/// proved fault tombstones for ever and takes the bond, what is unbonding, and the reputation.
contract ValidatorSet is AccessManaged, Bonds, ValidatorTypes {
    using EnumerableSet for EnumerableSet.AddressSet;

    uint256 public constant KEY_BYTES = 1952;
    uint256 public constant MAX_PEER_ID_BYTES = 64;
    uint256 public constant MAX_CANDIDATES = 128;
    /// So that the sum over a set always fits the consensus' u64, also with reputation doubling every weight.
    uint64 public constant MAX_WEIGHT = 1 << 56;
    /// One unit of weight, in wei of bond and in units of reputation alike.
    uint256 public constant UNIT = 1e18;
    uint256 public constant MIN_BOND_FLOOR = UNIT;
    uint256 public constant MIN_BOND_CEILING = 1_000_000 * UNIT;
    /// Older evidence is refused; shorter than any unbonding.
    uint64 public constant EVIDENCE_MAX_AGE = 128;
    /// Of reputation, as of what is at stake of the bond: every fault that can be proved is an equivocation, and no
    /// honest node commits one.
    uint16 public constant FAULT_BPS = 10_000;

    Reputation public immutable REPUTATION;

    /// The lowest epoch number that can still end: the epoch in force.
    uint64 public nextEpoch;
    /// With less, a candidate has no weight.
    uint256 public minBond = MIN_BOND_FLOOR;
    mapping(address operator => Candidate) private _candidates;
    EnumerableSet.AddressSet private _operators;
    /// Everybody who was ever admitted, in order of admission.
    address[] private _known;
    mapping(bytes32 keyHash => Key) private _keys;
    mapping(bytes32 peerIdHash => address) public operatorOfPeer;
    mapping(bytes32 caseId => bool) private _punished;
    Member[] private _set;

    constructor(address authority, Reputation reputation) AccessManaged(authority) {
        REPUTATION = reputation;
    }

    // ------------------------------------------------------------------------------------------ by vote

    /// @notice Adds a candidate. With a bond it enters the set at the next epoch's end.
    /// @param ceiling The most that its bond may count, in units of weight.
    function admit(address operator, bytes calldata key, bytes calldata peerId, uint64 ceiling) external restricted {
        Candidate storage candidate = _candidates[operator];
        if (candidate.tombstoned) revert ValidatorIsTombstoned(operator);
        if (operator == address(0)) revert ValidatorUnknown(operator);
        if (key.length != KEY_BYTES) revert ValidatorBadKey(key.length);
        if (peerId.length == 0 || peerId.length > MAX_PEER_ID_BYTES) revert ValidatorBadPeerId(peerId.length);
        _checkCeiling(ceiling);
        if (_operators.length() >= MAX_CANDIDATES) revert ValidatorLimit(_operators.length());
        bytes32 keyHash = keccak256(key);
        bytes32 peerHash = keccak256(peerId);
        if (_keys[keyHash].operator != address(0)) revert ValidatorKeyTaken(keyHash);
        if (operatorOfPeer[peerHash] != address(0)) revert ValidatorPeerTaken(peerId);
        if (!_operators.add(operator)) revert ValidatorExists(operator);
        if (candidate.keyHashes.length == 0) _known.push(operator);
        candidate.keyHashes.push(keyHash);
        candidate.ceiling = ceiling;
        candidate.peerId = peerId;
        operatorOfPeer[peerHash] = operator;
        _keys[keyHash] = Key(operator, CodeBlob.write(key));
        emit ValidatorAdmitted(operator, keyHash, peerId, ceiling);
    }

    /// @notice Takes a candidate out of the next set. Its key stays taken and readable: evidence may still name it. Its
    /// bond stays at stake until it takes it back by `unbond` and `withdraw`.
    function remove(address operator) external restricted {
        if (!_operators.remove(operator)) revert ValidatorUnknown(operator);
        delete operatorOfPeer[keccak256(_candidates[operator].peerId)];
        _candidates[operator].ceiling = 0;
        emit ValidatorRemoved(operator);
    }

    /// @notice Changes how much of a candidate's bond may count, from the next epoch's end on.
    function setCeiling(address operator, uint64 ceiling) external restricted {
        if (!_operators.contains(operator)) revert ValidatorUnknown(operator);
        _checkCeiling(ceiling);
        _candidates[operator].ceiling = ceiling;
        emit ValidatorCeilingSet(operator, ceiling);
    }

    /// @notice Changes the least bond for a seat, from the next epoch's end on.
    function setMinBond(uint256 minBond_) external restricted {
        if (minBond_ < MIN_BOND_FLOOR || minBond_ > MIN_BOND_CEILING) revert MinBondOutOfBounds(minBond_);
        minBond = minBond_;
        emit MinBondSet(minBond_);
    }

    /// @notice Bonds of the first validators, out of what genesis placed in this contract. Only before epoch 0 ends,
    /// and it ends within genesis: nobody can ever call it on a running chain.
    function foundBonds(address[] calldata operators, uint256[] calldata amounts) external restricted {
        if (nextEpoch != 0) revert FoundingOver();
        for (uint256 i; i < operators.length; ++i) {
            if (!_operators.contains(operators[i])) revert ValidatorUnknown(operators[i]);
            _addBond(operators[i], amounts[i]);
        }
        uint256 bonds = 0;
        address[] memory all = _operators.values();
        for (uint256 i; i < all.length; ++i) {
            bonds += bondOf(all[i]);
        }
        if (bonds > address(this).balance) revert FoundingUncovered(bonds, address(this).balance);
    }

    // ------------------------------------------------------------------------------------------ by the operator

    /// @notice Adds the coin sent to the caller's own bond; it counts from the next epoch's end. For candidates only.
    function bond() external payable {
        if (_candidates[msg.sender].tombstoned) revert ValidatorIsTombstoned(msg.sender);
        if (!_operators.contains(msg.sender)) revert ValidatorUnknown(msg.sender);
        _addBond(msg.sender, msg.value);
    }

    // ------------------------------------------------------------------------------------------ by the system

    /// @notice Ends an epoch: the selection of now becomes the set in force, unless it is empty.
    function endEpoch(uint64 epoch)
        external
        restricted
        returns (address[] memory who, bytes32[] memory keyHashes, uint64[] memory weights)
    {
        if (epoch < nextEpoch) revert EpochNotMonotone(nextEpoch, epoch);
        nextEpoch = epoch + 1;
        (who, weights) = nextSet();
        if (who.length == 0) {
            if (_set.length > 0) emit ValidatorSetKept(epoch + 1);
        } else if (_store(who, weights)) {
            emit ValidatorSetChanged(epoch + 1, who, weights);
        }
        return currentSet();
    }

    /// @notice Tombstones a validator whose fault the nodes proved; burns its bond and what it is taking back, and takes
    /// its reputation. Once a case.
    function punish(address operator, uint64 epoch, uint8 kind, bytes32 evidence) external restricted {
        Candidate storage candidate = _candidates[operator];
        if (candidate.keyHashes.length == 0) revert ValidatorUnknown(operator);
        if (epoch > nextEpoch || nextEpoch - epoch > EVIDENCE_MAX_AGE) revert EvidenceStale(epoch, nextEpoch);
        bytes32 caseId = keccak256(abi.encode(operator, epoch, kind));
        if (_punished[caseId]) revert EvidenceRepeated(caseId);
        _punished[caseId] = true;
        candidate.tombstoned = true;
        candidate.ceiling = 0;
        // false for one removed before its fault was proved
        // slither-disable-next-line unused-return
        _operators.remove(operator);
        uint256 burnt = _slashBond(operator, evidence);
        uint256 slashed = REPUTATION.slash(operator, FAULT_BPS, evidence);
        emit ValidatorTombstoned(operator, epoch, kind, evidence, slashed);
        _burn(burnt);
    }

    // ------------------------------------------------------------------------------------------ views

    /// @notice The set in force, with the keys it was chosen with.
    function currentSet()
        public
        view
        returns (address[] memory who, bytes32[] memory keyHashes, uint64[] memory weights)
    {
        uint256 length = _set.length;
        who = new address[](length);
        keyHashes = new bytes32[](length);
        weights = new uint64[](length);
        for (uint256 i; i < length; ++i) {
            Member memory member = _set[i];
            (who[i], weights[i]) = (member.who, member.weight);
            keyHashes[i] = _candidates[member.who].keyHashes[member.key];
        }
    }

    /// @notice PeerIds of the set in force, in its order.
    function currentPeerIds() external view returns (bytes[] memory peerIds) {
        peerIds = new bytes[](_set.length);
        for (uint256 i; i < peerIds.length; ++i) {
            peerIds[i] = _candidates[_set[i].who].peerId;
        }
    }

    /// @notice What the next epoch's end would choose now, heaviest first, equal weights by address.
    function nextSet() public view returns (address[] memory who, uint64[] memory weights) {
        address[] memory operators = _operators.values();
        uint64[] memory before = new uint64[](operators.length);
        for (uint256 i; i < operators.length; ++i) {
            before[i] = weightOf(operators[i]);
        }
        return SetSelection.select(operators, before);
    }

    /// @notice A candidate's weight before clipping: its bond in whole units up to its ceiling, and as much again for
    /// as many units of reputation. 0 for who has less than the least bond, and for who is no candidate.
    function weightOf(address operator) public view returns (uint64) {
        uint256 bonded = bondOf(operator);
        if (bonded < minBond || !_operators.contains(operator)) return 0;
        uint256 base = Math.min(bonded / UNIT, _candidates[operator].ceiling);
        // forge-lint: disable-next-line(unsafe-typecast) at most twice MAX_WEIGHT
        return uint64(base + Math.min(base, REPUTATION.reputationOf(operator) / UNIT));
    }

    function candidateCount() external view returns (uint256) {
        return _operators.length();
    }

    function candidates() external view returns (address[] memory) {
        return _operators.values();
    }

    /// @notice How many were ever admitted; what `overview` counts.
    function knownCount() external view returns (uint256) {
        return _known.length;
    }

    /// @notice At most `max` of all who were ever admitted, in order of admission, from place `from` on.
    function overview(uint256 from, uint256 max) external view returns (Overview[] memory rows) {
        from = Math.min(from, _known.length);
        rows = new Overview[](Math.min(max, _known.length - from));
        for (uint256 i; i < rows.length; ++i) {
            rows[i] = overviewOf(_known[from + i]);
        }
    }

    /// @notice One operator as seen from outside.
    function overviewOf(address operator) public view returns (Overview memory row) {
        Candidate storage candidate = _candidates[operator];
        row.operator = operator;
        if (candidate.keyHashes.length == 0) return row;
        row.ceiling = candidate.ceiling;
        row.weight = weightOf(operator);
        row.weightInForce = _weightInForce(operator);
        row.bonded = bondOf(operator);
        (row.unbonding, row.due) = _stillUnbonding(operator);
        row.keyHash = candidate.keyHashes[candidate.keyHashes.length - 1];
        row.peerId = candidate.peerId;
        row.status = _statusOf(candidate, row);
    }

    /// @notice The newest ML-DSA-65 key of anyone ever admitted, empty for others.
    function keyOf(address operator) external view returns (bytes memory) {
        bytes32[] storage hashes = _candidates[operator].keyHashes;
        return hashes.length == 0 ? bytes("") : CodeBlob.read(_keys[hashes[hashes.length - 1]].blob);
    }

    /// @notice A key by its keccak256, also one no longer used; empty if nobody was admitted with it.
    function keyByHash(bytes32 keyHash) external view returns (bytes memory) {
        return CodeBlob.read(_keys[keyHash].blob);
    }

    /// @notice Who was admitted with a key.
    function operatorOfKey(bytes32 keyHash) external view returns (address) {
        return _keys[keyHash].operator;
    }

    // ------------------------------------------------------------------------------------------ internals

    function _epochInForce() internal view override returns (uint64) {
        return nextEpoch;
    }

    function _checkCeiling(uint64 ceiling) private pure {
        if (ceiling == 0 || ceiling > MAX_WEIGHT) revert ValidatorBadWeight(ceiling);
    }

    function _statusOf(Candidate storage candidate, Overview memory row) private view returns (Status) {
        if (candidate.tombstoned) return Status.Tombstoned;
        if (!_operators.contains(row.operator)) return Status.Removed;
        if (row.weightInForce > 0) return Status.Active;
        return row.weight == 0 && row.unbonding + row.due > 0 ? Status.Unbonding : Status.Waiting;
    }

    function _weightInForce(address operator) private view returns (uint64) {
        uint256 length = _set.length;
        for (uint256 i; i < length; ++i) {
            Member memory member = _set[i];
            if (member.who == operator) return member.weight;
        }
        return 0;
    }

    /// Writes only the slots that changed: most epochs change few.
    function _store(address[] memory who, uint64[] memory weights) private returns (bool changed) {
        uint256 before = _set.length;
        for (uint256 i; i < who.length; ++i) {
            // forge-lint: disable-next-line(unsafe-typecast) one key a vote
            Member memory chosen = Member(who[i], weights[i], uint32(_candidates[who[i]].keyHashes.length - 1));
            if (i >= before) {
                _set.push(chosen);
            } else {
                Member memory old = _set[i];
                if (old.who == chosen.who && old.weight == chosen.weight && old.key == chosen.key) continue;
                _set[i] = chosen;
            }
            changed = true;
        }
        for (uint256 i = who.length; i < before; ++i) {
            _set.pop();
            changed = true;
        }
    }
}
