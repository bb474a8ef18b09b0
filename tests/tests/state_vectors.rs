//! Ethereum state tests through the node's own state and trie: all of them, no skip list.

use qsdm_tests::vectors;
use qsdm_vm::state_test;

#[test]
fn every_state_test_has_the_expected_root_and_logs() {
    let Some(folder) = vectors::ethereum("eest-v5.4.0/state_tests").expect("the vectors unpack") else { return };
    let mut failures = Vec::new();
    let report = state_test::run(&[folder], |failure| failures.push(failure.to_string())).expect("readable tests");
    assert!(failures.is_empty(), "{} failed, the first: {:#?}", failures.len(), &failures[..failures.len().min(10)]);
    assert_eq!((report.failed, report.skipped), (0, 0));
    assert!(report.passed >= 3_000, "only {} variants ran", report.passed);
}
