//! Why a transaction is refused.

use alloy_primitives::{Address, B256, U256};

/// A refusal. The text begins with the words of geth (or anvil, where geth has none) that ethers, viem and Hardhat look
/// for, then gives the numbers and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PoolError {
    /// The bytes are no transaction.
    #[error("failed to decode signed transaction: {reason}; send the EIP-2718 bytes of one signed transaction")]
    Decode {
        /// What the decoder found.
        reason: String,
    },
    /// Larger than the pool takes.
    #[error(
        "oversized data: transaction size {bytes} bytes, limit {limit}; split the call or publish the data in parts"
    )]
    Oversized {
        /// Size of the EIP-2718 encoding.
        bytes: usize,
        /// Greatest size.
        limit: usize,
    },
    /// An EIP-2718 type that the chain does not know.
    #[error("transaction type not supported: type 0x{tx_type:02x}; use a legacy transaction or type 1, 2 or 4")]
    TypeNotSupported {
        /// The first byte of the encoding.
        tx_type: u8,
    },
    /// An EIP-4844 transaction.
    #[error(
        "transaction type not supported: type 0x03 carries blobs (EIP-4844) and this chain has no blob space; \
         send the data as calldata of a type 2 transaction"
    )]
    BlobsNotSupported,
    /// A legacy transaction without a chain id.
    #[error(
        "only replay-protected (EIP-155) transactions allowed over RPC: the transaction carries no chain id and is \
         valid on every chain; sign it for chain {chain_id}"
    )]
    Unprotected {
        /// Id of this chain.
        chain_id: u64,
    },
    /// Signed for another chain.
    #[error("invalid chain id for signer: have {have}, want {want}; switch the wallet to chain {want} and sign again")]
    ChainId {
        /// Chain id in the transaction.
        have: u64,
        /// Id of this chain.
        want: u64,
    },
    /// A malleable signature (EIP-2).
    #[error(
        "invalid sender: the signature's s is above half of the curve order (EIP-2); use n - s and the other parity"
    )]
    HighS,
    /// No key can have made the signature.
    #[error("invalid sender: no public key belongs to the signature; sign the transaction again")]
    Signature,
    /// The pool holds this very transaction.
    #[error("already known: transaction {hash} is in the pool; wait for its receipt")]
    AlreadyKnown {
        /// Its hash.
        hash: B256,
    },
    /// The nonce is used.
    #[error("nonce too low: next nonce {account_nonce}, tx nonce {nonce}; sign with nonce {account_nonce} or later")]
    NonceTooLow {
        /// Nonce of the transaction.
        nonce: u64,
        /// Nonce of the account.
        account_nonce: u64,
    },
    /// Too far ahead of the account.
    #[error(
        "nonce too high: tx nonce {nonce}, next executable nonce {next}, at most {ahead_max} ahead are held; \
         send the missing transactions first"
    )]
    NonceTooHigh {
        /// Nonce of the transaction.
        nonce: u64,
        /// First nonce that no executable transaction has.
        next: u64,
        /// How far ahead a nonce may be.
        ahead_max: u64,
    },
    /// The nonce can't be increased (EIP-2681).
    #[error("nonce has max value: 2^64-1 is never valid (EIP-2681); sign with the account's next nonce")]
    NonceMax,
    /// Priority fee above the fee cap.
    #[error(
        "max priority fee per gas higher than max fee per gas: maxPriorityFeePerGas {tip}, maxFeePerGas {fee}; \
         raise the fee cap or lower the priority fee"
    )]
    TipAboveFee {
        /// Priority fee, wei per gas.
        tip: u128,
        /// Fee cap, wei per gas.
        fee: u128,
    },
    /// The next block can't take it, and nothing waits here.
    #[error(
        "max fee per gas less than block base fee: maxFeePerGas {fee}, baseFee {base_fee}; \
         sign with at least {base_fee}"
    )]
    FeeBelowBaseFee {
        /// Fee cap, wei per gas.
        fee: u128,
        /// Base fee of the next block, wei per gas.
        base_fee: u64,
    },
    /// Below the operator's minimum.
    #[error("transaction gas price below minimum: gas price {fee}, minimum needed {minimum}; sign with {minimum}")]
    FeeBelowMinimum {
        /// Fee cap, wei per gas.
        fee: u128,
        /// Least fee cap, wei per gas.
        minimum: u128,
    },
    /// The gas limit does not cover what is charged before execution.
    #[error("intrinsic gas too low: gas {gas_limit}, minimum needed {needed}; raise the gas limit")]
    IntrinsicGas {
        /// Gas limit of the transaction.
        gas_limit: u64,
        /// Intrinsic gas.
        needed: u64,
    },
    /// The gas limit does not cover the floor of EIP-7623.
    #[error(
        "insufficient gas for floor data gas cost: gas {gas_limit}, minimum needed {needed} (EIP-7623); \
         raise the gas limit"
    )]
    FloorGas {
        /// Gas limit of the transaction.
        gas_limit: u64,
        /// Floor.
        needed: u64,
    },
    /// Above the cap on one transaction.
    #[error(
        "transaction gas limit too high: gas limit {gas_limit} exceeds the cap of {cap} for one transaction \
         (EIP-7825); lower it or split the work"
    )]
    TxGasLimit {
        /// Gas limit of the transaction.
        gas_limit: u64,
        /// Cap.
        cap: u64,
    },
    /// No block has room for it.
    #[error("exceeds block gas limit: gas limit {gas_limit}, block gas limit {block_gas_limit}; lower the gas limit")]
    BlockGasLimit {
        /// Gas limit of the transaction.
        gas_limit: u64,
        /// Gas limit of the block.
        block_gas_limit: u64,
    },
    /// Too much initcode (EIP-3860).
    #[error("max initcode size exceeded: code size {bytes}, limit {limit} (EIP-3860); split the contract")]
    InitcodeSize {
        /// Bytes of initcode.
        bytes: usize,
        /// Greatest size.
        limit: usize,
    },
    /// A contract can't send transactions (EIP-3607).
    #[error("sender not an eoa: {sender} is a contract (EIP-3607); send from an account that has a key")]
    SenderNotEoa {
        /// The sender.
        sender: Address,
    },
    /// An EIP-7702 transaction without authorizations.
    #[error("EIP-7702 transaction with empty auth list; add an authorization or send type 2")]
    EmptyAuthorizations,
    /// The balance does not cover what the pooled transactions of the sender may cost.
    #[error(
        "insufficient funds for gas * price + value: balance {balance}, queued cost {queued_cost}, tx cost {cost}, \
         overshot {}; fund the sender or lower the fee cap or the value",
        overshot(.balance, .queued_cost, .cost)
    )]
    InsufficientFunds {
        /// Balance of the sender in wei.
        balance: U256,
        /// Most that its other executable transactions may cost, wei.
        queued_cost: U256,
        /// Most that this one may cost, wei; 2^256-1 if it is more.
        cost: U256,
    },
    /// A replacement must pay noticeably more.
    #[error(
        "replacement transaction underpriced: the pool holds another transaction with nonce {nonce}; \
         maxFeePerGas {fee} must be at least {fee_needed}, maxPriorityFeePerGas {tip} at least {tip_needed}"
    )]
    ReplacementUnderpriced {
        /// The nonce both have.
        nonce: u64,
        /// Fee cap, wei per gas.
        fee: u128,
        /// Least fee cap, wei per gas.
        fee_needed: u128,
        /// Priority fee, wei per gas.
        tip: u128,
        /// Least priority fee, wei per gas.
        tip_needed: u128,
    },
    /// The sender has as many transactions in the pool as one may.
    #[error("account limit exceeded: {sender} has {held} pooled transactions, limit {limit}; wait for a block")]
    AccountLimit {
        /// The sender.
        sender: Address,
        /// Transactions of the sender in the pool.
        held: usize,
        /// Greatest number.
        limit: usize,
    },
    /// The pool is full of better ones.
    #[error(
        "txpool is full: {held} of {limit} transactions, {bytes} of {bytes_limit} bytes, and too few of them pay less \
         than this one; raise the priority fee or send it again after the next blocks"
    )]
    Full {
        /// Transactions in the pool.
        held: usize,
        /// Greatest number.
        limit: usize,
        /// Bytes they take.
        bytes: usize,
        /// Greatest number of bytes.
        bytes_limit: usize,
    },
}

/// JSON-RPC: the parameters are malformed.
const INVALID_PARAMETERS: i32 = -32602;
/// EIP-1474: invalid input, geth's code for every refusal.
const INVALID_INPUT: i32 = -32000;
/// EIP-1474: transaction rejected.
const REJECTED: i32 = -32003;
/// EIP-1474: limit exceeded. viem tries again by itself.
const LIMIT_EXCEEDED: i32 = -32005;

impl PoolError {
    /// The JSON-RPC error code: anvil's, which tells malformed input, gas limits and rule violations apart; EIP-1474's
    /// "limit exceeded" where trying again later helps.
    pub const fn rpc_code(&self) -> i32 {
        match self {
            Self::Decode { .. } | Self::Oversized { .. } | Self::TypeNotSupported { .. } | Self::BlobsNotSupported => {
                INVALID_PARAMETERS
            }
            Self::HighS | Self::Signature => INVALID_PARAMETERS,
            Self::Unprotected { .. } | Self::IntrinsicGas { .. } | Self::FloorGas { .. } => INVALID_INPUT,
            Self::TxGasLimit { .. } | Self::BlockGasLimit { .. } => INVALID_INPUT,
            Self::AccountLimit { .. } | Self::Full { .. } => LIMIT_EXCEEDED,
            _ => REJECTED,
        }
    }
}

/// What is missing, wei.
fn overshot(balance: &U256, queued_cost: &U256, cost: &U256) -> U256 {
    queued_cost.saturating_add(*cost).saturating_sub(*balance)
}
