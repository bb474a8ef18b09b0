//! NIST ACVP: key generation, signing and verification, the internal interfaces included.

use crate::{
    reference::{self, Input},
    vectors::{Case, array, bytes, groups, read},
};
use qsdm_crypto::{LocalSigner, MlDsaVerifier, Seed, Signer};
use qsdm_primitives::{PublicKey, Signature};
use serde_json::Value;

const VERIFY: [&str; 2] = ["acvp_1.1.0.40_sigVer_44_65.json", "acvp_65370b8_sigVer_internal_44_65.json"];
const SIGN: [&str; 2] = ["acvp_65370b8_sigGen_internal_44_65.json", "acvp_awslc_sigGen_external_internal_44_65.json"];

/// Those with a message and a context.
pub(crate) fn verifications() -> Vec<Case> {
    let Some(json) = read(VERIFY[0]) else { return Vec::new() };
    let mut cases = Vec::new();
    for (algorithm, _, tests) in groups(&json).filter(|(_, group, _)| is_external(group)) {
        cases.extend(tests.iter().map(|test| Case {
            name: format!("{} {}", VERIFY[0], test["tcId"]),
            key: PublicKey::new(algorithm, bytes(test, "pk")),
            message: bytes(test, "message"),
            context: bytes(test, "context"),
            signature: Signature::new(algorithm, bytes(test, "signature")),
            valid: test["testPassed"].as_bool().unwrap(),
        }));
    }
    cases
}

fn is_external(group: &Value) -> bool {
    group.get("signatureInterface").is_some_and(|interface| interface == "external")
}

#[test]
fn both_make_the_keys_of_the_seeds() {
    let Some(json) = read("acvp_1.1.0.40_keyGen_44_65.json") else { return };
    let mut keys = 0;
    for (algorithm, _, tests) in groups(&json) {
        for test in tests {
            let (public, private) = reference::generate(algorithm, &array(test, "seed"));
            let expected = PublicKey::new(algorithm, bytes(test, "pk"));
            assert_eq!((&public, private), (&expected, bytes(test, "sk")), "{}", test["tcId"]);
            let signer = LocalSigner::from_seed(algorithm, &Seed::new(array(test, "seed"))).unwrap();
            assert_eq!(signer.public_key(), &expected, "{}", test["tcId"]);
            keys += 1;
        }
    }
    assert_eq!(keys, 50);
}

#[test]
fn ml_dsa_decides_every_case_as_it_should() {
    let mut decided = 0;
    for file in VERIFY {
        let Some(json) = read(file) else { return };
        for (algorithm, group, tests) in groups(&json) {
            for test in tests {
                let of_test_or_group = if test.get("pk").is_some() { test } else { group };
                let key = PublicKey::new(algorithm, bytes(of_test_or_group, "pk"));
                let (message, context) = (bytes(test, "message"), bytes(test, "context"));
                let mu = test.get("mu").map(|_| array(test, "mu"));
                let input = match &mu {
                    Some(mu) => Input::Mu(mu),
                    None if is_external(group) => Input::External(&message, &context),
                    None => Input::Internal(&message),
                };
                let passed = reference::verify(&key, input, &bytes(test, "signature"));
                assert_eq!(Some(passed), test["testPassed"].as_bool(), "{file} {}", test["tcId"]);
                decided += 1;
            }
        }
    }
    assert_eq!(decided, 120);
}

/// AWS-LC's interface takes no context and no formatted message, so that few of these are cases for it. But it has to
/// accept what is signed for the keys and messages of all of them.
#[test]
fn aws_lc_accepts_what_these_keys_sign_without_a_context() {
    let verifier = MlDsaVerifier::new();
    let mut accepted = 0;
    for file in SIGN {
        let Some(json) = read(file) else { return };
        for (algorithm, group, tests) in groups(&json) {
            for test in tests {
                let (name, message) = (format!("{file} {}", test["tcId"]), bytes(test, "message"));
                let private = bytes(test, "sk");
                let key = reference::public_of(algorithm, &private);
                let made = reference::sign(algorithm, &private, Input::External(&message, &[]), [7; 32]).unwrap();
                assert!(verifier.verify_bytes(&key, &message, &Signature::new(algorithm, made)), "{name}");
                let given = Signature::new(algorithm, bytes(test, "signature"));
                let is_case = is_external(group) && bytes(test, "context").is_empty();
                assert_eq!(verifier.verify_bytes(&key, &message, &given), is_case, "{name}");
                accepted += 1;
            }
        }
    }
    assert_eq!(accepted, 100);
}

#[test]
fn ml_dsa_makes_the_signatures() {
    let mut signed = 0;
    for file in SIGN {
        let Some(json) = read(file) else { return };
        for (algorithm, group, tests) in groups(&json) {
            for test in tests {
                let (message, context) = (bytes(test, "message"), bytes(test, "context"));
                let external = Input::External(&message, &context);
                let input = if is_external(group) { external } else { Input::Internal(&message) };
                let random = if test.get("rnd").is_some() { array(test, "rnd") } else { [0; 32] };
                let signature = reference::sign(algorithm, &bytes(test, "sk"), input, random);
                assert_eq!(signature, Some(bytes(test, "signature")), "{file} {}", test["tcId"]);
                signed += 1;
            }
        }
    }
    assert_eq!(signed, 100);
}
