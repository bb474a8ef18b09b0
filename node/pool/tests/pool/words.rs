//! What client libraries understand of the refusals. The patterns are those by which ethers 6 and viem 2 tell errors of
//! a node apart.

use alloy_primitives::{Address, B256, U256};
use qsdm_pool::PoolError;

fn every_refusal() -> Vec<(PoolError, &'static str, &'static str, i32)> {
    use PoolError::*;
    let (a, b, zero) = (Address::ZERO, B256::ZERO, U256::ZERO);
    // (refusal, what ethers makes of it, what viem makes of it, code)
    vec![
        (Decode { reason: "input too short".into() }, "", "", -32602),
        (Oversized { bytes: 2, limit: 1 }, "", "", -32602),
        (TypeNotSupported { tx_type: 0x51 }, "", "", -32602),
        (BlobsNotSupported, "", "", -32602),
        (Unprotected { chain_id: 1 }, "UNSUPPORTED_OPERATION", "", -32000),
        (ChainId { have: 2, want: 1 }, "", "", -32003),
        (HighS, "", "", -32602),
        (Signature, "", "", -32602),
        (AlreadyKnown { hash: b }, "", "NonceTooLow", -32003),
        (NonceTooLow { nonce: 1, account_nonce: 2 }, "NONCE_EXPIRED", "NonceTooLow", -32003),
        (NonceTooHigh { nonce: 99, next: 1, ahead_max: 64 }, "", "NonceTooHigh", -32003),
        (NonceMax, "", "NonceMaxValue", -32003),
        (TipAboveFee { tip: 2, fee: 1 }, "", "TipAboveFeeCap", -32003),
        (FeeBelowBaseFee { fee: 1, base_fee: 2 }, "", "FeeCapTooLow", -32003),
        (FeeBelowMinimum { fee: 1, minimum: 2 }, "", "", -32003),
        (IntrinsicGas { gas_limit: 1, needed: 2 }, "", "IntrinsicGasTooLow", -32000),
        (FloorGas { gas_limit: 1, needed: 2 }, "", "", -32000),
        (TxGasLimit { gas_limit: 2, cap: 1 }, "", "", -32000),
        (BlockGasLimit { gas_limit: 2, block_gas_limit: 1 }, "", "", -32000),
        (InitcodeSize { bytes: 2, limit: 1 }, "", "", -32003),
        (SenderNotEoa { sender: a }, "", "", -32003),
        (EmptyAuthorizations, "", "", -32003),
        (
            InsufficientFunds { balance: zero, queued_cost: zero, cost: zero },
            "INSUFFICIENT_FUNDS",
            "InsufficientFunds",
            -32003,
        ),
        (
            ReplacementUnderpriced { nonce: 0, fee: 1, fee_needed: 2, tip: 1, tip_needed: 2 },
            "REPLACEMENT_UNDERPRICED",
            "",
            -32003,
        ),
        (AccountLimit { sender: a, held: 1, limit: 1 }, "", "", -32005),
        (Full { held: 1, limit: 1, bytes: 1, bytes_limit: 1 }, "", "", -32005),
    ]
}

fn ethers(message: &str) -> &'static str {
    let message = message.to_lowercase();
    let has = |words: &[&str]| words.iter().all(|word| message.contains(word));
    if has(&["insufficient funds"]) || has(&["base fee exceeds gas limit"]) {
        "INSUFFICIENT_FUNDS"
    } else if has(&["nonce", "too low"]) {
        "NONCE_EXPIRED"
    } else if has(&["replacement transaction", "underpriced"]) {
        "REPLACEMENT_UNDERPRICED"
    } else if has(&["only replay-protected"]) {
        "UNSUPPORTED_OPERATION"
    } else {
        ""
    }
}

fn viem(message: &str) -> &'static str {
    let message = message.to_lowercase();
    let patterns: [(&str, &[&str]); 11] = [
        ("ExecutionReverted", &["execution reverted"]),
        ("FeeCapTooHigh", &["max fee per gas higher than 2^256-1", "fee cap higher than 2^256-1"]),
        (
            "FeeCapTooLow",
            &[
                "max fee per gas less than block base fee",
                "fee cap less than block base fee",
                "transaction is outdated",
            ],
        ),
        ("NonceTooHigh", &["nonce too high"]),
        ("NonceTooLow", &["nonce too low", "transaction already imported", "already known"]),
        ("NonceMaxValue", &["nonce has max value"]),
        ("InsufficientFunds", &["insufficient funds"]),
        ("IntrinsicGasTooHigh", &["intrinsic gas too high", "gas limit reached"]),
        ("IntrinsicGasTooLow", &["intrinsic gas too low"]),
        ("TransactionTypeNotSupported", &["transaction type not valid"]),
        ("TipAboveFeeCap", &["max priority fee per gas higher than max fee per gas", "tip higher than fee cap"]),
    ];
    let found = patterns.iter().find(|(_, words)| words.iter().any(|word| message.contains(word)));
    found.map_or("", |(name, _)| name)
}

#[test]
fn client_libraries_recognise_the_refusals_they_know_and_no_others() {
    for (refusal, by_ethers, by_viem, code) in every_refusal() {
        let message = refusal.to_string();
        assert_eq!((ethers(&message), viem(&message)), (by_ethers, by_viem), "{message}");
        assert_eq!(refusal.rpc_code(), code, "{message}");
    }
}

#[test]
fn every_refusal_has_its_numbers_and_says_what_to_do() {
    for (refusal, ..) in every_refusal() {
        let message = refusal.to_string();
        assert!(message.contains(';') || message.contains("at least"), "{message}");
        assert!(message.starts_with("EIP-") || message.starts_with(char::is_lowercase), "{message}");
        assert!(!message.contains("  "), "{message}");
    }
}
