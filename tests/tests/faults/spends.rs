//! One sender and nonce in cells of several authors: who wins is a function of what is committed.

use super::support::{each, run};
use qsdm_tests::sim::{
    Outcome, Scenario, Verdict,
    scenario::{DoubleSpends, NetworkModel, Outage, ms},
};
use std::collections::{BTreeMap, BTreeSet};

/// So many authors have each nonce, in an otherwise busy network.
fn contested(seed: u64, validators: usize, authors: usize) -> Scenario {
    let double_spends = Some(DoubleSpends { authors, every: ms(250) });
    Scenario { double_spends, ..Scenario::calm(seed, validators).lasting(ms(8_000)) }
}

/// The same where cells come in any order, more than once or not at first, where clocks differ, and where one node after
/// the other sleeps and collects at once what the others have collected bit by bit.
fn scattered(seed: u64, validators: usize, authors: usize) -> Scenario {
    let network = NetworkModel { delay: (ms(1), ms(90)), drop_per_mille: 30, duplicate_per_mille: 50 };
    let skew_ms = (0..validators as u64).map(|node| ((seed + node) * 377 % 1_200) as i64 - 600).collect();
    let outage = |number: u64| {
        let from = ms(700 + number * 1_300);
        Outage::new((seed + number) as usize % validators, from, from + ms(700))
    };
    let outages = (0..3).map(outage).collect();
    let stable_from = ms(5_000);
    let calm = contested(seed, validators, authors);
    Scenario { network, skew_ms, outages, stable_from, ..calm }.lasting(ms(11_000))
}

/// All correct nodes have the same receipts, and each nonce has one winner. How many nonces were claimed so many times.
fn one_winner_everywhere(scenario: &Scenario, outcome: &Outcome) -> BTreeMap<usize, usize> {
    let agreed = outcome.double_spends(0);
    for node in 0..scenario.validators {
        assert_eq!(outcome.double_spends(node), agreed, "node {node} has other winners than node 0");
        let (one, other) = (&outcome.receipts_of[&0], &outcome.receipts_of[&node]);
        let both = one.iter().filter_map(|(number, receipts)| Some((receipts, other.get(number)?)));
        let compared = both.inspect(|(one, other)| assert_eq!(one, other, "receipts of node {node}")).count();
        assert!(compared * 10 > one.len() * 9, "node {node} has executed {compared} of {} blocks", one.len());
    }
    let mut claims = BTreeMap::new();
    for (nonce, receipts) in agreed {
        let winners: Vec<_> = receipts.iter().filter(|receipt| receipt.verdict == Verdict::Won).collect();
        let [winner] = winners[..] else { panic!("nonce {nonce} is spent {} times: {receipts:?}", winners.len()) };
        assert_eq!(winner.hash, receipts[0].hash, "the first in the order wins");
        for loser in &receipts[1..] {
            assert_eq!(loser.verdict, Verdict::Lost(winner.hash), "nonce {nonce}");
        }
        let cells: BTreeSet<_> = receipts.iter().map(|receipt| receipt.cell).collect();
        assert_eq!(cells.len(), receipts.len(), "each in a cell of its own");
        *claims.entry(receipts.len()).or_default() += 1;
    }
    claims
}

/// The payments of a nonce that a node was warned of before any of them was executed.
fn warned_of(outcome: &Outcome, node: Option<usize>) -> BTreeMap<u64, BTreeSet<[u8; 32]>> {
    let mut warned: BTreeMap<u64, BTreeSet<[u8; 32]>> = BTreeMap::new();
    let sender = outcome.double_spends(0).into_values().flatten().next().expect("there are some").sender;
    let sets = outcome.conflicts.iter().filter(|(of, set)| node.is_none_or(|node| node == *of) && set.sender == sender);
    for (_, set) in sets {
        let known = warned.entry(set.nonce).or_default();
        known.insert(set.newest.1);
        known.extend(set.others.iter().map(|(_, hash)| *hash));
    }
    warned
}

/// Row 33.
#[test]
fn one_nonce_in_cells_of_k_authors_is_spent_once_and_every_node_is_warned_of_all_of_them() {
    for validators in [4, 7] {
        for authors in 2..=validators {
            each(0..2, |seed| {
                let scenario = contested(seed, validators, authors);
                let outcome = run(scenario.clone());
                let claims = one_winner_everywhere(&scenario, &outcome);
                assert!(claims.get(&authors).copied().unwrap_or(0) >= 20, "{authors} authors: {claims:?}");
                for node in 0..validators {
                    let warned = warned_of(&outcome, Some(node));
                    for (nonce, receipts) in outcome.double_spends(node) {
                        let all: BTreeSet<_> = receipts.iter().map(|receipt| receipt.hash).collect();
                        assert_eq!(warned.get(&nonce), Some(&all), "node {node}, nonce {nonce}");
                    }
                }
            });
        }
    }
}

/// Row 33. A node that is late may have the winner committed before the others come: then the receipt is the first it
/// hears of them, but somebody was warned.
#[test]
fn whatever_the_order_of_delivery_and_the_time_of_collection_the_winner_is_the_same_everywhere() {
    let mut whole = 0;
    for validators in [4, 7] {
        for authors in 2..=validators {
            each(0..12, |seed| {
                let scenario = scattered(seed, validators, authors);
                let outcome = run(scenario.clone());
                let claims = one_winner_everywhere(&scenario, &outcome);
                whole += claims.get(&authors).copied().unwrap_or(0);
                let warned = warned_of(&outcome, None);
                for (nonce, receipts) in outcome.double_spends(0) {
                    let lost = receipts.iter().filter(|receipt| receipt.verdict != Verdict::Won);
                    let known = warned.get(&nonce).cloned().unwrap_or_default();
                    lost.for_each(|loser| assert!(known.contains(&loser.hash), "nobody was warned of nonce {nonce}"));
                }
            });
        }
    }
    println!("{whole} nonces were claimed by all authors that had them");
    assert!(whole > 500, "{whole}");
}
