//! ML-DSA (FIPS 204) by AWS-LC: the one verifier that decides.

mod cache;
mod signer;

pub use signer::LocalSigner;

use crate::traits::{BatchVerifier, Claim, Verifier};
use aws_lc_rs::signature::{
    ML_DSA_44, ML_DSA_65, ML_DSA_87, ParsedPublicKey, PqdsaVerificationAlgorithm, VerificationAlgorithm,
};
use cache::KeyCache;
use qsdm_primitives::{Algorithm, PublicKey, Signature, limits::VERIFIER_KEYS_MAX};
use rayon::prelude::*;

/// Verifies ML-DSA signatures of 32-byte messages with an empty context, and keeps parsed public keys for the next time.
#[derive(Debug)]
pub struct MlDsaVerifier {
    keys: KeyCache,
}

/// Least signatures that a thread takes of a batch: some 100 µs of work are worth waking it.
const BATCH_PART_MIN: usize = 2;

impl MlDsaVerifier {
    /// Keeps up to [`VERIFIER_KEYS_MAX`] keys.
    pub fn new() -> Self {
        Self::with_keys_max(VERIFIER_KEYS_MAX)
    }

    /// Keeps up to `max` keys; with 0, each key is parsed each time.
    pub fn with_keys_max(max: usize) -> Self {
        Self { keys: KeyCache::new(max) }
    }

    /// How many keys it keeps now.
    pub fn keys(&self) -> usize {
        self.keys.len()
    }

    /// As [`Verifier::verify`], for a message of any length.
    pub fn verify_bytes(&self, key: &PublicKey, message: &[u8], signature: &Signature) -> bool {
        let well_formed = key.has_right_length() && signature.has_right_length();
        if !well_formed || key.algorithm() != signature.algorithm() {
            return false;
        }
        let parsed = self.keys.get_or_insert_with(key, || parse(key));
        parsed.is_some_and(|parsed| parsed.verify_sig(message, signature.bytes()).is_ok())
    }

    /// As [`BatchVerifier::verify_batch`], for messages of any length.
    pub fn verify_batch_bytes(&self, claims: &[(&PublicKey, &[u8], &Signature)]) -> Vec<bool> {
        in_parallel(claims, |(key, message, signature)| self.verify_bytes(key, message, signature))
    }
}

impl Default for MlDsaVerifier {
    fn default() -> Self {
        Self::new()
    }
}

impl Verifier for MlDsaVerifier {
    fn verify(&self, claim: &Claim<'_>) -> bool {
        self.verify_bytes(claim.key, &claim.message, claim.signature)
    }
}

impl BatchVerifier for MlDsaVerifier {
    /// Spread over the threads of the global rayon pool.
    fn verify_batch(&self, claims: &[Claim<'_>]) -> Vec<bool> {
        in_parallel(claims, |claim| self.verify(claim))
    }
}

fn in_parallel<T: Sync>(claims: &[T], verify: impl Fn(&T) -> bool + Sync) -> Vec<bool> {
    claims.par_iter().with_min_len(BATCH_PART_MIN).map(&verify).collect()
}

fn algorithm_of(algorithm: Algorithm) -> &'static PqdsaVerificationAlgorithm {
    match algorithm {
        Algorithm::MlDsa44 => &ML_DSA_44,
        Algorithm::MlDsa65 => &ML_DSA_65,
        Algorithm::MlDsa87 => &ML_DSA_87,
    }
}

/// What stands before the raw key in a `SubjectPublicKeyInfo` (RFC 9881, section 4).
fn der_prefix(algorithm: Algorithm) -> [u8; 22] {
    let (whole, oid, bits) = match algorithm {
        Algorithm::MlDsa44 => ([0x05, 0x32], 0x11, [0x05, 0x21]),
        Algorithm::MlDsa65 => ([0x07, 0xb2], 0x12, [0x07, 0xa1]),
        Algorithm::MlDsa87 => ([0x0a, 0x32], 0x13, [0x0a, 0x21]),
    };
    [
        0x30, 0x82, whole[0], whole[1], 0x30, 0x0b, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x03, oid,
        0x03, 0x82, bits[0], bits[1], 0x00,
    ]
}

/// Gives AWS-LC the key in DER. It takes raw bytes too, but looks at them as DER first, and a raw ML-DSA-65 key may begin
/// with the bytes of an ML-DSA-44 key in DER: it would be refused, and other implementations of FIPS 204 accept it.
fn parse(key: &PublicKey) -> Option<ParsedPublicKey> {
    let algorithm: &'static dyn VerificationAlgorithm = algorithm_of(key.algorithm());
    let der = [&der_prefix(key.algorithm()), key.bytes()].concat();
    ParsedPublicKey::new(algorithm, der).ok()
}
