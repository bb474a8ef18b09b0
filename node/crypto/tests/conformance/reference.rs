//! `ml-dsa`, the implementation in pure Rust: all that FIPS 204 defines, also what AWS-LC's interface leaves out.

use ml_dsa::{
    B32, EncodedVerifyingKey, ExpandedSigningKey, ExpandedSigningKeyBytes, KeyExport, Keypair, MlDsa44, MlDsa65,
    MlDsa87, MlDsaParams, Signature, SigningKey, VerifyingKey,
};
use qsdm_primitives::{Algorithm, PublicKey};

/// What is signed or verified.
#[derive(Clone, Copy)]
pub(crate) enum Input<'a> {
    /// A message and a context: algorithms 2 and 3.
    External(&'a [u8], &'a [u8]),
    /// A formatted message: algorithms 7 and 8.
    Internal(&'a [u8]),
    /// µ itself.
    Mu(&'a [u8; 64]),
}

macro_rules! for_algorithm {
    ($algorithm:expr, $function:ident($($argument:expr),*)) => {
        match $algorithm {
            Algorithm::MlDsa44 => $function::<MlDsa44>($($argument),*),
            Algorithm::MlDsa65 => $function::<MlDsa65>($($argument),*),
            Algorithm::MlDsa87 => $function::<MlDsa87>($($argument),*),
        }
    };
}

/// Whether the signature is one; `false` also for wrong lengths and for contexts above 255 bytes.
pub(crate) fn verify(key: &PublicKey, input: Input<'_>, signature: &[u8]) -> bool {
    for_algorithm!(key.algorithm(), verify_as(key.bytes(), input, signature)).unwrap_or(false)
}

fn verify_as<P: MlDsaParams>(key: &[u8], input: Input<'_>, signature: &[u8]) -> Option<bool> {
    let key = VerifyingKey::<P>::decode(&EncodedVerifyingKey::<P>::try_from(key).ok()?);
    let signature = Signature::<P>::try_from(signature).ok()?;
    Some(match input {
        Input::External(message, context) => key.verify_with_context(message, context, &signature),
        Input::Internal(message) => key.verify_internal(message, &signature),
        Input::Mu(mu) => key.verify_mu(&(*mu).into(), &signature),
    })
}

/// The public and the expanded private key of a seed.
pub(crate) fn generate(algorithm: Algorithm, seed: &[u8; 32]) -> (PublicKey, Vec<u8>) {
    let (public, private) = for_algorithm!(algorithm, generate_as(seed));
    (PublicKey::new(algorithm, public), private)
}

#[allow(deprecated)] // the vectors have the expanded form
fn generate_as<P: MlDsaParams>(seed: &[u8; 32]) -> (Vec<u8>, Vec<u8>) {
    let key = SigningKey::<P>::from_seed(&B32::from(*seed));
    (key.verifying_key().to_bytes().to_vec(), key.expanded_key().to_expanded().to_vec())
}

/// The public key of an expanded private one.
pub(crate) fn public_of(algorithm: Algorithm, private: &[u8]) -> PublicKey {
    PublicKey::new(algorithm, for_algorithm!(algorithm, public_of_as(private)))
}

#[allow(deprecated)] // the vectors have the expanded form
fn public_of_as<P: MlDsaParams>(private: &[u8]) -> Vec<u8> {
    let key = ExpandedSigningKeyBytes::<P>::try_from(private).unwrap();
    ExpandedSigningKey::<P>::from_expanded(&key).verifying_key().to_bytes().to_vec()
}

/// A signature by an expanded private key; `random` is zero for deterministic signing. `None` where the key's or the
/// context's length is wrong.
pub(crate) fn sign(algorithm: Algorithm, private: &[u8], input: Input<'_>, random: [u8; 32]) -> Option<Vec<u8>> {
    for_algorithm!(algorithm, sign_as(private, input, random))
}

#[allow(deprecated)] // the vectors have the expanded form
fn sign_as<P: MlDsaParams>(private: &[u8], input: Input<'_>, random: [u8; 32]) -> Option<Vec<u8>> {
    let key = ExpandedSigningKey::<P>::from_expanded(&ExpandedSigningKeyBytes::<P>::try_from(private).ok()?);
    let signature = match input {
        Input::External(message, context) => {
            let length = u8::try_from(context.len()).ok()?;
            key.sign_internal(&[&[0, length], context, message], &B32::from(random))
        }
        Input::Internal(message) => key.sign_internal(&[message], &B32::from(random)),
        Input::Mu(mu) => {
            assert_eq!(random, [0; 32], "only deterministic signing takes µ");
            key.sign_mu_deterministic(&(*mu).into())
        }
    };
    Some(signature.encode().to_vec())
}
