// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title What a track starts with, and how far its settings may move
/// @notice A setting never falls below half of what it started with, so that a captured vote can't make the next
/// capture easier, and never rises so high that the track would be dead.
abstract contract GovernorBounds {
    struct Config {
        string name;
        uint48 votingDelay; // seconds, as all times here
        uint32 votingPeriod;
        uint48 lateExtension;
        uint48 executionWindow;
        uint16 thresholdBps; // of the past supply
        uint8 quorumPercent;
        address guardian; // zero: this track never has one
        address rootTimelock;
    }

    uint256 public constant MIN_VOTING_PERIOD = 30;
    uint256 public constant MIN_EXECUTION_WINDOW = 1 hours;
    uint256 public constant MAX_VOTING_DELAY = 30 days;
    uint256 public constant MAX_VOTING_PERIOD = 60 days;
    uint256 public constant MAX_THRESHOLD_BPS = 500;
    uint256 public constant MAX_QUORUM_PERCENT = 60;

    address public immutable ROOT_TIMELOCK;
    uint48 public immutable EXECUTION_WINDOW;

    uint256 private immutable _minVotingDelay;
    uint256 private immutable _minVotingPeriod;
    uint256 private immutable _minLateExtension;
    uint256 private immutable _minThreshold;
    uint256 private immutable _minQuorum;

    error GovernorOutOfBounds(uint256 value, uint256 min, uint256 max);

    constructor(Config memory config) {
        if (config.executionWindow < MIN_EXECUTION_WINDOW) {
            revert GovernorOutOfBounds(config.executionWindow, MIN_EXECUTION_WINDOW, type(uint48).max);
        }
        ROOT_TIMELOCK = config.rootTimelock;
        EXECUTION_WINDOW = config.executionWindow;
        _minVotingDelay = _half(config.votingDelay);
        _minVotingPeriod = config.votingPeriod < 2 * MIN_VOTING_PERIOD ? MIN_VOTING_PERIOD : _half(config.votingPeriod);
        _minLateExtension = _half(config.lateExtension);
        _minThreshold = _half(config.thresholdBps);
        _minQuorum = _half(config.quorumPercent);
    }

    /// @notice The lowest values that Root may set.
    function floors()
        external
        view
        returns (
            uint256 votingDelay,
            uint256 votingPeriod,
            uint256 lateExtension,
            uint256 thresholdBps,
            uint256 quorumPercent
        )
    {
        return (_minVotingDelay, _minVotingPeriod, _minLateExtension, _minThreshold, _minQuorum);
    }

    function _checkVotingDelay(uint256 value) internal view {
        _within(value, _minVotingDelay, MAX_VOTING_DELAY);
    }

    function _checkVotingPeriod(uint256 value) internal view {
        _within(value, _minVotingPeriod, MAX_VOTING_PERIOD);
    }

    /// The upper bound, the voting period, is OpenZeppelin's.
    function _checkLateExtension(uint256 value) internal view {
        _within(value, _minLateExtension, type(uint48).max);
    }

    function _checkThreshold(uint256 value) internal view {
        _within(value, _minThreshold, MAX_THRESHOLD_BPS);
    }

    function _checkQuorum(uint256 value) internal view {
        _within(value, _minQuorum, MAX_QUORUM_PERCENT);
    }

    function _within(uint256 value, uint256 min, uint256 max) private pure {
        if (value < min || value > max) revert GovernorOutOfBounds(value, min, max);
    }

    function _half(uint256 value) private pure returns (uint256) {
        return (value + 1) / 2;
    }
}
