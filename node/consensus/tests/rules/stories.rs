//! Arbitrary sequences of events: no panic, no contradiction, no buffer without a limit.

use crate::support::script;
use proptest::prelude::*;
use qsdm_consensus::Status;

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_story_makes_a_core_panic_contradict_itself_or_grow(
        bytes in prop::collection::vec(any::<u8>(), 0..3_000),
    ) {
        script::tell(&bytes);
    }
}

/// A stream of bytes from a seed.
fn bytes(seed: u64, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    blake3::Hasher::new().update(&seed.to_le_bytes()).finalize_xof().fill(&mut bytes);
    bytes
}

#[test]
fn stories_get_somewhere() {
    let ends: Vec<_> = (0..200).map(|seed| script::tell(&bytes(seed, 3_000))).collect();
    let count = |is_one: fn(&Status) -> bool| ends.iter().filter(|status| is_one(status)).count();
    let committed = count(|status| status.height.0 > 2);
    let (switched, halted) = (count(|status| status.epoch.0 > 0), count(|status| status.is_halted));
    assert!(
        committed > 80 && switched > 20 && halted > 5,
        "{committed} committed, {switched} switched, {halted} halted"
    );
}
