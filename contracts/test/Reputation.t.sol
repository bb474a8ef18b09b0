// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Votes} from "@openzeppelin/contracts/governance/utils/Votes.sol";
import {Reputation} from "../src/Reputation.sol";
import {Roles} from "../src/Roles.sol";
import {InBlockOne} from "./Base.sol";
import {vm} from "./Vm.sol";

contract ReputationTest is InBlockOne {
    Reputation.Source internal constant UPTIME = Reputation.Source.Uptime;

    function award(address to, uint256 amount, Reputation.Source source) internal {
        address[] memory who = new address[](1);
        uint256[] memory amounts = new uint256[](1);
        (who[0], amounts[0]) = (to, amount);
        vm.prank(address(hooks));
        reputation.awardBatch(who, amounts, source, "ref");
    }

    function slash(address who, uint16 bps) internal returns (uint256) {
        vm.prank(address(validators));
        return reputation.slash(who, bps, "evidence");
    }

    // ------------------------------------------------------------------------------------------ decay

    function test_everything_halves_in_a_half_life() public {
        vm.warp(GENESIS + HALF_LIFE);
        eq(reputation.totalSupply(), 750e18, "supply");
        eq(reputation.reputationOf(members[0]), 50e18, "balance");
        eq(reputation.balanceOf(members[0]), 50e18, "balance for wallets");
        eq(reputation.getVotes(members[4]), 250e18, "votes");
        vm.warp(GENESIS + 2 * HALF_LIFE);
        eq(reputation.totalSupply(), 375e18, "again");
    }

    function test_between_halvings_decay_is_linear() public {
        vm.warp(GENESIS + HALF_LIFE / 2);
        eq(reputation.reputationOf(members[0]), 75e18, "half way to a half");
    }

    function testFuzz_a_round_trip_loses_at_most_one(uint96 amount, uint32 elapsed) public view {
        uint256 t = GENESIS + uint256(elapsed) % (112 * HALF_LIFE);
        uint256 raw = reputation.toRaw(amount, t);
        uint256 back = reputation.fromRaw(raw, t);
        require(back <= amount && amount - back <= 1, "round trip");
        require(raw <= type(uint208).max, "fits a checkpoint");
    }

    function testFuzz_value_never_rises(uint96 amount, uint32 early, uint32 late) public view {
        uint256 raw = reputation.toRaw(amount, GENESIS);
        (uint256 a, uint256 b) = early < late ? (early, late) : (late, early);
        require(reputation.fromRaw(raw, GENESIS + a) >= reputation.fromRaw(raw, GENESIS + b), "rose");
    }

    function test_arithmetic_ends_with_an_error_and_not_with_an_overflow() public {
        uint256 last = GENESIS + 112 * HALF_LIFE;
        reputation.toRaw(type(uint96).max, last - 1);
        vm.expectRevert(abi.encodeWithSelector(Reputation.ReputationEraOver.selector, 112));
        reputation.toRaw(1, last);
        vm.expectRevert(abi.encodeWithSelector(Reputation.ReputationSupplyCap.selector, uint256(1 << 96)));
        reputation.toRaw(1 << 96, GENESIS);
        eq(reputation.fromRaw(type(uint208).max, GENESIS + 300 * HALF_LIFE), 0, "gone");
    }

    // ------------------------------------------------------------------------------------------ votes

    function test_reputation_votes_for_its_holder_without_a_transaction() public view {
        eq(reputation.delegates(members[0]), members[0], "self");
        eq(reputation.getVotes(members[0]), reputation.reputationOf(members[0]), "votes");
        near(reputation.getVotes(members[0]), 100e18, 1e15, "votes");
    }

    function test_delegating_moves_the_votes_and_back() public {
        vm.prank(members[0]);
        reputation.delegate(members[1]);
        eq(reputation.getVotes(members[0]), 0, "gave");
        near(reputation.getVotes(members[1]), 300e18, 1e15, "took");
        vm.prank(members[0]);
        reputation.delegate(members[0]);
        near(reputation.getVotes(members[0]), 100e18, 1e15, "took back");
        near(reputation.getVotes(members[1]), 200e18, 1e15, "gave back");
    }

    function test_delegating_to_nobody_is_refused() public {
        vm.prank(members[0]);
        vm.expectRevert(abi.encodeWithSelector(Reputation.ReputationZeroDelegate.selector));
        reputation.delegate(address(0));
    }

    function test_votes_of_the_present_second_are_not_answered() public {
        vm.expectPartialRevert(Votes.ERC5805FutureLookup.selector);
        reputation.getPastVotes(members[0], block.timestamp);
        eq(reputation.getPastVotes(members[0], GENESIS - 1), 0, "before genesis");
        eq(reputation.getPastTotalSupply(GENESIS - 1), 0, "before genesis");
    }

    function testFuzz_past_votes_never_change(uint32 later, uint16 bps) public {
        vm.warp(GENESIS + 1 days);
        uint256 votes = reputation.getPastVotes(members[2], GENESIS + 12 hours);
        uint256 supply = reputation.getPastTotalSupply(GENESIS + 12 hours);
        slash(members[2], uint16(1 + bps % 10_000));
        vm.prank(members[3]);
        reputation.delegate(members[2]);
        vm.warp(block.timestamp + later);
        eq(reputation.getPastVotes(members[2], GENESIS + 12 hours), votes, "votes changed");
        eq(reputation.getPastTotalSupply(GENESIS + 12 hours), supply, "supply changed");
    }

    function test_its_clock_is_the_timestamp() public view {
        eq(reputation.clock(), block.timestamp, "clock");
        require(keccak256(bytes(reputation.CLOCK_MODE())) == keccak256("mode=timestamp"), "mode");
        require(keccak256(bytes(governor.CLOCK_MODE())) == keccak256("mode=timestamp"), "governor's mode");
        eq(governor.clock(), reputation.clock(), "governor's clock");
    }

    // ------------------------------------------------------------------------------------------ awards

    function test_nothing_can_be_awarded_before_anything_decayed() public {
        vm.warp(GENESIS);
        vm.prank(address(hooks));
        vm.expectPartialRevert(Reputation.RateLimitExceeded.selector);
        reputation.awardBatch(members5(), one(1), UPTIME, 0);
    }

    function members5() private view returns (address[] memory who) {
        who = new address[](1);
        who[0] = members[0];
    }

    function one(uint256 amount) private pure returns (uint256[] memory a) {
        a = new uint256[](1);
        a[0] = amount;
    }

    function test_sources_share_what_decayed() public {
        vm.warp(GENESIS + 1 days);
        uint256 decayed = 1500e18 - reputation.totalSupply();
        near(reputation.available(UPTIME), decayed * 4 / 10, 1, "uptime");
        near(reputation.available(Reputation.Source.Federated), decayed * 4 / 10, 1, "federated");
        near(reputation.available(Reputation.Source.Governance), decayed * 2 / 10, 1, "governance");
        eq(reputation.available(Reputation.Source.Genesis), 0, "genesis");
        near(reputation.availableTo(members[0]), decayed * 5 / 100, 1, "one account");
    }

    function test_an_award_counts_at_once_and_uses_up_its_share() public {
        vm.warp(GENESIS + 1 days);
        uint256 free = reputation.available(UPTIME);
        uint256 mine = reputation.availableTo(members[0]);
        uint256 before = reputation.getVotes(members[0]);
        award(members[0], mine, UPTIME);
        near(reputation.getVotes(members[0]), before + mine, 2, "votes");
        near(reputation.available(UPTIME), free - mine, 1, "source's share");
        eq(reputation.availableTo(members[0]), 0, "account's share");
        vm.prank(address(hooks));
        vm.expectPartialRevert(Reputation.RateLimitExceeded.selector);
        reputation.awardBatch(members5(), one(1), Reputation.Source.Federated, 0);
    }

    function test_an_unused_share_lapses_after_the_window() public {
        vm.warp(GENESIS + 60 days);
        uint256 week =
            reputation.fromRaw(reputation.toRaw(1500e18, GENESIS), GENESIS + 53 days) - reputation.totalSupply();
        near(reputation.available(UPTIME), week * 4 / 10, 10, "a week's worth");
    }

    /// I5, and supply never exceeds what was founded.
    function testFuzz_minting_never_exceeds_decay(uint32[8] memory waits, uint8 source) public {
        Reputation.Source from = source % 2 == 0 ? UPTIME : Reputation.Source.Federated;
        for (uint256 i; i < waits.length; ++i) {
            vm.warp(block.timestamp + waits[i] % 20 days);
            uint256 amount = reputation.availableTo(members[i % 5]);
            uint256 free = reputation.available(from);
            if (amount > free) amount = free;
            award(members[i % 5], amount, from);
            require(reputation.totalSupply() <= 1500e18, "more than was founded");
        }
    }

    function test_bad_batches_are_refused_whole() public {
        vm.warp(GENESIS + 1 days);
        vm.startPrank(address(hooks));
        vm.expectRevert(abi.encodeWithSelector(Reputation.ReputationLengthMismatch.selector, 1, 0));
        reputation.awardBatch(members5(), new uint256[](0), UPTIME, 0);
        vm.expectPartialRevert(Reputation.ReputationBadSource.selector);
        reputation.awardBatch(members5(), one(1), Reputation.Source.Genesis, 0);
        vm.expectPartialRevert(Reputation.ReputationBadSource.selector);
        reputation.awardBatch(members5(), one(1), Reputation.Source.Governance, 0);
        vm.expectRevert(abi.encodeWithSelector(Reputation.ReputationZeroAccount.selector));
        reputation.awardBatch(new address[](1), one(1), UPTIME, 0);
        vm.stopPrank();
    }

    function test_the_rewards_track_has_a_share_of_its_own() public {
        grant(Roles.REWARDS, address(this));
        vm.warp(GENESIS + 1 days);
        uint256 uptime = reputation.available(UPTIME);
        uint256 free = reputation.available(Reputation.Source.Governance);
        uint256 amount = reputation.availableTo(members[0]);
        reputation.awardGovernance(members[0], amount, "thanks");
        eq(reputation.available(UPTIME), uptime, "uptime's share untouched");
        near(reputation.available(Reputation.Source.Governance), free - amount, 1, "own share");
        vm.expectPartialRevert(Reputation.RateLimitExceeded.selector);
        reputation.awardGovernance(members[1], free, 0);
    }

    // ------------------------------------------------------------------------------------------ slashing

    /// I6
    function testFuzz_slashing_touches_one_account(uint16 bps) public {
        bps = uint16(1 + bps % 10_000);
        uint256 before = reputation.reputationOf(members[4]);
        uint256 other = reputation.rawOf(members[3]);
        uint256 amount = slash(members[4], bps);
        require(amount <= before, "more than there was");
        near(reputation.reputationOf(members[4]), before - amount, 1, "balance");
        eq(reputation.rawOf(members[3]), other, "another account");
    }

    function test_slashing_reaches_delegated_votes() public {
        vm.prank(members[4]);
        reputation.delegate(members[0]);
        slash(members[4], 10_000);
        near(reputation.getVotes(members[0]), 100e18, 1e15, "only its own are left");
        near(reputation.totalSupply(), 1000e18, 1e16, "supply");
    }

    function test_slashing_nothing_or_more_than_all_is_refused() public {
        vm.startPrank(address(validators));
        vm.expectRevert(abi.encodeWithSelector(Reputation.ReputationBadBps.selector, 0));
        reputation.slash(members[0], 0, 0);
        vm.expectRevert(abi.encodeWithSelector(Reputation.ReputationBadBps.selector, 10_001));
        reputation.slash(members[0], 10_001, 0);
        vm.stopPrank();
    }

    // ------------------------------------------------------------------------------------------ construction

    function test_settings_that_break_the_arithmetic_are_refused() public {
        vm.expectRevert(abi.encodeWithSelector(Reputation.ReputationBadSettings.selector));
        new Reputation(address(manager), pqKeys, 0, 7 days);
        vm.expectRevert(abi.encodeWithSelector(Reputation.ReputationBadSettings.selector));
        new Reputation(address(manager), pqKeys, 1 << 23, 7 days);
        vm.expectRevert(abi.encodeWithSelector(Reputation.ReputationBadSettings.selector));
        new Reputation(address(manager), pqKeys, 90 days, 0);
    }

    function test_wallets_can_show_it() public pure {
        require(keccak256(bytes(reputation.name())) == keccak256("QSDM Reputation"), "name");
        require(keccak256(bytes(reputation.symbol())) == keccak256("qREP"), "symbol");
        eq(reputation.decimals(), 18, "decimals");
    }
}
