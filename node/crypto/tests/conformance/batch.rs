//! A batch answers what each claim alone is answered, with and without remembered keys.

use crate::vectors::{Case, without_context};
use proptest::prelude::*;
use qsdm_crypto::{BatchVerifier, Claim, LocalSigner, MlDsaVerifier, Seed, Signer, Verifier};
use qsdm_primitives::{Algorithm, PublicKey, Signature};

/// Every answer of a batch, twice: the second time with the keys of the first.
fn answers(verifier: &MlDsaVerifier, cases: &[Case]) -> [Vec<bool>; 2] {
    let claims: Vec<(&PublicKey, &[u8], &Signature)> =
        cases.iter().map(|case| (&case.key, case.message.as_slice(), &case.signature)).collect();
    [(); 2].map(|()| verifier.verify_batch_bytes(&claims))
}

#[test]
fn all_vectors_as_one_batch_of_mixed_keys_are_decided_as_one_by_one() {
    let cases = without_context();
    let expected: Vec<bool> = cases.iter().map(|case| case.valid).collect();
    // everything remembered, nothing, and so little that keys are dropped all the time
    for keys in [1_024, 0, 3] {
        let verifier = MlDsaVerifier::with_keys_max(keys);
        for answers in answers(&verifier, &cases) {
            assert!(answers == expected, "with room for {keys} keys");
        }
        assert!(verifier.keys() <= keys);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_batch_is_decided_as_one_by_one(
        kinds in prop::collection::vec((0..6u8, prop::sample::select(Algorithm::ALL.to_vec()), any::<bool>()), 0..40),
        keys in 0..8usize,
    ) {
        let signed = kinds.iter().enumerate().map(|(number, (key, algorithm, right))| {
            let signer = LocalSigner::from_seed(*algorithm, &Seed::new([*key; 32])).unwrap();
            let message = [number as u8; 32];
            let signature = signer.sign(if *right { &message } else { &[0xff; 32] }).unwrap();
            (signer.public_key().clone(), message, signature)
        });
        let signed: Vec<_> = signed.collect();
        let claims: Vec<Claim<'_>> =
            signed.iter().map(|(key, message, signature)| Claim { key, message: *message, signature }).collect();
        let verifier = MlDsaVerifier::with_keys_max(keys);
        let batch = verifier.verify_batch(&claims);
        let alone: Vec<bool> = claims.iter().map(|claim| verifier.verify(claim)).collect();
        let expected: Vec<bool> = kinds.iter().map(|(_, _, right)| *right).collect();
        prop_assert_eq!(&batch, &alone);
        prop_assert_eq!(batch, expected);
    }
}
