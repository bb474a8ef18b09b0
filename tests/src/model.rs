//! The rules for votes, timeouts and commits as a finite model that is searched exhaustively: four validators of equal
//! weight, one of them the adversary's, one epoch, and as many rounds as [`Rules`] says.
//!
//! ```text
//! vote for B     B.round > last voted, last timed out;  B extends a certified block;
//!                B.parent.round + 1 = B.round, or a timeout certificate of B.round - 1 reports nothing newer than B.parent
//! time out r     r > last timed out;  r >= last voted;  carries the newest certificate known
//! commit B0      a certified B1 extends it and B1.round = B0.round + 1; its ancestors with it
//! ```
//!
//! # What the adversary can do
//! - **It leads every round.** A block exists from its first vote on; it may extend any certified block that the rules
//!   let the voter accept, and there may be several in a round with one parent or with different ones. An honest leader
//!   does less.
//! - **It decides who receives what and when.** Votes and timeouts, once sent, exist for ever, so a state is what was
//!   sent and only grows; there are no messages under way. Each validator acts on as much of it as the adversary likes:
//!   it may time out with a certificate as old as its own votes allow.
//! - **It votes for everything and times out everywhere**, with the oldest certificate. Two correct votes are therefore a
//!   quorum certificate, and two correct timeouts a timeout certificate; of three, the two that report the least.
//! - **Correct validators time out whenever they like** in a round that anybody can have entered. Clocks are not modelled:
//!   the rules may not depend on them.
//!
//! # What is left out, and why nothing is lost by it
//! - **Steps that only bind the one who takes them**: a correct validator that receives a newer certificate, or votes for
//!   a block that is certified already, has to report more and may vote for less; no other step becomes possible. With
//!   [`Protocol::with_binding_steps`] these steps are explored too.
//! - **What makes no difference any more**: whose votes a certificate has, votes for a block that nobody else can vote
//!   for, timeouts that nobody can act on, what a validator keeps for rounds it has left ([`Rules::forget`]).
//! - **Names**: correct validators differ only in what they did, so states are sorted ([`State::sort`]).
//!
//! `tests/model.rs` compares the trees of certified blocks that the model reaches, on which alone the commits depend, with
//! those that a second explorer reaches. That one forgets nothing and takes the binding steps, so it is slow and its bounds
//! are smaller.
//!
//! # Bounds
//! Rounds end at [`Rules::rounds`]; timeouts of the last one decide nothing within it. [`Protocol::blocks_a_round`] bounds
//! the blocks of a round that still matter: with 3 it is no bound for the rules as they are, because three correct
//! validators vote once each. States are told apart by 64-bit hashes. Weights, epochs, restarts that lose what was made
//! durable, cuts and execution are outside; the simulator has them.

mod rules;
mod state;

pub use rules::{Mutation, Rules};
pub use state::{Block, CORRECT, State, Timeouts, Validator};

use stateright::{Model, Property};

/// The property that a mutated rule breaks.
pub const COMMITS_AGREE: &str = "no two conflicting blocks are committed";

/// The model with its bounds.
///
/// ```
/// use qsdm_tests::model::{COMMITS_AGREE, Mutation, Protocol, Rules};
/// use stateright::{Checker, Model};
///
/// let rules = Rules { rounds: 2, mutation: Some(Mutation::VoteTwiceInARound) };
/// let model = Protocol { rules, blocks_a_round: 2, with_binding_steps: false };
/// assert!(model.checker().spawn_bfs().join().discovery(COMMITS_AGREE).is_some());
/// ```
#[derive(Clone, Debug)]
pub struct Protocol {
    /// The rules and the number of rounds.
    pub rules: Rules,
    /// Blocks of one round that wait for votes or are certified.
    pub blocks_a_round: usize,
    /// Whether correct validators also take the steps that only bind themselves.
    pub with_binding_steps: bool,
}

/// A step. Validators and blocks are named by their places in the state before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// A correct validator votes for a block that another has voted for.
    Vote {
        /// The voter.
        validator: u8,
        /// The block.
        block: u8,
    },
    /// A correct validator votes for a block that the adversary proposes now.
    VoteForNew {
        /// The voter.
        validator: u8,
        /// Round of the block.
        round: u8,
        /// What it extends.
        parent: u8,
    },
    /// A correct validator gives up a round.
    TimeOut {
        /// Who.
        validator: u8,
        /// The round.
        round: u8,
    },
    /// A correct validator receives a certificate.
    Learn {
        /// Who.
        validator: u8,
        /// The certified block.
        block: u8,
    },
}

impl Protocol {
    fn steps_of(&self, state: &State, who: u8, steps: &mut Vec<Step>) {
        let validator = &state.validators[usize::from(who)];
        let rules = self.rules;
        for (block, waiting) in (0..).zip(&state.blocks).skip(1) {
            let is_open = if waiting.is_certified() { self.with_binding_steps } else { waiting.votes >> who & 1 == 0 };
            // it was justified when the first vote was cast, and stays so
            if is_open && rules.may_vote(validator, waiting.round) {
                steps.push(Step::Vote { validator: who, block });
            }
        }
        for round in (1..=rules.rounds).filter(|round| rules.may_vote(validator, *round)) {
            if state.blocks.iter().filter(|block| block.round == round).count() < self.blocks_a_round {
                let parents = state.certified().filter(|(_, block)| rules.is_justified(state, block.round, round));
                steps.extend(parents.map(|(parent, _)| Step::VoteForNew { validator: who, round, parent }));
            }
        }
        let rounds = (1..=rules.rounds).filter(|round| rules.may_time_out(validator, *round));
        let reached = rounds.filter(|round| rules.is_reached(state, *round));
        steps.extend(reached.map(|round| Step::TimeOut { validator: who, round }));
        if self.with_binding_steps {
            let newer = state.certified().filter(|(_, block)| block.round > validator.high);
            steps.extend(newer.map(|(block, _)| Step::Learn { validator: who, block }));
        }
    }

    fn vote(&self, state: &mut State, who: u8, block: u8) {
        let Block { round, parent, .. } = state.blocks[usize::from(block)];
        let parent = state.blocks[usize::from(parent)].round;
        self.rules.vote(&mut state.validators[usize::from(who)], round, parent);
        let votes = &mut state.blocks[usize::from(block)].votes;
        if *votes != Block::CERTIFIED {
            *votes |= 1 << who;
            if votes.count_ones() >= self.rules.correct_needed() {
                *votes = Block::CERTIFIED;
            }
        }
    }
}

impl Model for Protocol {
    type State = State;
    type Action = Step;

    fn init_states(&self) -> Vec<State> {
        vec![State::start(self.rules.rounds)]
    }

    fn actions(&self, state: &State, steps: &mut Vec<Step>) {
        for who in 0..CORRECT {
            // validators are sorted: one that is like the one before it has nothing new to do
            if who == 0 || state.key(who) != state.key(who - 1) {
                self.steps_of(state, who as u8, steps);
            }
        }
    }

    fn next_state(&self, last: &State, step: Step) -> Option<State> {
        let mut state = last.clone();
        match step {
            Step::Vote { validator, block } => self.vote(&mut state, validator, block),
            Step::VoteForNew { validator, round, parent } => {
                state.blocks.push(Block { round, parent, votes: 0 });
                let block = state.blocks.len() as u8 - 1;
                self.vote(&mut state, validator, block);
            }
            Step::TimeOut { validator, round } => {
                let validator = &mut state.validators[usize::from(validator)];
                validator.timed_out = round;
                let high = validator.high;
                state.timeouts[usize::from(round) - 1].add(high);
            }
            Step::Learn { validator, block } => {
                let round = state.blocks[usize::from(block)].round;
                state.validators[usize::from(validator)].high = round;
            }
        }
        self.rules.forget(&mut state);
        state.sort();
        (state != *last).then_some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let last = |model: &Self, state: &State| {
            let mut committed = model.rules.committed(state);
            committed.any(|place| state.blocks[usize::from(place)].round + 1 == model.rules.rounds)
        };
        vec![
            Property::always(COMMITS_AGREE, |model, state| commits_agree(model.rules, state)),
            Property::sometimes("a block is committed in the last round", last),
            Property::sometimes("a block that a timeout certificate justifies is certified", |_, state: &State| {
                state.certified().any(|(_, block)| block.round > state.blocks[usize::from(block.parent)].round + 1)
            }),
            Property::sometimes("certified blocks conflict", |_, state: &State| {
                let blocks: Vec<u8> = state.certified().map(|(place, _)| place).collect();
                !are_one_chain(state, &blocks)
            }),
        ]
    }
}

fn commits_agree(rules: Rules, state: &State) -> bool {
    let committed: Vec<u8> = rules.committed(state).collect();
    are_one_chain(state, &committed)
}

fn are_one_chain(state: &State, blocks: &[u8]) -> bool {
    blocks
        .iter()
        .all(|one| blocks.iter().all(|other| state.is_ancestor(*one, *other) || state.is_ancestor(*other, *one)))
}
