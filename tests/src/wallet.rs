//! The accounts of the development mnemonic, signing what the tests send.

use alloy_consensus::{SignableTransaction, TxEip1559, TxEnvelope};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{Address, B256, Bytes, TxKind, U256, hex};
use alloy_signer::SignerSync;
use alloy_signer_local::{MnemonicBuilder, PrivateKeySigner};

/// The mnemonic that every development chain knows.
pub const MNEMONIC: &str = "test test test test test test test test test test test junk";

/// The chain id of a development chain.
pub const CHAIN_ID: u64 = 31_337;

/// The account at `index` of [`MNEMONIC`].
///
/// # Panics
/// Never for an index below 2^31.
pub fn account(index: u32) -> PrivateKeySigner {
    MnemonicBuilder::from_phrase_nth(MNEMONIC, index)
}

/// A transfer with room for any fee of a development chain.
pub fn transfer(nonce: u64, to: Address, wei: u64) -> TxEip1559 {
    TxEip1559 {
        chain_id: CHAIN_ID,
        nonce,
        gas_limit: 21_000,
        max_fee_per_gas: 100_000_000_000,
        max_priority_fee_per_gas: 1_000_000_000,
        to: TxKind::Call(to),
        value: U256::from(wei),
        access_list: Default::default(),
        input: Bytes::new(),
    }
}

/// Signs: the raw transaction as hex with prefix, and its hash.
///
/// # Panics
/// Never: a local key signs every digest.
pub fn sign(signer: &PrivateKeySigner, transaction: TxEip1559) -> (String, B256) {
    let signature = signer.sign_hash_sync(&transaction.signature_hash()).expect("invariant: a local key signs");
    let envelope = TxEnvelope::from(transaction.into_signed(signature));
    (hex::encode_prefixed(envelope.encoded_2718()), *envelope.tx_hash())
}
