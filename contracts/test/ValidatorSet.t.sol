// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {SetSelection} from "../src/SetSelection.sol";
import {ValidatorTypes} from "../src/ValidatorTypes.sol";
import {InBlockOne} from "./Base.sol";
import {vm} from "./Vm.sol";
import {WithBonds} from "./WithBonds.sol";

contract ValidatorSetTest is InBlockOne, WithBonds {
    // ------------------------------------------------------------------------------------------ candidates

    function test_a_candidate_is_stored_whole() public {
        admit(4, 70);
        ValidatorTypes.Overview memory row = validators.overviewOf(operator(4));
        require(row.operator == operator(4) && row.ceiling == 70 && row.weight == 70, "weights");
        require(row.status == ValidatorTypes.Status.Waiting && row.keyHash == keccak256(key(4)), "candidate");
        require(keccak256(row.peerId) == keccak256(peer(4)), "peer id");
        require(keccak256(validators.keyOf(operator(4))) == keccak256(key(4)), "key");
        require(keccak256(validators.keyByHash(keccak256(key(4)))) == keccak256(key(4)), "key by its hash");
        eq(validators.operatorOfKey(keccak256(key(4))), operator(4), "by key");
        eq(validators.operatorOfPeer(keccak256(peer(4))), operator(4), "by peer");
        eq(validators.candidateCount(), 5, "count");
        eq(validators.candidates().length, 5, "list");
        eq(validators.keyOf(operator(9)).length, 0, "nobody has no key");
    }

    function test_admission_waits_for_the_epochs_end() public {
        admit(4, 100);
        (address[] memory who,,) = validators.currentSet();
        eq(who.length, 4, "not yet");
        end(1);
        (who,,) = validators.currentSet();
        eq(who.length, 5, "now");
    }

    function test_what_is_no_validator_is_refused() public {
        vm.startPrank(address(rootTimelock));
        vm.expectRevert(abi.encodeWithSelector(ValidatorTypes.ValidatorBadKey.selector, 1312));
        validators.admit(operator(4), new bytes(1312), peer(4), 1);
        vm.expectRevert(abi.encodeWithSelector(ValidatorTypes.ValidatorBadPeerId.selector, 0));
        validators.admit(operator(4), key(4), "", 1);
        vm.expectRevert(abi.encodeWithSelector(ValidatorTypes.ValidatorBadPeerId.selector, 65));
        validators.admit(operator(4), key(4), new bytes(65), 1);
        vm.expectRevert(abi.encodeWithSelector(ValidatorTypes.ValidatorBadWeight.selector, 0));
        validators.admit(operator(4), key(4), peer(4), 0);
        vm.expectRevert(abi.encodeWithSelector(ValidatorTypes.ValidatorBadWeight.selector, uint64(1 << 56) + 1));
        validators.admit(operator(4), key(4), peer(4), uint64(1 << 56) + 1);
        vm.expectRevert(abi.encodeWithSelector(ValidatorTypes.ValidatorExists.selector, operator(0)));
        validators.admit(operator(0), key(4), peer(4), 1);
        vm.expectRevert(abi.encodeWithSelector(ValidatorTypes.ValidatorKeyTaken.selector, keccak256(key(0))));
        validators.admit(operator(4), key(0), peer(4), 1);
        vm.expectRevert(abi.encodeWithSelector(ValidatorTypes.ValidatorPeerTaken.selector, peer(0)));
        validators.admit(operator(4), key(4), peer(0), 1);
        vm.expectRevert(abi.encodeWithSelector(ValidatorTypes.ValidatorUnknown.selector, address(0)));
        validators.admit(address(0), key(4), peer(4), 1);
        vm.expectRevert(abi.encodeWithSelector(ValidatorTypes.ValidatorUnknown.selector, operator(4)));
        validators.remove(operator(4));
        vm.stopPrank();
    }

    function test_there_is_room_for_128() public {
        for (uint256 i = 4; i < 128; ++i) {
            admit(i, 1);
        }
        vm.prank(address(rootTimelock));
        vm.expectRevert(abi.encodeWithSelector(ValidatorTypes.ValidatorLimit.selector, 128));
        validators.admit(operator(128), key(128), peer(128), 1);
    }

    function test_a_removed_key_stays_known_for_evidence() public {
        remove(operator(2));
        (address[] memory who,) = end(1);
        eq(who.length, 3, "out");
        require(validators.keyOf(operator(2)).length == 1952, "key");
        vm.prank(address(hooks));
        validators.punish(operator(2), 1, 0, "late proof");
        vm.prank(address(rootTimelock));
        vm.expectRevert(abi.encodeWithSelector(ValidatorTypes.ValidatorIsTombstoned.selector, operator(2)));
        validators.admit(operator(2), key(20), peer(20), 1);
    }

    function test_a_removed_operator_comes_back_with_a_new_key() public {
        remove(operator(2));
        vm.startPrank(address(rootTimelock));
        vm.expectRevert(abi.encodeWithSelector(ValidatorTypes.ValidatorKeyTaken.selector, keccak256(key(2))));
        validators.admit(operator(2), key(2), peer(2), 1);
        validators.admit(operator(2), key(20), peer(2), 1);
        vm.stopPrank();
        require(keccak256(validators.keyOf(operator(2))) == keccak256(key(20)), "new key");
    }

    function test_it_takes_no_ether() public {
        vm.deal(address(this), 1);
        (bool ok,) = address(validators).call{value: 1}("");
        require(!ok, "took ether");
        (ok,) = address(registry).call{value: 1}("");
        require(!ok, "registry took ether");
        (ok,) = address(reputation).call{value: 1}("");
        require(!ok, "reputation took ether");
        (ok,) = address(governor).call{value: 1}("");
        require(!ok, "governor took ether");
    }

    // ------------------------------------------------------------------------------------------ selection

    function test_the_heaviest_64_are_chosen_ties_by_address() public {
        for (uint256 i = 4; i < 100; ++i) {
            admit(i, uint64(100 + i / 50));
        }
        (address[] memory who, uint64[] memory weights) = end(1);
        eq(who.length, 64, "64");
        eq(who[0], operator(50), "the heaviest, lowest address first");
        for (uint256 i = 1; i < 64; ++i) {
            bool ordered = weights[i - 1] > weights[i] || (weights[i - 1] == weights[i] && who[i - 1] < who[i]);
            require(ordered, "order");
        }
    }

    function test_an_epoch_without_change_writes_no_event() public {
        vm.recordLogs();
        end(1);
        eq(vm.getRecordedLogs().length, 0, "event");
    }

    /// I12
    function testFuzz_epochs_only_go_up(uint64 epoch, uint64 again) public {
        vm.assume(epoch > 0 && epoch < type(uint64).max && again <= epoch);
        end(epoch);
        vm.prank(address(hooks));
        vm.expectRevert(abi.encodeWithSelector(ValidatorTypes.EpochNotMonotone.selector, epoch + 1, again));
        validators.endEpoch(again);
    }

    /// I20
    function testFuzz_the_tombstoned_never_return(uint8 who, uint8 kind) public {
        address bad = operator(who % 4);
        vm.prank(address(hooks));
        validators.punish(bad, 1, kind, "proof");
        for (uint64 e = 1; e < 4; ++e) {
            (address[] memory set,) = end(e);
            eq(set.length, 3, "set");
            for (uint256 i; i < 3; ++i) {
                require(set[i] != bad, "returned");
            }
        }
    }
}

contract SetSelectionTest is InBlockOne {
    function choose(uint64[] memory given) internal pure returns (uint64[] memory weights) {
        address[] memory who = new address[](given.length);
        for (uint256 i; i < who.length; ++i) {
            who[i] = operator(i);
        }
        (, weights) = SetSelection.select(who, given);
    }

    function sum(uint64[] memory weights) internal pure returns (uint256 total) {
        for (uint256 i; i < weights.length; ++i) {
            total += weights[i];
        }
    }

    function test_one_giant_becomes_one_among_equals() public pure {
        uint64[] memory given = new uint64[](4);
        (given[0], given[1], given[2], given[3]) = (100, 1, 1, 1);
        uint64[] memory weights = choose(given);
        for (uint256 i; i < 4; ++i) {
            eq(weights[i], 1, "equal");
        }
    }

    function test_two_giants_are_clipped_together() public pure {
        uint64[] memory given = new uint64[](5);
        (given[0], given[1], given[2], given[3], given[4]) = (900, 800, 10, 10, 10);
        uint64[] memory weights = choose(given);
        require(weights[0] == 29 && weights[1] == 29 && weights[2] == 10, "clipped");
    }

    function test_fewer_than_four_are_not_clipped() public pure {
        uint64[] memory given = new uint64[](3);
        (given[0], given[1], given[2]) = (100, 1, 1);
        require(choose(given)[0] == 100, "clipped");
        eq(choose(new uint64[](0)).length, 0, "empty");
    }

    /// Rule 4: nobody alone can block a quorum, clipping again changes nothing, and no more than needed is taken.
    function testFuzz_nobody_weighs_a_third(uint64[64] memory given, uint8 members_) public pure {
        uint256 length = 4 + members_ % 61;
        uint64[] memory candidates = new uint64[](length);
        for (uint256 i; i < length; ++i) {
            candidates[i] = 1 + given[i] % (1 << 56);
        }
        uint64[] memory weights = choose(candidates);
        uint256 cap = (sum(weights) - 1) / 3;
        for (uint256 i; i < length; ++i) {
            require(weights[i] >= 1 && weights[i] <= cap, "too heavy");
        }
        require(sum(weights) <= type(uint64).max, "consensus adds in u64");
        // the next higher cap would be too high
        uint256 largest = weights[0];
        uint256 relaxed;
        for (uint256 i; i < length; ++i) {
            relaxed += candidates[i] > largest + 1 ? largest + 1 : candidates[i];
        }
        bool clipped = sum(weights) < sum(candidates);
        require(!clipped || largest + 1 > (relaxed - 1) / 3, "clipped too much");
    }
}
