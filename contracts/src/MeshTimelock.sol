// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {TimelockController} from "@openzeppelin/contracts/governance/TimelockController.sol";

/// @title The timelock of a track
/// @notice Its governor alone proposes, cancels and executes, for ever: roles have no admin, so a direct call can't get
/// round the governor's checks. Only the Root timelock changes the delay, never below the floor.
contract MeshTimelock is TimelockController {
    /// Longer delays would only serve to lock the track out.
    uint256 public constant MAX_DELAY = 30 days;

    address public immutable ROOT_TIMELOCK;
    uint256 public immutable MIN_DELAY_FLOOR;

    uint256 private _delay;

    error TimelockDelayOutOfBounds(uint256 delay, uint256 min, uint256 max);

    /// @param rootTimelock The Root track's timelock; its own address when this is that one.
    constructor(uint256 delay, uint256 floor, address governor, address rootTimelock)
        TimelockController(delay, _only(governor), _only(governor), address(0))
    {
        if (delay < floor || delay > MAX_DELAY) revert TimelockDelayOutOfBounds(delay, floor, MAX_DELAY);
        ROOT_TIMELOCK = rootTimelock;
        MIN_DELAY_FLOOR = floor;
        _delay = delay;
        _revokeRole(DEFAULT_ADMIN_ROLE, address(this));
    }

    function getMinDelay() public view override returns (uint256) {
        return _delay;
    }

    /// @notice Changes the delay of operations scheduled from now on.
    function updateDelay(uint256 newDelay) public override {
        if (msg.sender != ROOT_TIMELOCK) revert TimelockUnauthorizedCaller(msg.sender);
        if (newDelay < MIN_DELAY_FLOOR || newDelay > MAX_DELAY) {
            revert TimelockDelayOutOfBounds(newDelay, MIN_DELAY_FLOOR, MAX_DELAY);
        }
        emit MinDelayChange(_delay, newDelay);
        _delay = newDelay;
    }

    function _only(address account) private pure returns (address[] memory accounts) {
        accounts = new address[](1);
        accounts[0] = account;
    }
}
