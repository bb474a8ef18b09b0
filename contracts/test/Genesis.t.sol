// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {MeshGovernor} from "../src/MeshGovernor.sol";
import {MeshTimelock} from "../src/MeshTimelock.sol";
import {Reputation} from "../src/Reputation.sol";
import {Roles} from "../src/Roles.sol";
import {SubmeshRegistry} from "../src/SubmeshRegistry.sol";
import {InBlockOne} from "./Base.sol";
import {vm} from "./Vm.sol";

/// Who holds what after genesis (I16, I17, I24).
contract GenesisTest is InBlockOne {
    function test_the_root_timelock_is_the_only_admin() public view {
        (bool admin, uint32 delay) = manager.hasRole(0, address(rootTimelock));
        require(admin && delay == 0, "root timelock");
        address[6] memory others =
            [DEPLOYER, address(this), address(hooks), address(timelock), address(governor), address(rootGovernor)];
        for (uint256 i; i < others.length; ++i) {
            (admin,) = manager.hasRole(0, others[i]);
            require(!admin, "somebody else is admin");
        }
    }

    function test_the_deployer_can_do_nothing_any_more() public {
        for (uint64 role; role <= Roles.PARAMS; ++role) {
            (bool member,) = manager.hasRole(role, DEPLOYER);
            require(!member, "deployer kept a role");
        }
        vm.startPrank(DEPLOYER);
        vm.expectPartialRevert(bytes4(keccak256("AccessManagerUnauthorizedAccount(address,uint64)")));
        manager.grantRole(0, DEPLOYER, 0);
        vm.expectPartialRevert(IAccessManaged.AccessManagedUnauthorized.selector);
        reputation.mintGenesis(new address[](0), new uint256[](0));
        vm.expectPartialRevert(IAccessManaged.AccessManagedUnauthorized.selector);
        validators.admit(operator(9), key(9), peer(9), 1);
        vm.stopPrank();
    }

    function test_each_role_has_exactly_its_member() public view {
        isOnly(Roles.SYSTEM, address(hooks));
        isOnly(Roles.SUBMESH, address(timelock));
        isOnly(Roles.SLASHER, address(validators));
        isOnly(Roles.PARAMS, address(rootTimelock));
        isOnly(Roles.EMERGENCY, address(0));
        isOnly(Roles.REWARDS, address(0));
    }

    function isOnly(uint64 role, address holder) private view {
        address[8] memory known = [
            address(hooks),
            address(timelock),
            address(validators),
            address(rootTimelock),
            address(governor),
            address(rootGovernor),
            DEPLOYER,
            SYSTEM
        ];
        for (uint256 i; i < known.length; ++i) {
            (bool member,) = manager.hasRole(role, known[i]);
            require(member == (known[i] == holder), "role member");
        }
    }

    function test_a_timelock_obeys_its_governor_alone_and_has_no_admin() public view {
        hasOneMaster(timelock, governor);
        hasOneMaster(rootTimelock, rootGovernor);
    }

    function hasOneMaster(MeshTimelock lock, MeshGovernor master) private view {
        bytes32[3] memory roles = [lock.PROPOSER_ROLE(), lock.CANCELLER_ROLE(), lock.EXECUTOR_ROLE()];
        address[8] memory others = [
            address(0),
            address(lock),
            address(rootTimelock),
            address(this),
            DEPLOYER,
            GUARDIAN,
            address(manager),
            address(master) == address(governor) ? address(rootGovernor) : address(governor)
        ];
        for (uint256 r; r < 3; ++r) {
            require(lock.hasRole(roles[r], address(master)), "governor's role");
            require(lock.getRoleAdmin(roles[r]) == lock.DEFAULT_ADMIN_ROLE(), "role admin");
            for (uint256 i; i < others.length; ++i) {
                require(!lock.hasRole(roles[r], others[i]), "foreign role");
            }
        }
        require(!lock.hasRole(lock.DEFAULT_ADMIN_ROLE(), address(master)), "governor is admin");
        for (uint256 i; i < others.length; ++i) {
            require(!lock.hasRole(lock.DEFAULT_ADMIN_ROLE(), others[i]), "timelock admin");
        }
    }

    function test_every_restricted_function_is_closed_to_strangers() public {
        address[] memory none = new address[](0);
        uint256[] memory nil = new uint256[](0);
        Reputation.Source up = Reputation.Source.Uptime;
        closed(address(registry), abi.encodeCall(registry.create, ("x", params())));
        closed(address(registry), abi.encodeCall(registry.setParams, (0, params())));
        closed(address(registry), abi.encodeCall(registry.setRootParams, (params())));
        closed(address(registry), abi.encodeCall(registry.setPolicy, (policy())));
        closed(address(registry), abi.encodeCall(registry.retire, (1, 0, 0)));
        closed(address(registry), abi.encodeCall(registry.forceRetire, (1, 0, 0)));
        closed(address(registry), abi.encodeCall(registry.quarantine, (1, 1, 0)));
        closed(address(registry), abi.encodeCall(registry.release, (1, 0)));
        closed(address(registry), abi.encodeCall(registry.report, (1, new SubmeshRegistry.Report[](0))));
        closed(address(reputation), abi.encodeCall(reputation.mintGenesis, (none, nil)));
        closed(address(reputation), abi.encodeCall(reputation.awardBatch, (none, nil, up, 0)));
        closed(address(reputation), abi.encodeCall(reputation.awardGovernance, (address(1), 1, 0)));
        closed(address(reputation), abi.encodeCall(reputation.slash, (address(1), 1, 0)));
        closed(address(validators), abi.encodeCall(validators.admit, (address(1), key(9), peer(9), 1)));
        closed(address(validators), abi.encodeCall(validators.remove, (operator(0))));
        closed(address(validators), abi.encodeCall(validators.setCeiling, (operator(0), 1)));
        closed(address(validators), abi.encodeCall(validators.setMinBond, (2e18)));
        closed(address(validators), abi.encodeCall(validators.foundBonds, (none, nil)));
        closed(address(validators), abi.encodeCall(validators.endEpoch, (1)));
        closed(address(validators), abi.encodeCall(validators.punish, (operator(0), 1, 0, 0)));
    }

    /// Closed even to those with power elsewhere: a track never has another one's functions.
    function closed(address target, bytes memory call) private {
        address[6] memory strangers =
            [address(this), DEPLOYER, SYSTEM, address(governor), address(rootGovernor), GUARDIAN];
        for (uint256 i; i < strangers.length; ++i) {
            vm.prank(strangers[i]);
            (bool ok, bytes memory reason) = target.call(call);
            require(!ok && bytes4(reason) == IAccessManaged.AccessManagedUnauthorized.selector, "open to a stranger");
        }
    }

    function test_the_submesh_track_has_no_function_of_root() public {
        vm.startPrank(address(timelock));
        bytes[5] memory calls = [
            abi.encodeCall(registry.setRootParams, (params())),
            abi.encodeCall(registry.forceRetire, (1, 0, 0)),
            abi.encodeCall(registry.quarantine, (1, 1, 0)),
            abi.encodeCall(registry.setPolicy, (policy())),
            abi.encodeCall(registry.report, (1, new SubmeshRegistry.Report[](0)))
        ];
        for (uint256 i; i < calls.length; ++i) {
            (bool ok, bytes memory reason) = address(registry).call(calls[i]);
            require(!ok && bytes4(reason) == IAccessManaged.AccessManagedUnauthorized.selector, "open to the track");
        }
        vm.stopPrank();
    }

    function test_submesh_zero_is_root_and_the_first_set_is_in_force() public view {
        (bool found, uint32 id) = registry.idOf("root");
        require(found && id == 0 && registry.count() == 1, "root submesh");
        (address[] memory who, bytes32[] memory hashes, uint64[] memory weights) = validators.currentSet();
        eq(who.length, 4, "validators");
        for (uint256 i; i < 4; ++i) {
            require(who[i] == operator(i) && hashes[i] == keccak256(key(i)) && weights[i] == 100, "first set");
            eq(validators.bondOf(operator(i)), 100e18, "bonded");
        }
        eq(address(validators).balance, 400e18, "the coin behind the bonds");
    }

    function test_founding_reputation_counts_in_block_one() public {
        eq(reputation.getPastVotes(members[4], GENESIS), 500e18, "dated to genesis");
        uint256 id = propose(governor, creation("first"));
        require(governor.proposalProposer(id) == members[4], "proposed in block 1");
    }

    function test_founding_ends_with_the_genesis_second() public {
        vm.prank(address(rootTimelock));
        vm.expectRevert(abi.encodeWithSelector(Reputation.ReputationGenesisOver.selector));
        reputation.mintGenesis(new address[](0), new uint256[](0));
    }
}
