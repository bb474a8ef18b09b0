//! A safety log is refused, or its newest record is at the end of its whole frames.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| qsdm_fuzz::ends_with_its_newest_record(bytes));
