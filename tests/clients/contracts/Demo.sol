// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.37;

/// @notice Everything a client script wants to meet: state, events, three kinds of revert, constructor arguments.
contract Demo {
    error TooSmall(uint256 given, uint256 least);

    event Stored(address indexed by, uint256 indexed key, uint256 value, string note);

    address public immutable owner;
    string public name;
    mapping(uint256 => uint256) public valueOf;
    uint256 public writes;

    constructor(string memory name_) {
        owner = msg.sender;
        name = name_;
    }

    function store(uint256 key, uint256 value, string calldata note) external payable returns (uint256) {
        valueOf[key] = value;
        writes += 1;
        emit Stored(msg.sender, key, value, note);
        return writes;
    }

    function failWithCustomError(uint256 given) external pure returns (uint256) {
        if (given < 100) revert TooSmall(given, 100);
        return given;
    }

    function failWithString() external pure {
        require(false, "the door is closed");
    }

    function failWithPanic(uint256 a) external pure returns (uint256) {
        return 1 / a;
    }

    function failSilently() external pure {
        assembly {
            revert(0, 0)
        }
    }

    /// @notice Fails as a transaction, after it has written something that must not stay.
    function writeThenFail(uint256 given) external {
        valueOf[1] = given;
        if (given < 100) revert TooSmall(given, 100);
    }

    function environment() external view returns (uint256 chain, uint256 gasLimit, uint256 blockNumber) {
        return (block.chainid, block.gaslimit, block.number);
    }

    receive() external payable {}
}

/// @notice What an account points at with EIP-7702: calls in a batch, from the account itself.
contract BatchAccount {
    error NotSelf(address caller);

    event Ran(uint256 calls);

    function run(address[] calldata to, uint256[] calldata value) external payable {
        if (msg.sender != address(this)) revert NotSelf(msg.sender);
        for (uint256 i = 0; i < to.length; i++) {
            (bool ok,) = to[i].call{value: value[i]}("");
            require(ok, "a call failed");
        }
        emit Ran(to.length);
    }
}
