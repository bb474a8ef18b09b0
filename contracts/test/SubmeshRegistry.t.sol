// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {SubmeshRegistry} from "../src/SubmeshRegistry.sol";
import {SubmeshRules} from "../src/SubmeshRules.sol";
import {vm} from "./Vm.sol";
import {WithSubmesh} from "./WithSubmesh.sol";

/// Creation, settings and metrics.
contract SubmeshRegistryTest is WithSubmesh {
    // ------------------------------------------------------------------------------------------ creation

    function test_a_submesh_starts_active_and_is_found_by_name() public view {
        (bool found, uint32 at) = registry.idOf("micropayments-eu");
        require(found && at == id && id == 1, "id");
        isStatus(id, ACTIVE_);
        SubmeshRegistry.Submesh memory s = registry.get(id);
        require(s.params.gasLimit == params().gasLimit && s.params.dimensions == 2, "params");
        eq(registry.openIds().length, 2, "open");
        (found,) = registry.idOf("elsewhere");
        require(!found, "unknown name");
    }

    function test_names_are_lower_case_letters_digits_and_dashes() public {
        string[8] memory bad =
            ["", "Micropayments", "a b", "a_b", "a.b", "a/b", unicode"ä", "abcdefghijklmnopqrstuvwxyz012345"];
        for (uint256 i; i < bad.length; ++i) {
            vm.prank(address(timelock));
            vm.expectRevert(abi.encodeWithSelector(SubmeshRules.SubmeshBadName.selector, bad[i]));
            registry.create(bad[i], params());
        }
        open("a");
        open("0-9");
        open("abcdefghijklmnopqrstuvwxyz01234");
    }

    /// I15
    function test_a_name_is_never_given_twice_even_after_retirement() public {
        force(id);
        epochs(1, 2, 0, true);
        isStatus(id, RETIRED);
        vm.prank(address(timelock));
        vm.expectRevert(abi.encodeWithSelector(SubmeshRegistry.SubmeshNameTaken.selector, "micropayments-eu"));
        registry.create("micropayments-eu", params());
    }

    function testFuzz_params_out_of_range_are_refused(SubmeshRegistry.Params memory p) public {
        bool good = p.dimensions >= 2 && p.dimensions <= 3 && p.maxCellTxs >= 1 && p.maxCellTxs <= 4096
            && p.maxCellBytes >= 4096 && p.maxCellBytes <= 1 << 20 && p.baseFeeFloor <= 10_000 gwei
            && p.minValidators <= 64 && p.spamThresholdBps <= 10_000 && p.gasLimit >= 1_000_000 && p.gasLimit <= 1 << 40;
        vm.prank(address(timelock));
        if (!good) vm.expectPartialRevert(SubmeshRules.SubmeshBadParams.selector);
        registry.create("fuzzed", p);
    }

    function test_no_more_than_256_are_open() public {
        for (uint256 i = registry.count(); i < 256; ++i) {
            open(string(abi.encodePacked("n", bytes1(uint8(97 + i / 26)), bytes1(uint8(97 + i % 26)))));
        }
        vm.prank(address(timelock));
        vm.expectRevert(abi.encodeWithSelector(SubmeshRegistry.SubmeshLimit.selector, 256));
        registry.create("one-too-many", params());
    }

    // ------------------------------------------------------------------------------------------ settings

    function test_root_is_only_set_up_by_root() public {
        vm.prank(address(timelock));
        vm.expectRevert(abi.encodeWithSelector(SubmeshRegistry.SubmeshRootProtected.selector));
        registry.setParams(0, params());
        SubmeshRegistry.Params memory p = params();
        p.gasLimit = 60_000_000;
        vm.prank(address(rootTimelock));
        registry.setRootParams(p);
        eq(registry.get(0).params.gasLimit, 60_000_000, "gas");
    }

    function test_settings_change_until_it_drains() public {
        SubmeshRegistry.Params memory p = params();
        p.baseFeeFloor = 7;
        vm.startPrank(address(timelock));
        registry.setParams(id, p);
        eq(registry.get(id).params.baseFeeFloor, 7, "floor");
        vm.stopPrank();
        force(id);
        vm.prank(address(timelock));
        vm.expectRevert(abi.encodeWithSelector(SubmeshRegistry.SubmeshBadStatus.selector, id, DRAINING));
        registry.setParams(id, p);
    }

    function test_a_policy_that_could_kill_in_one_epoch_is_refused() public {
        SubmeshRegistry.Policy memory p = policy();
        p.badEpochsToDegrade = 1;
        vm.prank(address(rootTimelock));
        vm.expectPartialRevert(SubmeshRules.SubmeshBadPolicy.selector);
        registry.setPolicy(p);
        p.badEpochsToDegrade = 5;
        vm.prank(address(rootTimelock));
        registry.setPolicy(p);
        (,,,,, uint8 bad,,,) = registry.policy();
        eq(bad, 5, "policy");
    }

    function test_unknown_ids_have_an_error_of_their_own() public {
        vm.expectRevert(abi.encodeWithSelector(SubmeshRegistry.SubmeshUnknown.selector, 9));
        registry.status(9);
        vm.expectRevert(abi.encodeWithSelector(SubmeshRegistry.SubmeshUnknown.selector, 9));
        registry.get(9);
    }

    // ------------------------------------------------------------------------------------------ metrics

    function test_three_bad_epochs_degrade_and_two_good_ones_recover() public {
        report(1, id, metrics(true)); // grace
        epochs(2, 3, id, false);
        isStatus(id, ACTIVE_);
        report(4, id, metrics(false));
        isStatus(id, DEGRADED);
        report(5, id, metrics(true));
        isStatus(id, DEGRADED);
        report(6, id, metrics(true));
        isStatus(id, ACTIVE_);
        epochs(7, 8, id, false);
        isStatus(id, ACTIVE_);
    }

    /// I14
    function testFuzz_one_report_never_degrades(SubmeshRegistry.Metrics memory m) public {
        SubmeshRegistry.Report[] memory many = new SubmeshRegistry.Report[](8);
        for (uint256 i; i < 8; ++i) {
            many[i] = SubmeshRegistry.Report(id, m);
        }
        vm.prank(address(hooks));
        registry.report(5, many);
        isStatus(id, ACTIVE_);
    }

    function test_each_bound_alone_is_a_breach() public {
        for (uint256 bound; bound < 5; ++bound) {
            uint32 next = open(string(abi.encodePacked("bound-", bytes1(uint8(48 + bound)))));
            SubmeshRegistry.Metrics memory m = metrics(true);
            if (bound == 0) m.availabilityBps = 9499;
            if (bound == 1) m.p99LatencyMs = 2001;
            if (bound == 2) m.spamBps = 501;
            if (bound == 3) m.conflictBps = 301;
            if (bound == 4) m.activeValidators = 0;
            uint64 from = registry.epoch() + 1;
            for (uint64 e = from; e < from + 4; ++e) {
                report(e, next, m);
            }
            isStatus(next, DEGRADED);
        }
    }

    /// Rule 8
    function test_an_idle_submesh_is_not_judged() public {
        SubmeshRegistry.Metrics memory m = metrics(false);
        for (uint64 e = 1; e < 10; ++e) {
            m.txCommitted = e % 2 == 0 ? 0 : 9;
            report(e, id, m);
        }
        isStatus(id, ACTIVE_);
        eq(registry.get(id).badStreak, 0, "streak");
    }

    /// I9
    function testFuzz_root_stays_active(SubmeshRegistry.Metrics memory m) public {
        for (uint64 e = 1; e < 12; ++e) {
            report(e, 0, m);
        }
        isStatus(0, ACTIVE_);
    }

    function test_root_can_be_neither_quarantined_nor_retired() public {
        bytes memory refusal = abi.encodeWithSelector(SubmeshRegistry.SubmeshRootProtected.selector);
        vm.prank(address(0xE3E));
        vm.expectRevert(refusal);
        registry.quarantine(0, 1, 0);
        vm.prank(address(rootTimelock));
        vm.expectRevert(refusal);
        registry.forceRetire(0, 1, 0);
    }

    /// I12
    function testFuzz_epochs_only_go_up(uint64 first, uint64 second) public {
        vm.assume(first > 0 && second <= first);
        report(first, id, metrics(true));
        vm.prank(address(hooks));
        vm.expectRevert(abi.encodeWithSelector(SubmeshRegistry.EpochNotMonotone.selector, first, second));
        registry.report(second, new SubmeshRegistry.Report[](0));
    }

    function test_unknown_and_repeated_ids_are_skipped() public {
        SubmeshRegistry.Report[] memory many = new SubmeshRegistry.Report[](3);
        many[0] = SubmeshRegistry.Report(77, metrics(false));
        many[1] = SubmeshRegistry.Report(id, metrics(false));
        many[2] = SubmeshRegistry.Report(id, metrics(true));
        vm.prank(address(hooks));
        registry.report(2, many);
        eq(registry.get(id).badStreak, 1, "the first one counts");
    }
}
