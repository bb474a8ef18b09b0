//! The cells of one simulated node: written, received, waiting for their parents.

use qsdm_mesh::{CellRef, Place};
use qsdm_primitives::{BodyHash, CellHeader, CellId, Epoch, LaneId, Links, SubmeshId, ValidatorIndex, root_cell};
use std::collections::BTreeMap;

/// Cells of this epoch that are held, and those that wait for parents.
#[derive(Clone, Debug, Default)]
pub(super) struct Cells {
    chain_id: u64,
    epoch: Epoch,
    held: BTreeMap<CellId, CellHeader>,
    pending: BTreeMap<CellId, CellHeader>,
    newest: BTreeMap<LaneId, (u64, CellId, u64)>,
}

/// What became of received cells.
#[derive(Debug, Default)]
pub(super) struct Received {
    pub(super) admitted: Vec<CellRef>,
    pub(super) missing: Vec<CellId>,
}

impl Cells {
    pub(super) fn new(chain_id: u64, epoch: Epoch) -> Self {
        Self { chain_id, epoch, ..Self::default() }
    }

    pub(super) fn header(&self, id: &CellId) -> Option<&CellHeader> {
        self.held.get(id)
    }

    pub(super) fn headers(&self) -> impl Iterator<Item = (&CellId, &CellHeader)> {
        self.held.iter()
    }

    fn root(&self, submesh: SubmeshId) -> CellId {
        root_cell(self.chain_id, self.epoch, submesh)
    }

    /// The next cell of a lane.
    pub(super) fn plan(&self, lane: LaneId, time_ms: u64, transactions: u32, salt: u64) -> CellHeader {
        let root = self.root(lane.submesh);
        let own = self.newest.get(&lane);
        let peers =
            self.newest.iter().filter(|(other, _)| other.submesh == lane.submesh && other.author != lane.author);
        let peer = peers.max_by_key(|(other, (_, id, depth))| (*depth, *id, **other)).map(|(_, newest)| *newest);
        let depth = own.map_or(0, |own| own.2).max(peer.map_or(0, |peer| peer.2)) + 1;
        let links = Links { own: own.map_or(root, |own| own.1), peer: peer.map_or(root, |peer| peer.1), bridge: None };
        let parents = links.iter().filter_map(|link| self.held.get(&link));
        let time_ms = parents.map(|parent| parent.time_ms).fold(time_ms, u64::max);
        let mut body = [0; 32];
        body[..8].copy_from_slice(&salt.to_le_bytes());
        CellHeader {
            chain_id: self.chain_id,
            epoch: self.epoch,
            lane,
            seq: own.map_or(0, |own| own.0 + 1),
            depth,
            links,
            time_ms,
            gas_limit: u64::from(transactions) * 21_000,
            transactions,
            body: BodyHash(body),
        }
    }

    /// Takes a cell, and whatever waited for it.
    pub(super) fn receive(&mut self, header: CellHeader) -> Received {
        let mut received = Received::default();
        let id = header.id();
        if header.epoch != self.epoch || self.held.contains_key(&id) {
            return received;
        }
        self.pending.insert(id, header);
        loop {
            let ready = self.pending.iter().find(|(_, header)| self.missing_of(header).is_empty());
            let Some(id) = ready.map(|(id, _)| *id) else { break };
            let Some(header) = self.pending.remove(&id) else { break };
            received.admitted.push(self.admit(id, header));
        }
        for header in self.pending.values() {
            let missing = self.missing_of(header).into_iter().filter(|id| !self.pending.contains_key(id));
            received.missing.extend(missing);
        }
        received
    }

    fn missing_of(&self, header: &CellHeader) -> Vec<CellId> {
        let root = self.root(header.lane.submesh);
        header.links.iter().filter(|link| *link != root && !self.held.contains_key(link)).collect()
    }

    fn admit(&mut self, id: CellId, header: CellHeader) -> CellRef {
        let newest = self.newest.entry(header.lane).or_insert((header.seq, id, header.depth));
        if newest.0 < header.seq {
            *newest = (header.seq, id, header.depth);
        }
        let place =
            |link: CellId| self.held.get(&link).map(|parent| Place { lane: parent.lane, seq: parent.seq, cell: link });
        let reference = CellRef {
            id,
            lane: header.lane,
            seq: header.seq,
            depth: header.depth,
            own: header.links.own,
            links: header.links.iter().skip(1).filter_map(place).collect(),
            gas_limit: header.gas_limit,
            transactions: header.transactions,
            time_ms: header.time_ms,
        };
        self.held.insert(id, header);
        reference
    }

    /// The lane of an author in the root submesh.
    pub(super) fn lane(author: ValidatorIndex) -> LaneId {
        LaneId { submesh: SubmeshId::ROOT, author }
    }
}
