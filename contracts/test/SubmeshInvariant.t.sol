// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Roles} from "../src/Roles.sol";
import {SubmeshRegistry} from "../src/SubmeshRegistry.sol";
import {Base, InBlockOne} from "./Base.sol";
import {vm} from "./Vm.sol";

/// Does whatever votes, alarms and epochs can do to six submeshes.
contract SubmeshHandler is Base {
    mapping(uint32 id => SubmeshRegistry.Status) public before;
    uint64 public lastEpoch;
    uint256 public names;
    bool public broken;

    function create(uint8 letter) external watched {
        string memory name = string(abi.encodePacked(bytes1(uint8(97 + letter % 26))));
        (bool taken,) = registry.idOf(name);
        vm.prank(address(timelock));
        try registry.create(name, params()) {
            if (taken) broken = true;
            ++names;
        } catch {
            if (!taken) broken = true;
        }
    }

    function epochEnds(uint8 step, uint32 id, SubmeshRegistry.Metrics memory m, bool bad) external watched {
        if (bad) m = metrics(false);
        SubmeshRegistry.Report[] memory r = new SubmeshRegistry.Report[](1);
        r[0] = SubmeshRegistry.Report(uint32(id % (registry.count() + 1)), m);
        uint64 next = registry.epoch() + 1 + step % 3;
        vm.prank(address(hooks));
        registry.report(next, r);
        if (next <= lastEpoch) broken = true;
        lastEpoch = next;
    }

    function quarantine(uint32 id, uint16 epochs_) external watched {
        vm.prank(address(rootTimelock));
        try registry.quarantine(pick(id), epochs_ % 80, "") {} catch {}
    }

    function release(uint32 id) external watched {
        vm.prank(address(timelock));
        try registry.release(pick(id), "") {} catch {}
    }

    function retire(uint32 id, uint32 successor) external watched {
        uint32 which = pick(id);
        SubmeshRegistry.Submesh memory s = registry.get(which);
        bool flagged = s.status == SubmeshRegistry.Status.Degraded
            || (s.status == SubmeshRegistry.Status.Quarantined && s.statusBefore == SubmeshRegistry.Status.Degraded);
        vm.prank(address(timelock));
        try registry.retire(which, pick(successor), "") {
            if (!flagged) broken = true;
        } catch {}
    }

    function pick(uint32 id) private view returns (uint32) {
        return uint32(id % registry.count());
    }

    /// Compares every status before and after a step with the moves that exist.
    modifier watched() {
        uint256 count = registry.count();
        for (uint32 i; i < count; ++i) {
            before[i] = registry.status(i);
        }
        _;
        for (uint32 i; i < count; ++i) {
            if (!possible(before[i], registry.status(i))) broken = true;
        }
    }

    function possible(SubmeshRegistry.Status from, SubmeshRegistry.Status to) private pure returns (bool) {
        if (from == to) return true;
        if (from == SubmeshRegistry.Status.Retired) return false;
        if (from == SubmeshRegistry.Status.Draining) return to == SubmeshRegistry.Status.Retired;
        return to != SubmeshRegistry.Status.Retired && to != SubmeshRegistry.Status.None;
    }
}

contract SubmeshInvariants is InBlockOne {
    SubmeshHandler private handler;

    function setUp() public override {
        super.setUp();
        grant(Roles.EMERGENCY, address(rootTimelock));
        for (uint256 i; i < 3; ++i) {
            open(string(abi.encodePacked("start-", bytes1(uint8(48 + i)))));
        }
        handler = new SubmeshHandler();
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    /// I10, I11, I12, I15
    function invariant_only_moves_that_exist_are_made() external view {
        require(!handler.broken(), "impossible move");
    }

    /// I9
    function invariant_root_is_active() external view {
        isStatus(0, SubmeshRegistry.Status.Active);
    }

    /// I13, and the open list is exactly what is not retired.
    function invariant_nothing_outstays_its_time() external view {
        uint64 epoch = registry.epoch();
        uint256 alive;
        for (uint32 i; i < registry.count(); ++i) {
            SubmeshRegistry.Submesh memory s = registry.get(i);
            bool timed = s.status == SubmeshRegistry.Status.Quarantined || s.status == SubmeshRegistry.Status.Draining;
            require(timed == (s.untilEpoch != 0), "an end without a reason");
            require(!timed || s.untilEpoch > epoch, "overdue");
            if (s.status != SubmeshRegistry.Status.Retired) ++alive;
        }
        eq(registry.openIds().length, alive, "open list");
        eq(registry.count(), 4 + handler.names(), "count");
    }
}
