// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {MeshGovernor} from "../src/MeshGovernor.sol";
import {MLDSA} from "../src/MLDSA.sol";
import {PQKeyRegistry} from "../src/PQKeyRegistry.sol";
import {Reputation} from "../src/Reputation.sol";
import {InBlockOne} from "./Base.sol";
import {vm} from "./Vm.sol";

/// The shape of EIP-8355 with a signature scheme for tests: valid if it starts with keccak256(key ++ message).
contract PrecompileDouble {
    uint256 private immutable _key;
    uint256 private immutable _signature;

    constructor(uint256 keyLength, uint256 signatureLength) {
        (_key, _signature) = (keyLength, signatureLength);
    }

    fallback(bytes calldata input) external returns (bytes memory) {
        uint256 end = _key + _signature;
        if (input.length < end) return abi.encode(0);
        bool valid = bytes32(input[_key:_key + 32]) == keccak256(abi.encodePacked(input[:_key], input[end:]));
        return abi.encode(valid ? 1 : 0);
    }
}

contract PQKeyRegistryTest is InBlockOne {
    uint256 private constant ALICE_KEY = 0xA11CE;
    address private alice;

    function setUp() public override {
        super.setUp();
        alice = vm.addr(ALICE_KEY);
        vm.etch(address(0x12), address(new PrecompileDouble(1312, 2420)).code);
        vm.etch(address(0x13), address(new PrecompileDouble(1952, 3309)).code);
        vm.etch(address(0x14), address(new PrecompileDouble(2592, 4627)).code);
    }

    // ------------------------------------------------------------------------------------------ helpers

    function pk(uint256 length, uint8 seed) private pure returns (bytes memory k) {
        k = new bytes(length);
        k[0] = bytes1(seed);
    }

    function sign(bytes memory k, bytes32 digest) private pure returns (bytes memory signature) {
        signature = new bytes(k.length == 1312 ? 2420 : k.length == 1952 ? 3309 : 4627);
        bytes32 start = keccak256(abi.encodePacked(k, digest));
        assembly {
            mstore(add(signature, 32), start)
        }
    }

    function digestOf(bytes memory message) private view returns (bytes32) {
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("QSDM PQKeyRegistry"),
                keccak256("1"),
                block.chainid,
                address(pqKeys)
            )
        );
        return keccak256(abi.encodePacked(hex"1901", domain, keccak256(message)));
    }

    function registration(address who, bytes memory k) private view returns (bytes32) {
        return digestOf(abi.encode(pqKeys.REGISTER_TYPEHASH(), who, keccak256(k), pqKeys.nonces(who)));
    }

    function rotation(address who, bytes memory from, bytes memory to) private view returns (bytes32) {
        return digestOf(abi.encode(pqKeys.ROTATE_TYPEHASH(), who, keccak256(from), keccak256(to), pqKeys.nonces(who)));
    }

    function register(bytes memory k) private {
        bytes memory proof = sign(k, registration(alice, k));
        vm.prank(alice);
        pqKeys.register(k, proof);
    }

    function refused(address who) private {
        vm.expectRevert(abi.encodeWithSelector(PQKeyRegistry.PQBadSignature.selector, who));
    }

    // ------------------------------------------------------------------------------------------ registering

    function test_keys_of_every_size_are_registered() public {
        uint16[3] memory lengths = [1312, 1952, 2592];
        for (uint256 i; i < 3; ++i) {
            alice = vm.addr(ALICE_KEY + i);
            bytes memory k = pk(lengths[i], uint8(i));
            register(k);
            require(keccak256(pqKeys.keyOf(alice)) == keccak256(k), "key");
            bytes32 digest = keccak256("anything");
            require(pqKeys.verify(alice, digest, sign(k, digest)), "verifies");
            require(!pqKeys.verify(alice, keccak256("else"), sign(k, digest)), "another message");
        }
    }

    function test_a_key_is_not_taken_without_its_proof() public {
        bytes memory k = pk(1312, 1);
        bytes memory proof = sign(k, registration(address(this), k)); // somebody else's
        vm.prank(alice);
        refused(alice);
        pqKeys.register(k, proof);
        vm.prank(alice);
        refused(alice);
        pqKeys.register(k, new bytes(2419));
    }

    function test_bytes_that_are_no_key_are_refused() public {
        vm.startPrank(alice);
        uint256[3] memory lengths = [uint256(0), 1311, 5000];
        for (uint256 i; i < 3; ++i) {
            vm.expectRevert(abi.encodeWithSelector(MLDSA.MLDSABadKeyLength.selector, lengths[i]));
            pqKeys.register(new bytes(lengths[i]), new bytes(2420));
        }
        vm.stopPrank();
    }

    function test_a_second_registration_is_refused() public {
        register(pk(1312, 1));
        vm.prank(alice);
        vm.expectRevert(abi.encodeWithSelector(PQKeyRegistry.PQKeyExists.selector, alice));
        pqKeys.register(pk(1312, 2), new bytes(2420));
    }

    function test_the_blob_of_a_key_can_not_be_executed() public {
        register(pk(1312, 0xff)); // starts with SELFDESTRUCT
        require(pqKeys.keyOf(alice)[0] == 0xff, "key");
    }

    // ------------------------------------------------------------------------------------------ rotating

    function test_only_the_old_key_lets_a_new_one_in() public {
        (bytes memory old, bytes memory next) = (pk(1312, 1), pk(1952, 2));
        register(old);
        bytes32 digest = rotation(alice, old, next);
        bytes memory byOld = sign(old, digest);
        bytes memory byNew = sign(next, digest);
        bytes memory forged = sign(pk(1312, 9), digest);
        vm.prank(alice); // not even the account itself
        refused(alice);
        pqKeys.rotate(alice, next, forged, byNew);
        refused(alice);
        pqKeys.rotate(alice, next, byOld, new bytes(3309));
        pqKeys.rotate(alice, next, byOld, byNew);
        require(keccak256(pqKeys.keyOf(alice)) == keccak256(next), "rotated");
        refused(alice); // the nonce moved on, and so did the key
        pqKeys.rotate(alice, next, byOld, byNew);
    }

    function test_without_a_key_there_is_nothing_to_rotate_or_verify() public {
        bytes memory absent = abi.encodeWithSelector(PQKeyRegistry.PQKeyAbsent.selector, alice);
        vm.expectRevert(absent);
        pqKeys.rotate(alice, pk(1312, 1), "", "");
        vm.expectRevert(absent);
        pqKeys.verify(alice, 0, "");
        vm.prank(alice);
        vm.expectRevert(absent);
        pqKeys.setPQOnly("");
        eq(pqKeys.keyOf(alice).length, 0, "no key");
    }

    // ------------------------------------------------------------------------------------------ pqOnly

    function becomePQOnly() private {
        bytes memory k = pk(1312, 1);
        register(k);
        bytes32 digest = digestOf(abi.encode(pqKeys.PQ_ONLY_TYPEHASH(), alice, pqKeys.nonces(alice)));
        bytes memory signature = sign(k, digest);
        vm.prank(alice);
        pqKeys.setPQOnly(signature);
        require(pqKeys.pqOnly(alice), "pqOnly");
    }

    function test_giving_up_secp256k1_needs_the_keys_signature() public {
        register(pk(1312, 1));
        vm.prank(alice);
        refused(alice);
        pqKeys.setPQOnly(new bytes(2420));
        require(!pqKeys.pqOnly(alice), "not given up");
    }

    function test_a_pq_only_account_casts_no_ballot_by_secp256k1() public {
        vm.prank(members[4]);
        reputation.delegate(alice);
        vm.warp(block.timestamp + 1);
        uint256 id = propose(governor, creation("a"), members[3]);
        vm.warp(governor.proposalSnapshot(id) + 1);
        becomePQOnly();
        bytes memory signature = ballot(governor, ALICE_KEY, id, 1);
        bytes memory refusal = abi.encodeWithSelector(MeshGovernor.GovernorPQOnly.selector, alice);
        vm.expectRevert(refusal);
        governor.castVoteBySig(id, 1, alice, signature);
        vm.expectRevert(refusal);
        governor.castVoteWithReasonAndParamsBySig(id, 1, alice, "", "", signature);
    }

    function delegation(address to, uint256 nonce) private returns (uint8, bytes32, bytes32) {
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("QSDM Reputation"),
                keccak256("1"),
                block.chainid,
                address(reputation)
            )
        );
        bytes32 typehash = keccak256("Delegation(address delegatee,uint256 nonce,uint256 expiry)");
        bytes32 message = keccak256(abi.encode(typehash, to, nonce, type(uint256).max));
        return vm.sign(ALICE_KEY, keccak256(abi.encodePacked(hex"1901", domain, message)));
    }

    function test_a_pq_only_account_delegates_no_more_by_secp256k1() public {
        (uint8 v, bytes32 r, bytes32 s) = delegation(members[0], 0);
        reputation.delegateBySig(members[0], 0, type(uint256).max, v, r, s);
        eq(reputation.delegates(alice), members[0], "by signature");
        becomePQOnly();
        (v, r, s) = delegation(members[1], 1);
        vm.expectRevert(abi.encodeWithSelector(Reputation.ReputationPQOnly.selector, alice));
        reputation.delegateBySig(members[1], 1, type(uint256).max, v, r, s);
    }

    // ------------------------------------------------------------------------------------------ the precompile

    function missing(bytes memory code) private {
        bytes memory k = pk(1312, 1);
        bytes memory proof = sign(k, registration(alice, k));
        vm.etch(address(0x12), code);
        vm.prank(alice);
        vm.expectRevert(abi.encodeWithSelector(MLDSA.PrecompileMissing.selector, address(0x12)));
        pqKeys.register(k, proof);
    }

    function test_a_missing_precompile_is_no_verdict() public {
        missing("");
    }

    function test_an_answer_that_is_not_32_bytes_is_no_verdict() public {
        missing(hex"600160005260405ff3"); // 64 bytes
    }

    function test_an_answer_that_is_neither_0_nor_1_is_no_verdict() public {
        missing(hex"60025f5260205ff3");
    }

    function test_a_failing_precompile_is_no_verdict() public {
        missing(hex"60015f5260205ffd"); // reverts with 32 bytes that say 1
    }

    function test_the_precompiles_place_is_a_chain_parameter() public {
        PQKeyRegistry elsewhere = new PQKeyRegistry(address(0x0100));
        eq(elsewhere.PRECOMPILE_BASE(), address(0x0100), "base");
        vm.expectRevert(abi.encodeWithSelector(MLDSA.PrecompileMissing.selector, address(0x0101)));
        elsewhere.register(pk(1952, 1), new bytes(3309));
    }
}
