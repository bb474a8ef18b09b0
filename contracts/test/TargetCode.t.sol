// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Clones} from "@openzeppelin/contracts/proxy/Clones.sol";
import {ERC1967Proxy} from "@openzeppelin/contracts/proxy/ERC1967/ERC1967Proxy.sol";
import {MeshGovernor} from "../src/MeshGovernor.sol";
import {TargetCode} from "../src/TargetCode.sol";
import {Draft, InBlockOne} from "./Base.sol";
import {vm} from "./Vm.sol";

contract Counter {
    uint256 public count;

    function add(uint256 n) external {
        count += n;
    }
}

/// Rule 12: what is executed is the code that was voted on (I18).
contract TargetCodeTest is InBlockOne {
    Counter private counter;

    function setUp() public override {
        super.setUp();
        counter = new Counter();
    }

    function addition(address target, string memory text) private pure returns (Draft memory) {
        return draft(target, abi.encodeCall(Counter.add, (7)), text);
    }

    // ------------------------------------------------------------------------------------------ swapped code

    function test_unchanged_code_is_executed() public {
        Draft memory d = addition(address(counter), "add");
        uint256 id = ready(governor, d);
        require(governor.codeCommitment(id) == governor.commitmentOf(d.targets), "commitment");
        execute(governor, d);
        eq(counter.count(), 7, "count");
    }

    function test_code_swapped_after_the_vote_is_not_executed() public {
        Draft memory d = addition(address(counter), "add");
        uint256 id = ready(governor, d);
        bytes memory original = address(counter).code;
        vm.etch(address(counter), bytes.concat(original, hex"00"));
        vm.expectRevert(abi.encodeWithSelector(MeshGovernor.GovernorCodeChanged.selector, id));
        execute(governor, d);
        vm.etch(address(counter), original);
        execute(governor, d);
    }

    function test_a_genesis_contract_with_other_code_is_not_called() public {
        Draft memory d = creation("a");
        ready(governor, d);
        bytes memory original = address(registry).code;
        bytes memory refusal =
            abi.encodeWithSelector(MeshGovernor.GovernorGenesisCodeChanged.selector, address(registry));
        vm.etch(address(registry), bytes.concat(original, hex"00"));
        vm.expectRevert(refusal);
        execute(governor, d);
        vm.expectRevert(refusal);
        propose(governor, creation("b"));
        vm.etch(address(registry), original);
        execute(governor, d);
    }

    function test_an_account_that_gets_code_is_not_paid() public {
        vm.deal(address(timelock), 1 ether);
        Draft memory d = draft(address(0xCAFE), "", "pay");
        d.values[0] = 1 ether;
        uint256 id = ready(governor, d);
        vm.etch(address(0xCAFE), hex"00");
        vm.expectRevert(abi.encodeWithSelector(MeshGovernor.GovernorCodeChanged.selector, id));
        execute(governor, d);
    }

    function test_an_account_may_get_a_balance_meanwhile() public {
        vm.deal(address(timelock), 1 ether);
        Draft memory d = draft(address(0xCAFE), "", "pay");
        d.values[0] = 1 ether;
        ready(governor, d);
        vm.deal(address(0xCAFE), 1); // its code hash goes from zero to that of no code
        execute(governor, d);
        eq(address(0xCAFE).balance, 1 ether + 1, "paid");
    }

    // ------------------------------------------------------------------------------------------ refused targets

    function test_a_call_to_nobody_is_refused() public {
        Draft memory d = addition(address(0xCAFE), "into the void");
        vm.expectRevert(abi.encodeWithSelector(MeshGovernor.GovernorTargetHasNoCode.selector, address(0xCAFE)));
        propose(governor, d);
    }

    function test_a_7702_account_is_refused() public {
        address delegated = address(0x7702);
        vm.etch(delegated, abi.encodePacked(hex"ef0100", address(counter)));
        Draft memory d = addition(delegated, "delegated");
        vm.expectRevert(abi.encodeWithSelector(TargetCode.TargetIsDelegated.selector, delegated));
        propose(governor, d);
    }

    function test_proxies_are_refused() public {
        address[2] memory proxies = [
            address(new ERC1967Proxy(address(counter), abi.encodeCall(Counter.add, (1)))),
            Clones.clone(address(counter))
        ];
        for (uint256 i; i < 2; ++i) {
            Draft memory d = addition(proxies[i], "proxy");
            vm.expectRevert(abi.encodeWithSelector(TargetCode.TargetMayDelegate.selector, proxies[i]));
            propose(governor, d);
        }
    }

    function test_a_recorded_proxy_is_committed_to_with_its_implementation() public {
        address proxy = address(new ERC1967Proxy(address(counter), abi.encodeCall(Counter.add, (1))));
        bytes memory call = abi.encodeCall(governor.recordImplementation, (proxy, address(counter)));
        pass(rootGovernor, address(governor), call, "record it");
        Draft memory d = addition(proxy, "add");
        uint256 id = ready(governor, d);

        vm.etch(address(counter), bytes.concat(address(counter).code, hex"00"));
        bytes memory refusal = abi.encodeWithSelector(MeshGovernor.GovernorCodeChanged.selector, id);
        vm.expectRevert(refusal);
        execute(governor, d);

        Counter other = new Counter();
        vm.prank(address(rootTimelock));
        governor.recordImplementation(proxy, address(other));
        vm.expectRevert(refusal);
        execute(governor, d);
    }

    function test_an_implementation_must_be_code_and_not_delegated() public {
        vm.startPrank(address(rootTimelock));
        vm.expectRevert(abi.encodeWithSelector(MeshGovernor.GovernorTargetHasNoCode.selector, address(0xCAFE)));
        governor.recordImplementation(address(counter), address(0xCAFE));
        governor.recordImplementation(address(counter), address(registry));
        require(governor.implementationOf(address(counter)) == address(registry), "recorded");
        governor.recordImplementation(address(counter), address(0));
        vm.etch(address(0x7702), abi.encodePacked(hex"ef0100", address(counter)));
        governor.recordImplementation(address(counter), address(0x7702));
        vm.stopPrank();
        Draft memory d = addition(address(counter), "behind it somebody's account");
        vm.expectRevert(abi.encodeWithSelector(TargetCode.TargetIsDelegated.selector, address(0x7702)));
        propose(governor, d);
    }

    // ------------------------------------------------------------------------------------------ reading code

    function test_push_data_is_not_an_instruction() public pure {
        require(!TargetCode.mayDelegate(""), "empty");
        require(!TargetCode.mayDelegate(hex"60f4"), "push1");
        require(TargetCode.mayDelegate(hex"60f4f4"), "after push1");
        require(TargetCode.mayDelegate(hex"5ff4"), "push0 has no data");
        require(TargetCode.mayDelegate(hex"f2"), "callcode");
        require(!TargetCode.mayDelegate(hex"f1fa"), "call and staticcall");
        require(!TargetCode.mayDelegate(abi.encodePacked(hex"7f", bytes31(0), hex"f4")), "push32");
        require(TargetCode.mayDelegate(abi.encodePacked(hex"7f", bytes32(0), hex"f4")), "after push32");
        require(!TargetCode.mayDelegate(hex"7ff4"), "push data beyond the end");
        require(TargetCode.mayDelegate(hex"80f4"), "dup1 has no data");
    }

    /// The assembly against the same rule in plain words.
    function testFuzz_reading_equals_its_definition(bytes memory code) public pure {
        bool expected;
        for (uint256 i; i < code.length; ++i) {
            uint8 op = uint8(code[i]);
            if (op == 0xf4 || op == 0xf2) expected = true;
            if (op >= 0x60 && op <= 0x7f) i += op - 0x5f;
        }
        require(TargetCode.mayDelegate(code) == expected, "differs");
    }
}
