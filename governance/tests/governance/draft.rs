//! The proposer's mark and the id.

use alloy_primitives::{Address, B256, Bytes, U256, address, hex, keccak256};
use alloy_sol_types::SolCall;
use proptest::prelude::*;
use qsdm_contracts::bindings::MeshGovernor::{hashProposalCall, proposeCall};
use qsdm_governance::{Action, Draft, Error, ProposalFile, description_hash, proposal_id};

const PROPOSER: Address = address!("f39Fd6e51aad88F6F4ce6aB8827279cffFb92266");
const OTHER: Address = address!("70997970C51812dc3A010C7d01b50e0d17dc79C8");

fn file(body: &str) -> ProposalFile {
    let mut file = ProposalFile::parse(include_str!("../../../docs/examples/create-submesh.toml")).unwrap();
    file.body = body.to_owned();
    file
}

fn description(body: &str) -> String {
    Draft::new(&file(body), PROPOSER).unwrap().description
}

/// The account that OpenZeppelin's `Governor._isValidDescriptionForProposer` (5.x) binds a description to.
fn bound_to(description: &str) -> Option<Address> {
    let bytes = description.as_bytes();
    let suffix = &bytes[bytes.len().checked_sub(52)?..];
    let digits = suffix.strip_prefix(b"#proposer=")?.strip_prefix(b"0x")?;
    hex::decode(digits).ok().map(|bytes| Address::from_slice(&bytes))
}

#[test]
fn the_mark_is_appended_once() {
    let marked = description("Text.");
    assert_eq!(marked, "# Create micropayments-eu\n\nText.\n\n#proposer=0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266");
    assert_eq!(bound_to(&marked), Some(PROPOSER));
    assert_eq!(description(""), "# Create micropayments-eu\n\n#proposer=0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266");
}

#[test]
fn one_s_own_mark_is_kept_in_any_letter_case() {
    let expected = description("Text.");
    let checksummed = format!("{PROPOSER}");
    for digits in [checksummed.clone(), checksummed.to_lowercase(), format!("0x{}", checksummed[2..].to_uppercase())] {
        assert_eq!(description(&format!("Text.\n\n#proposer={digits}")), expected);
        assert_eq!(description(&format!("Text.\n\n#proposer={digits}\n  ")), expected, "space after it is cut off");
    }
}

#[test]
fn the_mark_of_another_is_refused() {
    for digits in [format!("{OTHER}"), format!("{OTHER}").to_lowercase()] {
        let error = Draft::new(&file(&format!("Text. #proposer={digits}")), PROPOSER).unwrap_err();
        assert!(error.to_string().contains(&format!("#proposer={OTHER}, the mark of another proposer")), "{error}");
    }
}

#[test]
fn what_only_looks_like_a_mark_is_text() {
    let other = format!("{OTHER}");
    for body in [
        format!("#proposer={other} is a mark, but not at the end"),
        format!("#proposer={}", &other[..41]),
        format!("#proposer={other}0"),
        format!("#proposer={}", &other[2..]),
        format!("#Proposer={other}"),
        format!("#proposer=0x{}", "zz".repeat(20)),
        "#proposer=0x".to_owned(),
        format!("#proposer=0x{}", "é".repeat(20)),
    ] {
        let marked = description(&body);
        assert!(marked.contains(&body) && bound_to(&marked) == Some(PROPOSER), "{marked}");
    }
}

#[test]
fn a_description_fits_sixteen_kibibytes_with_its_mark() {
    let rest = description("x").len() - 1;
    assert_eq!(description(&"x".repeat(16_384 - rest)).len(), 16_384);
    let error = Draft::new(&file(&"x".repeat(16_385 - rest)), PROPOSER).unwrap_err();
    assert!(matches!(error, Error::Limit { .. }), "{error:?}");
    assert!(error.to_string().contains("has 16385 bytes, the limit is 16384 bytes"), "{error}");
}

#[test]
fn the_calldata_is_propose_of_what_the_file_says() {
    let draft = Draft::new(&file("Text."), PROPOSER).unwrap();
    let call = proposeCall::abi_decode(&draft.calldata()).unwrap();
    assert_eq!((call.targets, call.values), (vec![draft.actions[0].target], vec![U256::ZERO]));
    assert_eq!((call.calldatas, call.description), (vec![draft.actions[0].data.clone()], draft.description.clone()));
    assert_eq!(draft.id, proposal_id(&draft.actions, keccak256(&draft.description)));
}

#[test]
fn the_id_is_the_hash_of_three_lists_and_a_hash_in_abi_words() {
    // no action: three empty lists after their offsets and the hash
    let word = |number: u64| B256::from(U256::from(number));
    let hash = description_hash("text");
    let words = [word(0x80), word(0xa0), word(0xc0), hash, word(0), word(0), word(0)];
    assert_eq!(proposal_id(&[], hash), U256::from_be_bytes(keccak256(words.concat()).0));
}

prop_compose! {
    fn action()(target: [u8; 20], value: [u8; 32], data in prop::collection::vec(any::<u8>(), 0..200)) -> Action {
        Action { target: target.into(), value: U256::from_be_bytes(value), data: data.into() }
    }
}

proptest! {
    #[test]
    fn the_id_hashes_the_arguments_of_the_contract_s_own_function(
        actions in prop::collection::vec(action(), 0..11),
        hash: [u8; 32],
    ) {
        let (mut targets, mut values, mut calldatas) = (Vec::new(), Vec::new(), Vec::<Bytes>::new());
        for action in &actions {
            targets.push(action.target);
            values.push(action.value);
            calldatas.push(action.data.clone());
        }
        let call = hashProposalCall { targets, values, calldatas, descriptionHash: hash.into() }.abi_encode();
        prop_assert_eq!(proposal_id(&actions, hash.into()), U256::from_be_bytes(keccak256(&call[4..]).0));
    }

    #[test]
    fn every_description_binds_its_proposer(body in "(.|\n){0,60}", proposer: [u8; 20], tail in 0..4_usize) {
        let proposer = Address::from(proposer);
        let tail = ["", "#proposer=", "#proposer=0x", &format!("#proposer={proposer}")][tail].to_owned();
        let draft = Draft::new(&file(&format!("{body}{tail}")), proposer).unwrap();
        prop_assert_eq!(bound_to(&draft.description), Some(proposer));
        let digits = format!("{proposer:?}").to_lowercase();
        prop_assert!(draft.description.ends_with(&digits));
    }
}
