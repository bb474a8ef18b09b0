//! Each rule is needed: a core that breaks it is caught, in a scenario that is made for it.
//!
//! A scenario kills a mutant where the oracles object under one of a few checked-in seeds at least; without the mutant
//! they object under none of these. The one rule that random runs don't need is killed by the model, which searches all
//! of them.

// which seed kills is the result
#![allow(clippy::print_stdout)]

use qsdm_consensus::Mutant;
use qsdm_tests::{
    model::{COMMITS_AGREE, Mutation, Protocol, Rules},
    sim::{
        Behaviour, Scenario, campaign,
        scenario::{NetworkModel, Outage, Partition, ms},
    },
};
use stateright::{Checker, Model};
use std::ops::Range;

/// The seeds that every scenario is run with.
const SEEDS: Range<u64> = 0..4;

/// How a mutant is killed.
enum Killer {
    /// By the oracles, under some seeds of a scenario.
    Scenario(fn(u64) -> Scenario),
    /// By the search of the model in which this rule is left out.
    Model(Mutation),
}

use Killer::Scenario as In;

/// Every mutant with what kills it.
const KILLERS: &[(Mutant, Killer)] = &[
    (Mutant::CommitNonConsecutive, Killer::Model(Mutation::CommitOnNonConsecutiveChain)),
    // a leader leaves out the block of the newest certificate that the timeouts report
    (Mutant::VoteStaleCertificate, In(|seed| hostile(seed, &[Behaviour::StaleCertificate]))),
    // a leader has two blocks for everybody
    (Mutant::VoteTwice, In(|seed| hostile(seed, &[Behaviour::Equivocate]))),
    (Mutant::VoteAfterTimeout, In(late_blocks)),
    (Mutant::SmallQuorum, In(|seed| Scenario::calm(seed, 4))),
    (Mutant::SendBeforeDurable, In(|seed| Scenario::calm(seed, 4))),
    (Mutant::ForgetCertificate, In(restarts_in_a_round_that_is_given_up)),
    (Mutant::VoteWithoutCells, In(|seed| hostile(seed, &[Behaviour::WithheldCells]))),
    (Mutant::AnyLeader, In(|seed| hostile(seed, &[Behaviour::Usurp]))),
    (Mutant::OpenCut, In(open_cuts)),
    (Mutant::IgnoreExecution, In(|seed| hostile(seed, &[Behaviour::WrongResult]))),
    (Mutant::CutAfterBoundary, In(cells_after_the_end)),
    // after a round that is lost two blocks are committed at once
    (Mutant::CommitNewestFirst, In(|seed| hostile(seed, &[Behaviour::SilentLeader]))),
    (Mutant::OrderByArrival, In(|seed| Scenario { cell_every: ms(50), ..Scenario::calm(seed, 4) })),
    (Mutant::NoTimeoutJoin, In(out_of_step)),
    (Mutant::NoRepeat, In(nobody_reaches_anybody)),
    (Mutant::EpochWithoutCertificate, In(|seed| epochs(Scenario::calm(seed, 4)))),
    (Mutant::CountDoubleVotes, In(double_votes)),
    // what one node computes differs from the fifth EVM block on
    (Mutant::VoteAfterDivergence, In(|seed| Scenario { divergence: vec![(1, 5)], ..Scenario::calm(seed, 4) })),
    (Mutant::ThawFrozen, In(cells_of_the_frozen)),
];

fn hostile(seed: u64, behaviours: &[Behaviour]) -> Scenario {
    Scenario::calm(seed, 4).with_hostile(behaviours)
}

fn epochs(mut scenario: Scenario) -> Scenario {
    scenario.parameters.epoch_length_ms = 500;
    scenario
}

/// The network is so slow that many a block comes when its round was given up.
fn late_blocks(seed: u64) -> Scenario {
    let stable_network = NetworkModel { delay: (ms(20), ms(180)), ..NetworkModel::good() };
    Scenario { stable_network, ..Scenario::calm(seed, 4) }.lasting(ms(12_000))
}

/// Nobody reaches anybody, so that all give up a round, and say with which certificate. They start again, and do so
/// again. Whoever has the block of that round has the certificate in it, so that this is done several times.
fn restarts_in_a_round_that_is_given_up(seed: u64) -> Scenario {
    let mut scenario = Scenario { stable_from: ms(9_000), ..Scenario::calm(seed, 4) }.lasting(ms(13_000));
    for from in (0..6).map(|number| 1_000 + number * 1_300) {
        scenario.partitions.push(Partition::new(ms(from), ms(from + 900), (0..4).collect()));
        let stops = (0..4).map(|node| (node, ms(from + 500 + node as u64 * 30)));
        scenario.outages.extend(stops.map(|(node, stop)| Outage::new(node, stop, stop + ms(60))));
    }
    scenario
}

/// A leader leaves out lanes that others link into; there are many cells, so that there are such links.
fn open_cuts(seed: u64) -> Scenario {
    Scenario { cell_every: ms(40), ..hostile(seed, &[Behaviour::OpenCut]) }
}

/// A leader includes its own newest cell, also in the blocks that only certify the last one of an epoch.
fn cells_after_the_end(seed: u64) -> Scenario {
    Scenario { cell_every: ms(20), ..epochs(hostile(seed, &[Behaviour::OwnCells])) }.lasting(ms(9_000))
}

/// Two and two are parted again and again. One side gives its round up earlier than the other, which then hears of it.
fn out_of_step(seed: u64) -> Scenario {
    let partitions = (0..8).map(|number| {
        let from = ms(600 + number * 900);
        Partition::new(from, from + ms(350), vec![0, 0, 1, 1])
    });
    Scenario { partitions: partitions.collect(), stable_from: ms(7_300), ..Scenario::calm(seed, 4) }.lasting(ms(12_000))
}

/// Whoever is proved guilty includes cells of its own that came before that, in each epoch anew.
fn cells_of_the_frozen(seed: u64) -> Scenario {
    let scenario = hostile(seed, &[Behaviour::DoubleVote, Behaviour::OwnCells]);
    Scenario { cell_every: ms(20), ..epochs(scenario) }.lasting(ms(9_000))
}

/// What was sent is lost; if it is not sent again, everybody waits for ever.
fn nobody_reaches_anybody(seed: u64) -> Scenario {
    let partitions = vec![Partition::new(ms(1_000), ms(1_500), (0..4).collect())];
    Scenario { partitions, stable_from: ms(1_500), ..Scenario::calm(seed, 4) }
}

/// A voter votes for both blocks of a leader with two.
fn double_votes(seed: u64) -> Scenario {
    let mut scenario = Scenario::calm(seed, 7).lasting(ms(8_000));
    scenario.hostile = vec![vec![Behaviour::DoubleVote], vec![Behaviour::DoubleVote, Behaviour::Equivocate]];
    scenario
}

/// What the oracles object to first.
fn objection(scenario: Scenario) -> Option<String> {
    match campaign::run_one(scenario) {
        Ok(outcome) => outcome.violations.first().map(|found| format!("node {}: {}", found.node, found.what)),
        Err(panic) => Some(format!("panics: {panic}")),
    }
}

fn is_killed(mutant: Mutant, scenario: fn(u64) -> Scenario) -> bool {
    let mut killed = 0;
    for seed in SEEDS {
        let control = objection(scenario(seed));
        assert_eq!(control, None, "{mutant:?}: seed {seed} is a violation without it");
        if let Some(what) = objection(Scenario { mutant: Some(mutant), ..scenario(seed) }) {
            killed += 1;
            println!("{mutant:?}: seed {seed}: {}", what.chars().take(160).collect::<String>());
        }
    }
    println!("{mutant:?}: {killed} of {} seeds", SEEDS.end);
    killed > 0
}

/// There is a fork within four rounds where the rule is left out, and none where it is not.
fn is_killed_by_model(mutation: Mutation) -> bool {
    let forks = |mutation| {
        let model = Protocol { rules: Rules { rounds: 4, mutation }, blocks_a_round: 2, with_binding_steps: false };
        model.checker().spawn_bfs().join().discovery(COMMITS_AGREE).is_some()
    };
    assert!(!forks(None), "the rules as they are fork");
    forks(Some(mutation))
}

#[test]
fn every_mutant_is_in_the_table_once() {
    for mutant in Mutant::ALL {
        assert_eq!(KILLERS.iter().filter(|(known, _)| *known == mutant).count(), 1, "{mutant:?}");
    }
    assert_eq!(KILLERS.len(), Mutant::ALL.len());
}

#[test]
fn no_mutant_survives() {
    let survivors: Vec<Mutant> = KILLERS
        .iter()
        .filter(|(mutant, killer)| match killer {
            Killer::Scenario(scenario) => !is_killed(*mutant, *scenario),
            Killer::Model(mutation) => !is_killed_by_model(*mutation),
        })
        .map(|(mutant, _)| *mutant)
        .collect();
    assert_eq!(survivors, []);
}
