// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IGovernor} from "@openzeppelin/contracts/governance/IGovernor.sol";
import {TimelockController} from "@openzeppelin/contracts/governance/TimelockController.sol";
import {GovernorBounds} from "../src/GovernorBounds.sol";
import {MeshGovernor} from "../src/MeshGovernor.sol";
import {MeshTimelock} from "../src/MeshTimelock.sol";
import {Draft, InBlockOne} from "./Base.sol";
import {vm} from "./Vm.sol";

/// Rule 2: every setting belongs to the Root timelock, within immutable bounds (I24).
contract GovernorSettingsTest is InBlockOne {
    function settings() private pure returns (bytes[] memory calls) {
        calls = new bytes[](9);
        calls[0] = abi.encodeCall(governor.setVotingDelay, (1 days));
        calls[1] = abi.encodeCall(governor.setVotingPeriod, (3 days));
        calls[2] = abi.encodeCall(governor.setProposalThreshold, (10));
        calls[3] = abi.encodeCall(governor.updateQuorumNumerator, (10));
        calls[4] = abi.encodeCall(governor.setLateQuorumVoteExtension, (6 hours));
        calls[5] = abi.encodeCall(governor.setProposalGuardian, (address(0xAB)));
        calls[6] = abi.encodeCall(governor.updateTimelock, (timelock));
        calls[7] = abi.encodeCall(governor.relay, (address(0xAB), 0, ""));
        calls[8] = abi.encodeCall(governor.recordImplementation, (address(0xAB), address(registry)));
    }

    function test_nobody_but_the_root_timelock_changes_a_setting() public {
        bytes[] memory calls = settings();
        address[6] memory others =
            [address(this), address(timelock), address(governor), address(rootGovernor), GUARDIAN, DEPLOYER];
        for (uint256 i; i < calls.length; ++i) {
            for (uint256 j; j < others.length; ++j) {
                vm.prank(others[j]);
                (bool ok, bytes memory reason) = address(governor).call(calls[i]);
                require(!ok && bytes4(reason) == IGovernor.GovernorOnlyExecutor.selector, "not refused");
            }
            vm.prank(address(rootTimelock));
            (bool done,) = address(governor).call(calls[i]);
            require(done, "refused to root");
        }
    }

    function test_a_submesh_vote_can_not_change_its_own_quorum() public {
        Draft memory d = draft(address(governor), abi.encodeCall(governor.updateQuorumNumerator, (5)), "easier");
        ready(governor, d);
        vm.expectRevert(abi.encodeWithSelector(IGovernor.GovernorOnlyExecutor.selector, address(timelock)));
        execute(governor, d);
    }

    function test_root_changes_its_own_settings_and_those_of_others() public {
        pass(rootGovernor, address(rootGovernor), abi.encodeCall(rootGovernor.setVotingPeriod, (8 days)), "own");
        eq(rootGovernor.votingPeriod(), 8 days, "own");
        pass(rootGovernor, address(governor), abi.encodeCall(governor.updateQuorumNumerator, (20)), "other");
        eq(governor.quorumNumerator(), 20, "other");
        pass(rootGovernor, address(timelock), abi.encodeCall(timelock.updateDelay, (2 days)), "timelock");
        eq(timelock.getMinDelay(), 2 days, "timelock");
        pass(rootGovernor, address(rootTimelock), abi.encodeCall(rootTimelock.updateDelay, (1 days)), "own timelock");
        eq(rootTimelock.getMinDelay(), 1 days, "own timelock");
    }

    function refused(bytes memory call, uint256 value, uint256 min, uint256 max) private {
        vm.prank(address(rootTimelock));
        vm.expectRevert(abi.encodeWithSelector(GovernorBounds.GovernorOutOfBounds.selector, value, min, max));
        (bool ok,) = address(governor).call(call);
        require(ok, "expectRevert turns the outcome around");
    }

    function test_no_setting_leaves_its_bounds() public {
        refused(abi.encodeCall(governor.setVotingDelay, (12 hours - 1)), 12 hours - 1, 12 hours, 30 days);
        refused(abi.encodeCall(governor.setVotingDelay, (30 days + 1)), 30 days + 1, 12 hours, 30 days);
        refused(abi.encodeCall(governor.setVotingPeriod, (36 hours - 1)), 36 hours - 1, 36 hours, 60 days);
        refused(abi.encodeCall(governor.setVotingPeriod, (60 days + 1)), 60 days + 1, 36 hours, 60 days);
        refused(abi.encodeCall(governor.setProposalThreshold, (4)), 4, 5, 500);
        refused(abi.encodeCall(governor.setProposalThreshold, (501)), 501, 5, 500);
        refused(abi.encodeCall(governor.updateQuorumNumerator, (4)), 4, 5, 60);
        refused(abi.encodeCall(governor.updateQuorumNumerator, (61)), 61, 5, 60);
        bytes memory call = abi.encodeCall(governor.setLateQuorumVoteExtension, (3 hours - 1));
        refused(call, 3 hours - 1, 3 hours, type(uint48).max);
        vm.prank(address(rootTimelock));
        vm.expectPartialRevert(bytes4(keccak256("GovernorPreventLateQuorumVoteExtensionTooLarge(uint256,uint256)")));
        governor.setLateQuorumVoteExtension(3 days + 1);
    }

    function test_bounds_can_be_read() public view {
        (uint256 delay, uint256 period, uint256 extension, uint256 threshold, uint256 quorum) = governor.floors();
        require(delay == 12 hours && period == 36 hours && extension == 3 hours, "times");
        require(threshold == 5 && quorum == 5, "shares");
        (,,,, quorum) = rootGovernor.floors();
        eq(quorum, 15, "root's quorum");
    }

    /// A lowered quorum must not revive what was defeated under the old one (OpenZeppelin before 4.7.2).
    function test_a_lowered_quorum_revives_nothing() public {
        uint256 id = propose(governor, creation("a"));
        vm.warp(governor.proposalSnapshot(id) + 1);
        vote(governor, id, 0, 1); // 6.7 %
        vm.warp(governor.proposalDeadline(id) + 1);
        isState(governor, id, DEFEATED);
        vm.prank(address(rootTimelock));
        governor.updateQuorumNumerator(5);
        vm.warp(block.timestamp + 1);
        isState(governor, id, DEFEATED);
    }

    function test_a_new_timelock_must_be_of_the_same_kind() public {
        MeshTimelock same = new MeshTimelock(1 days, 1 days, address(governor), address(rootTimelock));
        MeshTimelock lower = new MeshTimelock(1 days, 1, address(governor), address(rootTimelock));
        MeshTimelock foreign = new MeshTimelock(1 days, 1 days, address(governor), address(this));
        address[3] memory bad = [address(lower), address(foreign), address(0xE0A)];
        vm.startPrank(address(rootTimelock));
        for (uint256 i; i < 3; ++i) {
            vm.expectRevert(abi.encodeWithSelector(MeshGovernor.GovernorForeignTimelock.selector, bad[i]));
            governor.updateTimelock(TimelockController(payable(bad[i])));
        }
        governor.updateTimelock(same);
        vm.stopPrank();
        eq(governor.timelock(), address(same), "timelock");
    }

    function test_a_relay_never_reaches_the_timelock() public {
        vm.startPrank(address(rootTimelock));
        vm.expectRevert(abi.encodeWithSelector(MeshGovernor.GovernorRelayToTimelock.selector));
        governor.relay(address(timelock), 0, "");
        vm.stopPrank();
    }

    function test_a_track_starts_within_its_bounds() public {
        GovernorBounds.Config memory c =
            GovernorBounds.Config("x", 1, 29, 1, 1 hours, 10, 10, address(0), address(rootTimelock));
        vm.expectRevert(abi.encodeWithSelector(GovernorBounds.GovernorOutOfBounds.selector, 29, 30, 60 days));
        new MeshGovernor(c, reputation, timelock, pqKeys);
        (c.votingPeriod, c.executionWindow) = (30, 1 hours - 1);
        vm.expectRevert(
            abi.encodeWithSelector(GovernorBounds.GovernorOutOfBounds.selector, 1 hours - 1, 1 hours, type(uint48).max)
        );
        new MeshGovernor(c, reputation, timelock, pqKeys);
        (c.executionWindow, c.quorumPercent) = (1 hours, 61);
        vm.expectPartialRevert(GovernorBounds.GovernorOutOfBounds.selector);
        new MeshGovernor(c, reputation, timelock, pqKeys);
        c.quorumPercent = 10;
        MeshGovernor shortest = new MeshGovernor(c, reputation, timelock, pqKeys);
        (, uint256 period,,,) = shortest.floors();
        eq(period, 30, "no scale goes below thirty seconds");
    }
}
