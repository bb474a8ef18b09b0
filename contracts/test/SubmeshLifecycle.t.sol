// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {SubmeshRegistry} from "../src/SubmeshRegistry.sol";
import {vm} from "./Vm.sol";
import {WithSubmesh} from "./WithSubmesh.sol";

/// Retirement and quarantine.
contract SubmeshLifecycleTest is WithSubmesh {
    // ------------------------------------------------------------------------------------------ retirement

    /// I11
    function test_a_healthy_submesh_is_not_retired_by_the_ordinary_track() public {
        vm.prank(address(timelock));
        vm.expectRevert(abi.encodeWithSelector(SubmeshRegistry.SubmeshBadStatus.selector, id, ACTIVE_));
        registry.retire(id, 0, "vote");
    }

    function test_a_degraded_submesh_drains_and_retires() public {
        degrade();
        retire(0);
        isStatus(id, DRAINING);
        report(5, id, metrics(true));
        isStatus(id, DRAINING);
        report(6, id, metrics(true));
        isStatus(id, RETIRED);
        eq(registry.openIds().length, 1, "only root is open");
    }

    function test_a_successor_must_be_open_and_another() public {
        uint32 other = open("other");
        degrade();
        uint32[2] memory bad = [id, other];
        force(other);
        for (uint256 i; i < 2; ++i) {
            vm.prank(address(timelock));
            vm.expectRevert(abi.encodeWithSelector(SubmeshRegistry.SubmeshBadSuccessor.selector, bad[i]));
            registry.retire(id, bad[i], "vote");
        }
        vm.prank(address(timelock));
        vm.expectRevert(abi.encodeWithSelector(SubmeshRegistry.SubmeshUnknown.selector, 99));
        registry.retire(id, 99, "vote");
    }

    /// I10
    function test_retired_is_the_end() public {
        force(id);
        epochs(1, 2, id, true);
        isStatus(id, RETIRED);
        epochs(3, 9, id, true);
        isStatus(id, RETIRED);
        bytes memory refusal = abi.encodeWithSelector(SubmeshRegistry.SubmeshBadStatus.selector, id, RETIRED);
        vm.prank(address(0xE3E));
        vm.expectRevert(refusal);
        registry.quarantine(id, 1, 0);
        vm.prank(address(rootTimelock));
        vm.expectRevert(refusal);
        registry.forceRetire(id, 0, 0);
        vm.startPrank(address(timelock));
        vm.expectRevert(refusal);
        registry.release(id, 0);
        vm.expectRevert(refusal);
        registry.retire(id, 0, 0);
        vm.stopPrank();
    }

    // ------------------------------------------------------------------------------------------ quarantine

    /// I13
    function testFuzz_a_quarantine_ends_by_itself(uint16 epochs_) public {
        epochs_ = uint16(1 + epochs_ % 72);
        quarantine(epochs_);
        isStatus(id, QUARANTINED);
        for (uint64 e = 1; e < epochs_; ++e) {
            report(e, id, metrics(false));
            isStatus(id, QUARANTINED);
        }
        report(epochs_, id, metrics(false));
        isStatus(id, ACTIVE_);
        eq(registry.get(id).badStreak, 0, "not judged while quarantined");
    }

    function test_a_quarantine_returns_status_and_streaks() public {
        report(1, id, metrics(true));
        epochs(2, 5, id, false);
        isStatus(id, DEGRADED);
        uint8 streak = registry.get(id).badStreak;
        quarantine(3);
        epochs(6, 8, id, true);
        isStatus(id, DEGRADED);
        eq(registry.get(id).badStreak, streak, "streak");
    }

    function test_a_release_returns_the_status_too() public {
        degrade();
        quarantine(10);
        vm.prank(address(timelock));
        registry.release(id, "vote");
        isStatus(id, DEGRADED);
        vm.prank(address(timelock));
        vm.expectRevert(abi.encodeWithSelector(SubmeshRegistry.SubmeshBadStatus.selector, id, DEGRADED));
        registry.release(id, "vote");
    }

    function test_quarantine_opens_no_way_to_retire_a_healthy_submesh() public {
        quarantine(10);
        vm.prank(address(timelock));
        vm.expectRevert(abi.encodeWithSelector(SubmeshRegistry.SubmeshBadStatus.selector, id, QUARANTINED));
        registry.retire(id, 0, "vote");
    }

    function test_one_that_was_degraded_before_can_be_retired_in_quarantine() public {
        degrade();
        quarantine(10);
        retire(0);
        isStatus(id, DRAINING);
    }

    function test_quarantines_are_short_and_rare() public {
        vm.startPrank(address(0xE3E));
        vm.expectRevert(abi.encodeWithSelector(SubmeshRegistry.SubmeshQuarantineTooLong.selector, 0, 72));
        registry.quarantine(id, 0, 0);
        vm.expectRevert(abi.encodeWithSelector(SubmeshRegistry.SubmeshQuarantineTooLong.selector, 73, 72));
        registry.quarantine(id, 73, 0);
        vm.stopPrank();
        quarantine(1);
        report(335, id, metrics(true));
        isStatus(id, ACTIVE_);
        vm.prank(address(0xE3E));
        vm.expectRevert(abi.encodeWithSelector(SubmeshRegistry.SubmeshQuarantineTooSoon.selector, id, 336));
        registry.quarantine(id, 1, 0);
        report(336, id, metrics(true));
        quarantine(1);
        isStatus(id, QUARANTINED);
    }
}
