//! A compressed frame is refused, or its content stays within the bound and survives another round.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| qsdm_fuzz::stays_within_its_bound(bytes));
