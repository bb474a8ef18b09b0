// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Reputation} from "../src/Reputation.sol";
import {Base, InBlockOne} from "./Base.sol";
import {vm} from "./Vm.sol";

/// Awards, slashes, delegates and lets time pass.
contract ReputationHandler is Base {
    address[8] public accounts;
    uint256 public awarded;
    uint256 public pastVotes;

    constructor() {
        for (uint160 i; i < 5; ++i) {
            accounts[i] = members[i];
        }
        for (uint160 i = 5; i < 8; ++i) {
            accounts[i] = address(0xE0 + i);
        }
        pastVotes = reputation.getPastVotes(members[2], GENESIS);
    }

    function award(uint8 i, uint256 share, uint8 source) external {
        address to = accounts[i % 8];
        Reputation.Source from = source % 2 == 0 ? Reputation.Source.Uptime : Reputation.Source.Federated;
        uint256 most = reputation.availableTo(to);
        uint256 free = reputation.available(from);
        uint256 amount = (most < free ? most : free) * (share % 101) / 100;
        address[] memory who = new address[](1);
        uint256[] memory amounts = new uint256[](1);
        (who[0], amounts[0]) = (to, amount);
        vm.prank(address(hooks));
        reputation.awardBatch(who, amounts, from, 0);
        awarded += amount;
    }

    function slash(uint8 i, uint16 bps) external {
        vm.prank(address(validators));
        reputation.slash(accounts[i % 8], uint16(1 + bps % 10_000), 0);
    }

    function delegate(uint8 i, uint8 j) external {
        vm.prank(accounts[i % 8]);
        reputation.delegate(accounts[j % 8]);
    }

    function wait(uint32 seconds_) external {
        vm.warp(block.timestamp + seconds_ % 30 days);
    }
}

contract ReputationInvariants is InBlockOne {
    ReputationHandler private handler;

    function setUp() public override {
        super.setUp();
        handler = new ReputationHandler();
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    /// I1
    function invariant_votes_and_balances_add_up_to_the_supply() external view {
        uint256 votes;
        uint256 balances;
        for (uint256 i; i < 8; ++i) {
            votes += reputation.getVotes(handler.accounts(i));
            balances += reputation.reputationOf(handler.accounts(i));
        }
        uint256 supply = reputation.totalSupply();
        require(supply >= votes && supply - votes <= 8, "votes");
        require(supply >= balances && supply - balances <= 8, "balances");
    }

    /// I2, I4, I5: minting only replaces what decayed.
    function invariant_supply_never_exceeds_what_was_founded() external view {
        require(reputation.totalSupply() <= 1500e18, "supply");
    }

    /// I7
    function invariant_everybody_has_a_delegate() external view {
        for (uint256 i; i < 8; ++i) {
            require(reputation.delegates(handler.accounts(i)) != address(0), "nobody");
        }
    }

    /// I8
    function invariant_the_past_stays() external view {
        eq(reputation.getPastVotes(members[2], GENESIS), handler.pastVotes(), "past votes");
    }
}
