//! A record of why `pqcrypto-mldsa` is not used (docs/adr/0008): its AVX2 code, picked at run time, answers Wycheproof
//! wrongly and its portable code does not, so that two nodes with different processors would disagree.

use crate::{vectors::Case, wycheproof};
use pqcrypto_mldsa::{mldsa44, mldsa65};
use pqcrypto_traits::sign::{DetachedSignature, PublicKey};
use qsdm_primitives::Algorithm;

/// Mismatches of version 0.1.2 with AVX2, and cases.
const RECORD: [(Algorithm, usize, usize); 2] = [(Algorithm::MlDsa44, 38, 180), (Algorithm::MlDsa65, 42, 210)];

macro_rules! verify {
    ($module:ident, $case:expr) => {{
        let key = $module::PublicKey::from_bytes($case.key.bytes());
        let signature = $module::DetachedSignature::from_bytes($case.signature.bytes());
        match (key, signature) {
            (Ok(key), Ok(signature)) if $case.context.len() <= 255 => {
                $module::verify_detached_signature_ctx(&signature, &$case.message, &$case.context, &key).is_ok()
            }
            _ => false,
        }
    }};
}

fn accepts(case: &Case) -> bool {
    match case.key.algorithm() {
        Algorithm::MlDsa44 => verify!(mldsa44, case),
        Algorithm::MlDsa65 => verify!(mldsa65, case),
        Algorithm::MlDsa87 => unreachable!("there are no cases"),
    }
}

#[test]
fn the_avx2_code_of_pqcrypto_mldsa_answers_cases_wrongly() {
    let cases = wycheproof::verifications();
    if cases.is_empty() {
        return;
    }
    let has_avx2 = std::is_x86_feature_detected!("avx2");
    for (algorithm, mismatches, count) in RECORD {
        let of_algorithm: Vec<&Case> = cases.iter().filter(|case| case.key.algorithm() == algorithm).collect();
        let wrong: Vec<&&Case> = of_algorithm.iter().filter(|case| accepts(case) != case.valid).collect();
        let accepted = wrong.iter().filter(|case| !case.valid).count();
        println!(
            "pqcrypto-mldsa 0.1.2, AVX2 {has_avx2}: {} of {} {algorithm} cases wrong, {accepted} of them accepted forgeries",
            wrong.len(),
            of_algorithm.len()
        );
        assert_eq!(of_algorithm.len(), count);
        assert_eq!(wrong.len(), if has_avx2 { mismatches } else { 0 }, "{algorithm}");
    }
}
