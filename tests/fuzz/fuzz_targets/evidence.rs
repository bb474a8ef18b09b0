//! Evidence is refused, or has one spelling.
#![no_main]

use qsdm_primitives::Evidence;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| qsdm_fuzz::has_one_spelling::<Evidence>(bytes));
