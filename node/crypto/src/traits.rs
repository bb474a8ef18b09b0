//! What signs and what verifies.

use crate::error::CryptoError;
use qsdm_primitives::{PublicKey, Signature};

/// Holds a private key.
pub trait Signer: Send + Sync {
    /// The public half.
    fn public_key(&self) -> &PublicKey;

    /// Signs the 32-byte message of a statement ([`qsdm_primitives::Domain::message`]) with an empty context.
    ///
    /// # Errors
    /// [`CryptoError`] where the key can't be used.
    fn sign(&self, message: &[u8; 32]) -> Result<Signature, CryptoError>;
}

/// The claim that a key signed a message.
#[derive(Clone, Copy, Debug)]
pub struct Claim<'a> {
    /// Whose signature it is said to be.
    pub key: &'a PublicKey,
    /// What is said to be signed.
    pub message: [u8; 32],
    /// The signature.
    pub signature: &'a Signature,
}

/// Decides whether one claim is true.
pub trait Verifier: Send + Sync {
    /// `false` also where algorithms differ or a length is wrong.
    fn verify(&self, claim: &Claim<'_>) -> bool;
}

/// Decides many claims at once.
pub trait BatchVerifier: Verifier {
    /// One answer a claim, in their order; each equals [`Verifier::verify`] of that claim.
    fn verify_batch(&self, claims: &[Claim<'_>]) -> Vec<bool>;
}
