// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {Votes} from "@openzeppelin/contracts/governance/utils/Votes.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {PQKeyRegistry} from "./PQKeyRegistry.sol";

/// @title Non-transferable, decaying, delegable voting reputation (ERC-5805 with an ERC-6372 timestamp clock)
/// @notice Balances are stored in raw units that never decay; every read multiplies by one factor that all accounts
/// share: d(t) = (2H - f) / (2H * 2^k) with k = elapsed / H and f = elapsed % H. It halves exactly each H and is linear
/// in between. Because the factor is common, delegation sums, totals and checkpoints stay exact without any upkeep.
///
/// Minting replaces what decayed and never more: each source and each account may draw its share of it.
contract Reputation is Votes, AccessManaged {
    enum Source {
        Uptime,
        Federated,
        Governance,
        Genesis
    }

    /// What decayed since genesis, up to `at`.
    struct Decayed {
        uint208 total;
        uint48 at;
    }

    uint256 public constant MAX_SUPPLY = type(uint96).max;
    /// Beyond this many half-lives raw units would outgrow a checkpoint (27.6 years at 90 days).
    uint256 public constant MAX_HALF_LIVES = 112;
    /// Shares of what decayed, in basis points; together they are all of it.
    uint256 public constant UPTIME_BPS = 4_000;
    uint256 public constant FEDERATED_BPS = 4_000;
    uint256 public constant GOVERNANCE_BPS = 2_000;
    /// The share one account may draw, over all sources.
    uint256 public constant ACCOUNT_BPS = 500;

    uint48 public immutable EPOCH0;
    uint48 public immutable HALF_LIFE;
    /// An unused share lapses after this many seconds, so that a long pause can't be followed by a flood.
    uint48 public immutable MINT_WINDOW;
    PQKeyRegistry public immutable PQ_KEYS;

    mapping(address account => uint256) private _raw;
    Decayed private _decayed;
    mapping(bytes32 bucket => uint256) private _used;

    event ReputationEarned(address indexed account, Source indexed source, uint256 amount, bytes32 ref);
    event ReputationSlashed(address indexed account, uint16 bps, uint256 amount, bytes32 indexed evidence);

    error ReputationZeroDelegate();
    error ReputationZeroAccount();
    error ReputationSupplyCap(uint256 supply);
    error ReputationBadBps(uint16 bps);
    error ReputationBadSource(Source source);
    error ReputationLengthMismatch(uint256 accounts, uint256 amounts);
    error ReputationGenesisOver();
    error ReputationEraOver(uint256 halfLives);
    error ReputationBadSettings();
    error ReputationPQOnly(address account);
    error RateLimitExceeded(bytes32 bucket, uint256 requested, uint256 available);

    constructor(address authority, PQKeyRegistry pqKeys, uint48 halfLife, uint48 mintWindow)
        EIP712("QSDM Reputation", "1")
        AccessManaged(authority)
    {
        // 2 * HALF_LIFE must fit 24 bits, else raw units overflow before MAX_HALF_LIVES
        if (halfLife == 0 || halfLife >= 1 << 23 || mintWindow == 0) revert ReputationBadSettings();
        EPOCH0 = uint48(block.timestamp);
        HALF_LIFE = halfLife;
        MINT_WINDOW = mintWindow;
        PQ_KEYS = pqKeys;
        _decayed.at = uint48(block.timestamp);
    }

    // ------------------------------------------------------------------------------------------ writes, by role

    /// @notice Founding reputation. Only in the genesis second itself, so nobody can ever call it on a running chain.
    function mintGenesis(address[] calldata to, uint256[] calldata amounts) external restricted {
        if (block.timestamp != EPOCH0) revert ReputationGenesisOver();
        if (to.length != amounts.length) revert ReputationLengthMismatch(to.length, amounts.length);
        for (uint256 i; i < to.length; ++i) {
            _mint(to[i], amounts[i], Source.Genesis, bytes32(0));
        }
    }

    /// @notice Uptime and federated-learning awards at an epoch's end; all of them or none.
    function awardBatch(address[] calldata to, uint256[] calldata amounts, Source source, bytes32 ref)
        external
        restricted
    {
        if (source != Source.Uptime && source != Source.Federated) revert ReputationBadSource(source);
        if (to.length != amounts.length) revert ReputationLengthMismatch(to.length, amounts.length);
        uint256 total = 0;
        for (uint256 i; i < amounts.length; ++i) {
            total += amounts[i];
        }
        (uint256 decayed, uint256 window) = _accrue();
        _consume(_sourceBucket(source), _shareOf(source), total, decayed, window);
        for (uint256 i; i < to.length; ++i) {
            _award(to[i], amounts[i], source, ref, decayed, window);
        }
    }

    /// @notice An award voted by the Rewards track, out of its own share.
    function awardGovernance(address to, uint256 amount, bytes32 ref) external restricted {
        (uint256 decayed, uint256 window) = _accrue();
        _consume(_sourceBucket(Source.Governance), GOVERNANCE_BPS, amount, decayed, window);
        _award(to, amount, Source.Governance, ref, decayed, window);
    }

    /// @notice Takes `bps` ten-thousandths of an account's reputation for a proved fault.
    function slash(address who, uint16 bps, bytes32 evidence) external restricted returns (uint256 amount) {
        if (bps == 0 || bps > 10_000) revert ReputationBadBps(bps);
        _accrue();
        uint256 raw = _raw[who] * bps / 10_000;
        _raw[who] -= raw;
        _transferVotingUnits(who, address(0), raw);
        amount = fromRaw(raw, clock());
        emit ReputationSlashed(who, bps, amount, evidence);
    }

    // ------------------------------------------------------------------------------------------ reads

    function name() external pure returns (string memory) {
        return "QSDM Reputation";
    }

    function symbol() external pure returns (string memory) {
        return "qREP";
    }

    function decimals() external pure returns (uint8) {
        return 18;
    }

    function reputationOf(address account) external view returns (uint256) {
        return fromRaw(_raw[account], clock());
    }

    function balanceOf(address account) external view returns (uint256) {
        return fromRaw(_raw[account], clock());
    }

    /// @notice The account's units before decay.
    function rawOf(address account) external view returns (uint256) {
        return _raw[account];
    }

    function totalSupply() external view returns (uint256) {
        return fromRaw(_getTotalSupply(), clock());
    }

    /// @notice What `source` may still award now.
    function available(Source source) external view returns (uint256) {
        (uint256 decayed, uint256 window) = _decayedNow(_getTotalSupply());
        (uint256 free,) = _free(_sourceBucket(source), _shareOf(source), decayed, window);
        return free;
    }

    /// @notice What one account may still be awarded now, over all sources.
    function availableTo(address account) external view returns (uint256) {
        (uint256 decayed, uint256 window) = _decayedNow(_getTotalSupply());
        (uint256 free,) = _free(_accountBucket(account), ACCOUNT_BPS, decayed, window);
        return free;
    }

    function getVotes(address account) public view override returns (uint256) {
        return fromRaw(super.getVotes(account), clock());
    }

    function getPastVotes(address account, uint256 timepoint) public view override returns (uint256) {
        uint256 raw = super.getPastVotes(account, timepoint);
        return timepoint < EPOCH0 ? 0 : fromRaw(raw, timepoint);
    }

    function getPastTotalSupply(uint256 timepoint) public view override returns (uint256) {
        uint256 raw = super.getPastTotalSupply(timepoint);
        return timepoint < EPOCH0 ? 0 : fromRaw(raw, timepoint);
    }

    /// @notice Every account votes for itself until it delegates: reputation counts from the moment it is earned.
    function delegates(address account) public view override returns (address) {
        address chosen = super.delegates(account);
        return chosen == address(0) ? account : chosen;
    }

    function clock() public view override returns (uint48) {
        return uint48(block.timestamp);
    }

    // solhint-disable-next-line func-name-mixedcase
    function CLOCK_MODE() public pure override returns (string memory) {
        return "mode=timestamp";
    }

    /// @notice Raw units worth `amount` at `timepoint`, rounded down.
    function toRaw(uint256 amount, uint256 timepoint) public view returns (uint256) {
        if (amount > MAX_SUPPLY) revert ReputationSupplyCap(amount);
        (uint256 halvings, uint256 numerator) = _factor(timepoint);
        if (halvings >= MAX_HALF_LIVES) revert ReputationEraOver(halvings);
        // 96 + 24 + 111 bits at most: the shift can't overflow
        return ((amount * 2 * HALF_LIFE) << halvings) / numerator;
    }

    /// @notice What `raw` units are worth at `timepoint`, rounded down.
    function fromRaw(uint256 raw, uint256 timepoint) public view returns (uint256) {
        (uint256 halvings, uint256 numerator) = _factor(timepoint);
        return (raw * numerator / (2 * uint256(HALF_LIFE))) >> halvings;
    }

    // ------------------------------------------------------------------------------------------ internals

    function _delegate(address account, address delegatee) internal override {
        // zero would mean "self" on reading and "nobody" on moving votes: they would be lost for ever
        if (delegatee == address(0)) revert ReputationZeroDelegate();
        super._delegate(account, delegatee);
    }

    /// Only `delegateBySig` comes here: the one way in which a secp256k1 signature moves votes.
    function _useCheckedNonce(address owner, uint256 nonce) internal override {
        if (PQ_KEYS.pqOnly(owner)) revert ReputationPQOnly(owner);
        super._useCheckedNonce(owner, nonce);
    }

    function _getVotingUnits(address account) internal view override returns (uint256) {
        return _raw[account];
    }

    function _award(address to, uint256 amount, Source source, bytes32 ref, uint256 decayed, uint256 window) private {
        _consume(_accountBucket(to), ACCOUNT_BPS, amount, decayed, window);
        _mint(to, amount, source, ref);
    }

    function _mint(address to, uint256 amount, Source source, bytes32 ref) private {
        if (to == address(0)) revert ReputationZeroAccount();
        uint256 raw = toRaw(amount, clock());
        _raw[to] += raw;
        _transferVotingUnits(address(0), to, raw);
        uint256 supply = fromRaw(_getTotalSupply(), clock());
        if (supply > MAX_SUPPLY) revert ReputationSupplyCap(supply);
        emit ReputationEarned(to, source, amount, ref);
    }

    function _factor(uint256 timepoint) private view returns (uint256 halvings, uint256 numerator) {
        uint256 elapsed = timepoint - EPOCH0;
        // the position within a half-life, nothing random
        // slither-disable-start weak-prng
        halvings = elapsed / HALF_LIFE;
        numerator = 2 * uint256(HALF_LIFE) - (elapsed % HALF_LIFE);
        // slither-disable-end weak-prng
    }

    /// Books what decayed so far; must run before raw units change.
    function _accrue() private returns (uint256 total, uint256 window) {
        (total, window) = _decayedNow(_getTotalSupply());
        _decayed = Decayed(SafeCast.toUint208(total), clock());
    }

    /// What decayed since genesis, and what today's units decayed within the mint window.
    function _decayedNow(uint256 raw) private view returns (uint256 total, uint256 window) {
        uint256 present = fromRaw(raw, block.timestamp);
        total = _decayed.total + fromRaw(raw, _decayed.at) - present;
        uint256 start = Math.max(EPOCH0, Math.saturatingSub(block.timestamp, MINT_WINDOW));
        window = fromRaw(raw, start) - present;
    }

    function _consume(bytes32 bucket, uint256 bps, uint256 amount, uint256 decayed, uint256 window) private {
        if (amount == 0) return;
        (uint256 free, uint256 share) = _free(bucket, bps, decayed, window);
        if (amount > free) revert RateLimitExceeded(bucket, amount, free);
        // what lapsed counts as used
        _used[bucket] = share - (free - amount);
    }

    function _free(bytes32 bucket, uint256 bps, uint256 decayed, uint256 window)
        private
        view
        returns (uint256 free, uint256 share)
    {
        share = decayed * bps / 10_000;
        free = Math.min(share - _used[bucket], window * bps / 10_000);
    }

    function _shareOf(Source source) private pure returns (uint256) {
        if (source == Source.Uptime) return UPTIME_BPS;
        if (source == Source.Federated) return FEDERATED_BPS;
        return source == Source.Governance ? GOVERNANCE_BPS : 0;
    }

    function _sourceBucket(Source source) private pure returns (bytes32) {
        return bytes32(uint256(source));
    }

    function _accountBucket(address account) private pure returns (bytes32) {
        return bytes32((uint256(1) << 160) | uint160(account));
    }
}
