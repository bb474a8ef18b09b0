// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.37;

import {Piggy, PiggyFactory} from "../src/Piggy.sol";

interface Vm {
    function startBroadcast(uint256 key) external;
    function stopBroadcast() external;
    function envUint(string calldata name) external view returns (uint256);
}

/// @notice Five transactions from two senders, one contract created by CREATE2 through the deterministic deployer.
contract Deploy {
    Vm private constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    // what forge script looks for in a script
    bool public IS_SCRIPT = true;

    function run() external returns (PiggyFactory factory, Piggy piggy, Piggy salted) {
        vm.startBroadcast(vm.envUint("OWNER_KEY"));
        factory = new PiggyFactory();
        piggy = factory.make();
        piggy.give{value: 3 ether}();
        vm.stopBroadcast();

        vm.startBroadcast(vm.envUint("OTHER_KEY"));
        piggy.give{value: 4 ether}();
        salted = new Piggy{salt: bytes32(uint256(7))}(address(7));
        vm.stopBroadcast();
    }
}
