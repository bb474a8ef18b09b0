//! Scenarios that a seed chooses.

use super::{NetworkModel, Outage, Partition, Scenario, ms};
use crate::sim::{Micros, Random, adversary::Behaviour};

/// Who breaks rules in a random scenario.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Choice {
    /// Nobody.
    #[default]
    None,
    /// Everybody who may be faulty and is no twin does these things.
    These(Vec<Behaviour>),
    /// The seed chooses for each of them.
    Mix,
}

/// How many of so many validators of equal weight may be faulty.
pub fn faulty(validators: usize) -> usize {
    validators.saturating_sub(1) / 3
}

impl Scenario {
    /// The seed decides what fails until [`Scenario::stable_from`]; then all is well, but for the twins and who breaks
    /// rules, and the chain has to grow.
    pub fn random(seed: u64, validators: usize, twins: usize, adversary: &Choice) -> Self {
        let mut random = Random::new(seed ^ 0x5ce_4a71_0000);
        let nodes = validators + twins;
        let mut scenario = Self { twins, ..Self::calm(seed, validators) };
        scenario.stable_from = ms(4_000);
        scenario.end = ms(9_000);
        scenario.cells_until = ms(8_000);
        scenario.cell_every = ms(random.between(100, 600));
        scenario.network = NetworkModel {
            delay: (ms(1), ms(random.between(5, 120))),
            drop_per_mille: random.below(3) * random.below(75),
            duplicate_per_mille: random.below(2) * random.below(100),
        };
        scenario.partitions = partitions(&mut random, nodes, scenario.stable_from);
        scenario.crash_per_million = random.below(3) * random.below(400);
        if random.per_mille(300) {
            scenario.skew_ms = (0..nodes).map(|_| random.between(0, 2_000) as i64 - 1_000).collect();
        }
        if random.per_mille(300) {
            scenario.parameters.epoch_length_ms = random.between(500, 3_000);
        }
        if random.per_mille(200) {
            scenario.writers = 1;
        }
        if random.per_mille(250) {
            scenario.submeshes = 2;
        }
        for _ in 0..random.below(3) {
            let from = ms(random.below(3_000));
            scenario.outages.push(Outage::new(random.index(nodes), from, from + ms(random.between(10, 2_000))));
        }
        let hostile = faulty(validators).saturating_sub(twins);
        scenario.hostile = match adversary {
            Choice::None => Vec::new(),
            Choice::These(behaviours) => vec![behaviours.clone(); hostile],
            Choice::Mix => (0..hostile).map(|_| mix(&mut random)).collect(),
        };
        // two rounds for each faulty leader, and for one that lost what it needs, each as long as a round can be
        let rounds = 2 * (scenario.hostile.len() + twins + 1) as u64;
        scenario.patience = rounds * 8 * ms(scenario.parameters.round_ms + scenario.parameters.idle_block_ms);
        scenario
    }

    /// A random scenario out of all combinations of 4, 7 or 16 validators, none, one or as many twins as may be faulty, and
    /// nobody, one way or several ways of breaking rules.
    pub fn combination(seed: u64) -> Self {
        let mut random = Random::new(seed ^ 0xc0_4b1e_d000);
        // what 16 validators do costs twenty times as much as what four do
        let validators = match random.below(40) {
            0 => 16,
            1..=10 => 7,
            _ => 4,
        };
        let most = faulty(validators);
        let twins = [0, 1, most][random.index(3)];
        let adversary = match random.below(3) {
            0 => Choice::None,
            1 => Choice::These(vec![Behaviour::ALL[random.index(Behaviour::ALL.len())]]),
            _ => Choice::Mix,
        };
        Self::random(seed, validators, twins, &adversary)
    }
}

/// One to four ways of breaking rules.
fn mix(random: &mut Random) -> Vec<Behaviour> {
    let count = random.between(1, 4);
    let mut behaviours: Vec<Behaviour> =
        (0..count).map(|_| Behaviour::ALL[random.index(Behaviour::ALL.len())]).collect();
    behaviours.sort_unstable();
    behaviours.dedup();
    behaviours
}

/// Every while another random division into groups; half of the time there is none.
fn partitions(random: &mut Random, nodes: usize, until: Micros) -> Vec<Partition> {
    let mut partitions = Vec::new();
    let mut from = 0;
    while from < until {
        let length = ms(random.between(50, 900));
        if random.per_mille(500) {
            let count = random.between(2, 3);
            let groups = (0..nodes).map(|_| random.below(count) as u8).collect();
            let is_one_way = random.per_mille(250);
            partitions.push(Partition { from, until: (from + length).min(until), groups, is_one_way });
        }
        from += length;
    }
    partitions
}
