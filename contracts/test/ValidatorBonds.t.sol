// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {Bonds} from "../src/Bonds.sol";
import {ValidatorSet} from "../src/ValidatorSet.sol";
import {ValidatorTypes} from "../src/ValidatorTypes.sol";
import {InBlockOne} from "./Base.sol";
import {vm} from "./Vm.sol";
import {WithBonds} from "./WithBonds.sol";

/// An operator that is a contract and calls back when it is paid.
contract Greedy {
    ValidatorSet private immutable _validators;
    bool public again;

    constructor(ValidatorSet validators) {
        _validators = validators;
    }

    function bond() external payable {
        _validators.bond{value: msg.value}();
    }

    function unbond(uint256 amount) external {
        _validators.unbond(amount);
    }

    function withdraw() external {
        _validators.withdraw();
    }

    receive() external payable {
        try _validators.withdraw() {
            again = true;
        } catch {}
    }
}

contract ValidatorBondsTest is InBlockOne, WithBonds {
    // ------------------------------------------------------------------------------------------ bond

    function test_a_bond_counts_from_the_epochs_end_and_no_more_than_the_ceiling() public {
        admitUnbonded(4, 70);
        isStatus(operator(4), ValidatorTypes.Status.Waiting);
        (address[] memory who,) = end(1);
        eq(who.length, 4, "nothing bonded, no seat");
        bond(operator(4), 50e18 + 1);
        eq(validators.weightOf(operator(4)), 50, "whole units");
        bond(operator(4), 50e18);
        eq(validators.weightOf(operator(4)), 70, "ceiling");
        eq(validators.bondOf(operator(4)), 100e18 + 1, "all of it is at stake");
        isStatus(operator(4), ValidatorTypes.Status.Waiting);
        (who,) = end(2);
        eq(who.length, 5, "seat");
        isStatus(operator(4), ValidatorTypes.Status.Active);
        vm.prank(address(rootTimelock));
        validators.setCeiling(operator(4), 90);
        eq(validators.weightOf(operator(4)), 90, "raised");
    }

    function test_only_a_candidate_may_bond_and_only_for_itself() public {
        vm.deal(address(this), 3);
        vm.expectRevert(abi.encodeWithSelector(ValidatorTypes.ValidatorUnknown.selector, address(this)));
        validators.bond{value: 1}();
        vm.prank(operator(0));
        vm.expectRevert(abi.encodeWithSelector(Bonds.BondZero.selector));
        validators.bond{value: 0}();
        remove(operator(0));
        vm.deal(operator(0), 1);
        vm.prank(operator(0));
        vm.expectRevert(abi.encodeWithSelector(ValidatorTypes.ValidatorUnknown.selector, operator(0)));
        validators.bond{value: 1}();
        punish(operator(1), 1);
        vm.deal(operator(1), 1);
        vm.prank(operator(1));
        vm.expectRevert(abi.encodeWithSelector(ValidatorTypes.ValidatorIsTombstoned.selector, operator(1)));
        validators.bond{value: 1}();
    }

    function test_reputation_at_most_doubles_a_weight() public {
        vm.warp(GENESIS + 1);
        vm.prank(address(rootTimelock));
        validators.admit(members[0], key(4), peer(4), 1000);
        bond(members[0], 40e18);
        // 100 units, a second's decay off
        eq(validators.weightOf(members[0]), 80, "twice the bond, and no more");
        bond(members[0], 400e18);
        eq(validators.weightOf(members[0]), 440 + 99, "the bond and all whole units of reputation");
        vm.warp(GENESIS + HALF_LIFE);
        eq(validators.weightOf(members[0]), 440 + 50, "it decays");
    }

    function test_reputation_without_a_bond_weighs_nothing() public {
        vm.prank(address(rootTimelock));
        validators.admit(members[4], key(4), peer(4), 1000);
        eq(validators.weightOf(members[4]), 0, "weight");
    }

    function test_the_least_bond_is_bounded_and_belongs_to_its_role() public {
        vm.expectPartialRevert(IAccessManaged.AccessManagedUnauthorized.selector);
        validators.setMinBond(2e18);
        vm.startPrank(address(rootTimelock));
        vm.expectRevert(abi.encodeWithSelector(ValidatorTypes.MinBondOutOfBounds.selector, 1e18 - 1));
        validators.setMinBond(1e18 - 1);
        vm.expectRevert(abi.encodeWithSelector(ValidatorTypes.MinBondOutOfBounds.selector, 1e24 + 1));
        validators.setMinBond(1e24 + 1);
        validators.setMinBond(101e18);
        vm.stopPrank();
        bond(operator(2), 1e18);
        (address[] memory who,) = end(1);
        require(who.length == 1 && who[0] == operator(2), "who has enough");
    }

    /// A vote for a least bond that nobody has changes nothing: the set in force goes on, and is reported again.
    function test_a_set_never_becomes_empty() public {
        vm.prank(address(rootTimelock));
        validators.setMinBond(1e24);
        vm.expectEmit(address(validators));
        emit ValidatorTypes.ValidatorSetKept(2);
        (address[] memory who, uint64[] memory weights) = end(1);
        eq(who.length, 4, "kept");
        eq(weights[0], 100, "with its weights");
        for (uint256 i; i < 4; ++i) {
            punish(operator(i), 1);
        }
        (who,) = end(2);
        eq(who.length, 4, "kept although all are tombstoned");
        admitUnbonded(5, 1);
        bond(operator(5), 1e24);
        (who,) = end(3);
        require(who.length == 1 && who[0] == operator(5), "replaced as soon as somebody can");
    }

    function test_a_vote_of_root_admits_a_validator() public {
        bytes memory call = abi.encodeCall(validators.admit, (operator(4), key(4), peer(4), 100));
        pass(rootGovernor, address(validators), call, "a fifth validator");
        bond(operator(4), 100e18);
        (address[] memory who,) = end(1);
        eq(who.length, 5, "seat");
    }

    // ------------------------------------------------------------------------------------------ unbond

    function test_a_bond_comes_back_after_168_epochs() public {
        bond(operator(0), 7e18);
        eq(unbond(operator(0), 107e18), 169, "due epoch");
        (address[] memory who,) = end(1);
        eq(who.length, 3, "no seat any more");
        isStatus(operator(0), ValidatorTypes.Status.Unbonding);
        end(167);
        vm.prank(operator(0));
        vm.expectRevert(abi.encodeWithSelector(Bonds.NothingDue.selector, operator(0)));
        validators.withdraw();
        end(168);
        uint256 before = operator(0).balance;
        eq(withdraw(operator(0)), 107e18, "amount");
        eq(operator(0).balance - before, 107e18, "paid");
        isStatus(operator(0), ValidatorTypes.Status.Waiting);
        vm.prank(operator(0));
        vm.expectRevert(abi.encodeWithSelector(Bonds.NothingDue.selector, operator(0)));
        validators.withdraw();
    }

    function test_a_part_of_a_bond_lowers_the_weight() public {
        unbond(operator(0), 60e18);
        (, uint64[] memory weights) = end(1);
        eq(weights[3], 40, "weight");
        isStatus(operator(0), ValidatorTypes.Status.Active);
        ValidatorTypes.Overview memory row = validators.overviewOf(operator(0));
        require(row.bonded == 40e18 && row.unbonding == 60e18 && row.due == 0, "amounts");
        end(200);
        row = validators.overviewOf(operator(0));
        require(row.bonded == 40e18 && row.unbonding == 0 && row.due == 60e18, "due");
    }

    function test_no_more_than_the_bond() public {
        vm.startPrank(operator(0));
        vm.expectRevert(abi.encodeWithSelector(Bonds.BondTooSmall.selector, 100e18, 100e18 + 1));
        validators.unbond(100e18 + 1);
        vm.expectRevert(abi.encodeWithSelector(Bonds.BondTooSmall.selector, 100e18, type(uint256).max));
        validators.unbond(type(uint256).max);
        vm.expectRevert(abi.encodeWithSelector(Bonds.BondZero.selector));
        validators.unbond(0);
        vm.stopPrank();
    }

    function test_requests_of_one_epoch_are_one_and_sixteen_may_be_open() public {
        for (uint64 e = 1; e <= 16; ++e) {
            unbond(operator(0), 1e18);
            unbond(operator(0), 1e18);
            end(e);
        }
        (uint256 open,) = pending(operator(0));
        eq(open, 16, "open");
        vm.prank(operator(0));
        vm.expectRevert(abi.encodeWithSelector(Bonds.UnbondingLimit.selector, 16));
        validators.unbond(1e18);
        end(170); // the first three are due: requested in epochs 1, 2 and 3
        eq(withdraw(operator(0)), 6e18, "due");
        unbond(operator(0), 1e18);
        uint256 due;
        (open, due) = pending(operator(0));
        require(open == 14 && due == 0, "room again");
        end(338);
        eq(withdraw(operator(0)), 27e18, "the rest");
        (open,) = pending(operator(0));
        eq(open, 0, "none left");
    }

    function test_a_removed_operator_takes_its_bond_back() public {
        remove(operator(0));
        isStatus(operator(0), ValidatorTypes.Status.Removed);
        end(1);
        unbond(operator(0), 100e18);
        end(170);
        eq(withdraw(operator(0)), 100e18, "paid");
        isStatus(operator(0), ValidatorTypes.Status.Removed);
    }

    function test_a_payment_can_not_be_taken_twice() public {
        Greedy greedy = new Greedy(validators);
        vm.prank(address(rootTimelock));
        validators.admit(address(greedy), key(4), peer(4), 10);
        vm.deal(address(this), 10e18);
        greedy.bond{value: 10e18}();
        greedy.unbond(10e18);
        end(200);
        greedy.withdraw();
        require(!greedy.again(), "twice");
        eq(address(greedy).balance, 10e18, "once");
        eq(address(validators).balance, 400e18, "the others' bonds");
    }

    function testFuzz_nobody_is_paid_early_or_too_much(uint128 bonded, uint128 part, uint64 wait) public {
        bonded = uint128(1 + bonded % 1e30);
        part = uint128(1 + part % bonded);
        wait = wait % 400;
        admitUnbonded(4, 1);
        bond(operator(4), bonded);
        unbond(operator(4), part);
        if (wait > 0) end(wait);
        // epoch `wait + 1` is in force, the request is of epoch 1
        vm.prank(operator(4));
        try validators.withdraw() returns (uint256 paid) {
            require(wait >= 168 && paid == part && operator(4).balance == part, "early or wrong");
        } catch {
            require(wait < 168, "late");
        }
    }

    // ------------------------------------------------------------------------------------------ faults

    function test_a_fault_burns_the_bond_and_what_unbonds_but_not_what_is_due() public {
        unbond(operator(0), 10e18);
        end(168);
        unbond(operator(0), 20e18);
        end(200);
        unbond(operator(0), 30e18);
        uint256 burnt = validators.BURNT().balance;
        vm.expectEmit(address(validators));
        emit Bonds.BondSlashed(operator(0), 40e18, 50e18, "proof");
        punish(operator(0), 200);
        eq(validators.BURNT().balance - burnt, 90e18, "burnt");
        eq(address(validators).balance, 310e18, "the others' bonds and what is due");
        isStatus(operator(0), ValidatorTypes.Status.Tombstoned);
        eq(withdraw(operator(0)), 10e18, "what was due before");
        end(400);
        vm.prank(operator(0));
        vm.expectRevert(abi.encodeWithSelector(Bonds.NothingDue.selector, operator(0)));
        validators.withdraw();
        vm.prank(operator(0));
        vm.expectRevert(abi.encodeWithSelector(Bonds.BondTooSmall.selector, 0, 1));
        validators.unbond(1);
    }

    /// The oldest evidence that is accepted still finds the bond of who left right after the fault.
    function test_no_fault_is_outrun() public {
        require(validators.UNBONDING_EPOCHS() > validators.EVIDENCE_MAX_AGE(), "constants");
        end(1);
        unbond(operator(0), 100e18);
        end(129); // epoch 130 is in force: evidence of epoch 2 is accepted for the last time
        vm.startPrank(address(hooks));
        vm.expectRevert(abi.encodeWithSelector(ValidatorTypes.EvidenceStale.selector, 1, 130));
        validators.punish(operator(0), 1, 2, "too old");
        validators.punish(operator(0), 2, 2, "in time");
        vm.stopPrank();
        (uint256 open,) = pending(operator(0));
        eq(open, 0, "burnt");
    }

    function test_a_second_case_finds_nothing_left() public {
        punish(operator(0), 1);
        uint256 burnt = validators.BURNT().balance;
        vm.prank(address(hooks));
        vm.expectRevert(
            abi.encodeWithSelector(
                ValidatorTypes.EvidenceRepeated.selector, keccak256(abi.encode(operator(0), uint64(1), uint8(2)))
            )
        );
        validators.punish(operator(0), 1, 2, "again");
        vm.prank(address(hooks));
        validators.punish(operator(0), 1, 3, "another kind");
        eq(validators.BURNT().balance, burnt, "burnt");
    }
}
