// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.37;

/// @notice Keeps what is given to it, and remembers who gave.
contract Piggy {
    event Given(address indexed by, uint256 amount);

    address public immutable owner;
    mapping(address => uint256) public given;
    uint256 public total;

    constructor(address owner_) {
        owner = owner_;
    }

    function give() external payable {
        given[msg.sender] += msg.value;
        total += msg.value;
        emit Given(msg.sender, msg.value);
    }
}

/// @notice Makes piggies, so that the script's deployment has a contract that was created by a contract.
contract PiggyFactory {
    Piggy[] public piggies;

    function make() external returns (Piggy piggy) {
        piggy = new Piggy(msg.sender);
        piggies.push(piggy);
    }
}
