// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {EnumerableSet} from "@openzeppelin/contracts/utils/structs/EnumerableSet.sol";
import {SubmeshRules} from "./SubmeshRules.sol";

/// @title The submeshes and their lifecycle
/// @notice Active <-> Degraded by metrics, Quarantined for a bounded time, Draining by vote, then Retired for ever.
/// Metrics only flag, votes retire; a retirement looks at the status when it is *executed*, so a submesh that recovered
/// can't be killed by an old proposal. Submesh 0 is `root`: always Active.
contract SubmeshRegistry is AccessManaged {
    using EnumerableSet for EnumerableSet.UintSet;

    enum Status {
        None,
        Active,
        Degraded,
        Quarantined,
        Draining,
        Retired
    }

    /// Set by vote. Sizes in bytes, fees in wei, gas a block.
    struct Params {
        uint8 dimensions; // parents of a cell: 2 or 3
        uint32 maxCellTxs;
        uint32 maxCellBytes;
        uint64 baseFeeFloor;
        uint16 minValidators;
        uint16 spamThresholdBps;
        uint64 gasLimit;
    }

    /// Bounds of health, for all submeshes; one bound missed is a breach. Durations in epochs.
    struct Policy {
        uint16 minAvailabilityBps;
        uint32 maxP99LatencyMs;
        uint16 maxSpamBps;
        uint16 maxConflictBps;
        uint32 minTxPerEpoch; // below it the submesh is idle and is not judged
        uint8 badEpochsToDegrade;
        uint8 goodEpochsToRecover;
        uint8 graceEpochs;
        uint16 drainEpochs;
    }

    /// One epoch of one submesh, from committed data only.
    struct Metrics {
        uint64 txCommitted;
        uint32 p99LatencyMs;
        uint16 availabilityBps;
        uint16 spamBps;
        uint16 conflictBps;
        uint16 activeValidators;
        uint64 epoch;
    }

    struct Submesh {
        Status status;
        Status statusBefore; // what a quarantine returns to
        uint8 badStreak;
        uint8 goodStreak;
        uint64 createdEpoch;
        uint64 untilEpoch; // end of quarantine or drain
        uint64 quarantineAllowedFrom; // epoch
        uint32 successor;
        Params params;
        Metrics last;
        string name;
    }

    struct Report {
        uint32 id;
        Metrics m;
    }

    uint256 public constant MAX_OPEN = 256;
    /// 72 hours and 14 days at the unscaled epoch of one hour.
    uint64 public constant MAX_QUARANTINE_EPOCHS = 72;
    uint64 public constant QUARANTINE_INTERVAL_EPOCHS = 336;

    uint64 public epoch;
    Policy public policy;
    Submesh[] private _submeshes;
    mapping(bytes32 nameHash => uint256 idPlusOne) private _byName;
    EnumerableSet.UintSet private _open;

    event SubmeshCreated(uint32 indexed id, string name, Params params);
    event SubmeshParamsChanged(uint32 indexed id, Params params);
    event SubmeshStatusChanged(uint32 indexed id, Status from, Status to, uint64 untilEpoch, bytes32 indexed reason);
    event SubmeshMetrics(uint32 indexed id, uint64 indexed epoch, Metrics m, bool breach);
    event RetirementEligible(uint32 indexed id, uint64 indexed epoch, uint8 badStreak);
    event PolicyChanged(Policy policy);

    error SubmeshUnknown(uint32 id);
    error SubmeshNameTaken(string name);
    error SubmeshBadStatus(uint32 id, Status status);
    error SubmeshLimit(uint256 open);
    error SubmeshRootProtected();
    error SubmeshBadSuccessor(uint32 successor);
    error SubmeshQuarantineTooLong(uint16 epochs, uint64 max);
    error SubmeshQuarantineTooSoon(uint32 id, uint64 allowedFrom);
    error EpochNotMonotone(uint64 have, uint64 got);

    constructor(address authority, Policy memory policy_, Params memory root) AccessManaged(authority) {
        _setPolicy(policy_);
        _create("root", root);
    }

    // ------------------------------------------------------------------------------------------ by vote

    function create(string calldata name, Params calldata params) external restricted returns (uint32 id) {
        return _create(name, params);
    }

    function setParams(uint32 id, Params calldata params) external restricted {
        // a bad setting of submesh 0 would stop the chain that could repair it: see setRootParams
        if (id == 0) revert SubmeshRootProtected();
        Status current = status(id);
        if (current == Status.Retired || current == Status.Draining) revert SubmeshBadStatus(id, current);
        _setParams(id, params);
    }

    /// @notice Settings of submesh 0, for the Root track only.
    function setRootParams(Params calldata params) external restricted {
        _setParams(0, params);
    }

    function setPolicy(Policy calldata policy_) external restricted {
        _setPolicy(policy_);
    }

    /// @notice Retires a submesh that metrics flagged: Degraded now, or Degraded when it was quarantined.
    function retire(uint32 id, uint32 successor, bytes32 reason) external restricted {
        Status current = status(id);
        bool flagged = current == Status.Degraded
            || (current == Status.Quarantined && _submeshes[id].statusBefore == Status.Degraded);
        if (!flagged) revert SubmeshBadStatus(id, current);
        _drain(id, successor, reason);
    }

    /// @notice Retires any open submesh, for the Root track only.
    function forceRetire(uint32 id, uint32 successor, bytes32 reason) external restricted {
        Status current = status(id);
        if (current == Status.Draining || current == Status.Retired) revert SubmeshBadStatus(id, current);
        _drain(id, successor, reason);
    }

    /// @notice Isolates a submesh for one epoch up to MAX_QUARANTINE_EPOCHS; it ends by itself.
    function quarantine(uint32 id, uint16 epochs, bytes32 reason) external restricted {
        if (id == 0) revert SubmeshRootProtected();
        Status current = status(id);
        if (current != Status.Active && current != Status.Degraded) revert SubmeshBadStatus(id, current);
        if (epochs == 0 || epochs > MAX_QUARANTINE_EPOCHS) {
            revert SubmeshQuarantineTooLong(epochs, MAX_QUARANTINE_EPOCHS);
        }
        Submesh storage submesh = _submeshes[id];
        if (epoch < submesh.quarantineAllowedFrom) revert SubmeshQuarantineTooSoon(id, submesh.quarantineAllowedFrom);
        submesh.quarantineAllowedFrom = epoch + QUARANTINE_INTERVAL_EPOCHS;
        submesh.statusBefore = current;
        _setStatus(id, Status.Quarantined, epoch + epochs, reason);
    }

    /// @notice Ends a quarantine early: the status and streaks from before it return.
    function release(uint32 id, bytes32 reason) external restricted {
        Status current = status(id);
        if (current != Status.Quarantined) revert SubmeshBadStatus(id, current);
        _endQuarantine(id, reason);
    }

    // ------------------------------------------------------------------------------------------ by the system

    /// @notice The metrics of the epoch that ended. An unknown or repeated id is skipped: reports must go on.
    function report(uint64 newEpoch, Report[] calldata reports) external restricted {
        if (newEpoch <= epoch) revert EpochNotMonotone(epoch, newEpoch);
        epoch = newEpoch;
        Policy memory bounds = policy;
        for (uint256 i; i < reports.length; ++i) {
            _report(reports[i], newEpoch, bounds);
        }
        uint256[] memory open = _open.values();
        for (uint256 i; i < open.length; ++i) {
            // forge-lint: disable-next-line(unsafe-typecast) ids are u32 when they enter the set
            _endWhatIsDue(uint32(open[i]), newEpoch);
        }
    }

    // ------------------------------------------------------------------------------------------ views

    function count() external view returns (uint256) {
        return _submeshes.length;
    }

    function get(uint32 id) external view returns (Submesh memory) {
        if (id >= _submeshes.length) revert SubmeshUnknown(id);
        return _submeshes[id];
    }

    function idOf(string calldata name) external view returns (bool found, uint32 id) {
        uint256 idPlusOne = _byName[keccak256(bytes(name))];
        // forge-lint: disable-next-line(unsafe-typecast)
        return idPlusOne == 0 ? (false, 0) : (true, uint32(idPlusOne - 1));
    }

    /// @notice Ids of the submeshes that are not retired.
    function openIds() external view returns (uint256[] memory) {
        return _open.values();
    }

    function status(uint32 id) public view returns (Status) {
        if (id >= _submeshes.length) revert SubmeshUnknown(id);
        return _submeshes[id].status;
    }

    // ------------------------------------------------------------------------------------------ internals

    function _create(string memory name, Params memory params) private returns (uint32 id) {
        SubmeshRules.checkName(name);
        SubmeshRules.checkParams(params);
        bytes32 nameHash = keccak256(bytes(name));
        if (_byName[nameHash] != 0) revert SubmeshNameTaken(name);
        if (_open.length() >= MAX_OPEN) revert SubmeshLimit(_open.length());
        // forge-lint: disable-next-line(unsafe-typecast) one submesh a proposal: u32 outlasts the chain
        id = uint32(_submeshes.length);
        Submesh storage submesh = _submeshes.push();
        submesh.status = Status.Active;
        submesh.createdEpoch = epoch;
        submesh.params = params;
        submesh.name = name;
        _byName[nameHash] = uint256(id) + 1;
        // a new id is never a member
        // slither-disable-next-line unused-return
        _open.add(id);
        emit SubmeshCreated(id, name, params);
    }

    function _setParams(uint32 id, Params calldata params) private {
        SubmeshRules.checkParams(params);
        _submeshes[id].params = params;
        emit SubmeshParamsChanged(id, params);
    }

    function _setPolicy(Policy memory policy_) private {
        SubmeshRules.checkPolicy(policy_);
        policy = policy_;
        emit PolicyChanged(policy_);
    }

    function _drain(uint32 id, uint32 successor, bytes32 reason) private {
        if (id == 0) revert SubmeshRootProtected();
        Status next = status(successor);
        if (successor == id || (next != Status.Active && next != Status.Degraded)) {
            revert SubmeshBadSuccessor(successor);
        }
        _submeshes[id].successor = successor;
        _setStatus(id, Status.Draining, epoch + policy.drainEpochs, reason);
    }

    function _report(Report calldata r, uint64 newEpoch, Policy memory bounds) private {
        if (r.id >= _submeshes.length) return;
        Submesh storage submesh = _submeshes[r.id];
        Status current = submesh.status;
        if (current == Status.Retired || submesh.last.epoch == newEpoch) return;
        Metrics memory metrics = r.m;
        metrics.epoch = newEpoch;
        submesh.last = metrics;
        bool idle = metrics.txCommitted == 0 || metrics.txCommitted < bounds.minTxPerEpoch;
        bool breach = !idle && SubmeshRules.breached(metrics, bounds, submesh.params.minValidators);
        emit SubmeshMetrics(r.id, newEpoch, metrics, breach);
        bool judged = !idle && r.id != 0 && (current == Status.Active || current == Status.Degraded)
            && newEpoch >= submesh.createdEpoch + bounds.graceEpochs;
        if (judged) _judge(r.id, current, breach, newEpoch, bounds);
    }

    function _judge(uint32 id, Status current, bool breach, uint64 newEpoch, Policy memory bounds) private {
        Submesh storage submesh = _submeshes[id];
        if (breach) {
            submesh.goodStreak = 0;
            if (submesh.badStreak < type(uint8).max) ++submesh.badStreak;
            if (current != Status.Active || submesh.badStreak < bounds.badEpochsToDegrade) return;
            _setStatus(id, Status.Degraded, 0, "policy");
            emit RetirementEligible(id, newEpoch, submesh.badStreak);
        } else {
            if (submesh.goodStreak < type(uint8).max) ++submesh.goodStreak;
            if (submesh.goodStreak < bounds.goodEpochsToRecover) return;
            submesh.badStreak = 0;
            if (current == Status.Degraded) _setStatus(id, Status.Active, 0, "recovered");
        }
    }

    function _endWhatIsDue(uint32 id, uint64 newEpoch) private {
        Submesh storage submesh = _submeshes[id];
        if (submesh.untilEpoch == 0 || submesh.untilEpoch > newEpoch) return;
        if (submesh.status == Status.Draining) {
            _setStatus(id, Status.Retired, 0, "drained");
            // the loop runs over its members
            // slither-disable-next-line unused-return
            _open.remove(id);
        } else if (submesh.status == Status.Quarantined) {
            _endQuarantine(id, "expired");
        }
    }

    function _endQuarantine(uint32 id, bytes32 reason) private {
        _setStatus(id, _submeshes[id].statusBefore, 0, reason);
    }

    function _setStatus(uint32 id, Status to, uint64 untilEpoch, bytes32 reason) private {
        Submesh storage submesh = _submeshes[id];
        Status from = submesh.status;
        submesh.status = to;
        submesh.untilEpoch = untilEpoch;
        emit SubmeshStatusChanged(id, from, to, untilEpoch, reason);
    }
}
