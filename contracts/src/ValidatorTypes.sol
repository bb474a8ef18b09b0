// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title What ValidatorSet stores, shows, announces and refuses
abstract contract ValidatorTypes {
    enum Status {
        None, // never admitted
        Waiting, // admitted, not in the set in force
        Active, // in the set in force
        Unbonding, // admitted, with too little bond for a seat, some of it on its way back
        Removed, // by vote; may serve up to the epoch's end
        Tombstoned // for ever
    }

    struct Candidate {
        uint64 ceiling;
        bool tombstoned;
        bytes32[] keyHashes; // the newest is last
        bytes peerId;
    }

    struct Key {
        address operator;
        address blob;
    }

    /// One slot a member of the set in force. The key is the one it was chosen with: evidence of its epoch is judged
    /// under that, whatever was admitted since.
    struct Member {
        address who;
        uint64 weight;
        uint32 key; // its place in keyHashes
    }

    /// One operator as seen from outside; amounts in wei.
    struct Overview {
        address operator;
        Status status;
        uint64 ceiling;
        uint64 weight; // at the next epoch's end, before clipping
        uint64 weightInForce; // 0: no seat
        uint256 bonded;
        uint256 unbonding;
        uint256 due;
        bytes32 keyHash; // of the newest key
        bytes peerId;
    }

    event ValidatorAdmitted(address indexed operator, bytes32 indexed keyHash, bytes peerId, uint64 ceiling);
    event ValidatorCeilingSet(address indexed operator, uint64 ceiling);
    event ValidatorRemoved(address indexed operator);
    event ValidatorTombstoned(
        address indexed operator, uint64 indexed epoch, uint8 kind, bytes32 indexed evidence, uint256 reputationSlashed
    );
    event ValidatorSetChanged(uint64 indexed fromEpoch, address[] who, uint64[] weights);
    /// No candidate had a weight: the set in force goes on.
    event ValidatorSetKept(uint64 indexed fromEpoch);
    event MinBondSet(uint256 minBond);

    error ValidatorExists(address operator);
    error ValidatorUnknown(address operator);
    error ValidatorIsTombstoned(address operator);
    error ValidatorKeyTaken(bytes32 keyHash);
    error ValidatorPeerTaken(bytes peerId);
    error ValidatorBadKey(uint256 length);
    error ValidatorBadPeerId(uint256 length);
    error ValidatorBadWeight(uint64 weight);
    error ValidatorLimit(uint256 candidates);
    error MinBondOutOfBounds(uint256 minBond);
    error FoundingOver();
    error FoundingUncovered(uint256 bonds, uint256 balance);
    error EvidenceRepeated(bytes32 caseId);
    error EvidenceStale(uint64 epoch, uint64 current);
    error EpochNotMonotone(uint64 lowest, uint64 got);
}
