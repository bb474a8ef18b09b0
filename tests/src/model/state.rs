//! What the network has seen so far, in one spelling.

/// Correct validators; the fourth is the adversary's.
pub const CORRECT: usize = 3;

/// What a correct validator keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Validator {
    /// Round of its last vote.
    pub voted: u8,
    /// Round of its last timeout.
    pub timed_out: u8,
    /// Round of the newest certificate it knows.
    pub high: u8,
}

/// A block that a correct validator has voted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Block {
    /// The round it was proposed in.
    pub round: u8,
    /// Place of its parent among the blocks; the parent is certified.
    pub parent: u8,
    /// Whose votes there are: bit i is the correct validator i. [`Block::CERTIFIED`] once they are enough.
    pub votes: u8,
}

impl Block {
    /// Stands for the votes of a quorum: whose they are decides nothing any more.
    pub const CERTIFIED: u8 = u8::MAX;

    /// Whether a quorum voted for it.
    pub fn is_certified(&self) -> bool {
        self.votes == Self::CERTIFIED
    }
}

/// The two timeouts of a round with the lowest certificates, by the rounds of these, ascending.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timeouts(pub [u8; 2]);

impl Timeouts {
    /// Stands where there is no timeout. Above every round, so that it stands last.
    pub const NONE: u8 = u8::MAX;

    /// No timeout yet.
    pub const EMPTY: Self = Self([Self::NONE; 2]);

    /// Adds the timeout of one more validator.
    pub fn add(&mut self, high: u8) {
        let [lowest, second] = self.0;
        self.0 = if high < lowest { [high, lowest] } else { [lowest, second.min(high)] };
    }
}

/// All that may still make a difference.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// The correct validators.
    pub validators: [Validator; CORRECT],
    /// The epoch's start and the blocks with votes, by round.
    pub blocks: Vec<Block>,
    /// The timeouts of round 1, 2, ….
    pub timeouts: Vec<Timeouts>,
}

impl State {
    /// The start of an epoch.
    pub fn start(rounds: u8) -> Self {
        Self {
            validators: [Validator { voted: 0, timed_out: 0, high: 0 }; CORRECT],
            blocks: vec![Block { round: 0, parent: 0, votes: Block::CERTIFIED }],
            timeouts: vec![Timeouts::EMPTY; usize::from(rounds)],
        }
    }

    /// The certified blocks with their places.
    pub fn certified(&self) -> impl Iterator<Item = (u8, &Block)> {
        (0..).zip(&self.blocks).filter(|(_, block)| block.is_certified())
    }

    /// Whether one block is the other or an ancestor of it, by place.
    pub fn is_ancestor(&self, ancestor: u8, of: u8) -> bool {
        let mut place = of;
        // a parent stands before its children
        while place > ancestor {
            place = self.blocks[usize::from(place)].parent;
        }
        place == ancestor
    }

    /// Brings blocks and validators into an order that does not depend on who is who, nor on what came first.
    pub fn sort(&mut self) {
        self.sort_blocks();
        self.sort_validators();
    }

    /// Orders blocks by round, parent and number of votes.
    fn sort_blocks(&mut self) {
        let mut order: Vec<u8> = (0..self.blocks.len() as u8).collect();
        let mut place = [0u8; 32];
        // a stable sort by round first: then a parent's new place is known before those of its children are needed
        order.sort_by_key(|old| self.blocks[usize::from(*old)].round);
        for new in 0..order.len() {
            // selection sort within the round, whose parents all have their new places
            let round = self.blocks[usize::from(order[new])].round;
            let key = |old: u8| {
                let block = &self.blocks[usize::from(old)];
                (place[usize::from(block.parent)], block.votes.count_ones(), block.votes)
            };
            let same_round = (new..order.len()).take_while(|at| self.blocks[usize::from(order[*at])].round == round);
            let Some(least) = same_round.min_by_key(|at| key(order[*at])) else { break };
            order.swap(new, least);
            place[usize::from(order[new])] = new as u8;
        }
        let moved = order.iter().map(|old| {
            let block = self.blocks[usize::from(*old)];
            Block { parent: place[usize::from(block.parent)], ..block }
        });
        self.blocks = moved.collect();
    }

    /// Orders validators by what they keep and where their votes are.
    fn sort_validators(&mut self) {
        let mut order = [0usize, 1, 2];
        order.sort_by_cached_key(|who| self.key(*who));
        if order == [0, 1, 2] {
            return;
        }
        self.validators = order.map(|old| self.validators[old]);
        for block in self.blocks.iter_mut().filter(|block| !block.is_certified()) {
            let votes = block.votes;
            block.votes = (0..CORRECT).map(|new| (votes >> order[new] & 1) << new).sum();
        }
    }

    /// Two validators with the same key are the same but for their names.
    pub fn key(&self, who: usize) -> (Validator, u32) {
        let waiting = self.blocks.iter().filter(|block| !block.is_certified());
        let votes = waiting.fold(0, |bits, block| bits << 1 | u32::from(block.votes >> who & 1));
        (self.validators[who], votes)
    }
}
