//! The rules, each in one place, and the mutations of them.

use super::state::{Block, State, Timeouts, Validator};

/// A rule that is left out. The model has to find a fork with every one of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mutation {
    /// A block is committed by any certified child, not only by one of the next round.
    CommitOnNonConsecutiveChain,
    /// A timeout certificate lets a block extend any certificate, also one older than the newest that it reports.
    IgnoreHighQcOfTimeoutCertificate,
    /// A validator votes for two blocks of one round.
    VoteTwiceInARound,
    /// A validator votes in a round that it has given up.
    VoteAfterTimeout,
    /// 2f votes or timeouts are a certificate.
    QuorumOfTwoF,
    /// A validator forgets the certificate of the parent of the block that it votes for, as one that restarts without it.
    LoseHighQc,
}

impl Mutation {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::CommitOnNonConsecutiveChain,
        Self::IgnoreHighQcOfTimeoutCertificate,
        Self::VoteTwiceInARound,
        Self::VoteAfterTimeout,
        Self::QuorumOfTwoF,
        Self::LoseHighQc,
    ];
}

/// The rules, with one of them left out or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Rounds 1 to this one are explored.
    pub rounds: u8,
    /// What is left out.
    pub mutation: Option<Mutation>,
}

impl Rules {
    fn lacks(self, mutation: Mutation) -> bool {
        self.mutation == Some(mutation)
    }

    /// Votes or timeouts of correct validators that make a certificate; the adversary adds its own.
    pub fn correct_needed(self) -> u32 {
        if self.lacks(Mutation::QuorumOfTwoF) { 1 } else { 2 }
    }

    /// Whether the validator's own record lets it vote in `round`, now or later.
    pub fn may_vote(self, validator: &Validator, round: u8) -> bool {
        let last = validator.voted;
        let is_new = if self.lacks(Mutation::VoteTwiceInARound) { round >= last } else { round > last };
        is_new && (self.lacks(Mutation::VoteAfterTimeout) || round > validator.timed_out)
    }

    /// Whether a block of `round` may extend a certified block of round `parent`.
    pub fn is_justified(self, state: &State, parent: u8, round: u8) -> bool {
        parent < round
            && (parent + 1 == round
                || self
                    .timeout_certificate(state, round - 1)
                    .is_some_and(|high| parent >= high || self.lacks(Mutation::IgnoreHighQcOfTimeoutCertificate)))
    }

    /// The lowest newest certificate that a timeout certificate of `round` can report; `None` while there is none.
    pub fn timeout_certificate(self, state: &State, round: u8) -> Option<u8> {
        let timeouts = state.timeouts.get(usize::from(round).checked_sub(1)?)?;
        let high = timeouts.0[self.correct_needed() as usize - 1];
        (high != Timeouts::NONE).then_some(high)
    }

    /// Whether the validator's own record lets it give up `round`, now or later. Timeouts of the last round explored
    /// decide nothing within the bounds.
    pub fn may_time_out(self, validator: &Validator, round: u8) -> bool {
        round > validator.timed_out && round >= validator.voted && round < self.rounds
    }

    /// Whether some validator can have entered `round`: the round before has a certificate.
    pub fn is_reached(self, state: &State, round: u8) -> bool {
        let certified = state.certified().any(|(_, block)| block.round + 1 == round);
        certified || self.timeout_certificate(state, round - 1).is_some()
    }

    /// What the validator keeps once it has voted for a block.
    pub fn vote(self, validator: &mut Validator, round: u8, parent: u8) {
        validator.voted = round;
        if !self.lacks(Mutation::LoseHighQc) {
            validator.high = validator.high.max(parent);
        }
    }

    /// Places of the blocks that are committed directly; their ancestors are with them.
    pub fn committed(self, state: &State) -> impl Iterator<Item = u8> {
        let certified = state.certified().filter(|(_, block)| block.round > 0);
        certified.filter_map(move |(_, block)| {
            let parent = &state.blocks[usize::from(block.parent)];
            let commits = parent.round + 1 == block.round || self.lacks(Mutation::CommitOnNonConsecutiveChain);
            commits.then_some(block.parent)
        })
    }

    /// Drops what no later step and no property can tell: the states that differ in it only are one.
    pub fn forget(self, state: &mut State) {
        for validator in &mut state.validators {
            self.forget_of_validator(validator);
        }
        self.forget_blocks(state);
        for round in 1..=self.rounds {
            let can_vote_above = state.validators.iter().any(|v| round < self.rounds && self.may_vote(v, round + 1));
            let can_time_out_above = state.validators.iter().any(|v| self.may_time_out(v, round + 1));
            let can_time_out = state.validators.iter().any(|v| self.may_time_out(v, round));
            let exists = self.timeout_certificate(state, round).is_some();
            let timeouts = &mut state.timeouts[usize::from(round) - 1];
            if !(can_vote_above || can_time_out_above) || !(exists || can_time_out) {
                *timeouts = Timeouts::EMPTY;
            } else if !can_vote_above {
                // that the certificate exists, or what it lacks, still matters, and what it reports does not
                timeouts.0.iter_mut().filter(|high| **high != Timeouts::NONE).for_each(|high| *high = 0);
                if exists {
                    timeouts.0 = [0; 2];
                }
            }
        }
    }

    fn forget_of_validator(self, validator: &mut Validator) {
        // the last vote forbids timeouts below it, and the last timeout votes up to it
        validator.timed_out = validator.timed_out.max(validator.voted.saturating_sub(1));
        if !self.lacks(Mutation::VoteAfterTimeout) {
            validator.voted = validator.voted.max(validator.timed_out);
        }
        if !(1..self.rounds).any(|round| self.may_time_out(validator, round)) {
            validator.high = 0;
            if !(1..=self.rounds).any(|round| self.may_vote(validator, round)) {
                validator.voted = self.rounds;
                validator.timed_out = self.rounds;
            }
        }
    }

    /// A block that lacks votes and whose round nobody else can vote in will never be certified. It has no children.
    fn forget_blocks(self, state: &mut State) {
        let validators = state.validators;
        let is_dead = |block: &Block| {
            let others = validators.iter().enumerate().filter(|(who, _)| block.votes >> who & 1 == 0);
            !block.is_certified() && others.filter(|(_, other)| self.may_vote(other, block.round)).count() == 0
        };
        for place in (0..state.blocks.len()).rev() {
            if is_dead(&state.blocks[place]) {
                state.blocks.remove(place);
                for block in &mut state.blocks {
                    // a parent is certified, so it is never the one that was removed
                    block.parent -= u8::from(usize::from(block.parent) > place);
                }
            }
        }
    }
}
