//! How the own next cell links, and when a witness is due.

use super::{Head, Mesh, lane_of};
use crate::{config::Phase, error::PlanError, ports::CellStore};
use qsdm_primitives::{
    CellId, Dimension, LaneId, Links, SubmeshId, ValidatorIndex,
    limits::{CELLS_UNCOMMITTED_PER_AUTHOR_MAX, CONFLICT_WAIT_MS, LINK_DEPTH_MAX, WITNESS_CELLS},
};

/// The part of an own cell's header that the mesh decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CellPlan {
    /// The own lane.
    pub lane: LaneId,
    /// Place in it.
    pub seq: u64,
    /// As rule V6 computes it.
    pub depth: u64,
    /// The parents.
    pub links: Links,
    /// The local time, or a parent's where that is later.
    pub time_ms: u64,
}

/// A link that could be made.
#[derive(Clone, Copy)]
struct Candidate {
    head: Head,
    author: Option<ValidatorIndex>,
    /// Whether it is not in the past of the own lane.
    is_new: bool,
}

impl Candidate {
    fn root(id: CellId) -> Self {
        Self { head: Head { id, seq: 0, depth: 0, time_ms: 0 }, author: None, is_new: false }
    }
}

impl<S: CellStore> Mesh<S> {
    /// How the own next cell in a submesh links.
    ///
    /// The peer is the newest cell that is not in the past of the own lane; but where one is about to fall behind what
    /// rule V6 lets anybody link to, the oldest of those. Quarantined authors are left out, and so is a cell while one that
    /// contradicts it waits to be admitted. The node must remember the last cell it signed: a mesh that was not given it
    /// back plans its place again.
    ///
    /// # Errors
    /// [`PlanError`] where no cell can be written now.
    pub fn plan(&self, submesh: SubmeshId, now_ms: u64) -> Result<CellPlan, PlanError> {
        self.plan_with_peer(submesh, now_ms).map(|(plan, _)| plan)
    }

    /// The open submeshes in which the own lane should write a witness: 16 or more cells with transactions are not in its
    /// past, and a link to one of them can be made. Witnesses have no transactions, so they don't trigger one another.
    pub fn wants_witness(&self, now_ms: u64) -> Vec<SubmeshId> {
        let open = self.rules.config.submeshes.iter().filter(|(_, rules)| rules.phase == Phase::Open);
        let is_due = |submesh: &SubmeshId| {
            self.held.uncovered(*submesh, self.quarantined()) >= WITNESS_CELLS
                && self.plan_with_peer(*submesh, now_ms).is_ok_and(|(_, peer)| peer.is_new)
        };
        open.map(|(submesh, _)| *submesh).filter(is_due).collect()
    }

    fn plan_with_peer(&self, submesh: SubmeshId, now_ms: u64) -> Result<(CellPlan, Candidate), PlanError> {
        let lane = self.own_lane(submesh)?;
        let full = || PlanError::LaneFull { submesh };
        let own = self.heads.get(&lane).copied();
        let seq = own.map_or(Some(0), |own| own.seq.checked_add(1)).ok_or_else(full)?;
        let own = own.unwrap_or_else(|| Candidate::root(self.rules.root(submesh)).head);
        let peer = self
            .peer(lane, own.depth, now_ms)
            .ok_or(PlanError::NoPeer { submesh, least: own.depth.saturating_add(1).saturating_sub(LINK_DEPTH_MAX) })?;
        let dimension = self.rules.config.submeshes.get(&submesh).map(|rules| rules.dimension);
        let bridge = (dimension == Some(Dimension::Three)).then(|| self.bridge(lane, peer.author, now_ms));
        let times = [Some(own.time_ms), Some(peer.head.time_ms), bridge.map(|bridge| bridge.time_ms)];
        let plan = CellPlan {
            lane,
            seq,
            depth: own.depth.max(peer.head.depth).checked_add(1).ok_or_else(full)?,
            links: Links { own: own.id, peer: peer.head.id, bridge: bridge.map(|bridge| bridge.id) },
            time_ms: times.into_iter().flatten().fold(now_ms, u64::max),
        };
        Ok((plan, peer))
    }

    /// The own lane, if it may go on.
    fn own_lane(&self, submesh: SubmeshId) -> Result<LaneId, PlanError> {
        let me = self.rules.config.me.ok_or(PlanError::NotAuthor { submesh })?;
        let rules = self.rules.taking(submesh).map_err(|_| PlanError::NotOpen { submesh })?;
        if !rules.authors.contains(me) || self.rules.config.set.get(me).is_none() {
            return Err(PlanError::NotAuthor { submesh });
        }
        if self.quarantined().contains(me) {
            return Err(PlanError::Quarantined { author: me });
        }
        let lane = lane_of(me, submesh);
        let waits = |id: &CellId| self.pending.get(id).is_some_and(|arrival| arrival.header().lane == lane);
        if self.pending.of_author(me).iter().any(waits) {
            return Err(PlanError::OwnCellWaits { submesh });
        }
        let (count, max) = (self.held.of_author(me), CELLS_UNCOMMITTED_PER_AUTHOR_MAX);
        if count >= max { Err(PlanError::TooManyUncommitted { count, max }) } else { Ok(lane) }
    }

    fn peer(&self, lane: LaneId, own_depth: u64, now_ms: u64) -> Option<Candidate> {
        let lanes = lane_of(ValidatorIndex(0), lane.submesh)..=lane_of(ValidatorIndex(u16::MAX), lane.submesh);
        let heads = self.heads.range(lanes).filter_map(|(of, head)| self.candidate(lane, *of, *head, now_ms));
        let allowed: Vec<Candidate> =
            heads.filter(|candidate| candidate.head.depth.saturating_add(LINK_DEPTH_MAX) > own_depth).collect();
        let key = |candidate: &&Candidate| (candidate.head.depth, candidate.head.id);
        let new = || allowed.iter().filter(|candidate| candidate.is_new);
        let is_falling = |candidate: &&Candidate| candidate.head.depth + LINK_DEPTH_MAX / 2 <= own_depth;
        let chosen = new().filter(is_falling).min_by_key(key).or_else(|| new().max_by_key(key));
        let chosen = chosen.or_else(|| allowed.iter().max_by_key(key)).copied();
        let may_be_root = own_depth < LINK_DEPTH_MAX || self.rules.has_one_author(lane.submesh);
        chosen.or_else(|| may_be_root.then(|| Candidate::root(self.rules.root(lane.submesh))))
    }

    /// The newest cell of another submesh by a third author; else the root cell of another submesh; else the own root cell.
    fn bridge(&self, lane: LaneId, peer: Option<ValidatorIndex>, now_ms: u64) -> Head {
        let others = self.heads.iter().filter(|(of, _)| {
            of.submesh != lane.submesh && Some(of.author) != peer && self.rules.taking(of.submesh).is_ok()
        });
        let candidates = others.filter_map(|(of, head)| self.candidate(lane, *of, *head, now_ms));
        let newest = candidates.max_by_key(|candidate| (candidate.is_new, candidate.head.time_ms, candidate.head.id));
        let other_root = || {
            let submeshes = self.rules.config.submeshes.keys().copied();
            let mut others = submeshes.filter(|id| *id != lane.submesh && self.rules.taking(*id).is_ok());
            others.next().unwrap_or(lane.submesh)
        };
        newest.unwrap_or_else(|| Candidate::root(self.rules.root(other_root()))).head
    }

    fn candidate(&self, lane: LaneId, of: LaneId, head: Head, now_ms: u64) -> Option<Candidate> {
        if of.author == lane.author || self.quarantined().contains(of.author) {
            return None;
        }
        let held = self.held.get(&head.id);
        if held.is_some_and(|entry| self.is_contested(&entry.keys, now_ms)) {
            return None;
        }
        let is_new = held.is_some_and(|entry| !self.held.is_covered(entry, lane.submesh));
        Some(Candidate { head, author: Some(of.author), is_new })
    }

    /// Whether a waiting cell contradicts one of these transactions: until both are held, nobody knows which cell came with
    /// the other in its past. A cell that never becomes complete stops this after a second.
    fn is_contested(&self, keys: &[crate::conflict::TransactionKey], now_ms: u64) -> bool {
        let is_recent = |id: &CellId| {
            self.pending.get(id).is_some_and(|arrival| now_ms < arrival.since_ms.saturating_add(CONFLICT_WAIT_MS))
        };
        keys.iter().any(|key| self.pending.keys().rivals(key).any(|rival| is_recent(&rival.cell)))
    }
}
