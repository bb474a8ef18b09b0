//! Addresses that the protocol itself knows.

use alloy_primitives::{Address, address};

/// Caller of system calls (EIP-4788).
pub const SYSTEM_ADDRESS: Address = address!("fffffffffffffffffffffffffffffffffffffffe");

/// The contract `SystemHooks`: block starts, epoch ends, evidence.
pub const SYSTEM_HOOKS: Address = address!("00000000000000000000000000005153444d0001");

/// `msg.sender` of every genesis constructor. It is no key's address as far as anyone can know: the ASCII text
/// "QSDM genesis deployer" cut to 20 bytes.
pub const GENESIS_DEPLOYER: Address = address!("5153444d2067656e65736973206465706c6f7965");
