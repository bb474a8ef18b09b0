// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Address} from "@openzeppelin/contracts/utils/Address.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

/// @title Bonds of native coin and their slow way back
/// @notice What is bonded or unbonding is at stake; what is due is its owner's, whatever is proved later. The balance
/// of the contract is the sum of the three.
abstract contract Bonds {
    /// Epochs from the request to the payment; longer than evidence may be old, so that no fault is outrun.
    uint64 public constant UNBONDING_EPOCHS = 168;
    /// Requests an operator may have open; those of one epoch are one.
    uint256 public constant MAX_UNBONDINGS = 16;
    /// Slashed coin goes where nobody can spend it: whoever profits from a fault might provoke it.
    address payable public constant BURNT = payable(address(0));

    /// What leaves a bond, one slot.
    struct Unbonding {
        uint64 dueEpoch;
        uint128 amount;
    }

    mapping(address operator => uint128) private _bonded;
    /// By ascending epoch.
    mapping(address operator => Unbonding[]) private _unbonding;

    event Bonded(address indexed operator, uint256 amount, uint256 bonded);
    event UnbondingStarted(address indexed operator, uint256 amount, uint64 dueEpoch);
    event BondWithdrawn(address indexed operator, uint256 amount);
    event BondSlashed(address indexed operator, uint256 bonded, uint256 unbonding, bytes32 indexed evidence);

    error BondZero();
    error BondTooSmall(uint256 bonded, uint256 requested);
    error UnbondingLimit(uint256 open);
    error NothingDue(address operator);

    // ------------------------------------------------------------------------------------------ by the operator

    /// @notice Starts to take `amount` of the caller's bond back. It stays at stake for UNBONDING_EPOCHS epoch ends.
    /// @return dueEpoch Payable as soon as this is the epoch in force.
    function unbond(uint256 amount) external returns (uint64 dueEpoch) {
        uint256 bonded = _bonded[msg.sender];
        if (amount == 0) revert BondZero();
        if (amount > bonded) revert BondTooSmall(bonded, amount);
        // forge-lint: disable-next-line(unsafe-typecast) at most `bonded`, a u128
        uint128 part = uint128(amount);
        _bonded[msg.sender] -= part;
        dueEpoch = _epochInForce() + UNBONDING_EPOCHS;
        Unbonding[] storage open = _unbonding[msg.sender];
        uint256 length = open.length;
        if (length > 0 && open[length - 1].dueEpoch >= dueEpoch) {
            open[length - 1].amount += part;
        } else {
            if (length >= MAX_UNBONDINGS) revert UnbondingLimit(length);
            open.push(Unbonding(dueEpoch, part));
        }
        emit UnbondingStarted(msg.sender, amount, dueEpoch);
    }

    /// @notice Pays the caller what is due to it.
    function withdraw() external returns (uint256 amount) {
        Unbonding[] storage open = _unbonding[msg.sender];
        (uint256 ended, uint256 due) = _due(open);
        if (due == 0) revert NothingDue(msg.sender);
        _dropFirst(open, ended);
        emit BondWithdrawn(msg.sender, due);
        Address.sendValue(payable(msg.sender), due);
        return due;
    }

    // ------------------------------------------------------------------------------------------ views

    /// @notice What counts for an operator's weight, in wei.
    function bondOf(address operator) public view returns (uint256) {
        return _bonded[operator];
    }

    /// @notice Open requests of one operator, oldest first, and what `withdraw` would pay now.
    function pendingOf(address operator) external view returns (Unbonding[] memory open, uint256 due) {
        open = _unbonding[operator];
        (, due) = _due(_unbonding[operator]);
    }

    // ------------------------------------------------------------------------------------------ internals

    /// The epoch that ends next: it counts the way of a request.
    function _epochInForce() internal view virtual returns (uint64);

    /// Books coin that the contract already holds.
    function _addBond(address operator, uint256 amount) internal {
        if (amount == 0) revert BondZero();
        uint128 bonded = _bonded[operator] + SafeCast.toUint128(amount);
        _bonded[operator] = bonded;
        emit Bonded(operator, amount, bonded);
    }

    /// Takes all that is at stake, the bond and what is unbonding but not what is due already; `_burn` it.
    function _slashBond(address operator, bytes32 evidence) internal returns (uint256 taken) {
        Unbonding[] storage open = _unbonding[operator];
        (uint256 ended,) = _due(open);
        uint256 bonded = _bonded[operator];
        _bonded[operator] = 0;
        uint256 unbonding = 0;
        while (open.length > ended) {
            unbonding += open[open.length - 1].amount;
            open.pop();
        }
        emit BondSlashed(operator, bonded, unbonding, evidence);
        return bonded + unbonding;
    }

    function _burn(uint256 amount) internal {
        if (amount > 0) Address.sendValue(BURNT, amount);
    }

    /// What is at stake besides the bond.
    function _stillUnbonding(address operator) internal view returns (uint256 amount, uint256 due) {
        Unbonding[] storage open = _unbonding[operator];
        uint256 ended;
        (ended, due) = _due(open);
        for (uint256 i = ended; i < open.length; ++i) {
            amount += open[i].amount;
        }
    }

    function _due(Unbonding[] storage open) private view returns (uint256 ended, uint256 amount) {
        uint64 epoch = _epochInForce();
        while (ended < open.length && open[ended].dueEpoch <= epoch) {
            amount += open[ended].amount;
            ++ended;
        }
    }

    function _dropFirst(Unbonding[] storage open, uint256 dropped) private {
        uint256 length = open.length;
        for (uint256 i = dropped; i < length; ++i) {
            open[i - dropped] = open[i];
        }
        for (uint256 i; i < dropped; ++i) {
            open.pop();
        }
    }
}
