//! The life of proposals with `qsdm gov` alone: from a file to a submesh, withdrawn, signed with a keystore, and what a
//! member gets wrong on the way. The clock of the chain is moved, so that nobody waits for a vote.

use alloy_primitives::{Address, Bytes, U256, hex};
use alloy_signer::k256::elliptic_curve::rand_core::OsRng;
use alloy_signer_local::PrivateKeySigner;
use alloy_sol_types::SolCall;
use qsdm_contracts::bindings::{MeshGovernor::hashProposalCall, SubmeshRegistry};
use qsdm_tests::node::{Node, run};
use qsdm_tests::tidy::root;
use qsdm_tests::wallet;
use serde_json::{Value, json};
use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::thread;

/// A submesh proposal then takes 4 min to its vote, 12 min of voting and 4 min in the timelock: far more than any step of
/// these tests, however busy the machine.
const SCALE: [&str; 2] = ["--time-scale", "360"];

/// `qsdm gov` at a node.
struct Gov<'a> {
    node: &'a Node,
    url: String,
}

/// What a command printed.
struct Printed {
    code: Option<i32>,
    out: String,
    err: String,
}

fn gov(args: &[&str]) -> Printed {
    let output = run(&[&["gov"], args].concat());
    let [out, err] = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    assert!(!err.contains("panicked"), "qsdm gov {}: {err}", args.join(" "));
    Printed { code: output.status.code(), out, err }
}

#[track_caller]
fn assert_refused(printed: &Printed, code: i32, words: &[&str]) {
    assert_eq!(printed.code, Some(code), "{} {}", printed.out, printed.err);
    for word in words {
        assert!(printed.err.contains(word), "{word:?} is not in: {}", printed.err);
    }
}

impl<'a> Gov<'a> {
    fn new(node: &'a Node) -> Self {
        Self { node, url: format!("http://{}", node.address) }
    }

    fn output(&self, args: &[&str]) -> Printed {
        gov(&[&["--rpc", &self.url], args].concat())
    }

    /// What a command that succeeds prints for people.
    #[track_caller]
    fn text(&self, args: &[&str]) -> String {
        let printed = self.output(args);
        assert_eq!(printed.code, Some(0), "qsdm gov {}: {}", args.join(" "), printed.err);
        printed.out
    }

    /// What a command that succeeds answers to a script.
    #[track_caller]
    fn json(&self, args: &[&str]) -> Value {
        let text = self.text(&[&["--json"], args].concat());
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("qsdm gov {}: {error} in {text}", args.join(" ")))
    }

    #[track_caller]
    fn refused(&self, args: &[&str], words: &[&str]) {
        assert_refused(&self.output(args), 1, words);
    }

    /// Moves the clock to `ahead` seconds before this time of a proposal; never back.
    fn go_to(&self, id: &str, time: &str, ahead: i64) {
        let moment = self.json(&["show", id])["times"][time].as_i64().unwrap_or_else(|| panic!("no {time}"));
        let mut client = self.node.client();
        let pending = client.call("eth_getBlockByNumber", json!(["pending", false]));
        let now = pending["timestamp"].as_str().and_then(|text| i64::from_str_radix(&text[2..], 16).ok());
        let seconds = moment - ahead - now.expect("a timestamp");
        client.call("evm_increaseTime", json!([seconds.max(0)]));
    }

    fn view<C: SolCall>(&self, to: Address, call: &C) -> C::Return {
        let request = json!([{ "to": to, "data": hex::encode_prefixed(call.abi_encode()) }, "latest"]);
        let answer = self.node.client().call("eth_call", request);
        let bytes: Bytes = serde_json::from_value(answer).expect("bytes");
        C::abi_decode_returns(&bytes).expect("what the interface says")
    }

    fn height(&self) -> Value {
        self.node.client().call("eth_blockNumber", json!([]))
    }

    fn account(&self, index: usize) -> Address {
        serde_json::from_value(self.node.ready["accounts"][index].clone()).expect("an account")
    }
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a UTF-8 path")
}

fn example() -> String {
    fs::read_to_string(root().join("docs/examples/create-submesh.toml")).expect("the example")
}

/// A copy of the example in `folder` under another title.
fn titled(folder: &Path, title: &str) -> String {
    let path = folder.join("proposal.toml");
    fs::write(&path, example().replace("Create micropayments-eu", title)).expect("a file");
    text(&path).to_owned()
}

fn id_of(answer: &Value) -> String {
    answer["id"].as_str().expect("an id").to_owned()
}

/// The id that the governor's own `hashProposal` gives to what `show` shows.
fn hashed_by_the_governor(gov: &Gov<'_>, shown: &Value) -> U256 {
    let parts =
        |key: &str| shown["actions"].as_array().expect("actions").iter().map(|action| action[key].clone()).collect();
    let call = hashProposalCall {
        targets: serde_json::from_value(parts("target")).expect("addresses"),
        values: serde_json::from_value(parts("value")).expect("numbers"),
        calldatas: serde_json::from_value(parts("data")).expect("bytes"),
        descriptionHash: alloy_primitives::keccak256(shown["description"].as_str().expect("a description")),
    };
    gov.view(qsdm_contracts::Track::Submesh.governor(), &call)
}

#[test]
fn a_file_becomes_a_submesh() {
    let node = Node::start(&SCALE);
    let gov = Gov::new(&node);
    let tracks = gov.json(&["tracks"]);
    let submesh =
        tracks.as_array().and_then(|all| all.iter().find(|track| track["track"] == "submesh")).expect("a track");
    let times = ["votingDelayS", "votingPeriodS", "timelockDelayS"].map(|key| submesh[key].as_u64());
    assert_eq!(times, [Some(240), Some(720), Some(240)], "{submesh}");
    assert!(gov.text(&["tracks"]).contains("4 min until the vote, 12 min of voting, 4 min in the timelock"));

    let id = propose(&gov);
    vote(&gov, &id);
    queue_and_execute(&gov, &id);

    let name = "micropayments-eu".to_owned();
    let found = gov.view(qsdm_contracts::addresses::SUBMESH_REGISTRY, &SubmeshRegistry::idOfCall { name });
    assert_eq!((found.found, found.id), (true, 1));
    let created = gov.view(qsdm_contracts::addresses::SUBMESH_REGISTRY, &SubmeshRegistry::getCall { id: 1 });
    assert!(format!("{created:?}").contains("micropayments-eu"), "{created:?}");
}

fn propose(gov: &Gov<'_>) -> String {
    let file = root().join("docs/examples/create-submesh.toml");
    let file = text(&file);
    let before = gov.height();
    let tried = gov.json(&["propose", file, "--dry-run"]);
    assert!(tried["gas"].as_u64() > Some(21_000), "{tried}");
    assert!(gov.text(&["propose", file, "--dry-run"]).contains("nothing was sent"));
    assert_eq!((gov.height(), gov.text(&["list"])), (before, "no proposals yet\n".to_owned()), "nothing was sent");

    let proposed = gov.json(&["propose", file]);
    let id = id_of(&proposed);
    assert_eq!(tried["id"], proposed["id"], "a dry run tells the id");
    gov.refused(&["propose", file], &["the proposal is Pending"]);
    let shown = gov.json(&["show", &id]);
    assert_eq!(hashed_by_the_governor(gov, &shown).to_string(), id);
    let text = gov.text(&["show", &id]);
    for part in [
        "Create micropayments-eu",
        "Pending: its vote has not begun",
        "1. SubmeshRegistry.create(name: \"micropayments-eu\", params: {dimensions: 2, maxCellTxs: 4096",
        "known once the vote opens",
    ] {
        assert!(text.contains(part), "{part:?} is not in: {text}");
    }
    id
}

fn vote(gov: &Gov<'_>, id: &str) {
    gov.refused(
        &["vote", id, "for"],
        &["voting is not possible yet: the proposal is Pending", "possible in about", "--wait"],
    );
    gov.refused(&["queue", id], &["queueing is not possible yet", "possible in about"]);
    gov.refused(&["execute", id], &["executing is not possible: the proposal is Pending"]);
    // a beginning that only this proposal has is enough
    let short = &id[..8];
    gov.go_to(id, "voteStart", 1);
    let voted = gov.json(&["vote", short, "for", "--from", "0", "--wait"]);
    assert_eq!(voted["state"], "Active", "{voted}");
    let second = gov.text(&["vote", id, "for", "--from", "1", "--wait", "--reason", "it is needed"]);
    assert!(second.contains("voted for with about"), "{second}");
    gov.json(&["vote", id, "abstain", "--from", "2", "--wait"]);
    let voter = gov.account(0).to_string();
    gov.refused(&["vote", id, "against", "--from", "0"], &["has voted on the proposal already", &voter]);
    let text = gov.text(&["show", id]);
    for part in ["Active: members vote on it", "reached", &format!("qsdm gov vote {id} for")] {
        assert!(text.contains(part), "{part:?} is not in: {text}");
    }
    let tally = gov.json(&["show", id])["tally"].clone();
    assert_eq!(tally["against"], "0x0", "a refused vote counts nothing: {tally}");
    gov.refused(&["queue", id], &["queueing is not possible yet: the proposal is Active", "possible in about"]);
}

fn queue_and_execute(gov: &Gov<'_>, id: &str) {
    gov.go_to(id, "voteEnd", 1);
    let queued = gov.json(&["queue", id, "--from", "3", "--wait"]);
    assert_eq!(queued["state"], "Queued", "{queued}");
    gov.refused(&["execute", id], &["executing is not possible yet: the proposal is Queued", "possible in about"]);
    gov.refused(&["vote", id, "for", "--from", "5"], &["voting is not possible: the proposal is Queued"]);
    assert!(gov.text(&["list", "--state", "queued"]).contains("executable in"));
    gov.go_to(id, "executableFrom", 1);
    let executed = gov.json(&["execute", id, "--from", "4", "--wait"]);
    assert_eq!(executed["state"], "Executed", "{executed}");
    gov.refused(&["execute", id], &["the proposal is Executed, its actions were carried out"]);
    gov.refused(&["cancel", id], &["cancelling is not possible: the proposal is Executed"]);
    let listed = gov.json(&["list", "--state", "executed", "--track", "submesh"]);
    assert_eq!(listed[0]["id"], id, "{listed}");
    for other in [["--state", "pending"], ["--track", "root"]] {
        assert_eq!(gov.json(&[["list"].as_slice(), &other].concat()), json!([]));
    }
}

#[test]
fn only_its_proposer_withdraws_a_proposal() {
    let node = Node::start(&SCALE);
    let gov = Gov::new(&node);
    let folder = tempfile::tempdir().expect("a folder");
    let first = id_of(&gov.json(&["propose", &titled(folder.path(), "First"), "--from", "1"]));
    let second = id_of(&gov.json(&["propose", &titled(folder.path(), "Second"), "--from", "1"]));
    assert_ne!(first, second, "the title is part of the id");
    gov.refused(&["cancel", &second, "--from", "2"], &["may not cancel", &gov.account(2).to_string()]);
    assert_eq!(gov.json(&["show", &second])["state"], "Pending");
    let cancelled = gov.json(&["cancel", &second, "--from", "1"]);
    assert_eq!(cancelled["state"], "Canceled", "{cancelled}");
    gov.refused(&["vote", &second, "for", "--wait"], &["voting is not possible: the proposal is Canceled"]);
    gov.refused(&["cancel", &second, "--from", "1"], &["not possible"]);
    assert_eq!(gov.json(&["show", &first])["state"], "Pending", "the other one goes on");
}

#[test]
fn the_file_of_another_proposer_is_refused() {
    let node = Node::start(&SCALE);
    let gov = Gov::new(&node);
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("proposal.toml");
    let marked = example().replace("may retire it.\n", &format!("may retire it.\n#proposer={}\n", gov.account(1)));
    fs::write(&file, marked).expect("a file");
    gov.refused(&["propose", text(&file), "--from", "2"], &["mark of another proposer"]);
    gov.json(&["propose", text(&file), "--from", "1"]);
}

#[test]
fn what_a_file_may_hold_at_most_is_what_the_governor_takes() {
    let node = Node::start(&SCALE);
    let gov = Gov::new(&node);
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("proposal.toml");
    let action = "[[action]]\ntarget = \"SubmeshRegistry\"\nfn = \"release\"\nargs = [1, \"0x";
    let action = format!("{action}{}\"]\n", "00".repeat(32));
    let write = |body: usize, actions: usize| {
        let head = format!("track = \"submesh\"\ntitle = \"T\"\nbody = \"{}\"\n", "x".repeat(body));
        fs::write(&file, head + &action.repeat(actions)).expect("a file");
    };
    // "# T", two empty lines and the mark of 52 bytes go with the body
    let body = 16_384 - 3 - 4 - 52;
    write(body, 10);
    let tried = gov.json(&["propose", text(&file), "--dry-run"]);
    assert_eq!(tried["description"].as_str().map(str::len), Some(16_384));
    gov.json(&["propose", text(&file)]);
    write(body + 1, 10);
    gov.refused(&["propose", text(&file)], &["16385 bytes", "the limit is 16384 bytes"]);
    write(0, 11);
    gov.refused(&["propose", text(&file)], &["11 actions", "the limit is 10"]);
}

#[test]
fn ids_may_be_short_but_not_unclear() {
    let node = Node::start(&SCALE);
    let gov = Gov::new(&node);
    let folder = tempfile::tempdir().expect("a folder");
    let first = id_of(&gov.json(&["propose", &titled(folder.path(), "First")]));
    let digit = &first[..1];
    let alike = (0..200).map(|number| titled(folder.path(), &format!("Number {number}"))).find_map(|file| {
        let tried = id_of(&gov.json(&["propose", &file, "--dry-run"]));
        tried.starts_with(digit).then(|| id_of(&gov.json(&["propose", &file])))
    });
    let alike = alike.expect("one in ten begins with the same digit");
    gov.refused(&["show", digit], &[&format!("2 proposals have an id that begins with {digit}: give more digits")]);
    for id in [&first, &alike] {
        let number: U256 = id.parse().expect("a number");
        for given in [format!("{number:#x}"), format!("{number:#066x}"), id.clone()] {
            assert_eq!(id_of(&gov.json(&["show", &given])), *id);
        }
    }
    gov.refused(&["show", "0x0"], &["no proposal has an id that begins with 0x0", "qsdm gov list"]);
    gov.refused(&["vote", "12345678901234567890", "for"], &["no proposal", "12345678901234567890"]);
    gov.refused(&["show", "first"], &["\"first\" is no proposal id"]);
}

#[test]
fn votes_move_with_delegation_and_back() {
    let node = Node::start(&SCALE);
    let gov = Gov::new(&node);
    let votes = |account: &str| -> U256 {
        serde_json::from_value(gov.json(&["rep", account])["votes"].clone()).expect("a number")
    };
    let before = votes("2");
    assert!(!before.is_zero() && !votes("1").is_zero());
    let receiver = gov.account(2).to_string();
    gov.json(&["delegate", &receiver, "--from", "1"]);
    assert!(votes("2") > before);
    assert_eq!(votes("1"), U256::ZERO);
    let text = gov.text(&["rep", &gov.account(1).to_string(), "--explain"]);
    for part in ["reputation", &format!("delegate     {receiver}"), "halves in"] {
        assert!(text.contains(part), "{part:?} is not in: {text}");
    }
    gov.json(&["delegate", "1", "--from", "1"]);
    assert!(!votes("1").is_zero());
    assert!(gov.text(&["rep", "1"]).contains("delegate     itself"));
    gov.refused(&["delegate", &Address::ZERO.to_string()], &["delegate to yourself"]);
    gov.refused(&["rep", "99"], &["there is no account 99"]);
    assert_refused(&gov.output(&["rep", "somebody"]), 2, &["somebody"]);
    // whoever has no reputation may neither propose nor be surprised
    let stranger = wallet::account(77).address().to_string();
    assert!(gov.text(&["rep", &stranger]).contains("votes        0"));
}

const PASSWORD: &str = "correct horse battery staple";

/// A keystore of an account in `folder`, and its password's file.
fn keystore(folder: &Path, key: &PrivateKeySigner) -> (String, String) {
    let secret = key.to_bytes();
    PrivateKeySigner::encrypt_keystore(folder, &mut OsRng, secret, PASSWORD, Some("key.json")).expect("a keystore");
    fs::write(folder.join("password"), format!("{PASSWORD}\r\n")).expect("a file");
    (text(&folder.join("key.json")).to_owned(), text(&folder.join("password")).to_owned())
}

#[test]
fn a_keystore_signs_and_its_secrets_stay_inside() {
    let node = Node::start(&SCALE);
    let gov = Gov::new(&node);
    let folder = tempfile::tempdir().expect("a folder");
    let key = wallet::account(3);
    let (file, password) = keystore(folder.path(), &key);
    let signed = ["--keystore", &file, "--password-file", &password];
    let secret = hex::encode(key.to_bytes());
    let quiet = |printed: &Printed| {
        let all = format!("{}{}", printed.out, printed.err).to_lowercase();
        assert!(!all.contains(&secret) && !all.contains(PASSWORD), "a secret was printed");
    };

    let proposal = titled(folder.path(), "Signed here");
    for more in [["--dry-run"].as_slice(), &[]] {
        let printed =
            gov.output(&[&["--json", "--log", "trace", "propose", &proposal], signed.as_slice(), more].concat());
        assert_eq!(printed.code, Some(0), "{}", printed.err);
        quiet(&printed);
    }
    let listed = gov.json(&["list"]);
    let proposer: Address = serde_json::from_value(listed[0]["proposer"].clone()).expect("an address");
    assert_eq!((proposer, listed.as_array().map(Vec::len)), (key.address(), Some(1)));
    let cancelled = gov.json(&[&["cancel", &id_of(&listed[0])], signed.as_slice()].concat());
    assert_eq!(cancelled["state"], "Canceled");

    let wrong = folder.path().join("wrong");
    fs::write(&wrong, "a password that nobody set").expect("a file");
    let printed = gov.output(&["propose", &proposal, "--keystore", &file, "--password-file", text(&wrong)]);
    assert_refused(&printed, 1, &["cannot be unlocked", &file]);
    quiet(&printed);
    assert!(!printed.err.contains("nobody set"), "{}", printed.err);
    let printed = gov.output(&["propose", &proposal, "--keystore", &proposal, "--password-file", &password]);
    assert_refused(&printed, 1, &["no web3 secret storage", &proposal]);
    let nowhere = text(&folder.path().join("nowhere")).to_owned();
    assert_refused(
        &gov.output(&["propose", &proposal, "--keystore", &nowhere, "--password-file", &password]),
        1,
        &[&nowhere],
    );
    assert_refused(
        &gov.output(&["propose", &proposal, "--keystore", &file, "--password-file", &nowhere]),
        1,
        &[&nowhere],
    );
    assert_refused(&gov.output(&["propose", &proposal, "--keystore", &file]), 2, &["--password-file"]);
    let both = gov.output(&[&["propose", &proposal, "--from", "0"], signed.as_slice()].concat());
    assert_refused(&both, 2, &["cannot be used with"]);
}

#[test]
fn a_wrong_command_line_ends_with_two() {
    let node = Node::start(&SCALE);
    let gov_at = Gov::new(&node);
    for (args, word) in [
        (["list", "--no-such-flag"].as_slice(), "--no-such-flag"),
        (&["list", "--state", "sleeping"], "pending, active"),
        (&["list", "--track", "treasury"], "treasury"),
        (&["vote", "1"], "SUPPORT"),
        (&["vote", "1", "maybe"], "maybe"),
        (&["show"], "ID"),
        (&["propose"], "FILE"),
        (&["delegate", "somebody"], "somebody"),
        (&["vote", "1", "for", "--from", "somebody"], "somebody"),
        (&["no-such-command"], "no-such-command"),
    ] {
        assert_refused(&gov_at.output(args), 2, &[word]);
    }
    assert_refused(&gov(&["--rpc", "https://example.org", "tracks"]), 2, &["http://"]);
    gov_at.refused(&["propose", "/nowhere/proposal.toml"], &["/nowhere/proposal.toml"]);
    gov_at.refused(&["vote", "1", "for", "--from", "99"], &["there is no account 99"]);
    let stranger = wallet::account(77).address().to_string();
    gov_at.refused(&["vote", "1", "for", "--from", &stranger], &["does not hold the key", "--keystore"]);
    assert_eq!(gov_at.height(), "0x0", "nothing was sent");
}

#[test]
fn a_node_that_is_not_there_or_is_none_is_named() {
    let free = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", free.local_addr().expect("an address"));
    let server = thread::spawn(move || {
        let (mut stream, _) = free.accept().expect("a connection");
        let mut request = [0; 4_096];
        let read = stream.read(&mut request).expect("a request");
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello").expect("an answer");
        read
    });
    assert_refused(&gov(&["--rpc", &url, "tracks"]), 1, &[&url, "without JSON-RPC"]);
    assert!(server.join().expect("the server") > 0);
    assert_refused(&gov(&["--rpc", &url, "tracks"]), 1, &[&url, "is the node running?", "--rpc"]);
}
