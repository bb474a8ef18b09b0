// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Governor} from "@openzeppelin/contracts/governance/Governor.sol";
import {TimelockController} from "@openzeppelin/contracts/governance/TimelockController.sol";
import {GovernorCountingSimple} from "@openzeppelin/contracts/governance/extensions/GovernorCountingSimple.sol";
import {GovernorNoncesKeyed} from "@openzeppelin/contracts/governance/extensions/GovernorNoncesKeyed.sol";
import {GovernorPreventLateQuorum} from "@openzeppelin/contracts/governance/extensions/GovernorPreventLateQuorum.sol";
import {GovernorProposalGuardian} from "@openzeppelin/contracts/governance/extensions/GovernorProposalGuardian.sol";
import {GovernorSettings} from "@openzeppelin/contracts/governance/extensions/GovernorSettings.sol";
import {GovernorTimelockControl} from "@openzeppelin/contracts/governance/extensions/GovernorTimelockControl.sol";
import {GovernorVotes} from "@openzeppelin/contracts/governance/extensions/GovernorVotes.sol";
import {
    GovernorVotesQuorumFraction
} from "@openzeppelin/contracts/governance/extensions/GovernorVotesQuorumFraction.sol";
import {Nonces} from "@openzeppelin/contracts/utils/Nonces.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {GovernorBounds} from "./GovernorBounds.sol";
import {PQKeyRegistry} from "./PQKeyRegistry.sol";
import {Reputation} from "./Reputation.sol";
import {TargetCode} from "./TargetCode.sol";

/// @title The governor of a track
/// @notice OpenZeppelin's Governor with what members of other organisations were hurt by ruled out: settings belong to
/// the Root timelock and have floors, the code of every target is committed to, a queued proposal expires, proposing
/// needs a share of the supply, actions and texts are bounded, a guardian's power ends after 180 days.
contract MeshGovernor is
    GovernorBounds,
    GovernorSettings,
    GovernorCountingSimple,
    GovernorVotes,
    GovernorVotesQuorumFraction,
    GovernorPreventLateQuorum,
    GovernorProposalGuardian,
    GovernorNoncesKeyed,
    GovernorTimelockControl
{
    uint256 public constant MAX_ACTIONS = 10;
    uint256 public constant MAX_DESCRIPTION_BYTES = 16_384;
    uint256 public constant GUARDIAN_SECONDS = 180 days;

    PQKeyRegistry public immutable PQ_KEYS;
    /// End of the guardian's power; zero on a track that never has one.
    uint256 public immutable GUARDIAN_UNTIL;

    /// What Root says runs behind a target that delegates.
    mapping(address target => address) public implementationOf;
    /// Code hash of a genesis contract when it was first a target: their code never changes, so one record serves all
    /// proposals at a tenth of the gas.
    mapping(address target => bytes32) public genesisCode;
    /// Hash over the code of all other targets when the proposal was made.
    mapping(uint256 proposalId => bytes32) public codeCommitment;

    event ImplementationRecorded(address indexed target, address indexed implementation);

    error GovernorTooManyActions(uint256 actions, uint256 max);
    error GovernorDescriptionTooLong(uint256 length, uint256 max);
    error GovernorTargetHasNoCode(address target);
    error GovernorCodeChanged(uint256 proposalId);
    error GovernorGenesisCodeChanged(address target);
    error GovernorGuardianNotAllowed();
    error GovernorForeignTimelock(address timelock);
    error GovernorRelayToTimelock();
    error GovernorPQOnly(address voter);

    constructor(Config memory config, Reputation reputation, TimelockController timelock_, PQKeyRegistry pqKeys)
        GovernorBounds(config)
        Governor(config.name)
        GovernorSettings(config.votingDelay, config.votingPeriod, config.thresholdBps)
        GovernorVotes(reputation)
        GovernorVotesQuorumFraction(config.quorumPercent)
        GovernorPreventLateQuorum(config.lateExtension)
        GovernorTimelockControl(timelock_)
    {
        PQ_KEYS = pqKeys;
        if (config.guardian != address(0)) {
            GUARDIAN_UNTIL = block.timestamp + GUARDIAN_SECONDS;
            _setProposalGuardian(config.guardian);
        }
    }

    // ------------------------------------------------------------------------------------------ Root's settings

    /// @notice Records what runs behind a target that delegates, so that proposals may call it; zero forgets it.
    function recordImplementation(address target, address implementation) external onlyGovernance {
        if (implementation != address(0) && implementation.code.length == 0) {
            revert GovernorTargetHasNoCode(implementation);
        }
        implementationOf[target] = implementation;
        emit ImplementationRecorded(target, implementation);
    }

    /// @notice The threshold is in basis points of the past supply: a fixed amount would grow dearer as supply decays.
    function proposalThreshold() public view override(Governor, GovernorSettings) returns (uint256) {
        uint256 supply = token().getPastTotalSupply(clock() - 1);
        return Math.mulDiv(supply, super.proposalThreshold(), 10_000, Math.Rounding.Ceil);
    }

    function setProposalGuardian(address guardian) public override onlyGovernance {
        if (block.timestamp >= GUARDIAN_UNTIL) revert GovernorGuardianNotAllowed();
        _setProposalGuardian(guardian);
    }

    /// @notice The new timelock must run the present one's code: the same floor, the same Root, roles without an admin.
    function updateTimelock(TimelockController newTimelock) public override {
        if (address(newTimelock).codehash != timelock().codehash) revert GovernorForeignTimelock(address(newTimelock));
        super.updateTimelock(newTimelock);
    }

    function relay(address target, uint256 value, bytes calldata data) public payable override {
        // else it could schedule and execute past every check made here
        if (target == _executor()) revert GovernorRelayToTimelock();
        super.relay(target, value, data);
    }

    // ------------------------------------------------------------------------------------------ state

    /// @notice A proposal that passed expires when it is not queued, or once queued not executed, within the window.
    function state(uint256 proposalId)
        public
        view
        override(Governor, GovernorTimelockControl)
        returns (ProposalState current)
    {
        current = super.state(proposalId);
        if (current == ProposalState.Queued) {
            if (block.timestamp > proposalEta(proposalId) + EXECUTION_WINDOW) return ProposalState.Expired;
        } else if (current == ProposalState.Succeeded) {
            if (block.timestamp > proposalDeadline(proposalId) + EXECUTION_WINDOW) return ProposalState.Expired;
        }
    }

    /// @notice The guardian, until its power ends.
    function proposalGuardian() public view override returns (address) {
        return block.timestamp < GUARDIAN_UNTIL ? super.proposalGuardian() : address(0);
    }

    /// @notice The commitment that these targets would have now; reverts for one that may not be called.
    function commitmentOf(address[] memory targets) public view returns (bytes32 commitment) {
        for (uint256 i; i < targets.length; ++i) {
            address target = targets[i];
            if (!TargetCode.isGenesis(target)) {
                commitment = TargetCode.extend(commitment, target, implementationOf[target]);
            } else if (genesisCode[target] != target.codehash && genesisCode[target] != 0) {
                revert GovernorGenesisCodeChanged(target);
            }
        }
    }

    // the token's clock, without asking it each time
    function clock() public view override(Governor, GovernorVotes) returns (uint48) {
        return uint48(block.timestamp);
    }

    // solhint-disable-next-line func-name-mixedcase
    function CLOCK_MODE() public pure override(Governor, GovernorVotes) returns (string memory) {
        return "mode=timestamp";
    }

    // ------------------------------------------------------------------------------------------ checks

    function _propose(
        address[] memory targets,
        uint256[] memory values,
        bytes[] memory calldatas,
        string memory description,
        address proposer
    ) internal override returns (uint256 proposalId) {
        if (targets.length > MAX_ACTIONS) revert GovernorTooManyActions(targets.length, MAX_ACTIONS);
        if (bytes(description).length > MAX_DESCRIPTION_BYTES) {
            revert GovernorDescriptionTooLong(bytes(description).length, MAX_DESCRIPTION_BYTES);
        }
        proposalId = super._propose(targets, values, calldatas, description, proposer);
        for (uint256 i; i < targets.length; ++i) {
            address target = targets[i];
            // such a call would succeed and do nothing
            if (calldatas[i].length != 0 && target.code.length == 0) revert GovernorTargetHasNoCode(target);
            if (TargetCode.isGenesis(target) && genesisCode[target] == 0) genesisCode[target] = target.codehash;
        }
        bytes32 commitment = commitmentOf(targets);
        if (commitment != 0) codeCommitment[proposalId] = commitment;
    }

    function _executeOperations(
        uint256 proposalId,
        address[] memory targets,
        uint256[] memory values,
        bytes[] memory calldatas,
        bytes32 descriptionHash
    ) internal override(Governor, GovernorTimelockControl) {
        if (commitmentOf(targets) != codeCommitment[proposalId]) {
            revert GovernorCodeChanged(proposalId);
        }
        super._executeOperations(proposalId, targets, values, calldatas, descriptionHash);
    }

    /// The proposer at any time, the guardian while its power lasts.
    function _validateCancel(uint256 proposalId, address caller)
        internal
        view
        override(Governor, GovernorProposalGuardian)
        returns (bool)
    {
        if (caller == address(0)) return false; // what a call without a sender simulates, and no guardian equals
        return caller == proposalProposer(proposalId) || caller == proposalGuardian();
    }

    /// Every `onlyGovernance` function belongs to the Root timelock, on every track.
    function _checkGovernance() internal view override {
        if (_msgSender() != ROOT_TIMELOCK) revert GovernorOnlyExecutor(_msgSender());
    }

    function _validateVoteSig(uint256 proposalId, uint8 support, address voter, bytes memory signature)
        internal
        override(Governor, GovernorNoncesKeyed)
        returns (bool)
    {
        _refusePQOnly(voter);
        return super._validateVoteSig(proposalId, support, voter, signature);
    }

    function _validateExtendedVoteSig(
        uint256 proposalId,
        uint8 support,
        address voter,
        string memory reason,
        bytes memory params,
        bytes memory signature
    ) internal override(Governor, GovernorNoncesKeyed) returns (bool) {
        _refusePQOnly(voter);
        return super._validateExtendedVoteSig(proposalId, support, voter, reason, params, signature);
    }

    function _refusePQOnly(address voter) private view {
        if (PQ_KEYS.pqOnly(voter)) revert GovernorPQOnly(voter);
    }

    // ------------------------------------------------------------------------------------------ bounds

    function _setVotingDelay(uint48 newValue) internal override {
        _checkVotingDelay(newValue);
        super._setVotingDelay(newValue);
    }

    function _setVotingPeriod(uint32 newValue) internal override {
        _checkVotingPeriod(newValue);
        super._setVotingPeriod(newValue);
    }

    function _setProposalThreshold(uint256 newValue) internal override {
        _checkThreshold(newValue);
        super._setProposalThreshold(newValue);
    }

    function _updateQuorumNumerator(uint256 newValue) internal override {
        _checkQuorum(newValue);
        super._updateQuorumNumerator(newValue);
    }

    function _setLateQuorumVoteExtension(uint48 newValue) internal override {
        _checkLateExtension(newValue);
        super._setLateQuorumVoteExtension(newValue);
    }

    // ------------------------------------------------------------------------------------------ linearisation

    function proposalDeadline(uint256 proposalId)
        public
        view
        override(Governor, GovernorPreventLateQuorum)
        returns (uint256)
    {
        return super.proposalDeadline(proposalId);
    }

    function proposalNeedsQueuing(uint256 proposalId)
        public
        view
        override(Governor, GovernorTimelockControl)
        returns (bool)
    {
        return super.proposalNeedsQueuing(proposalId);
    }

    function _tallyUpdated(uint256 proposalId) internal override(Governor, GovernorPreventLateQuorum) {
        super._tallyUpdated(proposalId);
    }

    function _queueOperations(
        uint256 proposalId,
        address[] memory targets,
        uint256[] memory values,
        bytes[] memory calldatas,
        bytes32 descriptionHash
    ) internal override(Governor, GovernorTimelockControl) returns (uint48) {
        return super._queueOperations(proposalId, targets, values, calldatas, descriptionHash);
    }

    function _cancel(
        address[] memory targets,
        uint256[] memory values,
        bytes[] memory calldatas,
        bytes32 descriptionHash
    ) internal override(Governor, GovernorTimelockControl) returns (uint256) {
        return super._cancel(targets, values, calldatas, descriptionHash);
    }

    function _useCheckedNonce(address owner, uint256 nonce) internal override(Nonces, GovernorNoncesKeyed) {
        super._useCheckedNonce(owner, nonce);
    }

    function _executor() internal view override(Governor, GovernorTimelockControl) returns (address) {
        return super._executor();
    }
}
