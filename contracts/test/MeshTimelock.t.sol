// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAccessControl} from "@openzeppelin/contracts/access/IAccessControl.sol";
import {TimelockController} from "@openzeppelin/contracts/governance/TimelockController.sol";
import {MeshTimelock} from "../src/MeshTimelock.sol";
import {Draft, InBlockOne} from "./Base.sol";
import {vm} from "./Vm.sol";

/// Rule 1: a timelock obeys its governor alone.
contract MeshTimelockTest is InBlockOne {
    function test_a_direct_call_is_refused_to_everybody() public {
        Draft memory d = creation("a");
        ready(governor, d);
        bytes32 salt = bytes20(address(governor)) ^ keccak256(bytes(d.text));
        bytes32 id = timelock.hashOperationBatch(d.targets, d.values, d.calls, 0, salt);
        require(timelock.isOperationReady(id), "ready");
        bytes[5] memory calls = [
            abi.encodeCall(timelock.executeBatch, (d.targets, d.values, d.calls, 0, salt)),
            abi.encodeCall(timelock.execute, (address(registry), 0, d.calls[0], 0, salt)),
            abi.encodeCall(timelock.schedule, (address(registry), 0, d.calls[0], 0, salt, 1 days)),
            abi.encodeCall(timelock.scheduleBatch, (d.targets, d.values, d.calls, 0, salt, 1 days)),
            abi.encodeCall(timelock.cancel, (id))
        ];
        address[7] memory callers = [
            address(this),
            address(rootTimelock),
            address(rootGovernor),
            address(timelock),
            GUARDIAN,
            members[4],
            DEPLOYER
        ];
        for (uint256 i; i < calls.length; ++i) {
            for (uint256 j; j < callers.length; ++j) {
                vm.prank(callers[j]);
                (bool ok, bytes memory reason) = address(timelock).call(calls[i]);
                require(!ok && bytes4(reason) == IAccessControl.AccessControlUnauthorizedAccount.selector, "obeyed");
            }
        }
        execute(governor, d);
    }

    function test_roles_are_for_ever() public {
        bytes32 role = timelock.PROPOSER_ROLE();
        address[4] memory callers = [address(timelock), address(governor), address(rootTimelock), DEPLOYER];
        for (uint256 i; i < callers.length; ++i) {
            vm.startPrank(callers[i]);
            vm.expectPartialRevert(IAccessControl.AccessControlUnauthorizedAccount.selector);
            timelock.grantRole(role, address(this));
            vm.expectPartialRevert(IAccessControl.AccessControlUnauthorizedAccount.selector);
            timelock.revokeRole(role, address(governor));
            vm.stopPrank();
        }
    }

    function test_only_root_changes_the_delay_within_its_bounds() public {
        address[3] memory others = [address(timelock), address(governor), address(this)];
        for (uint256 i; i < others.length; ++i) {
            vm.prank(others[i]);
            vm.expectRevert(abi.encodeWithSelector(TimelockController.TimelockUnauthorizedCaller.selector, others[i]));
            timelock.updateDelay(2 days);
        }
        vm.startPrank(address(rootTimelock));
        uint256[2] memory bad = [uint256(1 days - 1), 30 days + 1];
        for (uint256 i; i < 2; ++i) {
            vm.expectRevert(
                abi.encodeWithSelector(MeshTimelock.TimelockDelayOutOfBounds.selector, bad[i], 1 days, 30 days)
            );
            timelock.updateDelay(bad[i]);
        }
        timelock.updateDelay(2 days);
        vm.stopPrank();
        eq(timelock.getMinDelay(), 2 days, "delay");
    }

    function test_a_new_delay_holds_for_the_next_proposal() public {
        vm.prank(address(rootTimelock));
        timelock.updateDelay(2 days);
        Draft memory d = creation("a");
        uint256 id = carry(governor, d);
        uint256 queued = block.timestamp;
        queue(governor, d);
        eq(governor.proposalEta(id), queued + 2 days, "eta");
    }

    function test_it_starts_within_its_bounds() public {
        vm.expectRevert(abi.encodeWithSelector(MeshTimelock.TimelockDelayOutOfBounds.selector, 1, 2, 30 days));
        new MeshTimelock(1, 2, address(governor), address(rootTimelock));
        vm.expectPartialRevert(MeshTimelock.TimelockDelayOutOfBounds.selector);
        new MeshTimelock(31 days, 2, address(governor), address(rootTimelock));
    }

    function test_ether_in_a_timelock_is_spent_by_vote() public {
        vm.deal(address(timelock), 3 ether);
        Draft memory d = draft(address(0xCAFE), "", "pay");
        d.values[0] = 2 ether;
        ready(governor, d);
        execute(governor, d);
        eq(address(0xCAFE).balance, 2 ether, "paid");
    }
}
