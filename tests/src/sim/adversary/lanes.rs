//! Cells that no correct author writes.

use super::{Hostile, Packet, Sending};
use crate::sim::{cells::Cells, node::Running, run::CHAIN_ID};
use qsdm_primitives::{BodyHash, CellHeader, CellId, Epoch, LaneId, Links, SignedCellHeader, SubmeshId, root_cell};
use std::sync::Arc;

/// Cells of a bomb that go off at once, and in a whole run.
const BURST: u64 = 12;
const BOMB_MAX: u64 = 240;

/// Where a flood of cells stands.
#[derive(Clone, Debug, Default)]
pub(super) struct Bomb {
    sent: u64,
    epoch: Epoch,
    newest: Option<(u64, CellId, u64)>,
}

impl Hostile {
    /// Two cells in one place, one for each half.
    pub(super) fn fork_lane(&mut self, cell: &Arc<SignedCellHeader>) -> Vec<Sending> {
        let mut header = cell.header.clone();
        header.body = BodyHash([0xfc; 32]);
        header.transactions += 1;
        let other = Packet::Cell(self.signed_cell(header));
        self.to_halves(&Packet::Cell(Arc::clone(cell)), &other)
    }

    fn signed_cell(&self, header: CellHeader) -> Arc<SignedCellHeader> {
        let signature = self.sign(&header);
        Arc::new(SignedCellHeader { header, signature })
    }

    /// Cells that it has shown to nobody: in time, late, or never.
    pub(super) fn hand_out_late(&mut self, running: &Running, from: usize, ids: &[CellId]) -> Vec<Sending> {
        let delay = match self.random.below(3) {
            0 => return Vec::new(),
            1 => self.delay(),
            _ => 0,
        };
        let held = ids.iter().filter_map(|id| running.stored_cells.get(id));
        held.map(|cell| Sending { to: from, delay, packet: Packet::Cell(Arc::clone(cell)) }).collect()
    }

    /// Its cells are closed by themselves, so that they can be included anywhere.
    pub(super) fn link_to_own_only(&self, header: &mut CellHeader, cells: &Cells) {
        let root = root_cell(header.chain_id, header.epoch, header.lane.submesh);
        header.links.peer = root;
        header.depth = cells.header(&header.links.own).map_or(0, |own| own.depth) + 1;
    }

    /// A cell whose parents nobody has.
    pub(super) fn link_to_nothing(&mut self, running: &Running, clock_ms: u64) -> Vec<Sending> {
        let epoch = running.core.status().epoch;
        let seq = self.random.below(64);
        let own = CellId(self.any_block().0);
        let peer = if self.random.per_mille(500) { CellId(self.any_block().0) } else { self.root(epoch) };
        let header = self.cell(epoch, seq, seq + 1, Links { own, peer, bridge: None }, clock_ms);
        let cell = self.signed_cell(header);
        self.to_all(&Packet::Cell(cell))
    }

    /// A burst of cells of the own lane, each linked to the one before and to some other that is there.
    pub(super) fn explode(&mut self, running: &Running, clock_ms: u64) -> Vec<Sending> {
        let epoch = running.core.status().epoch;
        if self.bomb.epoch != epoch {
            self.bomb = Bomb { epoch, sent: self.bomb.sent, newest: None };
        }
        let mut sendings = Vec::new();
        for _ in 0..BURST {
            if self.bomb.sent >= BOMB_MAX {
                break;
            }
            self.bomb.sent += 1;
            let header = self.next_of_bomb(running, epoch, clock_ms);
            self.bomb.newest = Some((header.seq, header.id(), header.depth));
            let packet = Packet::Cell(self.signed_cell(header));
            sendings.extend((0..self.nodes).map(|to| Sending { to, delay: 0, packet: packet.clone() }));
        }
        sendings
    }

    fn next_of_bomb(&mut self, running: &Running, epoch: Epoch, clock_ms: u64) -> CellHeader {
        let others: Vec<(CellId, u64, u64)> = running
            .cells
            .headers()
            .filter(|(_, header)| header.lane.author != self.me)
            .map(|(id, header)| (*id, header.depth, header.time_ms))
            .collect();
        let root = self.root(epoch);
        let peer = match others.len() {
            0 => (root, 0, 0),
            count => others[self.random.index(count)],
        };
        let own = self.bomb.newest.unwrap_or((0, root, 0));
        let seq = self.bomb.newest.map_or(0, |newest| newest.0 + 1);
        let links = Links { own: own.1, peer: peer.0, bridge: None };
        self.cell(epoch, seq, own.2.max(peer.1) + 1, links, clock_ms.max(peer.2))
    }

    fn root(&self, epoch: Epoch) -> CellId {
        root_cell(CHAIN_ID, epoch, SubmeshId::ROOT)
    }

    fn cell(&mut self, epoch: Epoch, seq: u64, depth: u64, links: Links, time_ms: u64) -> CellHeader {
        let lane: LaneId = Cells::lane(self.me);
        let body = BodyHash(self.any_block().0);
        CellHeader { chain_id: CHAIN_ID, epoch, lane, seq, depth, links, time_ms, gas_limit: 0, transactions: 0, body }
    }
}
