//! A public key is the bytes of FIPS 204, whatever else they look like.

use crate::reference::{self, Input};
use ml_dsa::{EncodedVerifyingKey, MlDsa65, VerifyingKey};
use qsdm_crypto::MlDsaVerifier;
use qsdm_primitives::{Algorithm, PublicKey, Signature};
use shake::{ExtendableOutput, Shake256, Update, XofReader};

/// What stands before an ML-DSA-44 key in a `SubjectPublicKeyInfo` (RFC 9881).
const DER_44: [u8; 22] = [
    0x30, 0x82, 0x05, 0x32, 0x30, 0x0b, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x03, 0x11, 0x03, 0x82,
    0x05, 0x21, 0x00,
];

/// An ML-DSA-65 key that begins like an ML-DSA-44 key in DER, and a signature of it. With t1 = 0 anybody can sign for a
/// key: z = 0 and no hints give w1 = 0, and what is left is the hash.
fn key_that_looks_like_another(message: &[u8]) -> (PublicKey, Signature) {
    let algorithm = Algorithm::MlDsa65;
    let mut key = vec![0; algorithm.public_key_bytes()];
    key[..DER_44.len()].copy_from_slice(&DER_44);
    let parsed = VerifyingKey::<MlDsa65>::decode(&EncodedVerifyingKey::<MlDsa65>::try_from(key.as_slice()).unwrap());
    let mu = parsed.compute_mu(
        |hash| {
            hash.update(message);
            Ok(())
        },
        &[],
    );
    let mut hash = Shake256::default();
    hash.update(&mu.unwrap());
    hash.update(&[0; 768]); // w1: 6 polynomials of 256 coefficients of 4 bits
    let mut signature = vec![0; algorithm.signature_bytes()];
    hash.finalize_xof().read(&mut signature[..48]);
    // each coefficient of z is written as 2^19 − z in 20 bits: two of them in five bytes
    for pair in signature[48..48 + 3_200].chunks_mut(5) {
        pair.copy_from_slice(&[0x00, 0x00, 0x08, 0x00, 0x80]);
    }
    (PublicKey::new(algorithm, key), Signature::new(algorithm, signature))
}

#[test]
fn a_key_that_looks_like_another_in_der_is_still_itself() {
    let (key, signature) = key_that_looks_like_another(b"message");
    assert!(reference::verify(&key, Input::External(b"message", &[]), signature.bytes()), "FIPS 204 accepts it");
    assert!(MlDsaVerifier::new().verify_bytes(&key, b"message", &signature));
    assert!(!MlDsaVerifier::new().verify_bytes(&key, b"another", &signature));
}

#[test]
fn a_key_in_der_is_none() {
    let signer = qsdm_crypto::LocalSigner::from_seed(Algorithm::MlDsa44, &qsdm_crypto::Seed::new([3; 32])).unwrap();
    let signature = signer.sign_bytes(b"message").unwrap();
    let raw = qsdm_crypto::Signer::public_key(&signer);
    let der = PublicKey::new(Algorithm::MlDsa44, [&DER_44, raw.bytes()].concat());
    assert!(MlDsaVerifier::new().verify_bytes(raw, b"message", &signature));
    assert!(!MlDsaVerifier::new().verify_bytes(&der, b"message", &signature));
}
