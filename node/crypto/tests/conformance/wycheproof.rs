//! C2SP Wycheproof: the cases that implementations get wrong. The rule is zero mismatches.

use crate::{
    reference::{self, Input},
    vectors::{Case, array, bytes, groups, read},
};
use qsdm_crypto::{LocalSigner, MlDsaVerifier, Seed, Signer};
use qsdm_primitives::{PublicKey, Signature};
use serde_json::Value;

const FILES: [(&str, usize); 2] =
    [("wycheproof_mldsa_44_verify_test.json", 180), ("wycheproof_mldsa_65_verify_test.json", 210)];

pub(crate) fn verifications() -> Vec<Case> {
    let mut cases = Vec::new();
    for (file, count) in FILES {
        let Some(json) = read(file) else { return cases };
        let before = cases.len();
        for (algorithm, group, tests) in groups(&json) {
            let key = PublicKey::new(algorithm, bytes(group, "publicKey"));
            cases.extend(tests.iter().map(|test| Case {
                name: format!("{file} {}: {}", test["tcId"], test["comment"]),
                key: key.clone(),
                message: bytes(test, "msg"),
                context: bytes(test, "ctx"),
                signature: Signature::new(algorithm, bytes(test, "sig")),
                valid: is_valid(test),
            }));
        }
        assert_eq!(cases.len() - before, count, "{file} has lost cases");
    }
    cases
}

fn is_valid(test: &Value) -> bool {
    match test["result"].as_str().unwrap() {
        "valid" => true,
        "invalid" => false,
        other => panic!("{other} is no result"),
    }
}

#[test]
fn aws_lc_decides_every_case_without_a_context_as_it_should() {
    let cases: Vec<Case> = verifications().into_iter().filter(|case| case.context.is_empty()).collect();
    let verifier = MlDsaVerifier::new();
    let wrong =
        cases.iter().filter(|case| verifier.verify_bytes(&case.key, &case.message, &case.signature) != case.valid);
    let wrong: Vec<&str> = wrong.map(|case| case.name.as_str()).collect();
    assert!(wrong.is_empty(), "{} of {} mismatch: {wrong:#?}", wrong.len(), cases.len());
    assert!(cases.is_empty() || cases.len() == 173 + 203, "{} cases", cases.len());
}

#[test]
fn ml_dsa_decides_every_case_as_it_should() {
    let cases = verifications();
    let wrong = cases.iter().filter(|case| {
        let input = Input::External(&case.message, &case.context);
        reference::verify(&case.key, input, case.signature.bytes()) != case.valid
    });
    let wrong: Vec<&str> = wrong.map(|case| case.name.as_str()).collect();
    assert!(wrong.is_empty(), "{} of {} mismatch: {wrong:#?}", wrong.len(), cases.len());
}

/// What a test of the signing files wants signed; `None` where it gives neither a message nor µ.
fn signed_with(test: &Value, sign: impl Fn(Input<'_>, [u8; 32]) -> Option<Vec<u8>>) -> Option<Vec<u8>> {
    let random = if test.get("rnd").is_some() { array(test, "rnd") } else { [0; 32] };
    if test.get("msg").is_some() {
        return sign(Input::External(&bytes(test, "msg"), &bytes(test, "ctx")), random);
    }
    sign(Input::Mu(&array(test, "mu")), random)
}

#[test]
fn both_make_the_keys_of_the_seeds_and_ml_dsa_the_signatures() {
    let mut signed = 0;
    for file in ["wycheproof_mldsa_44_sign_seed_test.json", "wycheproof_mldsa_65_sign_seed_test.json"] {
        let Some(json) = read(file) else { return };
        for (algorithm, group, tests) in groups(&json) {
            let Ok(seed) = <[u8; 32]>::try_from(bytes(group, "privateSeed")) else {
                assert!(tests.iter().all(|test| !is_valid(test)), "a seed has 32 bytes");
                continue;
            };
            let (public, private) = reference::generate(algorithm, &seed);
            assert_eq!(public.bytes(), bytes(group, "publicKey"), "{file}");
            assert_eq!(LocalSigner::from_seed(algorithm, &Seed::new(seed)).unwrap().public_key(), &public, "{file}");
            for test in tests {
                let signature = signed_with(test, |input, random| reference::sign(algorithm, &private, input, random));
                let expected = is_valid(test).then(|| bytes(test, "sig"));
                assert_eq!(signature, expected, "{file} {}", test["tcId"]);
                signed += 1;
            }
        }
    }
    assert!(signed >= 180, "{signed} signatures");
}

#[test]
fn ml_dsa_makes_the_signatures_of_the_expanded_keys_and_aws_lc_accepts_them() {
    let verifier = MlDsaVerifier::new();
    let mut accepted = 0;
    for file in ["wycheproof_mldsa_44_sign_noseed_test.json", "wycheproof_mldsa_65_sign_noseed_test.json"] {
        let Some(json) = read(file) else { return };
        for (algorithm, group, tests) in groups(&json) {
            let (private, key) = (bytes(group, "privateKey"), PublicKey::new(algorithm, bytes(group, "publicKey")));
            for test in tests.iter().filter(|test| is_valid(test)) {
                let name = format!("{file} {}", test["tcId"]);
                let signature = signed_with(test, |input, random| reference::sign(algorithm, &private, input, random));
                assert_eq!(signature.as_ref(), Some(&bytes(test, "sig")), "{name}");
                if test.get("msg").is_some() && bytes(test, "ctx").is_empty() {
                    let signature = Signature::new(algorithm, signature.unwrap());
                    assert!(verifier.verify_bytes(&key, &bytes(test, "msg"), &signature), "{name}");
                    accepted += 1;
                }
            }
        }
    }
    assert!(accepted >= 100, "{accepted} signatures");
}
