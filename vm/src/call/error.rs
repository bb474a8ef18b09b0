//! Why a simulation has no result, or none that succeeded.

use alloy_primitives::{Address, Bytes, U256};

/// Code of an execution that reverted (execution-apis, geth).
const REVERTED: i64 = 3;
/// Code of everything else (EIP-1474: invalid input).
const INVALID: i64 = -32_000;

/// Error of `eth_call`, `eth_estimateGas` and `eth_createAccessList`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// The code reverted.
    #[error("execution reverted{}", reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default())]
    Reverted {
        /// The revert data in words.
        reason: Option<String>,
        /// Revert data.
        data: Bytes,
    },
    /// The code failed otherwise.
    #[error("{0}")]
    Halted(String),
    /// `data` and `input` disagree.
    #[error("both \"data\" and \"input\" are set and not equal. Please use \"input\" to pass transaction call data")]
    InputConflict,
    /// Legacy and EIP-1559 fees at once.
    #[error("both gasPrice and (maxFeePerGas or maxPriorityFeePerGas) specified")]
    FeeConflict,
    /// The request is for another chain.
    #[error("chainId does not match node's (have={have}, want={want})")]
    ChainId {
        /// Chain id of the request.
        have: u64,
        /// Chain id of this chain.
        want: u64,
    },
    /// The sender cannot pay for gas and value.
    #[error("insufficient funds for gas * price + value: address {address} have {have} want {want}")]
    InsufficientFunds {
        /// The sender.
        address: Address,
        /// Its balance in wei.
        have: U256,
        /// What it would need in wei.
        want: U256,
    },
    /// The sender cannot pay for the value, let alone gas.
    #[error("insufficient funds for transfer")]
    InsufficientFundsForTransfer,
    /// Fees times gas exceed 2^256.
    #[error("fees and value exceed 2^256 wei")]
    FeeOverflow,
    /// The fee does not cover the base fee.
    #[error(
        "max fee per gas less than block base fee: address {address}, maxFeePerGas: {max_fee}, baseFee: {base_fee}"
    )]
    FeeCapTooLow {
        /// The sender.
        address: Address,
        /// Wei per gas.
        max_fee: u128,
        /// Wei per gas.
        base_fee: u64,
    },
    /// The tip exceeds the whole fee.
    #[error(
        "max priority fee per gas higher than max fee per gas: address {address}, maxPriorityFeePerGas: {tip}, maxFeePerGas: {max_fee}"
    )]
    TipAboveFeeCap {
        /// The sender.
        address: Address,
        /// Wei per gas.
        tip: u128,
        /// Wei per gas.
        max_fee: u128,
    },
    /// The blob fee does not cover the blob base fee.
    #[error(
        "max fee per blob gas less than block blob gas fee: address {address} blobGasFeeCap: {max_fee}, blobBaseFee: {base_fee}"
    )]
    BlobFeeCapTooLow {
        /// The sender.
        address: Address,
        /// Wei per blob gas.
        max_fee: u128,
        /// Wei per blob gas.
        base_fee: u128,
    },
    /// Blobs that no transaction may carry.
    #[error("{0}")]
    Blobs(String),
    /// An authorization list that no transaction may carry.
    #[error("{what} (sender {sender})")]
    Authorizations {
        /// What is wrong.
        what: &'static str,
        /// The sender.
        sender: Address,
    },
    /// The gas limit is below what the transaction costs before its first instruction.
    #[error("intrinsic gas too low: have {have}, want {want}")]
    IntrinsicGas {
        /// Gas limit.
        have: u64,
        /// What it takes.
        want: u64,
    },
    /// The gas limit is below the least charge for the calldata (EIP-7623).
    #[error("insufficient gas for floor data gas cost: have {have}, want {want}")]
    FloorGas {
        /// Gas limit.
        have: u64,
        /// What it takes.
        want: u64,
    },
    /// The gas limit exceeds EIP-7825's cap or the block's.
    #[error("transaction gas limit too high (cap: {cap}, tx: {have})")]
    GasLimitTooHigh {
        /// Gas limit.
        have: u64,
        /// The cap.
        cap: u64,
    },
    /// The nonce is below the account's.
    #[error("nonce too low: address {address}, tx: {have} state: {want}")]
    NonceTooLow {
        /// The sender.
        address: Address,
        /// Nonce of the request.
        have: u64,
        /// Nonce of the account.
        want: u64,
    },
    /// The nonce is above the account's.
    #[error("nonce too high: address {address}, tx: {have} state: {want}")]
    NonceTooHigh {
        /// The sender.
        address: Address,
        /// Nonce of the request.
        have: u64,
        /// Nonce of the account.
        want: u64,
    },
    /// The nonce has no successor.
    #[error("nonce has max value: address {0}")]
    NonceMax(Address),
    /// The sender has code (EIP-3607).
    #[error("sender not an eoa: address {0}")]
    SenderNotExternal(Address),
    /// Initcode above EIP-3860's limit.
    #[error("max initcode size exceeded: code size {size} limit {limit}")]
    InitCodeSize {
        /// Bytes.
        size: usize,
        /// Bytes.
        limit: usize,
    },
    /// No gas limit that the sender can have is enough.
    #[error("gas required exceeds allowance ({0})")]
    GasAllowance(u64),
    /// An override that cannot be applied.
    #[error("{0}")]
    Override(String),
    /// A precompile that moves to its own address.
    #[error("account {0} moves a precompile to itself")]
    PrecompileToItself(Address),
    /// A precompile that moves to where another override is.
    #[error("account {0} is already overridden")]
    PrecompileTargetTaken(Address),
    /// The access list kept changing.
    #[error("access list is not stable after {0} rounds")]
    AccessListUnstable(usize),
    /// The deadline passed.
    #[error("execution aborted (timeout)")]
    Timeout,
    /// Nobody waits for the answer any longer.
    #[error("execution aborted (cancelled)")]
    Cancelled,
    /// Execution refused for a reason that has no case of its own.
    #[error("{0}")]
    Refused(String),
}

impl CallError {
    /// The JSON-RPC error code.
    pub fn code(&self) -> i64 {
        match self {
            Self::Reverted { .. } => REVERTED,
            _ => INVALID,
        }
    }

    /// The JSON-RPC error data: the revert data.
    pub fn data(&self) -> Option<&Bytes> {
        match self {
            Self::Reverted { data, .. } => Some(data),
            _ => None,
        }
    }

    /// True if a greater gas limit may help.
    pub(crate) fn wants_more_gas(&self) -> bool {
        matches!(self, Self::IntrinsicGas { .. } | Self::FloorGas { .. })
    }
}
