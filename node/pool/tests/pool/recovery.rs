//! From bytes to a transaction with its sender.

use crate::support::*;
use alloy_consensus::{
    Signed, TxEnvelope, TxLegacy,
    crypto::secp256k1::sign_message,
    transaction::{Recovered, SignableTransaction},
};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{Address, B256, Signature, U256, address, hex, keccak256, uint};
use proptest::prelude::*;
use qsdm_pool::{PoolError, encode, recover_raw, recover_raw_unprotected};
use std::sync::Arc;

/// Order of secp256k1.
const ORDER: U256 = uint!(0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141_U256);
/// Account 0 of the standard test mnemonic.
const KEY: B256 = B256::new(hex!("ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"));
const OWNER: Address = address!("f39Fd6e51aad88F6F4ce6aB8827279cffFb92266");

fn signature_of<T: SignableTransaction<Signature>>(tx: &T) -> Signature {
    sign_message(KEY, tx.signature_hash()).unwrap()
}

fn signed<T: SignableTransaction<Signature>>(tx: T) -> Vec<u8>
where
    TxEnvelope: From<Signed<T>>,
{
    let signature = signature_of(&tx);
    TxEnvelope::from(tx.into_signed(signature)).encoded_2718()
}

fn unprotected() -> TxLegacy {
    TxLegacy { gas_limit: 21_000, ..TxLegacy::default() }
}

#[test]
fn the_sender_and_the_hash_come_from_the_bytes_and_go_back_to_them() {
    let (legacy, dynamic) = (TxLegacy { chain_id: Some(CHAIN_ID), ..unprotected() }, draft(1, 0).dynamic());
    for raw in [signed(legacy), signed(dynamic)] {
        let tx = recover_raw(&raw, CHAIN_ID).unwrap();
        assert_eq!((tx.signer(), *tx.tx_hash()), (OWNER, keccak256(&raw)));
        assert_eq!(encode(&tx), raw);
    }
}

#[test]
fn a_foreign_chain_id_is_refused_with_both_ids() {
    assert_eq!(recover_raw(&signed(draft(1, 0).dynamic()), 1), Err(PoolError::ChainId { have: CHAIN_ID, want: 1 }));
}

#[test]
fn a_legacy_transaction_without_chain_id_is_taken_only_where_it_is_asked_for() {
    let raw = signed(unprotected());
    let refusal = recover_raw(&raw, CHAIN_ID).unwrap_err();
    assert_eq!(refusal, PoolError::Unprotected { chain_id: CHAIN_ID });
    let words = "only replay-protected (EIP-155) transactions allowed over RPC: ";
    assert!(refusal.to_string().starts_with(words) && refusal.to_string().contains("chain 31337"), "{refusal}");
    assert_eq!(recover_raw_unprotected(&raw, CHAIN_ID).unwrap().signer(), OWNER);
}

#[test]
fn a_malleable_signature_is_refused() {
    let tx = draft(1, 0).dynamic();
    let low = signature_of(&tx);
    let high = Signature::new(low.r(), ORDER - low.s(), !low.v());
    let raw = TxEnvelope::from(tx.into_signed(high)).encoded_2718();
    let refusal = recover_raw(&raw, CHAIN_ID).unwrap_err();
    assert_eq!(refusal, PoolError::HighS);
    assert!(refusal.to_string().starts_with("invalid sender: the signature's s is above half of the curve order"));
}

#[test]
fn a_signature_that_no_key_made_is_refused() {
    for (r, s) in [(0, 1), (1, 0), (0, 0)] {
        let forged = Signature::new(U256::from(r), U256::from(s), false);
        let raw = TxEnvelope::from(draft(1, 0).dynamic().into_signed(forged)).encoded_2718();
        let refusal = recover_raw(&raw, CHAIN_ID).unwrap_err();
        assert_eq!(refusal, PoolError::Signature);
        assert!(refusal.to_string().starts_with("invalid sender: no public key"), "{refusal}");
    }
}

#[test]
fn bytes_above_128_kib_are_refused_before_they_are_decoded() {
    let refusal = recover_raw(&[vec![0x02], vec![0; 131_072]].concat(), CHAIN_ID).unwrap_err();
    assert_eq!(refusal, PoolError::Oversized { bytes: 131_073, limit: 131_072 });
    assert!(refusal.to_string().starts_with("oversized data: transaction size 131073 bytes, limit 131072;"));
    let fitting = recover_raw(&[vec![0x02], vec![0; 131_071]].concat(), CHAIN_ID).unwrap_err();
    assert!(matches!(fitting, PoolError::Decode { .. }), "{fitting}");
}

#[test]
fn unknown_types_and_blobs_are_refused_by_their_first_byte() {
    for tx_type in [0x00, 0x05, 0x51, 0x7f] {
        let refusal = recover_raw(&[tx_type, 0xc0], CHAIN_ID).unwrap_err();
        assert_eq!(refusal, PoolError::TypeNotSupported { tx_type });
        let words = format!("transaction type not supported: type 0x{tx_type:02x};");
        assert!(refusal.to_string().starts_with(&words), "{refusal}");
    }
    // with its sidecar a blob transaction is larger than any other may be, and that is not what is wrong with it
    assert_eq!(recover_raw(&[3; 200_000], CHAIN_ID), Err(PoolError::BlobsNotSupported));
}

#[test]
fn malformed_bytes_are_refused_with_what_the_decoder_found() {
    let good = signed(draft(1, 0).dynamic());
    let trailing = [good.as_slice(), &[0]].concat();
    for raw in [&[] as &[u8], &[0xc0], &[0x02], &[0x80], &[0xff; 9], &good[..good.len() - 1], &trailing] {
        let refusal = recover_raw(raw, CHAIN_ID).unwrap_err();
        let PoolError::Decode { reason } = &refusal else { panic!("{refusal}") };
        assert!(!reason.is_empty());
        assert!(refusal.to_string().starts_with("failed to decode signed transaction: "), "{refusal}");
    }
}

#[test]
fn a_transaction_whose_sender_is_taken_for_granted_encodes_like_any_other() {
    let tx = TxEnvelope::from(draft(1, 0).dynamic().into_signed(Signature::test_signature()));
    let bytes = tx.encoded_2718();
    assert_eq!(encode(&Arc::new(Recovered::new_unchecked(tx, OWNER))), bytes);
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = recover_raw(&bytes, CHAIN_ID);
    }

    #[test]
    fn no_changed_byte_keeps_sender_and_hash(position in 0usize..110, flip in 1u8..) {
        let mut raw = signed(draft(1, 0).dynamic());
        let hash = keccak256(&raw);
        let position = position % raw.len();
        raw[position] ^= flip;
        if let Ok(tx) = recover_raw(&raw, CHAIN_ID) {
            prop_assert_ne!(tx.signer(), OWNER);
            prop_assert_ne!(*tx.tx_hash(), hash);
            prop_assert_eq!(encode(&tx), raw);
        }
    }
}
