//! Who leads which round.
//!
//! Rounds are grouped into windows, and within a window into slots of two rounds, because committing takes two
//! consecutive ones. The slots of a window are dealt by smooth weighted round robin, where a validator counts as its
//! weight times its reputation. Reputation comes from the blocks of the window before the last, which are ancestors of any
//! block that can be proposed, unless no block was committed for a whole window: all nodes that know the parent agree on
//! the leader, and a block is judged by its own parent.

use qsdm_primitives::{
    Round, Signers, ValidatorIndex, ValidatorSet,
    codec::{CodecError, Decode, Encode, Reader, ascending, encode_list},
    limits::VALIDATORS_MAX,
};
use std::sync::Arc;

/// Greatest reputation, of who voted for every block; the least is 1.
const REPUTATION_MAX: u128 = 8;
/// Windows that are kept: the one a block is in, the one before it, and the one that this one's leaders come from.
const WINDOWS_KEPT: usize = 3;
/// Consecutive rounds of one leader.
const ROUNDS_A_SLOT: u64 = 2;

/// What happened in one window of rounds on one chain.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Window {
    number: u64,
    /// Blocks of the window on the chain.
    blocks: u16,
    /// Who had a slot in it.
    scheduled: Signers,
    /// Who had none because of what they did two windows before.
    unscheduled: Signers,
    /// Blocks of each validator.
    produced: Vec<u16>,
    /// Votes of each validator in the certificates that the blocks carry.
    voted: Vec<u16>,
}

/// Who proposed and voted how often in the last windows of rounds, along one chain.
#[derive(Clone, Debug, Default)]
pub struct Participation {
    /// In ascending order, at most [`WINDOWS_KEPT`].
    windows: Vec<Window>,
    /// The leaders of the newest of these windows, where they were dealt already; they follow from the others.
    dealt: Option<Arc<Schedule>>,
}

impl PartialEq for Participation {
    fn eq(&self, other: &Self) -> bool {
        self.windows == other.windows
    }
}

impl Eq for Participation {}

/// The leaders of a window.
#[derive(Clone, Debug)]
pub(crate) struct Schedule {
    window: u64,
    slots: Vec<ValidatorIndex>,
    unscheduled: Signers,
}

/// Rounds in a window: at least two slots for each validator.
pub(crate) fn window_rounds(set: &ValidatorSet) -> u64 {
    (set.len() as u64 * 2 * ROUNDS_A_SLOT).clamp(32, 256)
}

impl Participation {
    /// The account after one more block: of `proposer`, in `round`, whose certificate has these `voters`.
    pub(crate) fn after(
        &self,
        set: &ValidatorSet,
        round: Round,
        proposer: ValidatorIndex,
        voters: Signers,
    ) -> Arc<Self> {
        let number = round.0 / window_rounds(set);
        let mut windows = self.windows.clone();
        let mut dealt = self.dealt.clone();
        if windows.last().is_none_or(|window| window.number != number) {
            let schedule = self.schedule(set, round);
            windows.push(Window {
                number,
                scheduled: schedule.slots.iter().copied().collect(),
                unscheduled: schedule.unscheduled,
                produced: vec![0; set.len()],
                voted: vec![0; set.len()],
                ..Window::default()
            });
            dealt = Some(schedule);
            windows.retain(|window| window.number.saturating_add(WINDOWS_KEPT as u64) > number);
        }
        if let Some(window) = windows.last_mut() {
            window.blocks = window.blocks.saturating_add(1);
            count(&mut window.produced, proposer);
            voters.iter().for_each(|voter| count(&mut window.voted, voter));
        }
        Arc::new(Self { windows, dealt })
    }

    /// The leaders of the window that `round` is in.
    pub(crate) fn schedule(&self, set: &ValidatorSet, round: Round) -> Arc<Schedule> {
        let rounds = window_rounds(set);
        let window = round.0 / rounds;
        match &self.dealt {
            Some(dealt) if dealt.window == window => Arc::clone(dealt),
            _ => Arc::new(self.deal(set, window)),
        }
    }

    fn deal(&self, set: &ValidatorSet, window: u64) -> Schedule {
        let past = window.checked_sub(2).and_then(|number| self.windows.iter().find(|past| past.number == number));
        let unscheduled = past.map_or(Signers::NONE, |past| absent(set, past));
        let shares: Vec<u128> =
            set.indices()
                .map(|index| {
                    if unscheduled.contains(index) {
                        0
                    } else {
                        u128::from(set.weight(index)) * reputation(past, index)
                    }
                })
                .collect();
        let slots = deal(&shares, (window_rounds(set) / ROUNDS_A_SLOT) as usize);
        Schedule { window, slots, unscheduled }
    }
}

impl Schedule {
    /// Who leads `round`; `None` where the round is in another window.
    pub(crate) fn leader(&self, set: &ValidatorSet, round: Round) -> Option<ValidatorIndex> {
        let rounds = window_rounds(set);
        if round.0 / rounds != self.window {
            return None;
        }
        self.slots.get(((round.0 % rounds) / ROUNDS_A_SLOT) as usize).copied()
    }
}

fn count(counts: &mut [u16], index: ValidatorIndex) {
    if let Some(count) = counts.get_mut(usize::from(index.0)) {
        *count = count.saturating_add(1);
    }
}

fn at(counts: &[u16], index: ValidatorIndex) -> u16 {
    counts.get(usize::from(index.0)).copied().unwrap_or(0)
}

/// Between 1 and [`REPUTATION_MAX`], by the share of the window's blocks that the validator voted for.
fn reputation(past: Option<&Window>, index: ValidatorIndex) -> u128 {
    match past {
        Some(past) if past.blocks > 0 => {
            1 + (REPUTATION_MAX - 1) * u128::from(at(&past.voted, index)) / u128::from(past.blocks)
        }
        _ => REPUTATION_MAX,
    }
}

/// Who gets no slot: had one and produced nothing, or had none for that reason and showed no life since. Together at
/// most the weight that may be faulty, the least active first.
fn absent(set: &ValidatorSet, past: &Window) -> Signers {
    let gone = |index: &ValidatorIndex| {
        let silent = at(&past.voted, *index) == 0;
        (past.scheduled.contains(*index) && at(&past.produced, *index) == 0)
            || (past.unscheduled.contains(*index) && silent)
    };
    let mut candidates: Vec<ValidatorIndex> = set.indices().filter(gone).collect();
    candidates.sort_by_key(|index| (at(&past.voted, *index), *index));
    let mut weight = 0u64;
    let mut absent = Signers::NONE;
    for index in candidates {
        let more = weight.saturating_add(set.weight(index));
        if more <= set.faulty() {
            weight = more;
            absent.insert(index);
        }
    }
    absent
}

/// Smooth weighted round robin: each slot goes to who is owed most, the first of equals.
fn deal(shares: &[u128], slots: usize) -> Vec<ValidatorIndex> {
    let total: u128 = shares.iter().sum();
    // weights are below 2^58 and reputations at most 8: what is owed stays far below 127 bits
    let signed = |share: u128| i128::try_from(share).unwrap_or(i128::MAX / 1_024);
    let mut owed = vec![0i128; shares.len()];
    let mut dealt = Vec::with_capacity(slots);
    for _ in 0..slots {
        owed.iter_mut().zip(shares).for_each(|(owed, share)| *owed += signed(*share));
        let next = (0..owed.len()).filter(|at| shares[*at] > 0).max_by_key(|at| (owed[*at], usize::MAX - at));
        let next = next.unwrap_or(0);
        owed[next] -= signed(total);
        dealt.push(ValidatorIndex(next as u16));
    }
    dealt
}

const WINDOW_BYTES_MIN: usize = 8 + 2 + 8 + 8 + 4 + 4;

impl Encode for Participation {
    fn encode(&self, out: &mut Vec<u8>) {
        encode_list(&self.windows, out);
    }
}

impl Decode for Participation {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CodecError> {
        let windows: Vec<Window> = reader.list("windows of participation", WINDOWS_KEPT, WINDOW_BYTES_MIN)?;
        ascending("the windows of participation", windows.iter().map(|window| window.number))?;
        Ok(Self { windows, dealt: None })
    }
}

impl Encode for Window {
    fn encode(&self, out: &mut Vec<u8>) {
        self.number.encode(out);
        self.blocks.encode(out);
        self.scheduled.encode(out);
        self.unscheduled.encode(out);
        encode_list(&self.produced, out);
        encode_list(&self.voted, out);
    }
}

impl Decode for Window {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CodecError> {
        Ok(Self {
            number: Decode::decode(reader)?,
            blocks: Decode::decode(reader)?,
            scheduled: Decode::decode(reader)?,
            unscheduled: Decode::decode(reader)?,
            produced: reader.list("validators", VALIDATORS_MAX, 2)?,
            voted: reader.list("validators", VALIDATORS_MAX, 2)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aggregate::fixtures::set;
    use proptest::prelude::*;
    use qsdm_primitives::codec::decode;

    /// A chain of so many rounds on which these validators produce and vote in the rounds that they are told to.
    fn chain(set: &ValidatorSet, rounds: u64, is_awake: impl Fn(ValidatorIndex, u64) -> bool) -> Arc<Participation> {
        let mut chain = Arc::<Participation>::default();
        for round in 1..rounds {
            let leader = chain.schedule(set, Round(round)).leader(set, Round(round)).unwrap();
            if is_awake(leader, round) {
                let voters = set.indices().filter(|index| is_awake(*index, round)).collect();
                chain = chain.after(set, Round(round), leader, voters);
            }
        }
        chain
    }

    fn slots(set: &ValidatorSet, chain: &Participation, window: u64) -> Vec<usize> {
        let rounds = window_rounds(set);
        let schedule = chain.schedule(set, Round(window * rounds));
        let count = |index: ValidatorIndex| schedule.slots.iter().filter(|leader| **leader == index).count();
        set.indices().map(count).collect()
    }

    proptest! {
        #[test]
        fn the_same_account_gives_the_same_leaders_after_it_was_read_from_disk(
            weights in prop::collection::vec(1..1_000u64, 1..20),
            asleep in any::<u32>(),
            rounds in 1..300u64,
        ) {
            let set = set(&weights);
            let chain = chain(&set, rounds, |index, round| asleep.rotate_left(round as u32) & (1 << (index.0 % 32)) == 0);
            let read: Participation = decode(&chain.to_bytes()).unwrap();
            prop_assert_eq!(&read, chain.as_ref());
            for round in (0..rounds + 200).step_by(7) {
                let (one, other) = (chain.schedule(&set, Round(round)), read.schedule(&set, Round(round)));
                prop_assert_eq!(one.leader(&set, Round(round)), other.leader(&set, Round(round)));
                prop_assert!(one.leader(&set, Round(round)).is_some_and(|leader| set.get(leader).is_some()));
                prop_assert_eq!(one.leader(&set, Round(round + 256)), None, "of another window");
            }
        }

        #[test]
        fn each_leads_in_proportion_to_its_weight_and_two_rounds_each_time(
            weights in prop::collection::vec(1..1_000u64, 1..64),
        ) {
            let set = set(&weights);
            let chain = Participation::default();
            let rounds = window_rounds(&set);
            let counts = slots(&set, &chain, 0);
            let all = counts.iter().sum::<usize>();
            prop_assert_eq!(all as u64, rounds / 2);
            for (index, count) in set.indices().zip(counts) {
                // count and its fair share all · weight / total, both times the total
                let (count, fair) = (count as u64 * set.total(), all as u64 * set.weight(index));
                prop_assert!(count.abs_diff(fair) <= set.total(), "{count} for {fair}, of {}", set.total());
            }
            for round in (0..rounds).step_by(2) {
                let schedule = chain.schedule(&set, Round(round));
                prop_assert_eq!(schedule.leader(&set, Round(round)), schedule.leader(&set, Round(round + 1)));
            }
        }

        #[test]
        fn at_most_the_faulty_weight_is_left_out_and_somebody_always_leads(
            weights in prop::collection::vec(0..1_000u64, 1..30),
            asleep in any::<u32>(),
        ) {
            let set = set(&weights);
            let rounds = window_rounds(&set);
            let chain = chain(&set, 2 * rounds, |index, _| asleep & (1 << (index.0 % 32)) == 0);
            let schedule = chain.schedule(&set, Round(2 * rounds));
            prop_assert!(set.weight_of(schedule.unscheduled) <= set.faulty());
            for leader in &schedule.slots {
                prop_assert!(!schedule.unscheduled.contains(*leader));
                prop_assert!(set.weight(*leader) > 0);
            }
        }
    }

    #[test]
    fn a_silent_leader_is_left_out_two_windows_later_until_it_shows_life() {
        let set = set(&[1; 7]);
        let rounds = window_rounds(&set);
        let silent = ValidatorIndex(5);
        for returns in [3, 5] {
            let chain = |windows: u64| {
                chain(&set, windows * rounds, |index, round| index != silent || round >= returns * rounds)
            };
            let of_silent = |window: u64| slots(&set, &chain(window), window)[usize::from(silent.0)];
            assert!(of_silent(1) > 0, "nothing is known of it yet");
            for window in 2..returns + 2 {
                assert_eq!(of_silent(window), 0, "window {window}, awake from {returns} on");
            }
            assert!(of_silent(returns + 2) > 0, "it voted in window {returns}");
        }
    }

    #[test]
    fn who_votes_less_leads_less() {
        let set = set(&[1; 4]);
        let rounds = window_rounds(&set);
        // validator 3 produces its blocks and votes for every fourth only
        let mut chain = Arc::<Participation>::default();
        for round in 0..2 * rounds {
            let leader = chain.schedule(&set, Round(round)).leader(&set, Round(round)).unwrap();
            let voters = set.indices().filter(|index| index.0 != 3 || round % 4 == 0).collect();
            chain = chain.after(&set, Round(round), leader, voters);
        }
        let counts = slots(&set, &chain, 2);
        assert!(counts[3] > 0 && counts[3] * 2 <= counts[0], "{counts:?}");
        assert_eq!((counts[0], counts[1]), (counts[1], counts[2]));
    }

    #[test]
    fn a_window_without_blocks_gives_everybody_a_new_chance() {
        let set = set(&[1; 4]);
        let rounds = window_rounds(&set);
        let chain = chain(&set, rounds, |index, _| index.0 != 3);
        assert_eq!(slots(&set, &chain, 2)[3], 0);
        assert_eq!(slots(&set, &chain, 3), slots(&set, &Participation::default(), 3));
        assert_eq!(slots(&set, &chain, 1_000_000), slots(&set, &Participation::default(), 0));
    }

    #[test]
    fn three_windows_are_kept() {
        let set = set(&[1; 4]);
        let rounds = window_rounds(&set);
        let chain = chain(&set, 10 * rounds, |_, _| true);
        let numbers: Vec<u64> = chain.windows.iter().map(|window| window.number).collect();
        assert_eq!(numbers, [7, 8, 9]);
        assert!(chain.windows.iter().all(|window| u64::from(window.blocks) == rounds));
    }
}
