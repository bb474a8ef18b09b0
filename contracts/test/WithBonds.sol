// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Bonds} from "../src/Bonds.sol";
import {ValidatorTypes} from "../src/ValidatorTypes.sol";
import {Base} from "./Base.sol";
import {vm} from "./Vm.sol";

/// What votes, operators and the system do to the validators.
abstract contract WithBonds is Base {
    function admitUnbonded(uint256 i, uint64 ceiling) internal {
        vm.prank(address(rootTimelock));
        validators.admit(operator(i), key(i), peer(i), ceiling);
    }

    /// A candidate bonded up to its ceiling.
    function admit(uint256 i, uint64 weight) internal {
        admitUnbonded(i, weight);
        bond(operator(i), uint256(weight) * 1e18);
    }

    function bond(address who, uint256 amount) internal {
        vm.deal(who, who.balance + amount);
        vm.prank(who);
        validators.bond{value: amount}();
    }

    function unbond(address who, uint256 amount) internal returns (uint64) {
        vm.prank(who);
        return validators.unbond(amount);
    }

    function withdraw(address who) internal returns (uint256) {
        vm.prank(who);
        return validators.withdraw();
    }

    function remove(address who) internal {
        vm.prank(address(rootTimelock));
        validators.remove(who);
    }

    function punish(address who, uint64 epoch) internal {
        vm.prank(address(hooks));
        validators.punish(who, epoch, 2, "proof");
    }

    function end(uint64 epoch) internal returns (address[] memory who, uint64[] memory weights) {
        vm.prank(address(hooks));
        (who,, weights) = validators.endEpoch(epoch);
    }

    function isStatus(address who, ValidatorTypes.Status expected) internal view {
        require(validators.overviewOf(who).status == expected, "validator status");
    }

    function pending(address who) internal view returns (uint256 open, uint256 due) {
        Bonds.Unbonding[] memory list;
        (list, due) = validators.pendingOf(who);
        open = list.length;
    }
}
