//! A private key in this process.

use crate::{error::CryptoError, secret::Seed, traits::Signer};
use aws_lc_rs::signature::{
    KeyPair, ML_DSA_44_SIGNING, ML_DSA_65_SIGNING, ML_DSA_87_SIGNING, PqdsaKeyPair, PqdsaSigningAlgorithm,
};
use core::fmt;
use qsdm_primitives::{Algorithm, PublicKey, Signature};

/// Signs with a key that lies in this process's memory. Signing is hedged (FIPS 204, section 3.4): each signature takes
/// fresh randomness, so two of one message differ and a fault in one gives nothing away. AWS-LC clears the memory of the
/// key when it goes.
pub struct LocalSigner {
    pair: PqdsaKeyPair,
    public_key: PublicKey,
}

impl LocalSigner {
    /// The key pair of a seed (`ML-DSA.KeyGen_internal`, FIPS 204, algorithm 6).
    ///
    /// # Errors
    /// [`CryptoError::KeyGeneration`] where AWS-LC makes none.
    pub fn from_seed(algorithm: Algorithm, seed: &Seed) -> Result<Self, CryptoError> {
        let pair = PqdsaKeyPair::from_seed(algorithm_of(algorithm), seed.expose())
            .map_err(|_| CryptoError::KeyGeneration { algorithm })?;
        let public_key = PublicKey::new(algorithm, pair.public_key().as_ref().to_vec());
        Ok(Self { pair, public_key })
    }

    /// As [`Signer::sign`], for a message of any length.
    ///
    /// # Errors
    /// [`CryptoError::Signing`] where AWS-LC does not sign.
    pub fn sign_bytes(&self, message: &[u8]) -> Result<Signature, CryptoError> {
        let algorithm = self.public_key.algorithm();
        let mut bytes = vec![0; algorithm.signature_bytes()];
        match self.pair.sign(message, &mut bytes) {
            Ok(length) if length == bytes.len() => Ok(Signature::new(algorithm, bytes)),
            _ => Err(CryptoError::Signing),
        }
    }
}

impl Signer for LocalSigner {
    fn public_key(&self) -> &PublicKey {
        &self.public_key
    }

    fn sign(&self, message: &[u8; 32]) -> Result<Signature, CryptoError> {
        self.sign_bytes(message)
    }
}

impl fmt::Debug for LocalSigner {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "LocalSigner({:?})", self.public_key)
    }
}

fn algorithm_of(algorithm: Algorithm) -> &'static PqdsaSigningAlgorithm {
    match algorithm {
        Algorithm::MlDsa44 => &ML_DSA_44_SIGNING,
        Algorithm::MlDsa65 => &ML_DSA_65_SIGNING,
        Algorithm::MlDsa87 => &ML_DSA_87_SIGNING,
    }
}
