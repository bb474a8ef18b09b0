//! A second explorer of the same rules, which keeps everything that was ever sent. Slow and obvious: it judges what the
//! model leaves out, so it shares nothing with it but the names of the mutations.

use qsdm_tests::model::Mutation;
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// A block as the rounds from the epoch's start to it, each with a number that tells equal proposals apart.
type Block = Vec<(u8, u8)>;
/// Certified blocks by the rounds on their way, with as many entries as there are such blocks.
pub(crate) type Tree = Vec<Vec<u8>>;

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Validator {
    voted: u8,
    timed_out: u8,
    high: u8,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct State {
    validators: [Validator; 3],
    votes: BTreeMap<Block, BTreeSet<usize>>,
    /// By round and validator: the certificate that its timeout reports.
    timeouts: BTreeMap<(u8, usize), u8>,
}

impl State {
    /// The least of the states that differ from this one in the names of the validators only.
    fn with_least_names(self) -> Self {
        let named = |names: [usize; 3]| {
            let validators = names.map(|old| self.validators[old].clone());
            let new = |old: &usize| names.iter().position(|name| name == old).expect("one of three");
            let votes =
                self.votes.iter().map(|(block, votes)| (block.clone(), votes.iter().map(new).collect())).collect();
            let timeouts = self.timeouts.iter().map(|((round, old), high)| ((*round, new(old)), *high)).collect();
            Self { validators, votes, timeouts }
        };
        let names = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
        names.map(named).into_iter().min().expect("six of them")
    }
}

/// The bounds and the rule that is left out.
pub(crate) struct Plain {
    /// Rounds 1 to this one.
    pub(crate) rounds: u8,
    /// Blocks of one round and one parent.
    pub(crate) copies: u8,
    /// Whether correct validators learn certificates before a block brings them.
    pub(crate) learns: bool,
    /// What is left out.
    pub(crate) mutation: Option<Mutation>,
}

impl Plain {
    fn lacks(&self, mutation: Mutation) -> bool {
        self.mutation == Some(mutation)
    }

    fn needed(&self) -> usize {
        if self.lacks(Mutation::QuorumOfTwoF) { 1 } else { 2 }
    }

    fn certified(&self, state: &State) -> Vec<Block> {
        let voted = state.votes.iter().filter(|(_, votes)| votes.len() >= self.needed());
        [Block::new()].into_iter().chain(voted.map(|(block, _)| block.clone())).collect()
    }

    /// What each possible timeout certificate of a round reports: one for each set of correct timeouts in it.
    fn timeout_certificates(&self, state: &State, round: u8) -> Vec<u8> {
        let highs: Vec<u8> = state.timeouts.range((round, 0)..=(round, 2)).map(|(_, high)| *high).collect();
        let sets = (0..1usize << highs.len()).filter(|set| set.count_ones() as usize >= self.needed());
        let greatest =
            |set: usize| highs.iter().enumerate().filter(|(at, _)| set >> at & 1 == 1).map(|(_, high)| *high).max();
        sets.filter_map(greatest).collect()
    }

    fn may_vote(&self, state: &State, who: usize, parent: u8, round: u8) -> bool {
        let validator = &state.validators[who];
        let is_new = round > validator.voted || (self.lacks(Mutation::VoteTwiceInARound) && round == validator.voted);
        let is_open = round > validator.timed_out || self.lacks(Mutation::VoteAfterTimeout);
        let follows = parent + 1 == round;
        let after_timeouts = self
            .timeout_certificates(state, round - 1)
            .into_iter()
            .any(|high| parent >= high || self.lacks(Mutation::IgnoreHighQcOfTimeoutCertificate));
        is_new && is_open && parent < round && (follows || after_timeouts)
    }

    fn steps(&self, state: &State) -> Vec<State> {
        let certified = self.certified(state);
        let mut steps = Vec::new();
        for who in 0..3 {
            for round in 1..=self.rounds {
                for parent in &certified {
                    self.votes(state, who, parent, round, &mut steps);
                }
                steps.extend(self.time_out(state, &certified, who, round));
            }
            let newer = certified.iter().map(round_of).filter(|high| self.learns && *high > state.validators[who].high);
            for high in newer {
                let mut next = state.clone();
                next.validators[who].high = high;
                steps.push(next);
            }
        }
        steps
    }

    fn votes(&self, state: &State, who: usize, parent: &Block, round: u8, steps: &mut Vec<State>) {
        if !self.may_vote(state, who, round_of(parent), round) {
            return;
        }
        for copy in 0..self.copies {
            let mut next = state.clone();
            let block: Block = parent.iter().copied().chain([(round, copy)]).collect();
            next.votes.entry(block).or_default().insert(who);
            let validator = &mut next.validators[who];
            validator.voted = round;
            if !self.lacks(Mutation::LoseHighQc) {
                validator.high = validator.high.max(round_of(parent));
            }
            steps.push(next);
        }
    }

    fn time_out(&self, state: &State, certified: &[Block], who: usize, round: u8) -> Option<State> {
        let validator = &state.validators[who];
        let is_entered = certified.iter().any(|block| round_of(block) + 1 == round)
            || !self.timeout_certificates(state, round - 1).is_empty();
        // in the last round it would change nothing within the bounds
        if round <= validator.timed_out || round < validator.voted || !is_entered || round == self.rounds {
            return None;
        }
        let mut next = state.clone();
        next.timeouts.insert((round, who), validator.high);
        next.validators[who].timed_out = round;
        Some(next)
    }

    /// Every tree of certified blocks that can come to be, and the number of states that were seen.
    pub(crate) fn trees(&self) -> (BTreeSet<Tree>, usize) {
        let validators = [(); 3].map(|()| Validator { voted: 0, timed_out: 0, high: 0 });
        let start = State { validators, votes: BTreeMap::new(), timeouts: BTreeMap::new() };
        let mut seen = HashSet::from([start.clone()]);
        let mut waiting = vec![start];
        let mut trees = BTreeSet::new();
        while let Some(state) = waiting.pop() {
            let mut tree: Tree =
                self.certified(&state).iter().map(|block| block.iter().map(|(round, _)| *round).collect()).collect();
            tree.sort();
            trees.insert(tree);
            let next = self.steps(&state).into_iter().map(|next| next.with_least_names());
            waiting.extend(next.filter(|next| seen.insert(next.clone())));
        }
        (trees, seen.len())
    }
}

fn round_of(block: &Block) -> u8 {
    block.last().map_or(0, |(round, _)| *round)
}
