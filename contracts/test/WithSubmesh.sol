// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Roles} from "../src/Roles.sol";
import {SubmeshRegistry} from "../src/SubmeshRegistry.sol";
import {InBlockOne} from "./Base.sol";
import {vm} from "./Vm.sol";

/// A submesh, somebody who may quarantine, and what the tests do with them.
abstract contract WithSubmesh is InBlockOne {
    SubmeshRegistry.Status internal constant ACTIVE_ = SubmeshRegistry.Status.Active;
    SubmeshRegistry.Status internal constant DEGRADED = SubmeshRegistry.Status.Degraded;
    SubmeshRegistry.Status internal constant QUARANTINED = SubmeshRegistry.Status.Quarantined;
    SubmeshRegistry.Status internal constant DRAINING = SubmeshRegistry.Status.Draining;
    SubmeshRegistry.Status internal constant RETIRED = SubmeshRegistry.Status.Retired;

    uint32 internal id;

    function setUp() public override {
        super.setUp();
        grant(Roles.EMERGENCY, address(0xE3E));
        id = open("micropayments-eu");
    }

    function degrade() internal {
        epochs(1, 4, id, false);
        isStatus(id, DEGRADED);
    }

    function quarantine(uint16 epochs_) internal {
        vm.prank(address(0xE3E));
        registry.quarantine(id, epochs_, "alarm");
    }

    function retire(uint32 successor) internal {
        vm.prank(address(timelock));
        registry.retire(id, successor, "vote");
    }

    function force(uint32 which) internal {
        vm.prank(address(rootTimelock));
        registry.forceRetire(which, 0, "root");
    }
}
