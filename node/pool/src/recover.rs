//! From bytes to a transaction with its sender: the one place where a sender is recovered.

use crate::PoolError;
use alloy_consensus::{
    Transaction, TxEnvelope,
    crypto::SECP256K1N_HALF,
    transaction::{Recovered, SignerRecoverable},
};
use alloy_eips::eip2718::{Decodable2718, Encodable2718};
use qsdm_primitives::limits;
use qsdm_vm::block::SharedTx;
use std::sync::Arc;

/// Decodes one signed transaction and recovers its sender. The hash is computed and kept.
///
/// # Errors
/// Everything that the bytes alone decide: size, type, form, chain id and signature. A legacy transaction without chain
/// id (EIP-155) is refused.
pub fn recover_raw(bytes: &[u8], chain_id: u64) -> Result<SharedTx, PoolError> {
    let tx = decode(bytes, chain_id)?;
    if tx.chain_id().is_none() {
        return Err(PoolError::Unprotected { chain_id });
    }
    recover(tx)
}

/// [`recover_raw`], but a legacy transaction without chain id is welcome: for chains that must take one of those which
/// deploy the same contract at the same address everywhere.
pub fn recover_raw_unprotected(bytes: &[u8], chain_id: u64) -> Result<SharedTx, PoolError> {
    recover(decode(bytes, chain_id)?)
}

/// The EIP-2718 bytes of a transaction.
pub fn encode(tx: &SharedTx) -> Vec<u8> {
    tx.inner().encoded_2718()
}

fn decode(bytes: &[u8], chain_id: u64) -> Result<TxEnvelope, PoolError> {
    let first = *bytes.first().ok_or_else(|| PoolError::Decode { reason: "no bytes".into() })?;
    match first {
        // before the size: a blob transaction with its sidecar is always too large, which is not its problem
        0x03 => return Err(PoolError::BlobsNotSupported),
        0x01 | 0x02 | 0x04 => {}
        0x00..=0x7f => return Err(PoolError::TypeNotSupported { tx_type: first }),
        _ => {}
    }
    if bytes.len() > limits::TX_BYTES_MAX {
        return Err(PoolError::Oversized { bytes: bytes.len(), limit: limits::TX_BYTES_MAX });
    }
    let tx = TxEnvelope::decode_2718_exact(bytes).map_err(|error| PoolError::Decode { reason: error.to_string() })?;
    match tx.chain_id() {
        Some(have) if have != chain_id => Err(PoolError::ChainId { have, want: chain_id }),
        _ => Ok(tx),
    }
}

fn recover(tx: TxEnvelope) -> Result<SharedTx, PoolError> {
    if tx.signature().s() > SECP256K1N_HALF {
        return Err(PoolError::HighS);
    }
    let sender = tx.recover_signer().map_err(|_| PoolError::Signature)?;
    tx.tx_hash();
    Ok(Arc::new(Recovered::new_unchecked(tx, sender)))
}
