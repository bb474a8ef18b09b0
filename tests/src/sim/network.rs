//! Wires: delay, loss, duplication, reordering, partitions.

use super::{Micros, Random, Scenario};

/// When a message from one node arrives at another: never, once or twice.
pub(super) fn arrivals(
    scenario: &Scenario,
    random: &mut Random,
    now: Micros,
    from: usize,
    to: usize,
) -> impl Iterator<Item = Micros> + use<> {
    let model = if now < scenario.stable_from { &scenario.network } else { &scenario.stable_network };
    let is_cut = scenario.partitions.iter().any(|partition| partition.cuts(now, from, to));
    let copies = if is_cut || random.per_mille(model.drop_per_mille) {
        0
    } else {
        1 + usize::from(random.per_mille(model.duplicate_per_mille))
    };
    let mut delay = || now + random.between(model.delay.0, model.delay.1);
    let times = [delay(), if copies > 1 { delay() } else { 0 }];
    times.into_iter().take(copies)
}
