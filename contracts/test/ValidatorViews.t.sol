// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Roles} from "../src/Roles.sol";
import {ValidatorSet} from "../src/ValidatorSet.sol";
import {ValidatorTypes} from "../src/ValidatorTypes.sol";
import {InBlockOne} from "./Base.sol";
import {vm} from "./Vm.sol";
import {WithBonds} from "./WithBonds.sol";

/// What others read of the validators, and how the first of them came to be.
contract ValidatorViewsTest is InBlockOne, WithBonds {
    /// Removed and admitted with a new key within one epoch: the set in force still names the old one.
    function test_the_set_in_force_names_the_keys_it_was_chosen_with() public {
        remove(operator(0));
        vm.prank(address(rootTimelock));
        validators.admit(operator(0), key(20), peer(20), 100);
        (address[] memory who, bytes32[] memory hashes,) = validators.currentSet();
        require(who[0] == operator(0) && hashes[0] == keccak256(key(0)), "old key");
        require(keccak256(validators.keyByHash(hashes[0])) == hashes[0], "readable");
        end(1);
        (, hashes,) = validators.currentSet();
        require(hashes[0] == keccak256(key(20)), "new key");
        require(keccak256(validators.keyByHash(keccak256(key(0)))) == keccak256(key(0)), "the old one stays readable");
        eq(validators.operatorOfKey(keccak256(key(0))), operator(0), "and has an owner");
        bytes[] memory peers = validators.currentPeerIds();
        require(peers.length == 4 && keccak256(peers[0]) == keccak256(peer(20)), "peer ids");
    }

    function test_the_overview_pages_through_everybody_ever_admitted() public {
        admitUnbonded(4, 10);
        admit(5, 10);
        remove(operator(1));
        punish(operator(2), 1);
        unbond(operator(3), 100e18);
        end(1);
        eq(validators.knownCount(), 6, "count");
        ValidatorTypes.Overview[] memory rows = validators.overview(0, 100);
        ValidatorTypes.Status[6] memory expected = [
            ValidatorTypes.Status.Active,
            ValidatorTypes.Status.Removed,
            ValidatorTypes.Status.Tombstoned,
            ValidatorTypes.Status.Unbonding,
            ValidatorTypes.Status.Waiting,
            ValidatorTypes.Status.Active
        ];
        eq(rows.length, 6, "rows");
        for (uint256 i; i < 6; ++i) {
            require(rows[i].operator == operator(i) && rows[i].status == expected[i], "row");
        }
        require(rows[0].weightInForce == 100 && rows[0].bonded == 100e18, "weight");
        rows = validators.overview(4, 1);
        require(rows.length == 1 && rows[0].operator == operator(4), "page");
        eq(validators.overview(6, 1).length, 0, "past the end");
        eq(validators.overview(type(uint256).max, type(uint256).max).length, 0, "far past it");
        isStatus(address(0xBAD), ValidatorTypes.Status.None);
    }

    // ------------------------------------------------------------------------------------------ founding

    function test_nobody_can_found_bonds_after_genesis() public {
        vm.prank(address(rootTimelock));
        vm.expectRevert(abi.encodeWithSelector(ValidatorTypes.FoundingOver.selector));
        validators.foundBonds(new address[](0), new uint256[](0));
    }

    function test_founding_books_no_coin_that_is_not_there() public {
        ValidatorSet fresh = new ValidatorSet(address(manager), reputation);
        vm.deal(address(fresh), 5e18);
        (address[] memory who, uint256[] memory amounts) = (new address[](1), new uint256[](1));
        (who[0], amounts[0]) = (operator(0), 5e18 + 1);
        vm.startPrank(address(rootTimelock));
        vm.expectRevert(abi.encodeWithSelector(ValidatorTypes.ValidatorUnknown.selector, operator(0)));
        fresh.foundBonds(who, amounts);
        fresh.admit(operator(0), key(0), peer(0), 5);
        vm.expectRevert(abi.encodeWithSelector(ValidatorTypes.FoundingUncovered.selector, 5e18 + 1, 5e18));
        fresh.foundBonds(who, amounts);
        amounts[0] = 5e18;
        fresh.foundBonds(who, amounts);
        amounts[0] = 1;
        vm.expectRevert(abi.encodeWithSelector(ValidatorTypes.FoundingUncovered.selector, 5e18 + 1, 5e18));
        fresh.foundBonds(who, amounts);
        vm.stopPrank();
    }

    function test_the_least_bond_has_the_role_of_parameters() public {
        grant(Roles.PARAMS, address(0xBEEF));
        vm.prank(address(0xBEEF));
        validators.setMinBond(3e18);
        eq(validators.minBond(), 3e18, "set");
    }
}
