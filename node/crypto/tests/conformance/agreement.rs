//! AWS-LC and `ml-dsa` give the same answers: on the vectors, on the vectors with one byte changed, and on whatever
//! proptest makes of keys, messages and signatures.

use crate::{
    reference::{self, Input},
    vectors::{Case, without_context},
};
use proptest::prelude::*;
use qsdm_crypto::{LocalSigner, MlDsaVerifier, Seed, Signer};
use qsdm_primitives::{Algorithm, PublicKey, Signature};

/// What both say; they have to say the same.
fn agreed(verifier: &MlDsaVerifier, key: &PublicKey, message: &[u8], signature: &Signature, name: &str) -> bool {
    let aws_lc = verifier.verify_bytes(key, message, signature);
    let ml_dsa = reference::verify(key, Input::External(message, &[]), signature.bytes());
    assert_eq!(aws_lc, ml_dsa, "AWS-LC and ml-dsa differ on {name}");
    aws_lc
}

fn flipped(bytes: &[u8], at: usize, mask: u8) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[at] ^= mask;
    bytes
}

/// Distance of the bytes that are changed in one case. The cases begin at different bytes, so that together they change
/// every byte.
const STRIDE: usize = 53;

#[test]
fn no_byte_of_a_valid_case_can_be_changed() {
    let verifier = MlDsaVerifier::new();
    let cases: Vec<Case> = without_context().into_iter().filter(|case| case.valid).collect();
    let mut changed = 0;
    for (number, case) in cases.iter().enumerate() {
        let Case { name, key, message, signature, .. } = case;
        assert!(agreed(&verifier, key, message, signature, name));
        for at in (number % STRIDE..signature.bytes().len()).step_by(STRIDE) {
            let mask = 1 << ((at + number) % 8);
            let signature = Signature::new(key.algorithm(), flipped(signature.bytes(), at, mask));
            let name = format!("{name}, byte {at} of the signature ^ {mask}");
            assert!(!agreed(&verifier, key, message, &signature, &name), "{name} is accepted");
            changed += 1;
        }
        for at in (number % 401..key.bytes().len()).step_by(401) {
            let key = PublicKey::new(key.algorithm(), flipped(key.bytes(), at, 1));
            let name = format!("{name}, byte {at} of the key");
            assert!(!agreed(&verifier, &key, message, signature, &name), "{name} is accepted");
        }
        for at in (0..message.len()).step_by(message.len().div_ceil(4).max(1)) {
            let name = format!("{name}, byte {at} of the message");
            assert!(!agreed(&verifier, key, &flipped(message, at, 0x80), signature, &name), "{name} is accepted");
        }
    }
    assert!(cases.is_empty() || changed > 6_000, "{changed} changes of {} cases", cases.len());
}

/// What happens to a signature on its way.
#[derive(Clone, Debug)]
enum Change {
    Nothing,
    FlipSignature(prop::sample::Index, u8),
    FlipKey(prop::sample::Index, u8),
    FlipMessage(prop::sample::Index, u8),
    /// Bytes in a row become this one: great and small coefficients, hints in disorder.
    Fill(prop::sample::Index, usize, u8),
    /// Bytes from the end, where the hints are, become these.
    Tail(Vec<u8>),
    Truncate(prop::sample::Index),
    Extend(u8),
    Replace(Vec<u8>),
}

fn change() -> impl Strategy<Value = Change> {
    let index = any::<prop::sample::Index>;
    prop_oneof![
        2 => Just(Change::Nothing),
        3 => (index(), 1..=255u8).prop_map(|(at, mask)| Change::FlipSignature(at, mask)),
        1 => (index(), 1..=255u8).prop_map(|(at, mask)| Change::FlipKey(at, mask)),
        1 => (index(), 1..=255u8).prop_map(|(at, mask)| Change::FlipMessage(at, mask)),
        2 => (index(), 1..40usize, prop_oneof![Just(0), Just(0xff), any::<u8>()])
            .prop_map(|(at, length, byte)| Change::Fill(at, length, byte)),
        3 => prop::collection::vec(0..90u8, 1..90).prop_map(Change::Tail),
        1 => index().prop_map(Change::Truncate),
        1 => any::<u8>().prop_map(Change::Extend),
        1 => prop::collection::vec(any::<u8>(), 4_627).prop_map(Change::Replace),
    ]
}

fn apply(change: Change, key: &mut [u8], message: &mut [u8], signature: &mut Vec<u8>) {
    match change {
        Change::Nothing => {}
        Change::FlipSignature(at, mask) => *at.get_mut(signature) ^= mask,
        Change::FlipKey(at, mask) => *at.get_mut(key) ^= mask,
        Change::FlipMessage(..) if message.is_empty() => {}
        Change::FlipMessage(at, mask) => *at.get_mut(message) ^= mask,
        Change::Fill(at, length, byte) => {
            let (start, end) = (at.index(signature.len()), signature.len());
            signature[start..end.min(start + length)].fill(byte);
        }
        Change::Tail(tail) => {
            let start = signature.len() - tail.len();
            signature[start..].copy_from_slice(&tail);
        }
        Change::Truncate(at) => signature.truncate(at.index(signature.len())),
        Change::Extend(byte) => signature.push(byte),
        Change::Replace(bytes) => {
            let length = signature.len();
            signature.copy_from_slice(&bytes[..length]);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Each library signs, something happens on the way, both verify. Valid is exactly what did not change.
    #[test]
    fn both_judge_alike_whatever_arrives(
        algorithm in prop::sample::select(Algorithm::ALL.to_vec()),
        seed in any::<[u8; 32]>(),
        random in any::<[u8; 32]>(),
        message in prop::collection::vec(any::<u8>(), 0..200),
        by_aws_lc in any::<bool>(),
        change in change(),
    ) {
        let signer = LocalSigner::from_seed(algorithm, &Seed::new(seed)).unwrap();
        let (public, private) = reference::generate(algorithm, &seed);
        prop_assert_eq!(signer.public_key(), &public);
        let signature = if by_aws_lc {
            signer.sign_bytes(&message).unwrap().bytes().to_vec()
        } else {
            reference::sign(algorithm, &private, Input::External(&message, &[]), random).unwrap()
        };
        let original = (public.bytes().to_vec(), message, signature);
        let (mut key, mut message, mut signature) = original.clone();
        apply(change, &mut key, &mut message, &mut signature);
        let unchanged = original == (key.clone(), message.clone(), signature.clone());
        let (key, signature) = (PublicKey::new(algorithm, key), Signature::new(algorithm, signature));
        let verifier = MlDsaVerifier::new();
        prop_assert_eq!(agreed(&verifier, &key, &message, &signature, "what arrived"), unchanged);
    }
}

#[test]
fn signing_is_hedged() {
    for algorithm in Algorithm::ALL {
        let signer = LocalSigner::from_seed(algorithm, &Seed::new([1; 32])).unwrap();
        let (one, other) = (signer.sign(&[2; 32]).unwrap(), signer.sign(&[2; 32]).unwrap());
        assert_ne!(one, other, "{algorithm}");
        let verifier = MlDsaVerifier::new();
        for signature in [one, other] {
            assert!(agreed(&verifier, signer.public_key(), &[2; 32], &signature, "a hedged signature"));
        }
    }
}

#[test]
fn a_signature_of_one_parameter_set_is_none_of_another() {
    let verifier = MlDsaVerifier::new();
    for algorithm in Algorithm::ALL {
        let signer = LocalSigner::from_seed(algorithm, &Seed::new([1; 32])).unwrap();
        let signature = signer.sign_bytes(b"message").unwrap();
        for other in Algorithm::ALL.into_iter().filter(|other| *other != algorithm) {
            let relabelled = Signature::new(other, signature.bytes().to_vec());
            assert!(!verifier.verify_bytes(signer.public_key(), b"message", &relabelled));
            let key = PublicKey::new(other, signer.public_key().bytes().to_vec());
            assert!(!verifier.verify_bytes(&key, b"message", &relabelled));
            assert!(!verifier.verify_bytes(&key, b"message", &signature));
        }
    }
    assert_eq!(verifier.keys(), 0, "no such key is parsed, let alone kept");
}
