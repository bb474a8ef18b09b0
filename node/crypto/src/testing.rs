//! Keys whose signatures cost a hash and prove nothing, for tests of what is built on signatures. They have the lengths
//! of real ones, so that sizes and encodings are right.
//!
//! Whoever knows a public key can sign with it. A test that wants a forgery takes another message or another key.

use crate::{
    error::CryptoError,
    traits::{BatchVerifier, Claim, Signer, Verifier},
};
use qsdm_primitives::{Algorithm, PublicKey, Signature};

/// Signs by a keyed BLAKE3 hash; deterministic.
#[derive(Clone, Debug)]
pub struct HashSigner {
    key: PublicKey,
}

impl HashSigner {
    /// The key of a number; numbers differ, keys differ.
    pub fn new(algorithm: Algorithm, number: u64) -> Self {
        let mut bytes = vec![0; algorithm.public_key_bytes()];
        blake3::Hasher::new().update(&number.to_le_bytes()).finalize_xof().fill(&mut bytes);
        Self { key: PublicKey::new(algorithm, bytes) }
    }
}

impl Signer for HashSigner {
    fn public_key(&self) -> &PublicKey {
        &self.key
    }

    fn sign(&self, message: &[u8; 32]) -> Result<Signature, CryptoError> {
        let mut bytes = vec![0; self.key.algorithm().signature_bytes()];
        bytes[..32].copy_from_slice(&tag(&self.key, message));
        Ok(Signature::new(self.key.algorithm(), bytes))
    }
}

/// Verifies what [`HashSigner`] signs.
#[derive(Clone, Copy, Debug, Default)]
pub struct HashVerifier;

impl Verifier for HashVerifier {
    fn verify(&self, claim: &Claim<'_>) -> bool {
        let right = claim.key.has_right_length() && claim.signature.has_right_length();
        let (tagged, rest) = claim.signature.bytes().split_at_checked(32).unwrap_or_default();
        right
            && claim.key.algorithm() == claim.signature.algorithm()
            && tagged == tag(claim.key, &claim.message)
            && rest.iter().all(|byte| *byte == 0)
    }
}

impl BatchVerifier for HashVerifier {
    fn verify_batch(&self, claims: &[Claim<'_>]) -> Vec<bool> {
        claims.iter().map(|claim| self.verify(claim)).collect()
    }
}

/// Keyed by the key's first bytes: hashing the whole key each time would be most of a simulation's work.
fn tag(key: &PublicKey, message: &[u8; 32]) -> [u8; 32] {
    let mut short = [0; 32];
    for (to, from) in short.iter_mut().zip(key.bytes()) {
        *to = *from;
    }
    *blake3::keyed_hash(&short, message).as_bytes()
}
