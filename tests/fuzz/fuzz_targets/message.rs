//! A consensus message is refused, or has one spelling.
#![no_main]

use qsdm_consensus::Message;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| qsdm_fuzz::has_one_spelling::<Message>(bytes));
