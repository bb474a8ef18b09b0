// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IGovernor} from "@openzeppelin/contracts/governance/IGovernor.sol";
import {MeshGovernor} from "../src/MeshGovernor.sol";
import {Base, Draft, InBlockOne} from "./Base.sol";
import {vm} from "./Vm.sol";

/// Members who propose, vote, queue, execute and cancel on both tracks in any order, some proposals against the rules
/// of governance themselves.
contract GovernanceHandler is Base {
    struct Known {
        MeshGovernor gov;
        Draft draft;
        uint256 id;
    }

    Known[] private _known;
    bool public broken;
    uint256 public executed;

    function proposeOne(uint8 kind, bool root, uint8 who) external {
        if (_known.length == 12) return;
        MeshGovernor gov = root ? rootGovernor : governor;
        Draft memory d = idea(kind % 6, string(abi.encodePacked("p", bytes1(uint8(97 + _known.length)))));
        uint256 id = propose(gov, d, members[who % 5]);
        Known storage k = _known.push();
        (k.gov, k.draft, k.id) = (gov, d, id);
    }

    function idea(uint8 kind, string memory name) private view returns (Draft memory) {
        if (kind == 1) return draft(address(governor), abi.encodeCall(governor.updateQuorumNumerator, (5)), name);
        if (kind == 2) return draft(address(rootGovernor), abi.encodeCall(governor.setVotingPeriod, (4 days)), name);
        if (kind == 3) return draft(address(timelock), abi.encodeCall(timelock.updateDelay, (1 days)), name);
        if (kind == 4) return draft(address(governor), abi.encodeCall(governor.setProposalThreshold, (5)), name);
        if (kind == 5) return draft(address(manager), abi.encodeCall(manager.grantRole, (0, members[0], 0)), name);
        return creation(name);
    }

    function voteOne(uint8 which, uint8 who, uint8 support) external {
        Known storage k = pick(which);
        if (k.gov.state(k.id) != ACTIVE) return;
        address voter = members[who % 5];
        bool had = k.gov.hasVoted(k.id, voter);
        vm.prank(voter);
        try k.gov.castVote(k.id, support % 3) {
            if (had) broken = true;
        } catch {}
    }

    function voteAll(uint8 which) external {
        Known storage k = pick(which);
        vm.warp(max(block.timestamp, k.gov.proposalSnapshot(k.id) + 1));
        for (uint256 i; i < 5; ++i) {
            vm.prank(members[i]);
            try k.gov.castVote(k.id, 1) {} catch {}
        }
        vm.warp(max(block.timestamp, k.gov.proposalDeadline(k.id) + 1));
    }

    function queueOne(uint8 which) external {
        Known storage k = pick(which);
        bool could = k.gov.state(k.id) == SUCCEEDED;
        try k.gov.queue(k.draft.targets, k.draft.values, k.draft.calls, keccak256(bytes(k.draft.text))) {
            if (!could) broken = true;
            vm.warp(k.gov.proposalEta(k.id));
        } catch {
            if (could) broken = true;
        }
    }

    function executeOne(uint8 which) external {
        Known storage k = pick(which);
        bool could = k.gov.state(k.id) == QUEUED && block.timestamp >= k.gov.proposalEta(k.id);
        try k.gov.execute(k.draft.targets, k.draft.values, k.draft.calls, keccak256(bytes(k.draft.text))) {
            ++executed;
            if (!could) broken = true;
            // only root's proposals touch what is root's
            if (address(k.gov) == address(governor) && k.draft.targets[0] != address(registry)) broken = true;
        } catch {}
    }

    function cancelOne(uint8 which, uint8 who) external {
        Known storage k = pick(which);
        address caller = members[who % 5];
        vm.prank(caller);
        try k.gov.cancel(k.draft.targets, k.draft.values, k.draft.calls, keccak256(bytes(k.draft.text))) {
            if (caller != k.gov.proposalProposer(k.id)) broken = true;
        } catch {}
    }

    function wait(uint32 seconds_) external {
        vm.warp(block.timestamp + seconds_ % 5 days);
    }

    function pick(uint8 which) private view returns (Known storage) {
        require(_known.length != 0, "nothing proposed yet");
        return _known[which % _known.length];
    }

    function max(uint256 a, uint256 b) private pure returns (uint256) {
        return a > b ? a : b;
    }

    function known() external view returns (uint256) {
        return _known.length;
    }

    /// I18 for one proposal: executed only with its majority, its quorum at the snapshot, and after its delay.
    function isSound(uint256 i) external view returns (bool) {
        Known storage k = _known[i];
        if (k.gov.state(k.id) != EXECUTED) return true;
        (uint256 against, uint256 for_, uint256 abstain) = k.gov.proposalVotes(k.id);
        return for_ > against && for_ + abstain >= k.gov.quorum(k.gov.proposalSnapshot(k.id))
            && block.timestamp >= k.gov.proposalEta(k.id);
    }
}

contract GovernanceInvariants is InBlockOne {
    GovernanceHandler private handler;

    function setUp() public override {
        super.setUp();
        handler = new GovernanceHandler();
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    /// I18, I19
    function invariant_what_was_executed_had_passed() external view {
        require(!handler.broken(), "a step that was not allowed");
        for (uint256 i; i < handler.known(); ++i) {
            require(handler.isSound(i), "executed without having passed");
        }
    }

    /// The invariants would hold for a handler that never gets anywhere, too.
    function test_the_handler_gets_as_far_as_executing() external {
        handler.proposeOne(0, false, 1);
        handler.voteAll(0);
        handler.queueOne(0);
        handler.executeOne(0);
        eq(handler.executed(), 1, "executed");
        require(handler.isSound(0) && !handler.broken(), "sound");
    }

    /// I17
    function invariant_timelocks_keep_their_masters() external view {
        require(timelock.hasRole(timelock.PROPOSER_ROLE(), address(governor)), "proposer");
        require(!timelock.hasRole(timelock.PROPOSER_ROLE(), address(rootGovernor)), "foreign proposer");
        require(!timelock.hasRole(timelock.DEFAULT_ADMIN_ROLE(), address(timelock)), "admin");
        (bool admin,) = manager.hasRole(0, address(rootTimelock));
        require(admin, "root is admin");
    }

    /// I24
    function invariant_settings_stay_within_their_bounds() external view {
        (uint256 delay, uint256 period, uint256 extension,, uint256 quorum) = governor.floors();
        require(governor.votingDelay() >= delay && governor.votingPeriod() >= period, "times");
        require(governor.lateQuorumVoteExtension() >= extension, "extension");
        require(governor.quorumNumerator() >= quorum, "quorum");
        require(timelock.getMinDelay() >= 1 days && rootTimelock.getMinDelay() >= 1 days, "delays");
    }
}
