//! A proposal from a file to an executed action with `qsdm gov` alone, on an idle chain whose clock nobody touches.

use qsdm_tests::node::{Node, run};
use qsdm_tests::tidy::root;
use serde_json::{Value, json};

/// Governance that is scaled so far that the floors decide: the vote lasts 30 s.
const FAST: [&str; 2] = ["--time-scale", "86400"];

struct Gov {
    url: String,
}

impl Gov {
    fn output(&self, args: &[&str]) -> (Option<i32>, String, String) {
        let output = run(&[&["gov", "--rpc", &self.url, "--json"], args].concat());
        let [out, err] = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        (output.status.code(), out, err)
    }

    /// The JSON that a command answers; it must succeed.
    fn json(&self, args: &[&str]) -> Value {
        let (code, out, err) = self.output(args);
        assert_eq!(code, Some(0), "qsdm gov {}: {err}", args.join(" "));
        serde_json::from_str(out.trim()).unwrap_or_else(|error| panic!("qsdm gov {}: {error} in {out}", args.join(" ")))
    }

    /// A command must be refused with code 1 and say a word.
    fn refused(&self, args: &[&str], word: &str) {
        let (code, _, err) = self.output(args);
        assert_eq!(code, Some(1), "qsdm gov {}: {err}", args.join(" "));
        assert!(err.contains(word), "qsdm gov {} does not say {word}: {err}", args.join(" "));
    }
}

#[test]
fn a_proposal_goes_from_a_file_to_a_submesh() {
    let node = Node::start(&FAST);
    let gov = Gov { url: format!("http://{}", node.address) };
    let file = root().join("docs/examples/create-submesh.toml");
    let file = file.to_str().expect("a UTF-8 path");

    let tried = gov.json(&["propose", file, "--dry-run"]);
    let proposed = gov.json(&["propose", file]);
    let id = proposed["id"].as_str().expect("an id");
    assert_eq!(tried["id"], proposed["id"], "a dry run tells the id");
    let proposer = node.ready["accounts"][0].as_str().expect("an account").to_lowercase();
    let description = proposed["description"].as_str().expect("a description");
    assert!(description.to_lowercase().ends_with(&format!("#proposer={proposer}")), "{description}");
    assert!(proposed["actions"].to_string().contains("micropayments-eu"), "the calldata is shown decoded: {proposed}");

    gov.refused(&["execute", id], "not possible");
    for (account, vote) in [("0", "for"), ("1", "for"), ("2", "abstain")] {
        gov.json(&["vote", id, vote, "--from", account, "--wait"]);
    }
    gov.refused(&["vote", id, "for", "--from", "0"], "");
    let queued = gov.json(&["queue", id, "--from", "3", "--wait"]);
    assert_eq!(queued["state"], "Queued", "{queued}");
    let executed = gov.json(&["execute", id, "--from", "4", "--wait"]);
    assert_eq!(executed["state"], "Executed", "{executed}");
    assert_eq!(gov.json(&["show", id])["state"], "Executed");
    assert!(gov.json(&["list"]).to_string().contains(id), "the list has it");

    // idOf("micropayments-eu") -> (true, 1)
    let registry = &node.ready["contracts"]["SubmeshRegistry"];
    let text = format!("{:0>64x}{:0>64x}{:0<64}", 32, 16, alloy_primitives::hex::encode("micropayments-eu"));
    let selector = alloy_primitives::hex::encode_prefixed(&alloy_primitives::keccak256("idOf(string)")[..4]);
    let answer =
        node.client().call("eth_call", json!([{ "to": registry, "data": format!("{selector}{text}") }, "latest"]));
    assert_eq!(answer, format!("0x{:0>64}{:0>64}", 1, 1), "the submesh exists");
}

#[test]
fn a_bad_proposal_file_is_refused_before_anything_is_sent() {
    let node = Node::start(&FAST);
    let gov = Gov { url: format!("http://{}", node.address) };
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("proposal.toml");
    let path = file.to_str().expect("a UTF-8 path");
    gov.refused(&["propose", path], path);
    let good = std::fs::read_to_string(root().join("docs/examples/create-submesh.toml")).expect("the example");
    for (from, to, word) in [
        ("\"SubmeshRegistry\"", "\"NoSuchContract\"", "NoSuchContract"),
        ("\"create\"", "\"destroy\"", "destroy"),
        ("dimensions = 2", "dimension = 2", "dimension"),
        ("track = \"submesh\"", "track = \"emergency-exit\"", "emergency-exit"),
        ("title =", "titel =", "titel"),
    ] {
        std::fs::write(&file, good.replace(from, to)).expect("a file");
        gov.refused(&["propose", path], word);
    }
    assert_eq!(node.client().call("eth_blockNumber", json!([])), "0x0", "nothing was sent");
    gov.refused(&["show", "12345"], "12345");
}

#[test]
fn reputation_and_tracks_are_shown() {
    let node = Node::start(&FAST);
    let gov = Gov { url: format!("http://{}", node.address) };
    let account = node.ready["accounts"][1].as_str().expect("an account");
    let reputation = gov.json(&["rep", account]);
    assert!(reputation.to_string().to_lowercase().contains(&account.to_lowercase()[2..]), "{reputation}");
    let tracks = gov.json(&["tracks"]);
    for track in ["root", "submesh"] {
        assert!(tracks.to_string().to_lowercase().contains(track), "{tracks}");
    }
    let nobody = Gov { url: "http://127.0.0.1:1".to_owned() };
    nobody.refused(&["tracks"], "127.0.0.1:1");
}
