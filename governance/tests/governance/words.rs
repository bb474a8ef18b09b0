//! Calldata in words.

use alloy_primitives::{Address, Bytes, U256};
use alloy_sol_types::SolCall;
use proptest::{collection::vec, prelude::*, sample::select};
use qsdm_contracts::{
    addresses::{ACCESS_MANAGER, REPUTATION, SUBMESH_REGISTRY, SUBMESH_TIMELOCK},
    bindings::{
        AccessManager, MeshGovernor, Reputation, SubmeshRegistry, submesh_registry::SubmeshRegistry::releaseCall,
    },
    contracts,
};
use qsdm_governance::{Action, DescribedAction, ProposalFile, describe_action};

fn describe(target: Address, data: impl Into<Bytes>) -> DescribedAction {
    describe_action(&Action { target, value: U256::ZERO, data: data.into() })
}

fn release() -> Vec<u8> {
    SubmeshRegistry::releaseCall { id: 3, reason: [0xab; 32].into() }.abi_encode()
}

#[test]
fn a_call_of_a_genesis_contract_is_read_out() {
    let described = describe(SUBMESH_REGISTRY, release());
    assert_eq!((described.contract, described.function.as_str()), (Some("SubmeshRegistry"), releaseCall::SIGNATURE));
    assert!(described.decoded);
    assert_eq!(described.to_string(), format!("SubmeshRegistry.release(id: 3, reason: 0x{})", "ab".repeat(32)));
}

#[test]
fn the_example_is_read_out_with_the_names_of_its_fields() {
    let file = ProposalFile::parse(include_str!("../../../docs/examples/create-submesh.toml")).unwrap();
    let action = &file.actions[0];
    let described = describe(action.target, action.data.clone());
    let text = described.to_string();
    assert!(text.starts_with("SubmeshRegistry.create(name: \"micropayments-eu\", params: {dimensions: 2, "), "{text}");
    assert!(text.ends_with("gasLimit: 30000000})"), "{text}");
    let json = serde_json::to_value(&described).unwrap();
    assert_eq!(json["arguments"][0]["type"], "string");
    assert_eq!(json["decoded"], true);
}

#[test]
fn a_known_address_among_the_arguments_has_its_name_and_texts_cannot_write_over_it() {
    let delegate = Reputation::delegateCall { delegatee: SUBMESH_TIMELOCK }.abi_encode();
    let text = describe(REPUTATION, delegate).to_string();
    assert_eq!(text, format!("Reputation.delegate(delegatee: {SUBMESH_TIMELOCK} (SubmeshTimelock))"));
    let label = AccessManager::labelRoleCall { roleId: 1, label: "\u{1b}[2K\u{202e}\"".into() }.abi_encode();
    let text = describe(ACCESS_MANAGER, label).to_string();
    assert!(text.ends_with("label: \"\\u{1b}[2K\\u{202e}\\\"\")"), "{text}");
}

#[test]
fn what_cannot_be_read_is_said_to_be_so() {
    let stranger = Address::repeat_byte(0x11);
    let data = release();
    for (target, data) in [
        (SUBMESH_REGISTRY, vec![0xde, 0xad, 0xbe, 0xef]),
        (SUBMESH_REGISTRY, vec![0xde]),
        (stranger, data.clone()),
        (REPUTATION, data.clone()),
    ] {
        let described = describe(target, data.clone());
        assert!(!described.decoded && described.arguments.is_empty(), "{described}");
        assert_eq!(described.function, alloy_primitives::hex::encode_prefixed(&data[..data.len().min(4)]));
        assert!(described.to_string().contains("undecoded calldata 0x"), "{described}");
    }
    for length in 4..data.len() {
        let described = describe(SUBMESH_REGISTRY, data[..length].to_vec());
        assert!(!described.decoded, "{length} of {} bytes", data.len());
        assert_eq!(described.function, "release(uint32,bytes32)");
    }
}

#[test]
fn calldata_that_says_more_than_it_shows_counts_as_unread() {
    let mut longer = release();
    longer.extend([0; 32]);
    assert!(!describe(SUBMESH_REGISTRY, longer).decoded, "bytes after the arguments");
    let mut dirty = Reputation::delegateCall { delegatee: SUBMESH_TIMELOCK }.abi_encode();
    dirty[4] = 1;
    assert!(!describe(REPUTATION, dirty).decoded, "bytes in front of an address");
    // two texts that share their place: a few words that would be read as many
    let word = |number: u64| U256::from(number).to_be_bytes::<32>();
    let shared = [word(0x20), word(2), word(0x40), word(0x40), word(1), [0xcc; 32]].concat();
    let multicall = [AccessManager::multicallCall::SELECTOR.as_slice(), &shared].concat();
    assert!(!describe(ACCESS_MANAGER, multicall).decoded, "parts that share their place");
}

#[test]
fn wei_that_goes_along_is_never_left_out() {
    let with = |data: Vec<u8>| {
        describe_action(&Action { target: SUBMESH_REGISTRY, value: U256::from(5), data: data.into() }).to_string()
    };
    assert!(with(release()).ends_with(") with 5 wei"));
    assert!(with(vec![1, 2, 3, 4]).ends_with("0x01020304 with 5 wei"));
    assert_eq!(with(Vec::new()), "SubmeshRegistry.receive() with 5 wei");
}

#[test]
fn an_argument_without_a_name_is_shown_without_one() {
    let zero = Address::ZERO;
    let call = MeshGovernor::onERC721ReceivedCall { _0: zero, _1: zero, _2: U256::from(7), _3: Bytes::new() };
    let described = describe(qsdm_contracts::Track::Root.governor(), call.abi_encode());
    assert_eq!(described.to_string(), format!("RootGovernor.onERC721Received({zero}, {zero}, 7, 0x)"));
}

fn functions() -> Vec<(Address, [u8; 4])> {
    let all = contracts()
        .iter()
        .flat_map(|contract| contract.abi().functions().map(move |function| (contract.address, function.selector().0)));
    all.collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_024))]

    #[test]
    fn any_calldata_is_described(
        (target, selector) in select(functions()),
        words in vec(prop_oneof![any::<[u8; 32]>(), (0..20_u64).prop_map(|n| U256::from(32 * n).to_be_bytes())], 0..12),
        cut in 0..32_usize,
    ) {
        let mut data = [selector.as_slice(), &words.concat()].concat();
        data.truncate(data.len() - cut.min(data.len()));
        let described = describe(target, data.clone());
        prop_assert_eq!(described.data.as_ref(), data.as_slice());
        prop_assert!(!described.to_string().is_empty());
    }
}
