//! A quorum certificate is refused, or has one spelling.
#![no_main]

use qsdm_primitives::QuorumCertificate;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| qsdm_fuzz::has_one_spelling::<QuorumCertificate>(bytes));
