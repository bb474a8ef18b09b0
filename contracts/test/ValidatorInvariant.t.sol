// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Bonds} from "../src/Bonds.sol";
import {ValidatorTypes} from "../src/ValidatorTypes.sol";
import {InBlockOne} from "./Base.sol";
import {vm} from "./Vm.sol";
import {WithBonds} from "./WithBonds.sol";

/// Does whatever votes, operators, faults and epochs can do to ten operators.
contract ValidatorHandler is WithBonds {
    uint256 public constant OPERATORS = 10;

    struct Request {
        uint64 epoch;
        uint256 amount;
    }

    uint256 public keys = 1000;
    bool public broken;
    string public why;
    mapping(address who => bool) public tombstoned;
    /// What each asked back and was neither paid nor burnt, by this handler's own account.
    mapping(address who => Request[]) private _requests;

    function admitAgain(uint8 who, uint64 ceiling) external {
        address op = operator(who % OPERATORS);
        vm.prank(address(rootTimelock));
        try validators.admit(op, key(keys), peer(keys), ceiling % 2000) {
            ++keys;
            if (tombstoned[op]) fail("a tombstoned operator came back");
        } catch {}
    }

    function removeOne(uint8 who) external {
        vm.prank(address(rootTimelock));
        try validators.remove(operator(who % OPERATORS)) {} catch {}
    }

    function ceilingOf(uint8 who, uint64 ceiling) external {
        vm.prank(address(rootTimelock));
        try validators.setCeiling(operator(who % OPERATORS), ceiling % 5000) {} catch {}
    }

    function leastBond(uint256 amount) external {
        vm.prank(address(rootTimelock));
        validators.setMinBond(1e18 + amount % 300e18);
    }

    function bondMore(uint8 who, uint256 amount) external {
        address op = operator(who % OPERATORS);
        amount = amount % 3000e18;
        vm.deal(op, amount);
        vm.prank(op);
        try validators.bond{value: amount}() {
            if (tombstoned[op]) fail("a tombstoned operator bonded");
        } catch {}
    }

    function takeBack(uint8 who, uint256 amount) external {
        address op = operator(who % OPERATORS);
        amount = amount % (validators.bondOf(op) + 2);
        vm.prank(op);
        try validators.unbond(amount) {
            _requests[op].push(Request(validators.nextEpoch(), amount));
        } catch {}
    }

    function collect(uint8 who) external {
        address op = operator(who % OPERATORS);
        uint256 before = op.balance;
        uint256 due = old(op, validators.nextEpoch());
        vm.prank(op);
        try validators.withdraw() returns (uint256 paid) {
            if (paid != due || op.balance != before + paid) fail("not what is due");
            forget(op);
        } catch {
            if (due != 0) fail("due and not paid");
        }
    }

    function faultProved(uint8 who, uint8 kind, uint8 age) external {
        // rare, or soon nobody is left
        if (kind % 4 != 0) return;
        address op = operator(who % OPERATORS);
        uint64 epoch = validators.nextEpoch();
        uint64 at = epoch > age % 140 ? epoch - age % 140 : 0;
        uint256 atStake = validators.bondOf(op) + young(op, epoch);
        uint256 burnt = validators.BURNT().balance;
        bool known = validators.overviewOf(op).status != ValidatorTypes.Status.None;
        vm.prank(address(hooks));
        try validators.punish(op, at, kind, "proof") {
            if (epoch - at > 128 || !known) fail("stale or unknown");
            if (validators.BURNT().balance - burnt != atStake) fail("not all at stake was burnt");
            tombstoned[op] = true;
            keepOld(op, epoch);
        } catch {}
    }

    function epochEnds(uint8 step) external {
        uint64 e = validators.nextEpoch() + (step > 160 ? 100 : step % 3);
        // often to the last epoch in which somebody's oldest request must not be paid
        Request[] storage requests = _requests[operator(step % OPERATORS)];
        if (step > 80 && step <= 160 && requests.length > 0 && requests[0].epoch + 166 > e) {
            e = requests[0].epoch + 166;
        }
        (address[] memory before,,) = validators.currentSet();
        (address[] memory chosen,) = validators.nextSet();
        (address[] memory who,) = end(e);
        if (before.length > 0 && who.length == 0) fail("the set became empty");
        for (uint256 i; i < chosen.length; ++i) {
            if (tombstoned[chosen[i]] || who[i] != chosen[i]) fail("the chosen set is another");
        }
    }

    // ------------------------------------------------------------------------------------------ own account

    function fail(string memory what) private {
        (broken, why) = (true, what);
    }

    function old(address op, uint64 epoch) public view returns (uint256 sum) {
        for (uint256 i; i < _requests[op].length; ++i) {
            if (_requests[op][i].epoch + 168 <= epoch) sum += _requests[op][i].amount;
        }
    }

    function young(address op, uint64 epoch) public view returns (uint256 sum) {
        for (uint256 i; i < _requests[op].length; ++i) {
            if (_requests[op][i].epoch + 168 > epoch) sum += _requests[op][i].amount;
        }
    }

    function forget(address op) private {
        filter(op, validators.nextEpoch(), false);
    }

    function keepOld(address op, uint64 epoch) private {
        filter(op, epoch, true);
    }

    function filter(address op, uint64 epoch, bool keepEnded) private {
        Request[] memory all = _requests[op];
        delete _requests[op];
        for (uint256 i; i < all.length; ++i) {
            if ((all[i].epoch + 168 <= epoch) == keepEnded) _requests[op].push(all[i]);
        }
    }
}

contract ValidatorInvariants is InBlockOne, WithBonds {
    ValidatorHandler private handler;

    function setUp() public override {
        super.setUp();
        handler = new ValidatorHandler();
        for (uint256 i = 4; i < 8; ++i) {
            admit(i, 100);
        }
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    function invariant_every_step_did_what_it_says() external view {
        require(!handler.broken(), handler.why());
    }

    /// I20: to the wei.
    function invariant_the_balance_is_bonds_unbonding_and_due() external view {
        uint256 sum;
        uint64 epoch = validators.nextEpoch();
        for (uint256 i; i < handler.OPERATORS(); ++i) {
            ValidatorTypes.Overview memory row = validators.overviewOf(operator(i));
            require(row.unbonding == handler.young(operator(i), epoch), "unbonding");
            require(row.due == handler.old(operator(i), epoch), "due");
            (Bonds.Unbonding[] memory open,) = validators.pendingOf(operator(i));
            require(open.length <= 16, "bounded");
            sum += row.bonded + row.unbonding + row.due;
        }
        eq(address(validators).balance, sum, "balance");
    }

    /// Rule 4, of the set in force and of the next one.
    function invariant_nobody_weighs_a_third_and_nobody_nothing() external view {
        (,, uint64[] memory weights) = validators.currentSet();
        require(weights.length > 0, "empty");
        within(weights);
        (, weights) = validators.nextSet();
        within(weights);
    }

    function within(uint64[] memory weights) private pure {
        uint256 total;
        for (uint256 i; i < weights.length; ++i) {
            total += weights[i];
        }
        require(total <= type(uint64).max, "consensus adds in u64");
        for (uint256 i; i < weights.length; ++i) {
            require(weights[i] > 0, "a seat without weight");
            require(weights.length < 4 || weights[i] <= (total - 1) / 3, "too heavy");
        }
    }

    function invariant_a_tombstone_is_for_ever() external view {
        (address[] memory next,) = validators.nextSet();
        for (uint256 i; i < handler.OPERATORS(); ++i) {
            if (!handler.tombstoned(operator(i))) continue;
            isStatus(operator(i), ValidatorTypes.Status.Tombstoned);
            eq(validators.bondOf(operator(i)), 0, "bond");
            for (uint256 j; j < next.length; ++j) {
                require(next[j] != operator(i), "chosen again");
            }
        }
    }
}
