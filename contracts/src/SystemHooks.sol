// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {Reputation} from "./Reputation.sol";
import {SubmeshRegistry} from "./SubmeshRegistry.sol";
import {ValidatorSet} from "./ValidatorSet.sol";

/// @title Where consensus enters the contracts
/// @notice Called by the protocol's system address alone, as in EIP-4788 and EIP-7002. An epoch's end fans out into
/// legs, each with a gas cap of its own; a failing leg is counted and logged, undoes only itself, and never stops the
/// chain. Nodes that read an empty validator set keep the previous one.
contract SystemHooks {
    /// What every node recomputes at an epoch's end.
    struct EpochReport {
        uint64 epoch;
        SubmeshRegistry.Report[] lanes;
        address[] earners;
        uint256[] amounts;
        bytes32 sourceRoot;
    }

    address public constant SYSTEM = 0xffffFFFfFFffffffffffffffFfFFFfffFFFfFFfE;

    uint8 public constant LEG_LANES = 0;
    uint8 public constant LEG_AWARDS = 1;
    uint8 public constant LEG_VALIDATORS = 2;
    uint8 public constant LEG_EVIDENCE = 3;
    /// A report whose epoch is not later than the last one, or is no u64.
    uint8 public constant LEG_EPOCH = 4;

    /// Together below the 30 million gas of a system call.
    uint256 public constant GAS_LANES = 13_000_000;
    uint256 public constant GAS_AWARDS = 8_000_000;
    uint256 public constant GAS_VALIDATORS = 6_000_000;
    uint256 public constant GAS_EVIDENCE = 2_000_000;

    uint256 public constant MAX_REASON_BYTES = 256;
    /// A full set takes 6,432 bytes. Copying what is longer would burn gas outside the leg's own.
    uint256 public constant MAX_ANSWER_BYTES = 16_384;
    /// Parent ids are kept for this many blocks.
    uint256 public constant PARENTS = 256;

    SubmeshRegistry public immutable REGISTRY;
    Reputation public immutable REPUTATION;
    ValidatorSet public immutable VALIDATORS;

    /// The last epoch that ended.
    uint64 public epoch;
    mapping(uint8 leg => uint64) public legFailures;
    mapping(uint256 slot => bytes32) private _parents;

    event EpochClosed(uint64 indexed epoch, bytes32 setHash);
    event EvidenceAccepted(address indexed offender, uint64 indexed epoch, uint8 kind, bytes32 evidence);
    event SystemLegFailed(uint8 indexed leg, uint64 indexed epoch, bytes reason);

    error OnlySystem(address caller);
    error OnlySelf(address caller);
    error EpochNotMonotone(uint256 have, uint256 got);

    modifier onlySystem() {
        if (msg.sender != SYSTEM) revert OnlySystem(msg.sender);
        _;
    }

    modifier onlySelf() {
        if (msg.sender != address(this)) revert OnlySelf(msg.sender);
        _;
    }

    constructor(SubmeshRegistry registry, Reputation reputation, ValidatorSet validators) {
        REGISTRY = registry;
        REPUTATION = reputation;
        VALIDATORS = validators;
    }

    // ------------------------------------------------------------------------------------------ system calls

    /// @param parentId Consensus id of the parent block.
    function onBlockStart(bytes32 parentId) external onlySystem {
        _parents[block.number % PARENTS] = parentId;
    }

    /// @notice Closes an epoch.
    /// @return who The next validators; all three are empty if they could not be determined, or if there never were any.
    /// @return keyHashes keccak256 of their ML-DSA-65 keys.
    /// @return weights Their clipped weights.
    function onEpochEnd(EpochReport calldata report)
        external
        onlySystem
        returns (address[] memory who, bytes32[] memory keyHashes, uint64[] memory weights)
    {
        uint256 given;
        // read raw: the checked access would revert on what is no u64
        assembly ("memory-safe") {
            given := calldataload(report)
        }
        if (given <= epoch || given > type(uint64).max) {
            _failed(LEG_EPOCH, epoch, abi.encodeWithSelector(EpochNotMonotone.selector, epoch, given));
            return (who, keyHashes, weights);
        }
        // forge-lint: disable-next-line(unsafe-typecast) checked above
        uint64 ended = uint64(given);
        epoch = ended;
        // the legs call this contract, and through it only genesis contracts that call nobody back
        // slither-disable-start reentrancy-no-eth
        // the legs decode the report themselves, so that one malformed part fails one leg
        // slither-disable-start unused-return
        _leg(LEG_LANES, ended, GAS_LANES, bytes.concat(this.closeLanes.selector, msg.data[4:]));
        _leg(LEG_AWARDS, ended, GAS_AWARDS, bytes.concat(this.closeAwards.selector, msg.data[4:]));
        // slither-disable-end unused-return
        (bool ok, bytes memory set) =
            _leg(LEG_VALIDATORS, ended, GAS_VALIDATORS, abi.encodeCall(this.closeValidators, (ended)));
        // slither-disable-end reentrancy-no-eth
        if (ok) (who, keyHashes, weights) = abi.decode(set, (address[], bytes32[], uint64[]));
        emit EpochClosed(ended, keccak256(abi.encode(who, keyHashes, weights)));
    }

    /// @notice A fault that the nodes proved while checking a block.
    function onEvidence(address offender, uint64 faultEpoch, uint8 kind, bytes32 evidence) external onlySystem {
        bytes memory call = abi.encodeCall(this.closeEvidence, (offender, faultEpoch, kind, evidence));
        (bool ok,) = _leg(LEG_EVIDENCE, faultEpoch, GAS_EVIDENCE, call);
        if (ok) emit EvidenceAccepted(offender, faultEpoch, kind, evidence);
    }

    // ------------------------------------------------------------------------------------------ legs

    function closeLanes(EpochReport calldata report) external onlySelf {
        REGISTRY.report(report.epoch, report.lanes);
    }

    function closeAwards(EpochReport calldata report) external onlySelf {
        if (report.earners.length == 0 && report.amounts.length == 0) return;
        REPUTATION.awardBatch(report.earners, report.amounts, Reputation.Source.Uptime, report.sourceRoot);
    }

    function closeValidators(uint64 ended)
        external
        onlySelf
        returns (address[] memory who, bytes32[] memory keyHashes, uint64[] memory weights)
    {
        return VALIDATORS.endEpoch(ended);
    }

    function closeEvidence(address offender, uint64 faultEpoch, uint8 kind, bytes32 evidence) external onlySelf {
        VALIDATORS.punish(offender, faultEpoch, kind, evidence);
    }

    // ------------------------------------------------------------------------------------------ views

    /// @notice Consensus id of the parent of block `number`: the present block and the PARENTS - 1 before it; else 0.
    function parentIdOf(uint256 number) external view returns (bytes32) {
        if (number > block.number || number + PARENTS <= block.number) return 0;
        return _parents[number % PARENTS];
    }

    // ------------------------------------------------------------------------------------------ internals

    /// One leg in a call of its own. Of what comes back only what is used is copied: else a leg that answers with
    /// megabytes would spend the gas of the others.
    function _leg(uint8 leg, uint64 at, uint256 gasCap, bytes memory data)
        private
        returns (bool ok, bytes memory answer)
    {
        uint256 size;
        assembly ("memory-safe") {
            ok := call(gasCap, address(), 0, add(data, 32), mload(data), 0, 0)
            size := returndatasize()
        }
        // an answer that would have to be cut is no answer
        if (size > MAX_ANSWER_BYTES) ok = false;
        answer = new bytes(Math.min(size, ok ? MAX_ANSWER_BYTES : MAX_REASON_BYTES));
        assembly ("memory-safe") {
            returndatacopy(add(answer, 32), 0, mload(answer))
        }
        if (!ok) _failed(leg, at, answer);
    }

    function _failed(uint8 leg, uint64 at, bytes memory reason) private {
        ++legFailures[leg];
        emit SystemLegFailed(leg, at, reason);
    }
}
