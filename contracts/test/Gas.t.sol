// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {SubmeshRegistry} from "../src/SubmeshRegistry.sol";
import {SystemHooks} from "../src/SystemHooks.sol";
import {Draft, InBlockOne} from "./Base.sol";
import {vm} from "./Vm.sol";

/// What members pay. Each measured call runs as a transaction of its own, so the figures are those of receipts;
/// `snapshots/` locks them, and the budgets here are the promise.
/// forge-config: default.isolate = true
contract GasTest is InBlockOne {
    uint256 private constant VOTER_KEY = 0xB0B;

    function locked(string memory name, uint256 budget) private {
        uint256 used = vm.snapshotGasLastCall(name);
        require(used <= budget, string.concat(name, " is over its budget"));
        require(used > 21_000, string.concat(name, " was not measured as a transaction"));
    }

    /// One action and 250 bytes of text.
    function sample(string memory name) private pure returns (Draft memory d) {
        d = creation(name);
        bytes memory text = new bytes(250);
        for (uint256 i; i < text.length; ++i) {
            text[i] = "x";
        }
        d.text = string(text);
    }

    /// Genesis contracts are recorded when they are a target for the first time; measure the proposals after it.
    function recordTheRegistry() private {
        propose(governor, creation("first"));
    }

    function test_a_proposal_from_draft_to_executed() public {
        recordTheRegistry();
        Draft memory d = sample("micropayments-eu");
        uint256 id = propose(governor, d);
        locked("propose", 110_000);

        vm.warp(governor.proposalSnapshot(id) + 1);
        vote(governor, id, 0, 1);
        locked("castVote", 115_000);
        vm.prank(members[1]);
        governor.castVoteWithReason(id, 1, "it will serve everybody");
        locked("castVoteWithReason", 115_000);
        for (uint256 i = 2; i < 5; ++i) {
            vote(governor, id, i, 1);
        }

        vm.warp(governor.proposalDeadline(id) + 1);
        queue(governor, d);
        locked("queue", 165_000);

        vm.warp(governor.proposalEta(id));
        uint256 direct = directCreation();
        execute(governor, d);
        locked("execute", direct + 90_000);
    }

    /// The same creation with nothing around it, as the other end of the execution's budget.
    function directCreation() private returns (uint256) {
        vm.prank(address(timelock));
        registry.create("micropayments-as", params());
        return vm.snapshotGasLastCall("create directly");
    }

    function test_a_ballot_by_signature() public {
        address voter = vm.addr(VOTER_KEY);
        vm.prank(members[0]);
        reputation.delegate(voter);
        vm.warp(block.timestamp + 1);
        uint256 id = propose(governor, sample("micropayments-eu"));
        vm.warp(governor.proposalSnapshot(id) + 1);
        vote(governor, id, 1, 1);
        bytes memory signature = ballot(governor, VOTER_KEY, id, 1);
        governor.castVoteBySig(id, 1, voter, signature);
        locked("castVoteBySig", 125_000);
    }

    /// The suffix that clients append costs what OpenZeppelin's parser of an address costs.
    function test_a_proposal_that_only_its_author_can_make() public {
        recordTheRegistry();
        Draft memory d = creation("micropayments-eu");
        d.text = string.concat("a submesh for Europe#proposer=", vm.toString(members[4]));
        propose(governor, d);
        locked("propose with a proposer's suffix", 110_000);
    }

    function test_an_epoch_with_a_full_set() public {
        vm.startPrank(address(rootTimelock));
        for (uint256 i = 4; i < 128; ++i) {
            validators.admit(operator(i), key(i), peer(i), uint64(i + 1));
        }
        vm.stopPrank();
        for (uint256 i = 4; i < 128; ++i) {
            vm.deal(operator(i), (i + 1) * 1e18);
            vm.prank(operator(i));
            validators.bond{value: (i + 1) * 1e18}();
        }
        for (uint256 i; i < 255; ++i) {
            open(string.concat("submesh-", digits(i)));
        }
        vm.warp(block.timestamp + 7 days);
        SystemHooks.EpochReport memory r = emptyReport(1);
        (r.lanes, r.earners, r.amounts) = (new SubmeshRegistry.Report[](256), new address[](64), new uint256[](64));
        for (uint32 i; i < 256; ++i) {
            r.lanes[i] = SubmeshRegistry.Report(i, metrics(false));
        }
        for (uint256 i; i < 64; ++i) {
            (r.earners[i], r.amounts[i]) = (operator(i), 0.1e18);
        }
        vm.prank(SYSTEM);
        hooks.onEpochEnd(r);
        // the system call's own limit
        locked("onEpochEnd, 256 submeshes, 64 earners, 128 candidates", 30_000_000);
        for (uint8 leg; leg < 5; ++leg) {
            eq(hooks.legFailures(leg), 0, "a leg failed");
        }
    }

    /// The dearest end of the validators' leg: all candidates have reputation, and all seats change hands.
    function test_an_epoch_in_which_the_whole_set_changes() public {
        (address[] memory to, uint256[] memory amounts) = (new address[](128), new uint256[](128));
        for (uint256 i; i < 128; ++i) {
            (to[i], amounts[i]) = (operator(i), 10e18);
        }
        vm.warp(GENESIS);
        vm.prank(address(rootTimelock));
        reputation.mintGenesis(to, amounts);
        vm.warp(GENESIS + 1);
        for (uint256 i = 4; i < 128; ++i) {
            vm.prank(address(rootTimelock));
            validators.admit(operator(i), key(i), peer(i), uint64(i < 64 ? 500 : 900));
            vm.deal(operator(i), 400e18);
            vm.prank(operator(i));
            validators.bond{value: 400e18}();
        }
        vm.prank(address(hooks));
        validators.endEpoch(1);
        for (uint256 i = 64; i < 128; ++i) {
            vm.deal(operator(i), 400e18);
            vm.prank(operator(i));
            validators.bond{value: 400e18}();
        }
        uint256 budget = hooks.GAS_VALIDATORS();
        vm.prank(address(hooks));
        validators.endEpoch(2);
        locked("endEpoch, 128 candidates, 64 new seats", budget);
    }

    function test_a_bond_and_its_way_back() public {
        vm.deal(operator(0), 2e18);
        vm.startPrank(operator(0));
        validators.bond{value: 1e18}();
        locked("bond", 60_000);
        validators.unbond(1e18);
        locked("unbond", 90_000);
        vm.stopPrank();
        vm.prank(address(hooks));
        validators.endEpoch(200);
        vm.prank(operator(0));
        validators.withdraw();
        locked("withdraw", 60_000);
    }

    function digits(uint256 i) private pure returns (string memory) {
        bytes memory b = new bytes(3);
        (b[0], b[1], b[2]) = (bytes1(uint8(48 + i / 100)), bytes1(uint8(48 + i / 10 % 10)), bytes1(uint8(48 + i % 10)));
        return string(b);
    }
}
