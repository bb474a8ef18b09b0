//! A commit tip read from the store is refused, or has one spelling.
#![no_main]

use qsdm_consensus::CommitTip;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| qsdm_fuzz::has_one_spelling::<CommitTip>(bytes));
