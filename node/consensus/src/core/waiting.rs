//! Blocks that can't be judged yet.

use crate::event::PeerId;
use qsdm_primitives::{Block, BlockId, CellId, Round, ValidatorIndex, limits::BLOCKS_WAITING_MAX};
use std::{collections::BTreeMap, sync::Arc};

/// Blocks of one proposer that came unasked and wait: a few rounds' worth.
const UNASKED_PER_PROPOSER_MAX: usize = 4;

/// A block that waits for its parent, its certificate's votes or its cells.
#[derive(Clone, Debug)]
pub(super) struct WaitingBlock {
    pub(super) block: Arc<Block>,
    pub(super) from: PeerId,
    /// Whether it was asked for.
    pub(super) is_asked: bool,
    /// What it lacked when it was looked at last.
    pub(super) missing_cells: Vec<CellId>,
}

/// The blocks that wait, by round.
#[derive(Clone, Debug, Default)]
pub(super) struct Waiting {
    blocks: BTreeMap<(Round, BlockId), WaitingBlock>,
    rounds: BTreeMap<BlockId, Round>,
}

impl Waiting {
    pub(super) fn len(&self) -> usize {
        self.blocks.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }

    pub(super) fn contains(&self, id: &BlockId) -> bool {
        self.rounds.contains_key(id)
    }

    /// In ascending order of their rounds.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&BlockId, &WaitingBlock)> {
        self.blocks.iter().map(|((_, id), block)| (id, block))
    }

    /// Takes a block. With no place left, the newest that waits gives way to an older one: what is nearest to the
    /// committed chain can be judged first, and the others can be asked for again.
    pub(super) fn insert(&mut self, id: BlockId, block: WaitingBlock) {
        let round = block.block.header().round;
        if !block.is_asked {
            let proposer = block.block.header().proposer;
            let unasked = self.unasked(proposer);
            if unasked.len() >= UNASKED_PER_PROPOSER_MAX {
                // of a proposer's own blocks the newest is the one that matters
                let Some(oldest) = unasked.first().filter(|(oldest, _)| *oldest < round) else { return };
                self.remove(&oldest.1.clone());
            }
        }
        if self.blocks.len() >= BLOCKS_WAITING_MAX {
            let Some((newest, id)) = self.blocks.keys().next_back().copied() else { return };
            if newest <= round {
                return;
            }
            self.remove(&id);
        }
        self.rounds.insert(id, round);
        self.blocks.insert((round, id), block);
    }

    /// How many blocks of one proposer in one round wait.
    pub(super) fn of_place(&self, round: Round, proposer: ValidatorIndex) -> usize {
        let of_round = self.blocks.range((round, BlockId([0; 32]))..=(round, BlockId([0xff; 32])));
        of_round.filter(|(_, block)| block.block.header().proposer == proposer).count()
    }

    fn unasked(&self, proposer: ValidatorIndex) -> Vec<(Round, BlockId)> {
        let of_proposer =
            self.blocks.iter().filter(|(_, block)| !block.is_asked && block.block.header().proposer == proposer);
        of_proposer.map(|(key, _)| *key).collect()
    }

    pub(super) fn remove(&mut self, id: &BlockId) -> Option<WaitingBlock> {
        let round = self.rounds.remove(id)?;
        self.blocks.remove(&(round, *id))
    }

    /// Notes which cells a block lacks.
    pub(super) fn lacks(&mut self, id: &BlockId, cells: Vec<CellId>) {
        if let Some(block) = self.rounds.get(id).and_then(|round| self.blocks.get_mut(&(*round, *id))) {
            block.missing_cells = cells;
        }
    }

    pub(super) fn retain(&mut self, mut keep: impl FnMut(&WaitingBlock) -> bool) {
        self.blocks.retain(|_, block| keep(block));
        let blocks = &self.blocks;
        self.rounds.retain(|id, round| blocks.contains_key(&(*round, *id)));
    }
}
