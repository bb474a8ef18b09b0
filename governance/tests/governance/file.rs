//! What a member gets wrong in a file, and what the file then says about it.

use alloy_primitives::{U256, address};
use qsdm_contracts::{Track, addresses::SUBMESH_REGISTRY};
use qsdm_governance::{Error, ProposalFile};
use qsdm_primitives::limits::PROPOSAL_FILE_BYTES_MAX;

const EXAMPLE: &str = include_str!("../../../docs/examples/create-submesh.toml");
const PARAMS: &str = "{ dimensions = 2, maxCellTxs = 4096, maxCellBytes = 1048576, baseFeeFloor = 0, minValidators = 0, \
                      spamThresholdBps = 500, gasLimit = 30000000 }";

/// A file with this action and nothing else of interest.
fn with_action(action: &str) -> String {
    format!("track = \"submesh\"\ntitle = \"A title\"\n[[action]]\n{action}")
}

fn call(target: &str, function: &str, args: &str) -> String {
    with_action(&format!("target = \"{target}\"\nfn = \"{function}\"\nargs = [{args}]"))
}

#[track_caller]
fn refused(text: &str) -> String {
    ProposalFile::parse(text).expect_err("the file is wrong").to_string()
}

/// The message about a file must contain all of these.
#[track_caller]
fn says(text: &str, parts: &[&str]) {
    let message = refused(text);
    for part in parts {
        assert!(message.contains(part), "{part:?} is not in: {message}");
    }
}

#[test]
fn the_example_of_the_documentation_is_a_proposal() {
    let file = ProposalFile::parse(EXAMPLE).unwrap();
    assert_eq!((file.track, file.title.as_str()), (Track::Submesh, "Create micropayments-eu"));
    assert_eq!((file.actions.len(), file.actions[0].target), (1, SUBMESH_REGISTRY));
    assert!(file.description().starts_with("# Create micropayments-eu\n\nSmall payments"), "{}", file.description());
}

#[test]
fn what_is_no_toml_is_refused_with_its_line() {
    says("track = \"submesh\"\ntitle = ", &["proposal file", "line 2"]);
    says("", &["`track`"]);
    says("\u{0}", &["proposal file"]);
    says(&format!("a = {}1", "[".repeat(20_000)), &["proposal file"]);
}

#[test]
fn an_unknown_key_is_named_with_those_that_exist() {
    says(&EXAMPLE.replace("title =", "titel ="), &["titel", "line", "`title`"]);
    says(&call("SubmeshRegistry", "create", "").replace("args", "arguments"), &["arguments", "`args`"]);
}

#[test]
fn a_title_is_one_line() {
    says("track = \"submesh\"\nbody = \"text\"", &["missing field `title`"]);
    for title in ["\"\"", "\"  \"", "\"two\\nlines\"", "\"escape \\u001b[2J\""] {
        says(&EXAMPLE.replace("\"Create micropayments-eu\"", title), &["`title` must be one line"]);
    }
}

#[test]
fn an_unknown_track_is_refused_with_the_known_ones() {
    says(&EXAMPLE.replace("track = \"submesh\"", "track = \"treasury\""), &["treasury", "root or submesh"]);
}

#[test]
fn one_to_ten_actions_fit() {
    says("track = \"root\"\ntitle = \"Nothing\"", &["no [[action]]"]);
    let action = format!("[[action]]\ntarget = \"{SUBMESH_REGISTRY}\"\ndata = \"0x01\"\n");
    let with = |count: usize| format!("track = \"root\"\ntitle = \"Many\"\n{}", action.repeat(count));
    assert_eq!(ProposalFile::parse(&with(10)).unwrap().actions.len(), 10);
    says(&with(11), &["11 actions", "limit is 10"]);
}

#[test]
fn a_file_has_a_limit() {
    let padded = |bytes: usize| format!("{EXAMPLE}#{}", "x".repeat(bytes - EXAMPLE.len() - 1));
    assert!(ProposalFile::parse(&padded(PROPOSAL_FILE_BYTES_MAX)).is_ok());
    says(&padded(PROPOSAL_FILE_BYTES_MAX + 1), &["1048577 bytes", "limit is 1048576 bytes"]);
}

#[test]
fn an_unknown_target_is_refused_with_the_known_ones() {
    says(
        &call("SubmeshRegister", "create", ""),
        &["action 1", "\"SubmeshRegister\"", "SubmeshRegistry", "RootGovernor"],
    );
    says(&call("0x1234", "f()", ""), &["argument target", "expected a contract's name or an address", "0x1234"]);
}

#[test]
fn an_address_with_a_wrong_checksum_is_a_typing_error() {
    let right = "0xd8dA6BF26964aF9D7eEd9e03E53415D37aA96045";
    let wrong = right.replace("d8dA", "d8DA");
    for text in [right.to_owned(), right.to_lowercase()] {
        let file = ProposalFile::parse(&call(&text, "f(address)", &format!("\"{text}\""))).unwrap();
        assert_eq!(file.actions[0].target, address!("d8dA6BF26964aF9D7eEd9e03E53415D37aA96045"));
    }
    says(&call(&wrong, "f()", ""), &["argument target", &wrong, "checksum is wrong"]);
    says(&call(right, "f(address)", &format!("\"{wrong}\"")), &["expected address", &wrong, "checksum is wrong"]);
    says(&call(right, "f(address)", &format!("\"{}\"", &right[2..])), &["expected address, found the text"]);
}

#[test]
fn an_unknown_function_is_refused_with_those_that_change_something() {
    let message = refused(&call("SubmeshRegistry", "destroy", ""));
    assert!(message.contains("SubmeshRegistry has no function \"destroy\"; it can do"), "{message}");
    assert!(message.contains("create") && message.contains("setParams"), "{message}");
    assert!(!message.contains("openIds"), "views are no use in a proposal: {message}");
    says(&call("SubmeshRegistry", "release(uint32)", ""), &["it has release(uint32,bytes32)"]);
}

#[test]
fn an_overloaded_function_is_refused_with_its_signatures() {
    says(&call("RootGovernor", "nonces", ""), &["overloaded", "nonces(address)", "nonces(address,uint192)"]);
    assert!(
        ProposalFile::parse(&call("RootGovernor", "nonces(address, uint192)", &format!("\"{SUBMESH_REGISTRY}\", 1")))
            .is_ok()
    );
}

#[test]
fn a_contract_without_a_known_interface_needs_a_full_signature() {
    let stranger = "0x1111111111111111111111111111111111111111";
    says(&call(stranger, "transfer", ""), &["give its full signature"]);
    says(&call(stranger, "transfer(whatever)", "1"), &["action 1"]);
    // Solidity's short names mean the long ones, and so must the selector
    let data = |function: &str, args: &str| {
        ProposalFile::parse(&call(stranger, function, args)).unwrap().actions[0].data.clone()
    };
    assert_eq!(data("f(uint,int[])", "1, [2]"), data("f(uint256,int256[])", "1, [2]"));
}

#[test]
fn the_number_of_arguments_is_checked() {
    says(&call("SubmeshRegistry", "release", "1"), &["release(uint32,bytes32) takes 2 arguments, 1 are given"]);
    says(&call("SubmeshRegistry", "release", "1, 2, 3"), &["takes 2 arguments, 3 are given"]);
}

#[test]
fn an_argument_of_another_type_is_refused_with_what_was_found() {
    let stranger = "0x1111111111111111111111111111111111111111";
    let cases = [
        ("bool", "\"true\"", "the text \"true\""),
        ("bool", "1", "the number 1"),
        ("string", "7", "the number 7"),
        ("address", "12", "the number 12"),
        ("uint256", "1.5", "the fraction 1.5 (write whole numbers, large ones as text)"),
        ("uint256", "true", "found true"),
        ("uint256", "-1", "the number -1"),
        ("uint256", "\"-1\"", "the text \"-1\""),
        ("uint256", "\"\"", "the text \"\""),
        ("uint256", "\"1_\"", "the text \"1_\""),
        ("uint256", "\"0x\"", "the text \"0x\""),
        ("uint256", "\"0x1ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff\"", "the text"),
        ("uint8", "256", "the number 256"),
        ("uint8", "\"0x100\"", "the text \"0x100\""),
        ("int8", "128", "the number 128"),
        ("int8", "-129", "the number -129"),
        ("int256", "2.0", "the fraction 2"),
        ("bytes32", "\"0x1234\"", "the text \"0x1234\" of 2 bytes"),
        ("bytes4", "\"12345678\"", "the text \"12345678\""),
        ("bytes", "\"0x123\"", "the text \"0x123\""),
        ("bytes", "\"1234\"", "the text \"1234\""),
        ("bool", "1979-05-27T07:32:00Z", "the date 1979-05-27T07:32:00Z"),
        ("uint8[]", "5", "the number 5"),
        ("uint8[]", "[1, 300]", "the number 300 in element 2 (uint8)"),
        ("uint8[3]", "[1, 2]", "a list of 2"),
        ("(uint8,bool)", "[1]", "a list of 1"),
        ("(uint8,bool)", "[1, 2]", "the number 2 in element 2 (bool)"),
        ("string", "{ a = 1 }", "a table"),
    ];
    for (kind, given, found) in cases {
        says(
            &call(stranger, &format!("f({kind})"), given),
            &["action 1, argument 1", &format!("expected {kind}, "), found],
        );
    }
    says(&call("SubmeshRegistry", "release", "\"one\", 2"), &["argument id: expected uint32, found the text \"one\""]);
    let long = refused(&call(stranger, "f(uint8)", &format!("\"{}\"", "é".repeat(5_000))));
    assert!(long.contains("(10000 bytes)") && long.len() < 500, "a long text is not repeated whole: {long}");
}

#[test]
fn numbers_are_read_up_to_their_type_s_bounds() {
    let stranger = "0x1111111111111111111111111111111111111111";
    let cases = [
        ("uint8", "255", U256::from(255)),
        ("int8", "-128", U256::MAX - U256::from(127)),
        ("int8", "\"-0x80\"", U256::MAX - U256::from(127)),
        ("uint256", "\"1_000_000\"", U256::from(1_000_000)),
        ("uint256", "\"0xff\"", U256::from(255)),
        ("uint256", &format!("\"{}\"", U256::MAX), U256::MAX),
        ("int256", "\"-1\"", U256::MAX),
    ];
    for (kind, given, word) in cases {
        let file = ProposalFile::parse(&call(stranger, &format!("f({kind})"), given)).unwrap();
        assert_eq!(U256::from_be_slice(&file.actions[0].data[4..]), word, "{given} as {kind}");
    }
}

#[test]
fn a_struct_takes_all_of_its_fields_and_no_others() {
    let create = |params: &str| call("SubmeshRegistry", "create", &format!("\"name\", {params}"));
    let good = ProposalFile::parse(&create(PARAMS)).unwrap();
    let listed = ProposalFile::parse(&create("[2, 4096, 1048576, 0, 0, 500, 30000000]")).unwrap();
    assert_eq!(good, listed, "fields by name and in order are the same");
    says(&create(&PARAMS.replace("dimensions = 2, ", "")), &["argument params", "no field `dimensions` (uint8)"]);
    says(
        &create(&PARAMS.replace("dimensions", "dimension")),
        &["a field `dimension`; the fields are dimensions, maxCellTxs"],
    );
    says(
        &create(&PARAMS.replace("dimensions = 2", "dimensions = 256")),
        &["the number 256 in field `dimensions` (uint8)"],
    );
    says(&create("[2, 4096]"), &["found a list of 2"]);
    says(&create("2"), &["found the number 2"]);
}

#[test]
fn an_action_has_either_a_function_or_calldata() {
    let target = "target = \"SubmeshRegistry\"\n";
    says(&with_action(&format!("{target}fn = \"count\"\ndata = \"0x\"")), &["action 1: give either `fn`"]);
    says(&with_action(target), &["action 1: give either `fn`"]);
    says(&with_action("fn = \"count\""), &["missing field `target`"]);
    says(&with_action(&format!("{target}data = \"0x12\"\nargs = [1]")), &["`args` go with `fn`"]);
    for data in ["0x123", "1234", "0xzz", "calldata"] {
        says(&with_action(&format!("{target}data = \"{data}\"")), &["argument data", "calldata in hex with 0x", data]);
    }
    let raw = ProposalFile::parse(&with_action(&format!("{target}data = \"0x1234\""))).unwrap();
    assert_eq!(raw.actions[0].data.as_ref(), [0x12, 0x34]);
}

#[test]
fn wei_is_a_whole_number() {
    let with = |value: &str| with_action(&format!("target = \"SubmeshRegistry\"\ndata = \"0x\"\nvalue = {value}"));
    for (given, wei) in [("0", 0), ("7", 7), ("\"1_000\"", 1_000), ("\"0x10\"", 16)] {
        assert_eq!(ProposalFile::parse(&with(given)).unwrap().actions[0].value, U256::from(wei), "{given}");
    }
    for given in ["-1", "1.5", "\"\"", "\"_\"", "\"1 ether\"", "true"] {
        says(&with(given), &["action 1, argument value: expected wei (uint256), found"]);
    }
}

#[test]
fn the_action_that_is_wrong_is_counted_from_one() {
    let text = format!("{EXAMPLE}\n[[action]]\ntarget = \"Nobody\"\nfn = \"f\"");
    assert!(matches!(ProposalFile::parse(&text), Err(Error::UnknownTarget { action: 2, .. })));
}
