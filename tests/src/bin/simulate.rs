//! Runs the simulator over a range of seeds, or replays one of them.
//!
//! ```text
//! simulate --seeds A..B [--validators N] [--adversary NAME|mix|none] [--twins K] [--mutant NAME] [--replay SEED]
//! ```
//!
//! Without `--validators` the seeds go over all combinations of validators, twins and adversaries. The last line of the
//! output is a JSON object. The exit status is 1 where an oracle reports a violation, and 2 where the arguments are wrong.

#![allow(clippy::print_stdout, clippy::print_stderr)]

use qsdm_consensus::Mutant;
use qsdm_tests::sim::{
    Behaviour, Scenario, campaign,
    scenario::{Choice, faulty},
};
use std::{ops::Range, process::ExitCode};

#[derive(Debug, Default, PartialEq, Eq)]
struct Arguments {
    seeds: Range<u64>,
    replay: Option<u64>,
    validators: Option<usize>,
    adversary: Choice,
    twins: usize,
    mutant: Option<Mutant>,
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if words.iter().any(|word| word == "--help" || word == "-h") {
        println!("{}", usage());
        return ExitCode::SUCCESS;
    }
    match parse(&words) {
        Ok(arguments) => match arguments.replay {
            Some(seed) => replay(&arguments, seed),
            None => run(&arguments),
        },
        Err(error) => {
            eprintln!("{error}\n\n{}", usage());
            ExitCode::from(2)
        }
    }
}

fn usage() -> String {
    let behaviours: Vec<&str> = Behaviour::ALL.iter().map(|behaviour| behaviour.name()).collect();
    let mutants: Vec<String> = Mutant::ALL.iter().map(|mutant| format!("{mutant:?}")).collect();
    format!(
        "usage: simulate --seeds A..B [--validators N] [--adversary NAME|mix|none] [--twins K] [--mutant NAME]\n       \
         simulate --replay SEED [the same options]\n\n\
         --seeds A..B    seeds from A up to and without B\n\
         --validators N  1 to 64; without it each seed chooses validators, twins and adversary\n\
         --adversary     what those do who may break rules and are no twins: one of the names below, several joined by \
         +,\n                mix (each seed chooses) or none (the default)\n\
         --twins K       the first K validators run twice with one key; together with the adversary at most (N-1)/3\n\
         --mutant NAME   every correct node breaks this rule\n\
         --replay SEED   runs one seed and prints what happens\n\n\
         adversaries: {}\nmutants: {}",
        behaviours.join(", "),
        mutants.join(", ")
    )
}

fn parse(words: &[String]) -> Result<Arguments, String> {
    let mut arguments = Arguments::default();
    let mut has_seeds = false;
    let mut rest = words.iter();
    while let Some(name) = rest.next() {
        let known = ["--seeds", "--validators", "--adversary", "--twins", "--mutant", "--replay"];
        if !known.contains(&name.as_str()) {
            return Err(format!("unknown argument {name:?}"));
        }
        let value = rest.next().ok_or_else(|| format!("{name} needs a value"))?;
        match name.as_str() {
            "--seeds" => {
                arguments.seeds = range(value)?;
                has_seeds = true;
            }
            "--validators" => arguments.validators = Some(number(name, value)? as usize),
            "--adversary" => arguments.adversary = choice(value)?,
            "--twins" => arguments.twins = number(name, value)? as usize,
            "--mutant" => arguments.mutant = Some(mutant(value)?),
            _ => arguments.replay = Some(number(name, value)?),
        }
    }
    if !has_seeds && arguments.replay.is_none() {
        return Err("--seeds or --replay is needed".into());
    }
    check(&arguments)?;
    Ok(arguments)
}

fn check(arguments: &Arguments) -> Result<(), String> {
    let chooses = arguments.adversary != Choice::None || arguments.twins > 0;
    match arguments.validators {
        None if chooses => Err("--adversary and --twins need --validators".into()),
        None => Ok(()),
        Some(validators) if !(1..=64).contains(&validators) => {
            Err(format!("--validators is {validators}, it has to be between 1 and 64"))
        }
        Some(validators) if arguments.twins > faulty(validators) => {
            let most = faulty(validators);
            Err(format!("--twins is {}, of {validators} validators at most {most} may be faulty", arguments.twins))
        }
        Some(validators) if arguments.adversary != Choice::None && arguments.twins == faulty(validators) => {
            Err(format!("no adversary fits beside {} twins among {validators} validators", arguments.twins))
        }
        Some(_) => Ok(()),
    }
}

fn number(name: &str, value: &str) -> Result<u64, String> {
    value.parse().map_err(|_| format!("{name} is {value:?}, it has to be a number"))
}

fn range(value: &str) -> Result<Range<u64>, String> {
    let wrong = || format!("--seeds is {value:?}, it has to be two numbers like 0..2000, the smaller one first");
    let (start, end) = value.split_once("..").ok_or_else(wrong)?;
    let range = start.parse().map_err(|_| wrong())?..end.parse().map_err(|_| wrong())?;
    if range.is_empty() { Err(wrong()) } else { Ok(range) }
}

fn choice(value: &str) -> Result<Choice, String> {
    match value {
        "none" => Ok(Choice::None),
        "mix" => Ok(Choice::Mix),
        names => {
            let found = names.split('+').map(|name| Behaviour::from_name(name).ok_or(name));
            let found: Result<Vec<Behaviour>, &str> = found.collect();
            found.map(Choice::These).map_err(|name| format!("unknown adversary {name:?}"))
        }
    }
}

fn mutant(value: &str) -> Result<Mutant, String> {
    let found = Mutant::ALL.iter().find(|mutant| format!("{mutant:?}") == value);
    found.copied().ok_or_else(|| format!("unknown mutant {value:?}"))
}

fn scenario(arguments: &Arguments, seed: u64) -> Scenario {
    let mut scenario = match arguments.validators {
        None => Scenario::combination(seed),
        Some(validators) => Scenario::random(seed, validators, arguments.twins, &arguments.adversary),
    };
    scenario.mutant = arguments.mutant;
    scenario
}

fn run(arguments: &Arguments) -> ExitCode {
    let summary = campaign::run(arguments.seeds.clone(), |seed| scenario(arguments, seed));
    if let Some((seed, found)) = &summary.first_bad {
        println!("seed {seed}:");
        found.iter().for_each(|what| println!("  {what}"));
    }
    let first_bad = summary.first_bad.as_ref().map(|(seed, _)| *seed);
    println!(
        "{}",
        serde_json::json!({
            "seeds": summary.seeds,
            "commits": summary.commits,
            "violations": summary.violations,
            "first_bad_seed": first_bad,
            "events_per_s": summary.events_per_second(),
        })
    );
    ExitCode::from(u8::from(summary.violations > 0))
}

fn replay(arguments: &Arguments, seed: u64) -> ExitCode {
    let scenario = Scenario { is_traced: true, ..scenario(arguments, seed) };
    println!("{scenario:#?}");
    let summary = match campaign::run_one(scenario) {
        Err(panic) => {
            println!("panics: {panic}");
            return ExitCode::from(1);
        }
        Ok(outcome) => outcome,
    };
    summary.trace.iter().for_each(|line| println!("{line}"));
    println!(
        "{} commits, {} events, {} violations; refused messages: {:?}, refused blocks: {:?}",
        summary.commits,
        summary.events,
        summary.violations.len(),
        summary.refused,
        summary.rejected
    );
    ExitCode::from(u8::from(!summary.violations.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Arguments, String> {
        let words: Vec<String> = text.split_whitespace().map(String::from).collect();
        parse(&words)
    }

    #[test]
    fn arguments_are_understood() {
        let found =
            parsed("--seeds 5..9 --validators 7 --adversary stale-qc+bomb --twins 1 --mutant VoteTwice").unwrap();
        let adversary = Choice::These(vec![Behaviour::StaleCertificate, Behaviour::Bomb]);
        let mutant = Some(Mutant::VoteTwice);
        assert_eq!(found, Arguments { seeds: 5..9, replay: None, validators: Some(7), adversary, twins: 1, mutant });
        assert_eq!(parsed("--replay 3").unwrap().replay, Some(3));
    }

    #[test]
    fn wrong_arguments_are_named() {
        for (text, named) in [
            ("", "--seeds"),
            ("--seeds", "--seeds needs a value"),
            ("--seeds 9..5", "smaller one first"),
            ("--seeds x", "--seeds"),
            ("--seeds 0..9 --validators 65", "between 1 and 64"),
            ("--seeds 0..9 --validators 4 --twins 2", "at most 1"),
            ("--seeds 0..9 --validators 4 --twins 1 --adversary mix", "no adversary fits"),
            ("--seeds 0..9 --adversary mix", "need --validators"),
            ("--seeds 0..9 --validators 4 --adversary nobody", "nobody"),
            ("--seeds 0..9 --mutant Nothing", "Nothing"),
            ("--sedes 0..9", "--sedes"),
        ] {
            let error = parsed(text).unwrap_err();
            assert!(error.contains(named), "{text:?}: {error}");
        }
    }
}
