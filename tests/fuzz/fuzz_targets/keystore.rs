//! A keystore file is refused, or is the same after it was written again.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| qsdm_fuzz::keystore_stays_the_same(bytes));
