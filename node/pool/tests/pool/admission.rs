//! One transaction at the door.

use crate::support::*;
use alloy_consensus::{EthereumTxEnvelope, TxEip4844, TxEip4844Variant, transaction::Recovered};
use alloy_primitives::{B256, Bytes, Signature, U256, hex};
use qsdm_pool::{Pool, PoolConfig, PoolEnv, PoolError, Submission};
use std::sync::Arc;

#[test]
fn a_funded_transaction_is_executable_and_known_by_hash_and_nonce() {
    let (pool, state, tx) = (Pool::default(), state(&[(1, 5, ETHER)]), draft(1, 5).tx());
    let added = pool.add(tx.clone(), &state, &env()).unwrap();
    assert!(added.executable && added.replaced.is_none() && added.promoted.is_empty());
    assert_eq!(added.hash, *tx.tx_hash());
    assert_eq!(pool.get(&added.hash), Some(tx.clone()));
    assert_eq!(pool.get_by_nonce(&sender(1), 5), Some(tx));
    assert_eq!((pool.status(), pool.next_nonce(&sender(1), &state)), ((1, 0), 6));
    assert_eq!(pool.pending_hashes(), [added.hash]);
    pool.audit().unwrap();
}

#[test]
fn the_same_transaction_again_is_already_known() {
    let (pool, state, tx) = (Pool::default(), state(&[(1, 0, ETHER)]), draft(1, 0).tx());
    let hash = pool.add(tx.clone(), &state, &env()).unwrap().hash;
    let refusal = pool.add(tx, &state, &env()).unwrap_err();
    assert_eq!(refusal, PoolError::AlreadyKnown { hash });
    assert!(refusal.to_string().starts_with(&format!("already known: transaction {hash}")));
}

#[test]
fn a_used_nonce_is_refused_with_the_next_one() {
    let refusal = Pool::default().add(draft(1, 6).tx(), &state(&[(1, 7, ETHER)]), &env()).unwrap_err();
    assert_eq!(refusal, PoolError::NonceTooLow { nonce: 6, account_nonce: 7 });
    assert!(refusal.to_string().starts_with("nonce too low: next nonce 7, tx nonce 6;"), "{refusal}");
}

#[test]
fn a_nonce_64_ahead_is_queued_and_65_ahead_refused() {
    let (pool, state) = (Pool::default(), state(&[(1, 3, ETHER)]));
    assert!(!pool.add(draft(1, 67).tx(), &state, &env()).unwrap().executable);
    let refusal = pool.add(draft(1, 68).tx(), &state, &env()).unwrap_err();
    assert_eq!(refusal, PoolError::NonceTooHigh { nonce: 68, next: 3, ahead_max: 64 });
    let words = "nonce too high: tx nonce 68, next executable nonce 3, at most 64 ahead";
    assert!(refusal.to_string().starts_with(words), "{refusal}");
    assert_eq!((pool.status(), pool.next_nonce(&sender(1), &state)), ((0, 1), 3));
}

#[test]
fn the_greatest_nonce_is_never_valid() {
    let refusal = refusal(draft(1, u64::MAX).tx(), &env());
    assert_eq!(refusal, PoolError::NonceMax);
    assert!(refusal.to_string().starts_with("nonce has max value"));
}

#[test]
fn the_balance_covers_gas_at_the_fee_cap_and_the_value() {
    let (tx, cost) = (draft(1, 0).value(ETHER), draft(1, 0).value(ETHER).cost());
    let exact = state_with([(sender(1), 0, cost, Bytes::new())]);
    assert!(Pool::default().add(tx.tx(), &exact, &env()).unwrap().executable);
    let refusal = refusal(tx.tx(), &env());
    let expected = PoolError::InsufficientFunds { balance: U256::from(ETHER), queued_cost: U256::ZERO, cost };
    assert_eq!(refusal, expected);
    let words = "insufficient funds for gas * price + value: balance 1000000000000000000, queued cost 0, \
                 tx cost 1000210000000000000, overshot 210000000000000;";
    assert!(refusal.to_string().starts_with(words), "{refusal}");
}

#[test]
fn the_balance_covers_all_executable_transactions_together() {
    let (pool, state) = (Pool::default(), state(&[(1, 0, ETHER)]));
    let half = |nonce| draft(1, nonce).value(ETHER / 2);
    pool.add(half(0).tx(), &state, &env()).unwrap();
    let refusal = pool.add(half(1).tx(), &state, &env()).unwrap_err();
    let PoolError::InsufficientFunds { queued_cost, cost, .. } = refusal else { panic!("{refusal}") };
    assert_eq!((queued_cost, cost), (half(0).cost(), half(1).cost()));
    assert!(refusal.to_string().contains("overshot 420000000000000;"), "{refusal}");
}

#[test]
fn a_cost_beyond_256_bits_is_refused_and_not_wrapped() {
    let mut greedy = draft(1, 1).fees(u128::MAX, 1).gas(1 << 24);
    greedy.value = U256::MAX;
    let (pool, state) = (Pool::default(), state(&[(1, 0, ETHER)]));
    pool.add(draft(1, 0).tx(), &state, &env()).unwrap();
    let refusal = pool.add(greedy.tx(), &state, &env()).unwrap_err();
    let queued_cost = draft(1, 0).cost();
    let expected = PoolError::InsufficientFunds { balance: U256::from(ETHER), queued_cost, cost: U256::MAX };
    assert_eq!(refusal, expected);
    let overshot = format!("overshot {};", U256::MAX - U256::from(ETHER));
    assert!(refusal.to_string().contains(&overshot), "{refusal}");
}

#[test]
fn a_priority_fee_above_the_fee_cap_is_refused() {
    let refusal = refusal(draft(1, 0).fees(5, 6).tx(), &env());
    assert_eq!(refusal, PoolError::TipAboveFee { tip: 6, fee: 5 });
    let words = "max priority fee per gas higher than max fee per gas: maxPriorityFeePerGas 6, maxFeePerGas 5;";
    assert!(refusal.to_string().starts_with(words), "{refusal}");
}

#[test]
fn a_fee_cap_below_the_base_fee_waits_unless_nothing_waits_here() {
    let (pool, state, tx) = (Pool::default(), state(&[(1, 0, ETHER)]), draft(1, 0).fees(GWEI - 1, 0).tx());
    assert!(pool.add(tx.clone(), &state, &env()).unwrap().executable);
    assert_eq!(best_root(&pool), []);
    let refusal = refusal(tx, &PoolEnv { refuse_below_base_fee: true, ..env() });
    assert_eq!(refusal, PoolError::FeeBelowBaseFee { fee: GWEI - 1, base_fee: BASE_FEE });
    let words = "max fee per gas less than block base fee: maxFeePerGas 999999999, baseFee 1000000000;";
    assert!(refusal.to_string().starts_with(words), "{refusal}");
}

#[test]
fn a_fee_cap_below_the_operators_minimum_is_refused() {
    let refusal = refusal(draft(1, 0).fees(4, 4).tx(), &PoolEnv { fee_min: 5, ..env() });
    assert_eq!(refusal, PoolError::FeeBelowMinimum { fee: 4, minimum: 5 });
    assert!(refusal.to_string().starts_with("transaction gas price below minimum: gas price 4, minimum needed 5;"));
}

#[test]
fn the_gas_limit_covers_the_intrinsic_gas() {
    let below = refusal(draft(1, 0).gas(20_999).tx(), &env());
    assert_eq!(below, PoolError::IntrinsicGas { gas_limit: 20_999, needed: 21_000 });
    assert!(below.to_string().starts_with("intrinsic gas too low: gas 20999, minimum needed 21000;"), "{below}");
    // 21,000 + 32,000 + one byte + one word
    let creation = refusal(draft(1, 0).creation().input(vec![1]).gas(53_017).tx(), &env());
    assert_eq!(creation, PoolError::IntrinsicGas { gas_limit: 53_017, needed: 53_018 });
}

#[test]
fn the_gas_limit_covers_the_floor_of_its_calldata() {
    // 21,000 + 1,600 would do without EIP-7623
    let refusal = refusal(draft(1, 0).input(vec![1; 100]).gas(24_999).tx(), &env());
    assert_eq!(refusal, PoolError::FloorGas { gas_limit: 24_999, needed: 25_000 });
    let words = "insufficient gas for floor data gas cost: gas 24999, minimum needed 25000 (EIP-7623);";
    assert!(refusal.to_string().starts_with(words), "{refusal}");
}

#[test]
fn one_transaction_has_at_most_16777216_gas_where_the_cap_is_not_lifted() {
    let tx = draft(1, 0).fees(GWEI, 0).gas(16_777_217).tx();
    let refusal = refusal(tx.clone(), &env());
    assert_eq!(refusal, PoolError::TxGasLimit { gas_limit: 16_777_217, cap: 16_777_216 });
    let words = "transaction gas limit too high: gas limit 16777217 exceeds the cap of 16777216 for one transaction \
                 (EIP-7825);";
    assert!(refusal.to_string().starts_with(words), "{refusal}");
    let lifted = Pool::new(PoolConfig { tx_gas_max: None, ..PoolConfig::default() });
    lifted.add(tx, &state(&[(1, 0, ETHER)]), &env()).unwrap();
}

#[test]
fn the_gas_limit_fits_into_a_block() {
    let refusal = refusal(draft(1, 0).gas(50_001).tx(), &PoolEnv { block_gas_limit: 50_000, ..env() });
    assert_eq!(refusal, PoolError::BlockGasLimit { gas_limit: 50_001, block_gas_limit: 50_000 });
    let words = "exceeds block gas limit: gas limit 50001, block gas limit 50000;";
    assert!(refusal.to_string().starts_with(words), "{refusal}");
}

#[test]
fn initcode_has_at_most_49152_bytes_where_the_limit_is_not_lifted() {
    let creation = |bytes| draft(1, 0).creation().input(vec![0; bytes]).gas(1_000_000).tx();
    let (state, pool) = (state(&[(1, 0, ETHER)]), Pool::default());
    pool.add(creation(49_152), &state, &env()).unwrap();
    let refusal = refusal(creation(49_153), &env());
    assert_eq!(refusal, PoolError::InitcodeSize { bytes: 49_153, limit: 49_152 });
    let words = "max initcode size exceeded: code size 49153, limit 49152 (EIP-3860);";
    assert!(refusal.to_string().starts_with(words), "{refusal}");
    let lifted = Pool::new(PoolConfig { initcode_bytes_max: None, ..PoolConfig::default() });
    lifted.add(creation(49_153), &state, &env()).unwrap();
}

#[test]
fn a_transaction_has_at_most_128_kib() {
    let refusal = refusal(draft(1, 0).input(vec![0; 131_072]).gas(2_000_000).tx(), &env());
    let PoolError::Oversized { bytes, limit: 131_072 } = refusal else { panic!("{refusal}") };
    assert!(bytes > 131_072);
    let words = format!("oversized data: transaction size {bytes} bytes, limit 131072;");
    assert!(refusal.to_string().starts_with(&words), "{refusal}");
}

#[test]
fn another_chains_transaction_is_refused() {
    let mut foreign = draft(1, 0);
    foreign.chain_id = 1;
    let refusal = refusal(foreign.tx(), &env());
    assert_eq!(refusal, PoolError::ChainId { have: 1, want: CHAIN_ID });
    assert!(refusal.to_string().starts_with("invalid chain id for signer: have 1, want 31337;"), "{refusal}");
}

#[test]
fn a_contract_can_not_send_unless_it_delegates_or_is_impersonated() {
    let delegation = Bytes::from([hex!("ef0100").as_slice(), sender(9).as_slice()].concat());
    let account = |number, code| (sender(number), 1, U256::from(ETHER), code);
    let state = state_with([account(1, Bytes::from_static(&[0x60, 0x00])), account(2, delegation)]);
    let pool = Pool::default();
    let refusal = pool.add(draft(1, 1).tx(), &state, &env()).unwrap_err();
    assert_eq!(refusal, PoolError::SenderNotEoa { sender: sender(1) });
    assert!(refusal.to_string().starts_with(&format!("sender not an eoa: {} is a contract", sender(1))));
    pool.add(draft(2, 1).tx(), &state, &env()).unwrap();
    let impersonated = Submission { impersonated: true, ..Submission::from(draft(1, 1).tx()) };
    pool.add(impersonated, &state, &env()).unwrap();
}

#[test]
fn a_blob_transaction_is_refused_with_the_reason() {
    let tx = TxEip4844 {
        chain_id: CHAIN_ID,
        gas_limit: 21_000,
        blob_versioned_hashes: vec![B256::ZERO],
        ..Default::default()
    };
    let signed = alloy_consensus::Signed::new_unhashed(TxEip4844Variant::TxEip4844(tx), Signature::test_signature());
    let tx = Arc::new(Recovered::new_unchecked(EthereumTxEnvelope::Eip4844(signed), sender(1)));
    let refusal = refusal(tx, &env());
    assert_eq!(refusal, PoolError::BlobsNotSupported);
    assert!(refusal.to_string().starts_with("transaction type not supported: type 0x03 carries blobs"), "{refusal}");
}

#[test]
fn a_delegation_without_authorizations_is_refused() {
    let refusal = refusal(draft(1, 0).gas(100_000).delegation(), &env());
    assert_eq!(refusal, PoolError::EmptyAuthorizations);
    assert!(refusal.to_string().starts_with("EIP-7702 transaction with empty auth list"));
}

#[test]
fn a_replacement_raises_both_fees_by_a_tenth() {
    let (pool, state) = (Pool::default(), state(&[(1, 0, ETHER)]));
    let old = draft(1, 0).fees(1_005, 101).tx();
    pool.add(old.clone(), &state, &env()).unwrap();
    for (fee, tip) in [(1_105, 112), (1_106, 111), (1_005, 101)] {
        let refusal = pool.add(draft(1, 0).fees(fee, tip).value(2).tx(), &state, &env()).unwrap_err();
        let expected = PoolError::ReplacementUnderpriced { nonce: 0, fee, fee_needed: 1_106, tip, tip_needed: 112 };
        assert_eq!(refusal, expected);
        let words = format!("maxFeePerGas {fee} must be at least 1106, maxPriorityFeePerGas {tip} at least 112");
        assert!(refusal.to_string().starts_with("replacement transaction underpriced: "), "{refusal}");
        assert!(refusal.to_string().contains(&words), "{refusal}");
    }
    let new = draft(1, 0).fees(1_106, 112).tx();
    let added = pool.add(new.clone(), &state, &env()).unwrap();
    assert_eq!(added.replaced, Some(old.clone()));
    assert_eq!((pool.status(), pool.contains(old.tx_hash())), ((1, 0), false));
    let reason = pool.dropped(old.tx_hash()).unwrap();
    assert_eq!(reason, qsdm_pool::DropReason::Replaced { by: *new.tx_hash() });
    pool.audit().unwrap();
}

#[test]
fn a_replacement_of_a_free_transaction_pays_something() {
    let (pool, state) = (Pool::default(), state(&[(1, 0, ETHER)]));
    pool.add(draft(1, 0).fees(0, 0).tx(), &state, &env()).unwrap();
    let refusal = pool.add(draft(1, 0).fees(1, 0).tx(), &state, &env()).unwrap_err();
    let expected = PoolError::ReplacementUnderpriced { nonce: 0, fee: 1, fee_needed: 1, tip: 0, tip_needed: 1 };
    assert_eq!(refusal, expected);
    pool.add(draft(1, 0).fees(1, 1).tx(), &state, &env()).unwrap();
}

#[test]
fn a_replacement_is_charged_instead_of_the_replaced_one() {
    let (pool, state) = (Pool::default(), state(&[(1, 0, ETHER)]));
    let most = ETHER - 21_000 * 12 * GWEI;
    pool.add(draft(1, 0).value(most).tx(), &state, &env()).unwrap();
    pool.add(draft(1, 0).value(most).fees(12 * GWEI, 2 * GWEI).tx(), &state, &env()).unwrap();
    let refusal = pool.add(draft(1, 0).value(most).fees(14 * GWEI, 3 * GWEI).tx(), &state, &env()).unwrap_err();
    let words = "queued cost 0, tx cost 1000042000000000000, overshot 42000000000000;";
    assert!(refusal.to_string().contains(words), "{refusal}");
    pool.audit().unwrap();
}
