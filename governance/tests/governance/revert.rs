//! Revert data in sentences.

use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::{Panic, Revert, SolError};
use proptest::{collection::vec, prelude::*, sample::select};
use qsdm_contracts::{
    bindings::{MeshGovernor, MeshTimelock, Reputation, SubmeshRegistry},
    contracts,
};
use qsdm_governance::explain_revert;

#[track_caller]
fn says(data: impl AsRef<[u8]>, parts: &[&str]) {
    let message = explain_revert(data.as_ref());
    for part in parts {
        assert!(message.contains(part), "{part:?} is not in: {message}");
    }
}

#[test]
fn errors_of_the_contracts_say_what_to_do_and_keep_the_figures() {
    let voter = Address::repeat_byte(0x11);
    says(
        MeshGovernor::GovernorAlreadyCastVote { voter }.abi_encode(),
        &["has voted on the proposal already", &format!("[GovernorAlreadyCastVote(voter: {voter})]")],
    );
    says(
        MeshGovernor::GovernorInsufficientProposerVotes {
            proposer: voter,
            votes: U256::from(1),
            threshold: U256::from(9),
        }
        .abi_encode(),
        &["too little reputation", "votes: 1, threshold: 9"],
    );
    says(SubmeshRegistry::SubmeshNameTaken { name: "eu".into() }.abi_encode(), &["unique forever", "name: \"eu\""]);
    says(Reputation::ReputationZeroDelegate {}.abi_encode(), &["delegate to yourself", "[ReputationZeroDelegate()]"]);
    says(
        MeshTimelock::TimelockUnexpectedOperationState { operationId: B256::ZERO, expectedStates: B256::ZERO }
            .abi_encode(),
        &["the timelock's delay has not passed"],
    );
}

#[test]
fn a_state_is_named_and_one_that_does_not_exist_is_not_invented() {
    let error = |current: u8| {
        let mut data = MeshGovernor::GovernorUnexpectedProposalState {
            proposalId: U256::from(5),
            current: 0,
            expectedStates: B256::ZERO,
        }
        .abi_encode();
        data[4 + 63] = current;
        data
    };
    says(error(4), &["not now: the proposal is Succeeded; it passed and can be queued"]);
    says(error(5), &["the proposal is Queued"]);
    says(error(8), &["GovernorUnexpectedProposalState"]);
    assert!(!explain_revert(&error(8)).contains("not now"));
}

#[test]
fn an_error_without_advice_is_shown_with_its_arguments() {
    says(SubmeshRegistry::SubmeshUnknown { id: 7 }.abi_encode(), &["the contract refuses: SubmeshUnknown(id: 7)"]);
}

#[test]
fn solidity_s_own_errors_are_read() {
    says(Revert::from("not today").abi_encode(), &["the call reverted: not today"]);
    says(Panic::from(0x11_u64).abi_encode(), &["stopped with a panic: arithmetic", "0x11"]);
    says(Panic { code: U256::MAX }.abi_encode(), &["panic: unknown code"]);
    says([], &["without a reason"]);
}

#[test]
fn a_reason_cannot_write_over_the_terminal() {
    let message = explain_revert(&Revert::from("fine\u{1b}[1A\u{202e}").abi_encode());
    assert!(message.contains("fine\\u{1b}[1A\\u{202e}") && !message.contains('\u{1b}'), "{message}");
    let message = explain_revert(&SubmeshRegistry::SubmeshNameTaken { name: "\u{1b}[1A\u{202e}".into() }.abi_encode());
    assert!(!message.contains(['\u{1b}', '\u{202e}']), "{message}");
}

#[test]
fn unknown_and_truncated_data_is_shown_up_to_a_limit() {
    says([0xde, 0xad], &["reverted with 0xdead"]);
    says([0xde, 0xad, 0xbe, 0xef, 1], &["reverted with 0xdeadbeef01"]);
    for data in [
        Revert::from("a reason").abi_encode(),
        Panic::from(1_u64).abi_encode(),
        SubmeshRegistry::SubmeshNameTaken { name: "eu".into() }.abi_encode(),
    ] {
        for length in 1..data.len() - 31 {
            says(&data[..length], &["the call reverted with 0x"]);
        }
    }
    let long = explain_revert(&[0xee; 100_000]);
    assert!(long.len() < 1_000 && long.contains("100000 bytes"), "{long}");
}

fn selectors() -> Vec<[u8; 4]> {
    let declared = contracts().iter().flat_map(|contract| contract.abi().errors()).map(|error| error.selector().0);
    declared.chain([Revert::SELECTOR, Panic::SELECTOR]).collect()
}

/// Words that look like offsets and lengths, among others.
fn words() -> impl Strategy<Value = Vec<u8>> {
    let word = prop_oneof![
        any::<[u8; 32]>(),
        (0..300_u64).prop_map(|number| U256::from(number).to_be_bytes()),
        (0..40_u64).prop_map(|number| U256::from(32 * number).to_be_bytes()),
    ];
    (vec(word, 0..12), 0..32_usize).prop_map(|(words, cut)| {
        let mut bytes = words.concat();
        bytes.truncate(bytes.len().saturating_sub(cut));
        bytes
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_024))]

    #[test]
    fn any_bytes_are_explained(data in vec(any::<u8>(), 0..600)) {
        prop_assert!(!explain_revert(&data).is_empty());
    }

    #[test]
    fn any_bytes_after_a_known_selector_are_explained(selector in select(selectors()), rest in words()) {
        let message = explain_revert(&[selector.as_slice(), &rest].concat());
        let clean = !message.chars().any(char::is_control);
        prop_assert!(clean && !message.is_empty());
    }
}
