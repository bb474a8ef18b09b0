//! What `simulate` finds can be seen again, step by step.

use std::process::{Command, Output};

/// Every core votes for both blocks of a leader that has two.
const BROKEN: &[&str] = &["--validators", "4", "--adversary", "equivocate", "--mutant", "VoteTwice"];

fn simulate(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_simulate"));
    command.args(arguments).output().expect("simulate runs")
}

fn text(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("text")
}

#[test]
fn the_first_bad_seed_is_replayed_up_to_the_violation() {
    let found = simulate(&[&["--seeds", "0..20"], BROKEN].concat());
    assert_eq!(found.status.code(), Some(1));
    let lines = text(&found);
    let last: serde_json::Value = serde_json::from_str(lines.lines().last().expect("a line")).expect("a JSON object");
    let seed = last["first_bad_seed"].as_u64().expect("a violation").to_string();
    assert!(last["violations"].as_u64() > Some(0) && last["seeds"] == 20, "{last}");

    let replay = || simulate(&[&["--replay", &seed], BROKEN].concat());
    let (one, other) = (replay(), replay());
    assert_eq!(one.status.code(), Some(1));
    assert_eq!(text(&one), text(&other), "each run of a seed prints the same");
    let lines = text(&one);
    let lines: Vec<&str> = lines.lines().collect();
    // what was simulated, what happened, what must not happen, and a summary
    assert_eq!(lines[0], "Scenario {");
    let violation =
        lines.iter().position(|line| line.contains(": VIOLATION: votes twice in round ")).expect("it is there");
    assert_eq!(violation, lines.len() - 2, "nothing happens after it");
    let (node, round) = lines[violation].split_once(": VIOLATION: votes twice in round ").expect("it is there");
    let node = node.trim_start().split_once(' ').expect("the time and the node").1;
    let votes: Vec<&&str> = lines
        .iter()
        .filter(|line| {
            line.contains(&format!("{node}: votes for ")) && line.contains(&format!(" of round {round} on "))
        })
        .collect();
    assert_eq!(votes.len(), 2, "both votes are shown: {votes:#?}");
}

#[test]
fn a_seed_without_a_violation_is_replayed_to_its_end() {
    let output = simulate(&["--replay", "1", "--validators", "4"]);
    assert_eq!(output.status.code(), Some(0));
    let lines = text(&output);
    assert!(lines.lines().last().is_some_and(|line| line.contains(", 0 violations;")), "{lines}");
    for what in ["starts", "proposes ", "votes for ", "writes cell ", "commits height "] {
        assert!(lines.contains(what), "nobody {what}");
    }
}
