// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IGovernor} from "@openzeppelin/contracts/governance/IGovernor.sol";
import {MeshGovernor} from "../src/MeshGovernor.sol";
import {SubmeshRegistry} from "../src/SubmeshRegistry.sol";
import {Draft, InBlockOne} from "./Base.sol";
import {vm} from "./Vm.sol";

/// A proposal's life, and who may end it.
contract MeshGovernorTest is InBlockOne {
    address private constant STRANGER = address(0x57A);

    // ------------------------------------------------------------------------------------------ the way through

    function test_members_create_a_submesh() public {
        Draft memory d = creation("micropayments-eu");
        uint256 id = propose(governor, d);
        isState(governor, id, IGovernor.ProposalState.Pending);
        vm.warp(governor.proposalSnapshot(id) + 1);
        isState(governor, id, ACTIVE);
        for (uint256 i; i < 3; ++i) {
            vote(governor, id, i, 1);
        }
        vm.warp(governor.proposalDeadline(id) + 1);
        isState(governor, id, SUCCEEDED);
        queue(governor, d);
        isState(governor, id, QUEUED);
        vm.warp(governor.proposalEta(id));
        execute(governor, d);
        isState(governor, id, EXECUTED);
        (bool found,) = registry.idOf("micropayments-eu");
        require(found, "no submesh");
    }

    function test_members_retire_what_metrics_flagged_and_nothing_else() public {
        uint32 id = open("eu");
        bytes memory call = abi.encodeCall(registry.retire, (id, 0, "unused"));
        Draft memory d = draft(address(registry), call, "retire it");
        ready(governor, d);
        vm.expectRevert(
            abi.encodeWithSelector(SubmeshRegistry.SubmeshBadStatus.selector, id, SubmeshRegistry.Status.Active)
        );
        execute(governor, d);
        epochs(1, 4, id, false);
        execute(governor, d);
        isStatus(id, SubmeshRegistry.Status.Draining);
        epochs(5, 6, id, true);
        isStatus(id, SubmeshRegistry.Status.Retired);
    }

    function test_the_root_track_forces_a_retirement() public {
        uint32 id = open("eu");
        bytes memory call = abi.encodeCall(registry.forceRetire, (id, 0, "law"));
        pass(rootGovernor, address(registry), call, "force it");
        isStatus(id, SubmeshRegistry.Status.Draining);
    }

    function test_the_submesh_track_can_not_do_what_is_roots() public {
        uint32 id = open("eu");
        Draft memory d = draft(address(registry), abi.encodeCall(registry.forceRetire, (id, 0, "x")), "overreach");
        ready(governor, d);
        vm.expectPartialRevert(bytes4(keccak256("AccessManagedUnauthorized(address)")));
        execute(governor, d);
    }

    function test_without_a_quorum_or_a_majority_it_is_defeated() public {
        uint256 id = propose(governor, creation("a"));
        uint256 other = propose(governor, creation("b"));
        vm.warp(governor.proposalSnapshot(id) + 1);
        vote(governor, id, 0, 1); // 100 of 1,500: below 10 %
        vote(governor, other, 1, 1);
        vote(governor, other, 2, 0);
        vm.warp(governor.proposalDeadline(other) + 1);
        isState(governor, id, DEFEATED);
        isState(governor, other, DEFEATED);
    }

    function test_root_needs_thirty_percent() public {
        uint256 id = propose(rootGovernor, creation("a"));
        vm.warp(rootGovernor.proposalSnapshot(id) + 1);
        vote(rootGovernor, id, 3, 1); // 400 of 1,500
        vm.warp(rootGovernor.proposalDeadline(id) + 1);
        isState(rootGovernor, id, DEFEATED);
    }

    function test_reputation_earned_after_the_snapshot_does_not_count() public {
        uint256 id = propose(governor, creation("a"));
        vm.warp(governor.proposalSnapshot(id) + 1);
        vm.prank(members[4]);
        reputation.delegate(members[0]);
        vm.prank(members[0]);
        uint256 weight = governor.castVote(id, 1);
        require(weight < 100e18, "delegated after the snapshot");
        vm.prank(members[4]);
        require(governor.castVote(id, 1) > 490e18, "its own at the snapshot");
    }

    /// I19
    function test_one_ballot_an_account_whatever_the_way() public {
        address voter = vm.addr(0xB0B);
        vm.prank(members[4]);
        reputation.delegate(voter);
        vm.warp(block.timestamp + 1);
        uint256 id = propose(governor, creation("a"), members[3]);
        vm.warp(governor.proposalSnapshot(id) + 1);
        bytes memory signature = ballot(governor, 0xB0B, id, 1);
        vm.expectRevert(abi.encodeWithSelector(IGovernor.GovernorInvalidSignature.selector, voter));
        governor.castVoteBySig(id, 0, voter, signature); // signed for, not against
        require(governor.castVoteBySig(id, 1, voter, signature) > 490e18, "weight");
        vm.expectRevert(abi.encodeWithSelector(IGovernor.GovernorInvalidSignature.selector, voter));
        governor.castVoteBySig(id, 1, voter, signature); // the nonce is used up
        signature = ballot(governor, 0xB0B, id, 0);
        vm.expectRevert(abi.encodeWithSelector(IGovernor.GovernorAlreadyCastVote.selector, voter));
        governor.castVoteBySig(id, 0, voter, signature);
        vm.prank(voter);
        vm.expectRevert(abi.encodeWithSelector(IGovernor.GovernorAlreadyCastVote.selector, voter));
        governor.castVoteWithReason(id, 1, "again");
    }

    function test_a_ballot_for_one_track_is_none_for_another() public {
        address voter = vm.addr(0xB0B);
        uint256 id = propose(governor, creation("a"));
        uint256 same = propose(rootGovernor, creation("a"));
        require(id == same, "the same id on two tracks");
        vm.warp(rootGovernor.proposalSnapshot(id) + 1);
        bytes memory signature = ballot(governor, 0xB0B, id, 1);
        vm.expectRevert(abi.encodeWithSelector(IGovernor.GovernorInvalidSignature.selector, voter));
        rootGovernor.castVoteBySig(id, 1, voter, signature);
    }

    function test_a_late_quorum_leaves_time_to_answer() public {
        uint256 id = propose(governor, creation("a"));
        uint256 deadline = governor.proposalDeadline(id);
        vm.warp(deadline);
        vote(governor, id, 4, 1);
        eq(governor.proposalDeadline(id), deadline + 6 hours, "extension");
        vm.warp(deadline + 6 hours);
        isState(governor, id, ACTIVE);
        vote(governor, id, 3, 0);
    }

    // ------------------------------------------------------------------------------------------ proposing

    function test_proposing_takes_a_thousandth_of_the_past_supply() public {
        near(governor.proposalThreshold(), 1.5e18, 1, "threshold");
        Draft memory d = creation("a");
        vm.expectRevert(
            abi.encodeWithSelector(
                IGovernor.GovernorInsufficientProposerVotes.selector, STRANGER, 0, governor.proposalThreshold()
            )
        );
        propose(governor, d, STRANGER);
        vm.warp(GENESIS + HALF_LIFE);
        near(governor.proposalThreshold(), 0.75e18, 1e12, "it decays with the supply");
    }

    function test_actions_and_texts_are_bounded() public {
        Draft memory d = Draft(new address[](11), new uint256[](11), new bytes[](11), "eleven");
        vm.expectRevert(abi.encodeWithSelector(MeshGovernor.GovernorTooManyActions.selector, 11, 10));
        propose(governor, d);
        d = Draft(new address[](10), new uint256[](10), new bytes[](10), string(new bytes(16_385)));
        vm.expectRevert(abi.encodeWithSelector(MeshGovernor.GovernorDescriptionTooLong.selector, 16_385, 16_384));
        propose(governor, d);
        d.text = string(new bytes(16_384));
        propose(governor, d);
        d = Draft(new address[](0), new uint256[](0), new bytes[](0), "none");
        vm.expectPartialRevert(IGovernor.GovernorInvalidProposalLength.selector);
        propose(governor, d);
    }

    function test_a_suffix_reserves_a_proposal_for_its_author() public {
        Draft memory d = creation("a");
        d.text = string.concat("a", "#proposer=", vm.toString(members[4]));
        vm.expectRevert(abi.encodeWithSelector(IGovernor.GovernorRestrictedProposer.selector, members[3]));
        propose(governor, d, members[3]);
        propose(governor, d, members[4]);
    }

    // ------------------------------------------------------------------------------------------ cancelling

    function test_its_proposer_cancels_at_any_time() public {
        for (uint256 stage; stage < 4; ++stage) {
            Draft memory d = creation(string(abi.encodePacked(bytes1(uint8(97 + stage)))));
            uint256 id;
            if (stage == 3) {
                id = ready(governor, d);
            } else {
                id = propose(governor, d);
                if (stage > 0) vm.warp(governor.proposalSnapshot(id) + 1);
                if (stage > 1) vote(governor, id, 4, 1);
                if (stage > 1) vm.warp(governor.proposalDeadline(id) + 1);
            }
            vm.prank(members[3]);
            vm.expectRevert(abi.encodeWithSelector(IGovernor.GovernorUnableToCancel.selector, id, members[3]));
            cancel(governor, d);
            vm.prank(members[4]);
            cancel(governor, d);
            isState(governor, id, CANCELED);
        }
    }

    function test_a_guardian_cancels_for_180_days() public {
        Draft memory d = creation("a");
        uint256 id = propose(governor, d);
        vm.prank(GUARDIAN);
        cancel(governor, d);
        isState(governor, id, CANCELED);
        eq(governor.proposalGuardian(), GUARDIAN, "guardian");

        vm.warp(GENESIS + 180 days);
        eq(governor.proposalGuardian(), address(0), "expired");
        d = creation("b");
        id = propose(governor, d);
        vm.prank(GUARDIAN);
        vm.expectRevert(abi.encodeWithSelector(IGovernor.GovernorUnableToCancel.selector, id, GUARDIAN));
        cancel(governor, d);
        vm.prank(address(rootTimelock));
        vm.expectRevert(abi.encodeWithSelector(MeshGovernor.GovernorGuardianNotAllowed.selector));
        governor.setProposalGuardian(GUARDIAN);
    }

    function test_root_replaces_a_guardian_but_never_prolongs_it() public {
        uint256 until = governor.GUARDIAN_UNTIL();
        bytes memory call = abi.encodeCall(governor.setProposalGuardian, (STRANGER));
        pass(rootGovernor, address(governor), call, "another guardian");
        eq(governor.proposalGuardian(), STRANGER, "guardian");
        eq(governor.GUARDIAN_UNTIL(), until, "prolonged");
    }

    function test_the_root_track_has_no_guardian_and_gets_none() public {
        eq(rootGovernor.proposalGuardian(), address(0), "guardian");
        Draft memory d = draft(
            address(rootGovernor), abi.encodeCall(rootGovernor.setProposalGuardian, (GUARDIAN)), "a guardian for root"
        );
        ready(rootGovernor, d);
        vm.expectRevert(abi.encodeWithSelector(MeshGovernor.GovernorGuardianNotAllowed.selector));
        execute(rootGovernor, d);
    }

    function test_nobody_cancels_as_the_zero_address() public {
        vm.warp(GENESIS + 180 days);
        Draft memory d = creation("a");
        propose(governor, d);
        vm.prank(address(0));
        vm.expectPartialRevert(IGovernor.GovernorUnableToCancel.selector);
        cancel(governor, d);
    }

    // ------------------------------------------------------------------------------------------ expiring

    function test_what_is_queued_and_not_executed_expires() public {
        Draft memory d = creation("a");
        uint256 id = ready(governor, d);
        vm.warp(governor.proposalEta(id) + 14 days);
        isState(governor, id, QUEUED);
        vm.warp(governor.proposalEta(id) + 14 days + 1);
        isState(governor, id, EXPIRED);
        vm.expectPartialRevert(IGovernor.GovernorUnexpectedProposalState.selector);
        execute(governor, d);
        vm.prank(members[4]);
        vm.expectPartialRevert(IGovernor.GovernorUnexpectedProposalState.selector);
        cancel(governor, d);
    }

    function test_what_passed_and_is_not_queued_expires() public {
        Draft memory d = creation("a");
        uint256 id = carry(governor, d);
        vm.warp(governor.proposalDeadline(id) + 14 days);
        isState(governor, id, SUCCEEDED);
        vm.warp(governor.proposalDeadline(id) + 14 days + 1);
        isState(governor, id, EXPIRED);
        vm.expectPartialRevert(IGovernor.GovernorUnexpectedProposalState.selector);
        queue(governor, d);
    }

    function test_nothing_is_executed_early_or_twice() public {
        Draft memory d = creation("a");
        uint256 id = carry(governor, d);
        vm.expectPartialRevert(IGovernor.GovernorUnexpectedProposalState.selector);
        execute(governor, d);
        queue(governor, d);
        vm.warp(governor.proposalEta(id) - 1);
        vm.expectPartialRevert(bytes4(keccak256("TimelockUnexpectedOperationState(bytes32,bytes32)")));
        execute(governor, d);
        vm.warp(governor.proposalEta(id));
        execute(governor, d);
        vm.expectPartialRevert(IGovernor.GovernorUnexpectedProposalState.selector);
        execute(governor, d);
    }
}
