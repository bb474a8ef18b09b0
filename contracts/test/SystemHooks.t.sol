// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Reputation} from "../src/Reputation.sol";
import {SubmeshRegistry} from "../src/SubmeshRegistry.sol";
import {SystemHooks} from "../src/SystemHooks.sol";
import {ValidatorTypes} from "../src/ValidatorTypes.sol";
import {InBlockOne} from "./Base.sol";
import {vm} from "./Vm.sol";

/// Stands where the validators are and names 200 of them.
contract TooMany {
    function endEpoch(uint64)
        external
        pure
        returns (address[] memory who, bytes32[] memory keyHashes, uint64[] memory weights)
    {
        return (new address[](200), new bytes32[](200), new uint64[](200));
    }
}

contract SystemHooksTest is InBlockOne {
    function end(SystemHooks.EpochReport memory r) internal returns (address[] memory who, uint64[] memory weights) {
        vm.prank(SYSTEM);
        (who,, weights) = hooks.onEpochEnd(r);
    }

    function hasFailed(uint8 leg, uint64 times) internal view {
        eq(hooks.legFailures(leg), times, "failures of the leg");
    }

    // ------------------------------------------------------------------------------------------ callers

    /// I16
    function testFuzz_only_the_system_address_enters(address caller) public {
        vm.assume(caller != SYSTEM && caller != address(hooks));
        vm.startPrank(caller);
        bytes memory refusal = abi.encodeWithSelector(SystemHooks.OnlySystem.selector, caller);
        vm.expectRevert(refusal);
        hooks.onBlockStart("x");
        vm.expectRevert(refusal);
        hooks.onEpochEnd(emptyReport(1));
        vm.expectRevert(refusal);
        hooks.onEvidence(operator(0), 0, 0, "e");
        refusal = abi.encodeWithSelector(SystemHooks.OnlySelf.selector, caller);
        vm.expectRevert(refusal);
        hooks.closeLanes(emptyReport(1));
        vm.expectRevert(refusal);
        hooks.closeAwards(emptyReport(1));
        vm.expectRevert(refusal);
        hooks.closeValidators(1);
        vm.expectRevert(refusal);
        hooks.closeEvidence(operator(0), 0, 0, "e");
        vm.stopPrank();
    }

    // ------------------------------------------------------------------------------------------ blocks

    function test_parent_ids_are_kept_for_256_blocks() public {
        for (uint256 height = 1; height <= 300; ++height) {
            vm.roll(height);
            vm.prank(SYSTEM);
            hooks.onBlockStart(bytes32(height));
        }
        require(hooks.parentIdOf(300) == bytes32(uint256(300)), "newest");
        require(hooks.parentIdOf(45) == bytes32(uint256(45)), "oldest");
        require(hooks.parentIdOf(44) == 0, "forgotten");
        require(hooks.parentIdOf(301) == 0, "future");
        require(hooks.parentIdOf(type(uint256).max) == 0, "far future");
    }

    // ------------------------------------------------------------------------------------------ epochs

    function test_an_epoch_fans_out_and_returns_the_next_set() public {
        vm.warp(GENESIS + 1 days);
        SystemHooks.EpochReport memory r = emptyReport(1);
        (r.lanes, r.earners, r.amounts) = (new SubmeshRegistry.Report[](1), new address[](1), new uint256[](1));
        r.lanes[0] = SubmeshRegistry.Report(0, metrics(true));
        (r.earners[0], r.amounts[0]) = (operator(0), 0.1e18);
        (address[] memory who, uint64[] memory weights) = end(r);
        eq(who.length, 4, "set");
        eq(weights[0], 100, "weight");
        eq(registry.epoch(), 1, "registry");
        near(reputation.reputationOf(operator(0)), 0.1e18, 1, "award");
        eq(validators.nextEpoch(), 2, "validators");
        eq(hooks.epoch(), 1, "hooks");
        for (uint8 leg; leg < 5; ++leg) {
            hasFailed(leg, 0);
        }
    }

    function test_a_failing_leg_undoes_only_itself() public {
        SystemHooks.EpochReport memory r = emptyReport(1);
        (r.earners, r.amounts) = (new address[](2), new uint256[](2));
        (r.earners[0], r.amounts[0]) = (operator(0), 1);
        (r.earners[1], r.amounts[1]) = (operator(1), 1e24); // more than ever decayed
        (address[] memory who,) = end(r);
        eq(who.length, 4, "the set is determined");
        eq(registry.epoch(), 1, "lanes are reported");
        eq(reputation.reputationOf(operator(0)), 0, "the awards are undone together");
        hasFailed(hooks.LEG_AWARDS(), 1);
        hasFailed(hooks.LEG_LANES(), 0);
    }

    function test_a_failure_is_logged_with_its_reason() public {
        SystemHooks.EpochReport memory r = emptyReport(1);
        r.earners = new address[](1);
        vm.expectEmit(address(hooks));
        bytes memory reason = abi.encodeWithSelector(Reputation.ReputationLengthMismatch.selector, 1, 0);
        emit SystemHooks.SystemLegFailed(hooks.LEG_AWARDS(), 1, reason);
        end(r);
    }

    function test_without_a_set_the_answer_is_empty() public {
        vm.etch(address(validators), "");
        (address[] memory who,) = end(emptyReport(1));
        eq(who.length, 0, "empty");
        hasFailed(hooks.LEG_VALIDATORS(), 1);
        eq(registry.epoch(), 1, "the rest goes on");
    }

    function test_a_leg_can_only_burn_its_own_gas() public {
        vm.etch(address(registry), hex"5b5f56"); // an endless loop
        vm.prank(SYSTEM);
        (bool ok,) = address(hooks).call{gas: 30_000_000}(abi.encodeCall(hooks.onEpochEnd, (emptyReport(1))));
        require(ok, "it goes on");
        hasFailed(hooks.LEG_LANES(), 1);
        eq(validators.nextEpoch(), 2, "the set is determined");
    }

    function test_long_reasons_are_cut() public {
        // reverts with 100,000 bytes
        vm.etch(address(registry), hex"620186a05ffd");
        vm.recordLogs();
        end(emptyReport(1));
        bytes memory reason = abi.decode(vm.getRecordedLogs()[0].data, (bytes));
        eq(reason.length, 256, "reason");
    }

    /// A leg that answers with all the memory its gas can buy takes nothing from the others.
    function test_an_endless_answer_costs_its_own_leg_only() public {
        vm.etch(address(registry), hex"6219f0a05ffd"); // reverts with 1,700,000 bytes
        vm.etch(address(reputation), hex"6213d6205ffd"); // with 1,300,000
        SystemHooks.EpochReport memory r = emptyReport(1);
        (r.earners, r.amounts) = (new address[](1), new uint256[](1));
        vm.prank(SYSTEM);
        (bool ok,) = address(hooks).call{gas: 30_000_000}(abi.encodeCall(hooks.onEpochEnd, (r)));
        require(ok, "it goes on");
        hasFailed(hooks.LEG_LANES(), 1);
        hasFailed(hooks.LEG_AWARDS(), 1);
        eq(hooks.epoch(), 1, "the epoch is over");
    }

    /// Many more members than a committee has: no node could use it, so the leg failed.
    function test_a_set_that_is_too_long_is_no_set() public {
        vm.etch(address(validators), address(new TooMany()).code);
        (address[] memory who,) = end(emptyReport(1));
        eq(who.length, 0, "empty");
        hasFailed(hooks.LEG_VALIDATORS(), 1);
    }

    /// I12
    function testFuzz_an_epoch_ends_once(uint64 first, uint64 second) public {
        vm.assume(first > 0 && first < type(uint64).max && second <= first);
        end(emptyReport(first));
        (address[] memory who,) = end(emptyReport(second));
        eq(who.length, 0, "nothing to hand over");
        eq(hooks.epoch(), first, "epoch");
        hasFailed(hooks.LEG_EPOCH(), 1);
    }

    /// I22
    function testFuzz_no_report_reverts(SystemHooks.EpochReport memory r) public {
        end(r);
    }

    /// I22, for reports that no encoder makes: whatever the offsets inside the report say.
    function testFuzz_no_bytes_revert(bytes32[5] memory head, bytes memory tail) public {
        bytes memory call = abi.encodePacked(hooks.onEpochEnd.selector, uint256(32), head, tail);
        vm.prank(SYSTEM);
        (bool ok,) = address(hooks).call(call);
        require(ok, "reverted");
    }

    function test_an_epoch_that_is_no_u64_ends_nothing() public {
        bytes memory call = abi.encodePacked(hooks.onEpochEnd.selector, uint256(32), uint256(1) << 64, new bytes(128));
        vm.prank(SYSTEM);
        (bool ok,) = address(hooks).call(call);
        require(ok && hooks.epoch() == 0, "ended");
        hasFailed(hooks.LEG_EPOCH(), 1);
    }

    // ------------------------------------------------------------------------------------------ evidence

    function test_evidence_takes_reputation_and_place() public {
        vm.prank(members[4]);
        reputation.delegate(operator(1));
        vm.warp(GENESIS + 1 days);
        SystemHooks.EpochReport memory r = emptyReport(1);
        (r.earners, r.amounts) = (new address[](1), new uint256[](1));
        (r.earners[0], r.amounts[0]) = (operator(1), 0.1e18);
        end(r);
        vm.prank(SYSTEM);
        hooks.onEvidence(operator(1), 1, 0, "proof");
        eq(reputation.reputationOf(operator(1)), 0, "reputation");
        require(validators.overviewOf(operator(1)).status == ValidatorTypes.Status.Tombstoned, "tombstone");
        eq(validators.bondOf(operator(1)), 0, "bond");
        (address[] memory who,) = end(emptyReport(2));
        eq(who.length, 3, "place");
        for (uint256 i; i < who.length; ++i) {
            require(who[i] != operator(1), "still in");
        }
    }

    /// I21
    function test_one_case_counts_once() public {
        vm.startPrank(SYSTEM);
        hooks.onEvidence(operator(1), 0, 0, "proof");
        hasFailed(hooks.LEG_EVIDENCE(), 0);
        hooks.onEvidence(operator(1), 0, 0, "another proof of it");
        hasFailed(hooks.LEG_EVIDENCE(), 1);
        hooks.onEvidence(operator(1), 0, 1, "another kind");
        hasFailed(hooks.LEG_EVIDENCE(), 1);
        hooks.onEvidence(address(0xBAD), 0, 0, "a stranger");
        hasFailed(hooks.LEG_EVIDENCE(), 2);
        vm.stopPrank();
    }

    function test_old_and_future_evidence_fails_its_leg() public {
        end(emptyReport(200));
        vm.startPrank(SYSTEM);
        hooks.onEvidence(operator(1), 72, 0, "too old");
        hooks.onEvidence(operator(1), 202, 0, "of the future");
        hasFailed(hooks.LEG_EVIDENCE(), 2);
        hooks.onEvidence(operator(1), 73, 0, "just in time");
        hasFailed(hooks.LEG_EVIDENCE(), 2);
        vm.stopPrank();
    }
}
