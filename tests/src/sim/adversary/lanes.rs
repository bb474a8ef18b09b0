//! Cells that no correct author writes.

use super::{Hostile, Packet, Sending};
use crate::sim::{
    cells::{Cells, SharedCell},
    node::{Chain, Running},
    run::CHAIN_ID,
};
use alloy_primitives::Bytes;
use qsdm_mesh::CutView;
use qsdm_primitives::{
    Cell, CellBody, CellHeader, CellId, Epoch, LaneId, Links, SignedCellHeader, SubmeshId, ValidatorIndex,
    limits::{CELLS_UNCOMMITTED_PER_AUTHOR_MAX, LINK_DEPTH_MAX},
    root_cell,
};
use std::sync::Arc;

/// How many sequence numbers above its lane the cells lie whose parents never come.
const FAR_AHEAD: u64 = 1 << 40;

/// Cells of a bomb's lane beyond those that may be uncommitted.
const CELLS_TOO_MANY: u64 = 16;

/// Where a flood of cells stands.
#[derive(Clone, Debug, Default)]
pub(super) struct Flood {
    sent: u64,
    epoch: Epoch,
    /// The newest cell of the own lane, with its depth.
    head: Option<(u64, CellId, u64)>,
    /// The newest of those that no mesh can admit.
    newest: Option<(u64, CellId)>,
    has_forked: bool,
}

/// Place and parents of a cell.
#[derive(Clone, Copy)]
struct Sketch {
    epoch: Epoch,
    seq: u64,
    depth: u64,
    links: Links,
    time_ms: u64,
    gas: u64,
}

impl Hostile {
    /// Two cells in one place, one for each half.
    pub(super) fn fork_lane(&mut self, cell: &SharedCell) -> Vec<Sending> {
        let mut body = cell.body.clone();
        body.transactions.push(Bytes::from_static(b"another one"));
        let other = Packet::UnverifiedCell(self.signed_cell(cell.header().clone(), body));
        self.to_halves(&Packet::Cell(Arc::clone(cell)), &other)
    }

    /// Body hash and count are put right.
    pub(super) fn signed_cell(&self, mut header: CellHeader, body: CellBody) -> Arc<Cell> {
        header.body = body.hash();
        header.transactions = body.transactions.len() as u32;
        let signature = self.sign(&header);
        Arc::new(Cell { signed: SignedCellHeader { header, signature }, body })
    }

    /// Cells that it has shown to nobody: in time, late, or never.
    pub(super) fn hand_out_late(&mut self, running: &Running, from: usize, ids: &[CellId]) -> Vec<Sending> {
        let delay = match self.random.below(3) {
            0 => return Vec::new(),
            1 => self.delay(),
            _ => 0,
        };
        let held = ids.iter().filter_map(|id| running.cells.get(id));
        held.map(|cell| Sending { to: from, delay, packet: Packet::Cell(Arc::clone(cell)) }).collect()
    }

    /// Its cells are closed by themselves, so that they can be included anywhere.
    pub(super) fn link_to_own_only(&self, header: &mut CellHeader, cells: &Cells) {
        if header.links.bridge.is_some() {
            return;
        }
        header.links.peer = root_cell(header.chain_id, header.epoch, header.lane.submesh);
        header.depth = cells.header(&header.links.own).map_or(0, |own| own.depth) + 1;
    }

    /// Cells whose parents nobody has.
    pub(super) fn link_to_nothing(&mut self, running: &Running, clock_ms: u64) -> Vec<Sending> {
        let epoch = running.core.status().epoch;
        (0..self.orphans.burst).flat_map(|_| self.orphan(epoch, clock_ms)).collect()
    }

    fn orphan(&mut self, epoch: Epoch, time_ms: u64) -> Vec<Sending> {
        // each in a place of its own: a fork would stop it soon
        self.flood.sent += 1;
        let seq = FAR_AHEAD / 2 + self.flood.sent;
        let (own, peer) = (CellId(self.any_block().0), CellId(self.any_block().0));
        let links = Links { own, peer, bridge: None };
        let sketch = Sketch { epoch, seq, depth: seq + 1, links, time_ms, gas: 0 };
        let mut content = self.any_block().0.to_vec();
        content.resize(self.orphans.bytes, 0);
        let cell = self.cell_with(sketch, Bytes::from(content));
        self.to_all(&Packet::UnverifiedCell(cell))
    }

    /// A burst of cells: the own lane as fast as it is taken, each cell linked to the one before and to some other that is
    /// there; and above it a chain that never gets a beginning, linked to whatever there is.
    pub(super) fn explode(&mut self, running: &Running, clock_ms: u64) -> Vec<Sending> {
        let epoch = running.core.status().epoch;
        if self.flood.epoch != epoch {
            self.flood = Flood { epoch, sent: self.flood.sent, ..Flood::default() };
        }
        let left = self.bomb.burst.min(self.bomb.cells - self.flood.sent.min(self.bomb.cells));
        let mut cells = self.own_lane(running, epoch, clock_ms, left / 4);
        while (cells.len() as u64) < left {
            cells.push(self.without_beginning(running, epoch, clock_ms));
        }
        self.flood.sent += cells.len() as u64;
        let nodes = self.nodes;
        let packets = cells.into_iter().map(Packet::UnverifiedCell);
        packets.flat_map(|packet| (0..nodes).map(move |to| Sending { to, delay: 0, packet: packet.clone() })).collect()
    }

    /// The next cells of its lane, some more than may be uncommitted.
    fn own_lane(&mut self, running: &Running, epoch: Epoch, clock_ms: u64, most: u64) -> Vec<Arc<Cell>> {
        let (_, cut) = running.core.committed();
        let committed = cut.tip(Cells::lane(self.me)).map_or(0, |tip| tip.seq + 1);
        let written = self.flood.head.map_or(0, |head| head.0 + 1);
        let room = (committed + CELLS_UNCOMMITTED_PER_AUTHOR_MAX as u64 + CELLS_TOO_MANY).saturating_sub(written);
        let mut cells = Vec::new();
        for _ in 0..room.min(most) {
            let (seq, own, own_depth) = match self.flood.head {
                Some((seq, id, depth)) => (seq + 1, id, depth),
                None => (0, root(epoch), 0),
            };
            let Some((peer, peer_depth, peer_ms)) = self.any_peer(running, epoch, own_depth) else { break };
            let (links, depth) = (Links { own, peer, bridge: None }, own_depth.max(peer_depth) + 1);
            let sketch = Sketch { epoch, seq, depth, links, time_ms: clock_ms.max(peer_ms), gas: self.bomb.gas };
            let cell = self.cell(sketch);
            self.flood.head = Some((seq, cell.header().id(), depth));
            cells.push(cell);
        }
        cells
    }

    /// A cell by somebody else that a cell above this depth may link to, with its depth and time.
    fn any_peer(&mut self, running: &Running, epoch: Epoch, own_depth: u64) -> Option<(CellId, u64, u64)> {
        let others = running.cells.mesh().cells().filter(|cell| {
            let is_root = cell.lane.submesh == SubmeshId::ROOT;
            is_root && cell.lane.author != self.me && cell.depth + LINK_DEPTH_MAX > own_depth
        });
        let others: Vec<(CellId, u64, u64)> = others.map(|cell| (cell.id, cell.depth, cell.time_ms)).collect();
        match others.len() {
            0 => (own_depth < LINK_DEPTH_MAX).then(|| (root(epoch), 0, 0)),
            count => Some(others[self.random.index(count)]),
        }
    }

    fn without_beginning(&mut self, running: &Running, epoch: Epoch, time_ms: u64) -> Arc<Cell> {
        let (seq, own) = match self.flood.newest {
            Some((seq, id)) => (seq + 1, id),
            None => (FAR_AHEAD, CellId(self.any_block().0)),
        };
        let peer = self.any_peer(running, epoch, 0).map(|peer| peer.0).filter(|peer| *peer != root(epoch));
        // a root cell would break a rule so far above it
        let peer = peer.unwrap_or_else(|| CellId(self.any_block().0));
        let links = Links { own, peer, bridge: None };
        let cell = self.cell(Sketch { epoch, seq, depth: seq + 1, links, time_ms, gas: 0 });
        self.flood.newest = Some((seq, cell.header().id()));
        cell
    }

    /// Two whole lanes at once, one to each half: as many cells as may be uncommitted, before anybody knows of the fork.
    pub(super) fn fork_whole_lane(&mut self, running: &Running, chain: &Chain, clock_ms: u64) -> Vec<Sending> {
        let epoch = running.core.status().epoch;
        if self.flood.epoch != epoch {
            self.flood = Flood { epoch, ..Flood::default() };
        }
        if std::mem::replace(&mut self.flood.has_forked, true) || chain.set(epoch).get(self.me).is_none() {
            return Vec::new();
        }
        let mut sendings = Vec::new();
        let mut own = [root(epoch); 2];
        for seq in 0..CELLS_UNCOMMITTED_PER_AUTHOR_MAX as u64 {
            let branch = own.map(|own| {
                let links = Links { own, peer: root(epoch), bridge: None };
                self.cell(Sketch { epoch, seq, depth: seq + 1, links, time_ms: clock_ms, gas: 0 })
            });
            own = [branch[0].header().id(), branch[1].header().id()];
            let [one, other] = branch.map(Packet::UnverifiedCell);
            sendings.extend(self.to_halves(&one, &other));
        }
        sendings
    }

    /// A cell with something in it that is no payment.
    fn cell(&mut self, sketch: Sketch) -> Arc<Cell> {
        let content = Bytes::copy_from_slice(&self.any_block().0);
        self.cell_with(sketch, content)
    }

    fn cell_with(&self, sketch: Sketch, content: Bytes) -> Arc<Cell> {
        let Sketch { epoch, seq, depth, links, time_ms, gas: gas_limit } = sketch;
        let body = CellBody { transactions: vec![content] };
        let lane: LaneId = Cells::lane(ValidatorIndex(self.me.0));
        let (transactions, hash) = (1, body.hash());
        let header = CellHeader {
            chain_id: CHAIN_ID,
            epoch,
            lane,
            seq,
            depth,
            links,
            time_ms,
            gas_limit,
            transactions,
            body: hash,
        };
        self.signed_cell(header, body)
    }
}

fn root(epoch: Epoch) -> CellId {
    root_cell(CHAIN_ID, epoch, SubmeshId::ROOT)
}
