// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import {GovernorBounds} from "../src/GovernorBounds.sol";
import {MeshGovernor} from "../src/MeshGovernor.sol";
import {MeshTimelock} from "../src/MeshTimelock.sol";
import {PQKeyRegistry} from "../src/PQKeyRegistry.sol";
import {Reputation} from "../src/Reputation.sol";
import {Roles} from "../src/Roles.sol";
import {SubmeshRegistry} from "../src/SubmeshRegistry.sol";
import {SystemHooks} from "../src/SystemHooks.sol";
import {ValidatorSet} from "../src/ValidatorSet.sol";
import {vm} from "./Vm.sol";

/// A chain as genesis makes it: the same constructors at the same addresses, the same calls in the same order as the
/// plan of the Rust crate, one second before block 1.
abstract contract Chain {
    address internal constant SYSTEM = 0xffffFFFfFFffffffffffffffFfFFFfffFFFfFFfE;
    address internal constant DEPLOYER = address(bytes20("QSDM genesis deploye"));
    address internal constant GUARDIAN = address(0x6A);
    uint256 internal constant GENESIS = 1_800_000_000;
    uint256 internal constant HALF_LIFE = 90 days;

    SystemHooks internal constant hooks = SystemHooks(address(0x5153444d0001));
    AccessManager internal constant manager = AccessManager(address(0x5153444d0002));
    Reputation internal constant reputation = Reputation(address(0x5153444d0003));
    PQKeyRegistry internal constant pqKeys = PQKeyRegistry(address(0x5153444d0004));
    SubmeshRegistry internal constant registry = SubmeshRegistry(address(0x5153444d0005));
    ValidatorSet internal constant validators = ValidatorSet(address(0x5153444d0006));
    MeshGovernor internal constant rootGovernor = MeshGovernor(payable(address(0x5153444d0011)));
    MeshGovernor internal constant governor = MeshGovernor(payable(address(0x5153444d0012)));
    MeshTimelock internal constant rootTimelock = MeshTimelock(payable(address(0x5153444d0021)));
    MeshTimelock internal constant timelock = MeshTimelock(payable(address(0x5153444d0022)));

    /// Members with 100 to 500 reputation, 1,500 together.
    address[5] internal members = [address(0xA1), address(0xA2), address(0xA3), address(0xA4), address(0xA5)];

    function genesis() internal {
        vm.warp(GENESIS);
        vm.roll(0);
        vm.startPrank(DEPLOYER);
        _deployCore();
        _deployTrack(rootTimelock, rootGovernor, 3 days, _rootConfig());
        _deployTrack(timelock, governor, 1 days, _submeshConfig());
        _foundingState();
        _roles();
        manager.grantRole(0, address(rootTimelock), 0);
        manager.renounceRole(0, DEPLOYER);
        vm.stopPrank();
    }

    /// Runs a constructor at a fixed address, as the node's genesis does.
    function deployAt(address target, bytes memory initCode) internal {
        vm.etch(target, initCode);
        (bool ok, bytes memory runtime) = target.call("");
        require(ok, "constructor reverted");
        vm.etch(target, runtime);
    }

    /// Creation code from the build: embedded in every test contract it would make compiling them slow.
    function code(string memory name) private view returns (bytes memory) {
        return vm.getCode(string.concat(name, ".sol:", name));
    }

    function _deployCore() private {
        deployAt(address(manager), bytes.concat(code("AccessManager"), abi.encode(DEPLOYER)));
        deployAt(address(pqKeys), bytes.concat(code("PQKeyRegistry"), abi.encode(address(0x12))));
        deployAt(address(reputation), bytes.concat(code("Reputation"), abi.encode(manager, pqKeys, HALF_LIFE, 7 days)));
        deployAt(address(registry), bytes.concat(code("SubmeshRegistry"), abi.encode(manager, policy(), params())));
        deployAt(address(validators), bytes.concat(code("ValidatorSet"), abi.encode(manager, reputation)));
        vm.deal(address(validators), 4 * 100e18);
        deployAt(address(hooks), bytes.concat(code("SystemHooks"), abi.encode(registry, reputation, validators)));
    }

    function _deployTrack(MeshTimelock lock, MeshGovernor gov, uint256 delay, GovernorBounds.Config memory config)
        private
    {
        bytes memory lockArguments = abi.encode(delay, 1 days, gov, rootTimelock);
        deployAt(address(lock), bytes.concat(code("MeshTimelock"), lockArguments));
        bytes memory arguments = abi.encode(config, reputation, lock, pqKeys);
        deployAt(address(gov), bytes.concat(code("MeshGovernor"), arguments));
    }

    function _foundingState() private {
        address[] memory to = new address[](5);
        uint256[] memory amounts = new uint256[](5);
        for (uint256 i; i < 5; ++i) {
            (to[i], amounts[i]) = (members[i], (i + 1) * 100e18);
        }
        reputation.mintGenesis(to, amounts);
        (address[] memory operators, uint256[] memory bonds) = (new address[](4), new uint256[](4));
        for (uint256 i; i < 4; ++i) {
            validators.admit(operator(i), key(i), peer(i), 100);
            (operators[i], bonds[i]) = (operator(i), 100e18);
        }
        validators.foundBonds(operators, bonds);
        validators.endEpoch(0);
    }

    function _roles() private {
        string[6] memory labels = ["system", "submesh", "emergency", "slasher", "rewards", "params"];
        for (uint64 i; i < 6; ++i) {
            manager.labelRole(i + 1, labels[i]);
        }
        _allow(address(registry), Roles.SYSTEM, abi.encodePacked(registry.report.selector));
        bytes memory track = abi.encodePacked(
            registry.create.selector, registry.setParams.selector, registry.retire.selector, registry.release.selector
        );
        _allow(address(registry), Roles.SUBMESH, track);
        _allow(address(registry), Roles.EMERGENCY, abi.encodePacked(registry.quarantine.selector));
        _allow(address(registry), Roles.PARAMS, abi.encodePacked(registry.setPolicy.selector));
        _allow(address(reputation), Roles.SYSTEM, abi.encodePacked(reputation.awardBatch.selector));
        _allow(address(reputation), Roles.REWARDS, abi.encodePacked(reputation.awardGovernance.selector));
        _allow(address(reputation), Roles.SLASHER, abi.encodePacked(reputation.slash.selector));
        bytes memory system = abi.encodePacked(validators.endEpoch.selector, validators.punish.selector);
        _allow(address(validators), Roles.SYSTEM, system);
        _allow(address(validators), Roles.PARAMS, abi.encodePacked(validators.setMinBond.selector));
        manager.grantRole(Roles.SYSTEM, address(hooks), 0);
        manager.grantRole(Roles.SUBMESH, address(timelock), 0);
        manager.grantRole(Roles.SLASHER, address(validators), 0);
        manager.grantRole(Roles.PARAMS, address(rootTimelock), 0);
    }

    function _allow(address target, uint64 role, bytes memory packed) private {
        bytes4[] memory selectors = new bytes4[](packed.length / 4);
        for (uint256 i; i < packed.length; ++i) {
            selectors[i / 4] |= bytes4(packed[i]) >> (8 * (i % 4));
        }
        manager.setTargetFunctionRole(target, selectors, role);
    }

    function _rootConfig() private pure returns (GovernorBounds.Config memory) {
        return GovernorBounds.Config(
            "QSDM Root track", 2 days, 7 days, 1 days, 14 days, 10, 30, address(0), address(rootTimelock)
        );
    }

    function _submeshConfig() private pure returns (GovernorBounds.Config memory) {
        return GovernorBounds.Config(
            "QSDM Submesh track", 1 days, 3 days, 6 hours, 14 days, 10, 10, GUARDIAN, address(rootTimelock)
        );
    }

    // ------------------------------------------------------------------------------------------ sample values

    function policy() internal pure returns (SubmeshRegistry.Policy memory) {
        return SubmeshRegistry.Policy(9500, 2000, 500, 300, 10, 3, 2, 1, 2);
    }

    function params() internal pure returns (SubmeshRegistry.Params memory) {
        return SubmeshRegistry.Params(2, 4096, 1 << 20, 1 gwei, 1, 500, 30_000_000);
    }

    function operator(uint256 i) internal pure returns (address) {
        return address(uint160(0xF100 + i));
    }

    function key(uint256 i) internal pure returns (bytes memory k) {
        k = new bytes(1952);
        (k[0], k[1], k[1951]) = (bytes1(uint8(i)), bytes1(uint8(i >> 8)), 0x01);
    }

    function peer(uint256 i) internal pure returns (bytes memory) {
        return abi.encodePacked(hex"1220", keccak256(abi.encode("peer", i)));
    }
}
