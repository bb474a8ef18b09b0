//! Ethereum's transaction tests against the path that a submitted transaction takes: decoding, sender recovery,
//! admission to the pool.
#![allow(clippy::unwrap_used, reason = "a vector that reads otherwise is a failed test")]

use alloy_consensus::Transaction;
use alloy_primitives::{Address, B256, U256, hex, keccak256};
use alloy_rlp::Header;
use qsdm_pool::{Pool, PoolConfig, PoolEnv, PoolError, recover_raw_unprotected};
use qsdm_tests::vectors;
use qsdm_vm::{
    intrinsic::intrinsic_gas,
    state::{Account, State},
};
use serde_json::Value;

/// The chain that the tests are for.
const CHAIN_ID: u64 = 1;

/// Forks of the tests, newest first. Each file has the newest that existed when it was made.
const FORKS: [&str; 5] = ["Osaka", "Prague", "Cancun", "Shanghai", "London"];

fn expected(case: &Value) -> &Value {
    FORKS.iter().find_map(|fork| case["result"].get(fork)).expect("a test names a fork since London")
}

fn number(value: &Value) -> u64 {
    u64::from_str_radix(value.as_str().unwrap().trim_start_matches("0x"), 16).unwrap()
}

/// Takes a transaction through decoding and admission. Nothing about its sender stands in its way: the account has all
/// the money there can be and the right nonce.
fn admit(bytes: &[u8]) -> Result<(B256, Address, u64), PoolError> {
    let tx = recover_raw_unprotected(bytes, CHAIN_ID)?;
    let (hash, sender, initial) = (*tx.tx_hash(), tx.signer(), intrinsic_gas(tx.inner()).initial);
    let account = Account { nonce: tx.nonce(), balance: U256::MAX, ..Account::empty(sender) };
    let state = State::from_sorted([(keccak256(sender), account)].into_iter()).unwrap();
    let env = PoolEnv { chain_id: CHAIN_ID, block_gas_limit: u64::MAX, ..PoolEnv::default() };
    let pool = Pool::new(PoolConfig { tx_gas_max: None, ..PoolConfig::default() });
    match pool.add(tx, &state, &env) {
        Ok(added) => {
            assert_eq!(added.hash, hash);
            Ok((hash, sender, initial))
        }
        // Newer than the tests: the floor of EIP-7623 came with Prague.
        Err(PoolError::FloorGas { gas_limit, needed }) => {
            assert!(initial <= gas_limit && gas_limit < needed);
            Ok((hash, sender, initial))
        }
        Err(refusal) => Err(refusal),
    }
}

/// True if a transaction offers 2^128 wei or more for one gas. Fees have 128 bits here; Ethereum's tests give them 256,
/// and call three transactions valid that no account could ever pay. Such a transaction can be in no block, so refusing
/// it when it is decoded changes nothing.
fn fee_over_128_bits(bytes: &[u8]) -> Result<bool, alloy_rlp::Error> {
    let (mut fields, fees) = match bytes.first() {
        Some(0x01) => (&bytes[1..], 2..=2),
        Some(0x02..=0x04) => (&bytes[1..], 2..=3),
        _ => (bytes, 1..=1),
    };
    let mut fields = Header::decode_bytes(&mut fields, true)?;
    let mut widest = 0;
    for index in 0..=*fees.end() {
        let field = Header::decode_bytes(&mut fields, false)?;
        widest = if fees.contains(&index) { field.len().max(widest) } else { widest };
    }
    Ok(widest > size_of::<u128>())
}

/// What is wrong with the outcome of a test, if anything.
fn complaint(bytes: &[u8], expected: &Value) -> Option<String> {
    match (admit(bytes), expected.get("exception")) {
        (Ok(_), Some(reason)) => Some(format!("is invalid ({reason}) but was admitted")),
        (Err(_), Some(_)) => None,
        (Err(PoolError::Decode { .. }), None) if fee_over_128_bits(bytes) == Ok(true) => None,
        (Err(refusal), None) => Some(format!("is valid but was refused: {refusal}")),
        (Ok(found), None) => {
            let text = |name: &str| expected[name].as_str().unwrap();
            let wanted =
                (text("hash").parse().unwrap(), text("sender").parse().unwrap(), number(&expected["intrinsicGas"]));
            (found != wanted).then(|| format!("has hash, sender, intrinsic gas {found:?}, not {wanted:?}"))
        }
    }
}

#[test]
fn valid_transactions_are_admitted_with_hash_sender_and_intrinsic_gas_and_others_are_refused() {
    let Some(folder) = vectors::ethereum("ethereum-tests/TransactionTests").unwrap() else { return };
    let (mut complaints, mut cases) = (Vec::new(), 0);
    for file in vectors::json_files(&folder).unwrap() {
        for (name, case) in vectors::cases(&file).unwrap() {
            let bytes = hex::decode(case["txbytes"].as_str().unwrap()).unwrap();
            complaints.extend(complaint(&bytes, expected(&case)).map(|complaint| format!("{name} {complaint}")));
            cases += 1;
        }
    }
    assert!(cases > 0, "the archive has transaction tests");
    assert!(complaints.is_empty(), "{} of {cases}:\n{}", complaints.len(), complaints.join("\n"));
}
