//! The blocks above the last committed one, each valid, with its certificate's votes and its cells held.

use crate::tip::CommitTip;
use qsdm_mesh::{CellRef, Cut, CutView, Tip};
use qsdm_primitives::{Block, BlockId, LaneId, Round};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// A valid block.
#[derive(Clone, Debug)]
pub(crate) struct TreeBlock {
    pub(crate) block: Arc<Block>,
    /// The cells it includes, in no particular order.
    pub(crate) included: Vec<CellRef>,
    /// Where the chain stands once it is committed.
    pub(crate) tip: CommitTip,
}

impl TreeBlock {
    /// Whether it includes anything that waits to be committed.
    pub(crate) fn is_empty(&self) -> bool {
        self.block.body.cut.is_empty() && self.block.body.evidence.is_empty()
    }
}

/// The last committed block and all valid ones above it.
#[derive(Clone, Debug)]
pub(crate) struct Tree {
    tip: CommitTip,
    cut: Cut,
    blocks: BTreeMap<BlockId, TreeBlock>,
    rounds: BTreeMap<Round, Vec<BlockId>>,
}

impl Tree {
    pub(crate) fn new(tip: CommitTip, cut: Cut) -> Self {
        Self { tip, cut, blocks: BTreeMap::new(), rounds: BTreeMap::new() }
    }

    /// Where the committed chain stands.
    pub(crate) fn tip(&self) -> &CommitTip {
        &self.tip
    }

    /// What is committed of every lane.
    pub(crate) fn cut(&self) -> &Cut {
        &self.cut
    }

    pub(crate) fn get(&self, id: &BlockId) -> Option<&TreeBlock> {
        self.blocks.get(id)
    }

    pub(crate) fn len(&self) -> usize {
        self.blocks.len()
    }

    /// Whether a block is the last committed one or above it.
    pub(crate) fn contains(&self, id: &BlockId) -> bool {
        self.tip.block == *id || self.blocks.contains_key(id)
    }

    /// Where the chain stands after a block.
    pub(crate) fn tip_at(&self, id: &BlockId) -> Option<&CommitTip> {
        if self.tip.block == *id { Some(&self.tip) } else { self.blocks.get(id).map(|block| &block.tip) }
    }

    /// The blocks of a round.
    pub(crate) fn of_round(&self, round: Round) -> impl Iterator<Item = &TreeBlock> {
        self.rounds.get(&round).into_iter().flatten().filter_map(|id| self.blocks.get(id))
    }

    pub(crate) fn insert(&mut self, block: TreeBlock) {
        let (id, round) = (block.tip.block, block.block.header().round);
        if self.blocks.insert(id, block).is_none() {
            self.rounds.entry(round).or_default().push(id);
        }
    }

    /// From a block down to the last committed one, which is left out; newest first. Nothing for unknown blocks.
    pub(crate) fn path<'a>(&'a self, id: &BlockId) -> impl Iterator<Item = &'a TreeBlock> + use<'a> {
        let mut next = *id;
        std::iter::from_fn(move || {
            let block = self.blocks.get(&next)?;
            next = block.block.header().parent;
            Some(block)
        })
    }

    /// The cut at a block.
    pub(crate) fn view(&self, id: BlockId) -> TreeView<'_> {
        TreeView { tree: self, id }
    }

    /// Moves the last committed block up to `id`, which is in the tree, one block at most above the old one; forgets
    /// what doesn't descend from it.
    pub(crate) fn commit(&mut self, id: &BlockId) -> Option<TreeBlock> {
        let block = self.blocks.remove(id)?;
        self.cut.apply(&block.block.body.cut);
        self.tip = block.tip.clone();
        // ascending rounds: parents come before their children
        let mut kept = vec![*id];
        for ids in self.rounds.values() {
            for id in ids {
                let descends = self.blocks.get(id).is_some_and(|block| kept.contains(&block.block.header().parent));
                if descends {
                    kept.push(*id);
                }
            }
        }
        self.blocks.retain(|id, _| kept.contains(id));
        self.forget_rounds();
        Some(block)
    }

    /// Forgets the block of the oldest round that has no child here and is none of `needed`. Whether there was one.
    pub(crate) fn forget_oldest(&mut self, needed: &[BlockId]) -> bool {
        let parents: BTreeSet<BlockId> = self.blocks.values().map(|block| block.block.header().parent).collect();
        let mut ids = self.rounds.values().flatten();
        let Some(oldest) = ids.find(|id| !parents.contains(id) && !needed.contains(id)).copied() else { return false };
        self.blocks.remove(&oldest);
        self.forget_rounds();
        true
    }

    /// Forgets the rounds of blocks that are no more.
    fn forget_rounds(&mut self) {
        let blocks = &self.blocks;
        self.rounds.retain(|_, ids| {
            ids.retain(|id| blocks.contains_key(id));
            !ids.is_empty()
        });
    }

    /// Sets the round of the certificate that committed the tip.
    pub(crate) fn certify_tip(&mut self, round: Round) {
        self.tip.certified = self.tip.certified.max(round);
    }
}

/// The cut at one block of the tree: its own changes, its ancestors', and what is committed.
pub(crate) struct TreeView<'a> {
    tree: &'a Tree,
    id: BlockId,
}

impl CutView for TreeView<'_> {
    fn tip(&self, lane: LaneId) -> Option<Tip> {
        let change = self.tree.path(&self.id).find_map(|block| {
            let cut = &block.block.body.cut;
            cut.binary_search_by_key(&lane, |change| change.lane).ok().and_then(|at| cut.get(at))
        });
        match change {
            Some(change) => Some(Tip { seq: change.seq, cell: change.cell }),
            None => self.tree.cut.tip(lane),
        }
    }
}
