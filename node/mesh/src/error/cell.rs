//! What can be wrong with a cell.

use qsdm_primitives::{CellId, Dimension, Epoch, LaneId, SubmeshId, ValidatorIndex};

/// Whose matter it is that a cell is not admitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The cell breaks a structural rule: every node refuses it, and whoever passed it on did not check it.
    Peer,
    /// A limit of this node; the cell may be sent again.
    Local,
    /// The cell is kept and admitted later.
    Delayed,
}

/// Why a cell is not admitted, or not yet. The rules are those of the crate documentation.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CellError {
    /// V1: of another chain.
    #[error("the cell is of chain {found}, this is chain {expected}")]
    WrongChain {
        /// Chain id of the cell.
        found: u64,
        /// Chain id here.
        expected: u64,
    },
    /// V1: of another epoch. Whoever sent it may be in the next one already, or not yet here.
    #[error("the cell is of epoch {found}, this is epoch {expected}")]
    WrongEpoch {
        /// Epoch of the cell.
        found: Epoch,
        /// Current epoch.
        expected: Epoch,
    },
    /// V1: by nobody of the epoch's set.
    #[error("author {author} is not among the {count} validators of the epoch")]
    NoSuchAuthor {
        /// Author of the cell.
        author: ValidatorIndex,
        /// Validators of the epoch.
        count: usize,
    },
    /// V1: of a submesh that the epoch does not have.
    #[error("submesh {submesh} is not part of this epoch")]
    UnknownSubmesh {
        /// The submesh.
        submesh: SubmeshId,
    },
    /// V1: of a submesh that takes no cells.
    #[error("submesh {submesh} is closed")]
    SubmeshClosed {
        /// The submesh.
        submesh: SubmeshId,
    },
    /// V1: with more gas than a block has for its submesh. No block could include it, nor any cell that links to it.
    #[error("the cell claims {gas} gas, submesh {submesh} has {max} in a block")]
    GasLimit {
        /// The submesh.
        submesh: SubmeshId,
        /// Gas limit of the cell.
        gas: u64,
        /// Gas of the submesh in a block.
        max: u64,
    },
    /// V1: of a submesh that is not open for its author.
    #[error("lane {lane} is not open for its author")]
    AuthorNotAllowed {
        /// The lane.
        lane: LaneId,
    },
    /// V3: another number of links than the submesh has.
    #[error("the cell has {} links, cells of submesh {submesh} have {}", *found as u8, *expected as u8)]
    WrongDimension {
        /// The submesh.
        submesh: SubmeshId,
        /// Links of the cell.
        found: Dimension,
        /// Links it should have.
        expected: Dimension,
    },
    /// V4: a lane begins with the root cell of its submesh, and links to none later.
    #[error("the own link of cell {seq} of lane {lane} is {link}, a root cell or not where the other is due")]
    OwnRoot {
        /// The lane.
        lane: LaneId,
        /// Place of the cell.
        seq: u64,
        /// Its own link.
        link: CellId,
    },
    /// V4: the own link is no cell of the lane, or not the one before.
    #[error("the own link of cell {seq} of lane {lane} is cell {found_seq} of lane {found_lane}")]
    OwnPlace {
        /// The lane.
        lane: LaneId,
        /// Place of the cell.
        seq: u64,
        /// Lane of the own link.
        found_lane: LaneId,
        /// Place of the own link.
        found_seq: u64,
    },
    /// V5: two links to one cell.
    #[error("two links name cell {link}")]
    SameLink {
        /// The cell.
        link: CellId,
    },
    /// V5: two of the cells that count have one author.
    #[error("author {author} stands behind two of the cell and its links")]
    SameAuthor {
        /// The author.
        author: ValidatorIndex,
    },
    /// V5: a peer link into another submesh.
    #[error("the peer link of a cell of submesh {expected} leads into submesh {found}")]
    PeerSubmesh {
        /// Submesh of the peer link.
        found: SubmeshId,
        /// Submesh of the cell.
        expected: SubmeshId,
    },
    /// V5: a root cell as peer, too deep for it.
    #[error("a cell of depth {depth} has a root cell as peer, allowed up to {max}")]
    PeerRoot {
        /// Depth of the cell.
        depth: u64,
        /// Greatest depth.
        max: u64,
    },
    /// V5: a bridge that does not lead into another submesh of the epoch.
    #[error("the bridge of a cell of submesh {of} leads into submesh {found}")]
    BridgeSubmesh {
        /// Submesh of the bridge.
        found: SubmeshId,
        /// Submesh of the cell.
        of: SubmeshId,
    },
    /// V6: another depth than the links give.
    #[error("the cell claims depth {claimed}, its deepest link has {deepest}")]
    WrongDepth {
        /// Depth in the header.
        claimed: u64,
        /// Greatest depth among the links into the same submesh.
        deepest: u64,
    },
    /// V6: a peer link that lies too far back.
    #[error("the peer link of a cell of depth {depth} is at depth {found}, at most {max} may lie between")]
    PeerTooOld {
        /// Depth of the cell.
        depth: u64,
        /// Depth of the peer link.
        found: u64,
        /// Greatest difference.
        max: u64,
    },
    /// V7: parents that are not held yet.
    #[error("{} parents are missing", cells.len())]
    ParentsMissing {
        /// Which.
        cells: Vec<CellId>,
    },
    /// V7: a parent was refused for good.
    #[error("parent {parent} breaks a rule")]
    ParentRefused {
        /// The parent.
        parent: CellId,
    },
    /// V8: older than a parent.
    #[error("the cell is of {time_ms} ms, a parent of {parent_ms} ms")]
    BeforeParent {
        /// Time of the cell.
        time_ms: u64,
        /// Time of the parent.
        parent_ms: u64,
    },
    /// V8: ahead of the local clock.
    #[error("the cell is of {time_ms} ms, more than {max} ms ahead of {now_ms} ms")]
    AheadOfClock {
        /// Time of the cell.
        time_ms: u64,
        /// Local time.
        now_ms: u64,
        /// How far ahead it may be.
        max: u64,
    },
    /// V9: by an author whose lane is forked, or against whom evidence is committed, and nobody needs it.
    #[error("author {author} is quarantined")]
    Quarantined {
        /// The author.
        author: ValidatorIndex,
    },
    /// Quota: too many cells a second. It waits, and the shallowest ones come in first.
    #[error("author {author} sends more than {max} cells a second")]
    AuthorCells {
        /// The author.
        author: ValidatorIndex,
        /// Cells a second.
        max: u64,
    },
    /// Quota: too many bytes a second. It waits like those of [`Self::AuthorCells`].
    #[error("author {author} sends more than {max} bytes a second: {bytes} more do not fit")]
    AuthorBytes {
        /// The author.
        author: ValidatorIndex,
        /// Length of the cell.
        bytes: u64,
        /// Bytes a second.
        max: u64,
    },
    /// Quota: a peer sends too many bytes a second.
    #[error("the peer sends more than {max} bytes a second: {bytes} more do not fit")]
    PeerBytes {
        /// Length of the cell.
        bytes: u64,
        /// Bytes a second.
        max: u64,
    },
    /// Quota: as many uncommitted cells as there may be.
    #[error("author {author} has {count} uncommitted cells, {max} may be")]
    TooManyUncommitted {
        /// The author.
        author: ValidatorIndex,
        /// Uncommitted cells of the author, or of the one lane.
        count: usize,
        /// Most of them.
        max: usize,
    },
    /// Quota: as many of the author's cells as may be wait already, all of smaller or the same depth.
    #[error("{cells} cells of author {author} with {bytes} bytes wait already, {cells_max} with {bytes_max} bytes may")]
    PendingFull {
        /// The author.
        author: ValidatorIndex,
        /// Cells that wait.
        cells: usize,
        /// Their bytes.
        bytes: usize,
        /// Most cells.
        cells_max: usize,
        /// Most bytes.
        bytes_max: usize,
    },
}

impl CellError {
    /// Whose matter it is.
    pub fn severity(&self) -> Severity {
        match self {
            Self::ParentsMissing { .. }
            | Self::AheadOfClock { .. }
            | Self::TooManyUncommitted { .. }
            | Self::AuthorCells { .. }
            | Self::AuthorBytes { .. } => Severity::Delayed,
            Self::WrongEpoch { .. } | Self::Quarantined { .. } | Self::PeerBytes { .. } | Self::PendingFull { .. } => {
                Severity::Local
            }
            _ => Severity::Peer,
        }
    }

    /// The number of the rule V1 to V9; `None` for a quota.
    pub fn rule(&self) -> Option<u8> {
        match self {
            Self::WrongChain { .. }
            | Self::WrongEpoch { .. }
            | Self::NoSuchAuthor { .. }
            | Self::UnknownSubmesh { .. }
            | Self::SubmeshClosed { .. }
            | Self::AuthorNotAllowed { .. }
            | Self::GasLimit { .. } => Some(1),
            Self::WrongDimension { .. } => Some(3),
            Self::OwnRoot { .. } | Self::OwnPlace { .. } => Some(4),
            Self::SameLink { .. }
            | Self::SameAuthor { .. }
            | Self::PeerSubmesh { .. }
            | Self::PeerRoot { .. }
            | Self::BridgeSubmesh { .. } => Some(5),
            Self::WrongDepth { .. } | Self::PeerTooOld { .. } => Some(6),
            Self::ParentsMissing { .. } | Self::ParentRefused { .. } => Some(7),
            Self::BeforeParent { .. } | Self::AheadOfClock { .. } => Some(8),
            Self::Quarantined { .. } => Some(9),
            Self::AuthorCells { .. }
            | Self::AuthorBytes { .. }
            | Self::PeerBytes { .. }
            | Self::TooManyUncommitted { .. }
            | Self::PendingFull { .. } => None,
        }
    }
}
