//! A block is refused, or has one spelling.
#![no_main]

use qsdm_primitives::Block;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| qsdm_fuzz::has_one_spelling::<Block>(bytes));
