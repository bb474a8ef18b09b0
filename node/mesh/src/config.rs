//! The rules of an epoch as the chain sets them.

use crate::{cut::Cut, error::CellError};
use qsdm_primitives::{CellId, Dimension, Signers, SubmeshId, ValidatorIndex, ValidatorSet, root_cell};
use std::{collections::BTreeMap, sync::Arc};

/// Whether a submesh takes cells. It changes with the epoch only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// Takes cells, and pools take transactions for it.
    Open,
    /// Takes cells in this epoch for the last time; pools take no new transactions.
    Draining,
    /// Takes no cell.
    Closed,
}

/// One submesh in one epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubmeshRules {
    /// How many links its cells have.
    pub dimension: Dimension,
    /// Whether it takes cells.
    pub phase: Phase,
    /// Gas that its cells may have in a block.
    pub gas_per_block: u64,
    /// Who may write there.
    pub authors: Signers,
}

/// One epoch.
#[derive(Clone, Debug)]
pub struct MeshConfig {
    /// EIP-155 id of the chain.
    pub chain_id: u64,
    /// The validators, who are the authors. Its epoch is the mesh's.
    pub set: Arc<ValidatorSet>,
    /// All submeshes, at most [`SUBMESHES_MAX`](qsdm_primitives::limits::SUBMESHES_MAX).
    pub submeshes: BTreeMap<SubmeshId, SubmeshRules>,
    /// The author on whose behalf cells are planned, where there is one.
    pub me: Option<ValidatorIndex>,
    /// What is committed already: empty where an epoch begins, the committed cut where a node starts again.
    pub included: Cut,
}

/// [`MeshConfig`] with what follows from it.
#[derive(Debug)]
pub(crate) struct Rules {
    pub(crate) config: MeshConfig,
    roots: BTreeMap<CellId, SubmeshId>,
    /// Submeshes that take cells.
    taking: usize,
}

impl Rules {
    pub(crate) fn new(config: MeshConfig) -> Self {
        let epoch = config.set.epoch();
        let roots = config.submeshes.keys().map(|id| (root_cell(config.chain_id, epoch, *id), *id)).collect();
        let taking = config.submeshes.values().filter(|rules| rules.phase != Phase::Closed).count();
        Self { config, roots, taking }
    }

    /// The submesh whose root cell this is.
    pub(crate) fn root_of(&self, id: &CellId) -> Option<SubmeshId> {
        self.roots.get(id).copied()
    }

    pub(crate) fn root(&self, submesh: SubmeshId) -> CellId {
        root_cell(self.config.chain_id, self.config.set.epoch(), submesh)
    }

    /// The rules of a submesh that takes cells.
    pub(crate) fn taking(&self, submesh: SubmeshId) -> Result<&SubmeshRules, CellError> {
        let rules = self.config.submeshes.get(&submesh).ok_or(CellError::UnknownSubmesh { submesh })?;
        match rules.phase {
            Phase::Closed => Err(CellError::SubmeshClosed { submesh }),
            Phase::Open | Phase::Draining => Ok(rules),
        }
    }

    /// Whether a submesh takes cells and is the only one that does.
    pub(crate) fn is_only(&self, submesh: SubmeshId) -> bool {
        self.taking == 1 && self.taking(submesh).is_ok()
    }

    /// Whether nobody but one author may write in the submesh, so that there is no peer to link to.
    pub(crate) fn has_one_author(&self, submesh: SubmeshId) -> bool {
        let allowed = self.config.submeshes.get(&submesh).map_or(Signers::NONE, |rules| rules.authors);
        allowed.intersection(self.config.set.everyone()).count() <= 1
    }
}
