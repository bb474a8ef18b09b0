// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IGovernor} from "@openzeppelin/contracts/governance/IGovernor.sol";
import {MeshGovernor} from "../src/MeshGovernor.sol";
import {Roles} from "../src/Roles.sol";
import {SubmeshRegistry} from "../src/SubmeshRegistry.sol";
import {SystemHooks} from "../src/SystemHooks.sol";
import {Chain} from "./Chain.sol";
import {vm} from "./Vm.sol";

/// A proposal as the four arguments that every governor function takes.
struct Draft {
    address[] targets;
    uint256[] values;
    bytes[] calls;
    string text;
}

/// What the tests say about a chain.
abstract contract Base is Chain {
    IGovernor.ProposalState internal constant ACTIVE = IGovernor.ProposalState.Active;
    IGovernor.ProposalState internal constant CANCELED = IGovernor.ProposalState.Canceled;
    IGovernor.ProposalState internal constant DEFEATED = IGovernor.ProposalState.Defeated;
    IGovernor.ProposalState internal constant SUCCEEDED = IGovernor.ProposalState.Succeeded;
    IGovernor.ProposalState internal constant QUEUED = IGovernor.ProposalState.Queued;
    IGovernor.ProposalState internal constant EXPIRED = IGovernor.ProposalState.Expired;
    IGovernor.ProposalState internal constant EXECUTED = IGovernor.ProposalState.Executed;

    // ------------------------------------------------------------------------------------------ assertions

    function eq(uint256 a, uint256 b, string memory what) internal pure {
        require(a == b, what);
    }

    function eq(address a, address b, string memory what) internal pure {
        require(a == b, what);
    }

    function near(uint256 a, uint256 b, uint256 tolerance, string memory what) internal pure {
        require((a > b ? a - b : b - a) <= tolerance, what);
    }

    function isState(MeshGovernor gov, uint256 id, IGovernor.ProposalState expected) internal view {
        require(gov.state(id) == expected, "proposal state");
    }

    function isStatus(uint32 id, SubmeshRegistry.Status expected) internal view {
        require(registry.status(id) == expected, "submesh status");
    }

    // ------------------------------------------------------------------------------------------ proposals

    function draft(address target, bytes memory call, string memory text) internal pure returns (Draft memory d) {
        d = Draft(new address[](1), new uint256[](1), new bytes[](1), text);
        (d.targets[0], d.calls[0]) = (target, call);
    }

    function creation(string memory name) internal pure returns (Draft memory) {
        return draft(address(registry), abi.encodeCall(registry.create, (name, params())), name);
    }

    function propose(MeshGovernor gov, Draft memory d) internal returns (uint256) {
        return propose(gov, d, members[4]);
    }

    function propose(MeshGovernor gov, Draft memory d, address proposer) internal returns (uint256) {
        vm.prank(proposer);
        return gov.propose(d.targets, d.values, d.calls, d.text);
    }

    function queue(MeshGovernor gov, Draft memory d) internal returns (uint256) {
        return gov.queue(d.targets, d.values, d.calls, keccak256(bytes(d.text)));
    }

    function execute(MeshGovernor gov, Draft memory d) internal returns (uint256) {
        return gov.execute(d.targets, d.values, d.calls, keccak256(bytes(d.text)));
    }

    function cancel(MeshGovernor gov, Draft memory d) internal returns (uint256) {
        return gov.cancel(d.targets, d.values, d.calls, keccak256(bytes(d.text)));
    }

    function vote(MeshGovernor gov, uint256 id, uint256 member, uint8 support) internal {
        vm.prank(members[member]);
        gov.castVote(id, support);
    }

    /// A ballot signed by EIP-712, with the nonce in the proposal's own sequence.
    function ballot(MeshGovernor gov, uint256 key_, uint256 id, uint8 support) internal returns (bytes memory) {
        address voter = vm.addr(key_);
        (, string memory name, string memory version,,,,) = gov.eip712Domain();
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256(bytes(name)),
                keccak256(bytes(version)),
                block.chainid,
                address(gov)
            )
        );
        bytes32 message =
            keccak256(abi.encode(gov.BALLOT_TYPEHASH(), id, support, voter, gov.nonces(voter, uint192(id))));
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key_, keccak256(abi.encodePacked(hex"1901", domain, message)));
        return abi.encodePacked(r, s, v);
    }

    /// Proposes and votes with everybody, up to the end of the vote.
    function carry(MeshGovernor gov, Draft memory d) internal returns (uint256 id) {
        id = propose(gov, d);
        vm.warp(gov.proposalSnapshot(id) + 1);
        for (uint256 i; i < 5; ++i) {
            vote(gov, id, i, 1);
        }
        vm.warp(gov.proposalDeadline(id) + 1);
    }

    /// Everything but the execution.
    function ready(MeshGovernor gov, Draft memory d) internal returns (uint256 id) {
        id = carry(gov, d);
        queue(gov, d);
        vm.warp(gov.proposalEta(id));
    }

    function pass(MeshGovernor gov, address target, bytes memory call, string memory text)
        internal
        returns (uint256 id)
    {
        Draft memory d = draft(target, call, text);
        id = ready(gov, d);
        execute(gov, d);
    }

    function open(string memory name) internal returns (uint32 id) {
        vm.prank(address(timelock));
        return registry.create(name, params());
    }

    /// Gives the Root timelock's own word for a role: what the Root track would vote.
    function grant(uint64 role, address account) internal {
        vm.prank(address(rootTimelock));
        manager.grantRole(role, account, 0);
    }

    // ------------------------------------------------------------------------------------------ epochs

    function metrics(bool good) internal pure returns (SubmeshRegistry.Metrics memory) {
        return SubmeshRegistry.Metrics(1000, good ? 500 : 9000, good ? 9990 : 8000, 10, 5, 7, 0);
    }

    function report(uint64 epoch, uint32 id, SubmeshRegistry.Metrics memory m) internal {
        SubmeshRegistry.Report[] memory reports = new SubmeshRegistry.Report[](1);
        reports[0] = SubmeshRegistry.Report(id, m);
        vm.prank(address(hooks));
        registry.report(epoch, reports);
    }

    function epochs(uint64 from, uint64 to, uint32 id, bool good) internal {
        for (uint64 e = from; e <= to; ++e) {
            report(e, id, metrics(good));
        }
    }

    function emptyReport(uint64 epoch) internal pure returns (SystemHooks.EpochReport memory r) {
        r.epoch = epoch;
    }
}

/// A test that starts in block 1, a second after genesis.
abstract contract InBlockOne is Base {
    function setUp() public virtual {
        genesis();
        vm.warp(GENESIS + 1);
        vm.roll(1);
    }
}
