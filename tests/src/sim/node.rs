//! One simulated node: the core in its shell.

use super::{
    Micros, Random,
    cells::Cells,
    disk::{Disk, Entry, Written},
    execution::Execution,
};
use qsdm_consensus::{
    Action, CommitTip, CommittedBlock, Config, Core, EpochEnd, Event, FetchRequest, Message, PersistSeq, Recovery,
};
use qsdm_crypto::{
    Authenticate, AuthenticationError, Context, Verified,
    testing::{HashSigner, HashVerifier},
};
use qsdm_mesh::{CellRef, Cut};
use qsdm_primitives::{
    Block, BlockId, CellHeader, CellId, Epoch, EpochCertificate, ExecutionHash, LaneId, QcRef, QuorumCertificate,
    SignedCellHeader, ValidatorSet,
};
use std::{cell::RefCell, collections::BTreeMap, sync::Arc};

/// What every node of a simulated chain knows from the start.
pub(super) struct Chain {
    pub(super) chain_id: u64,
    pub(super) genesis: CommitTip,
    sets: RefCell<BTreeMap<Epoch, Arc<ValidatorSet>>>,
    members: Box<dyn Fn(Epoch) -> ValidatorSet>,
}

impl Chain {
    pub(super) fn new(genesis: CommitTip, members: Box<dyn Fn(Epoch) -> ValidatorSet>) -> Self {
        Self { chain_id: super::run::CHAIN_ID, genesis, sets: RefCell::default(), members }
    }

    /// The validators of an epoch.
    pub(super) fn set(&self, epoch: Epoch) -> Arc<ValidatorSet> {
        let mut sets = self.sets.borrow_mut();
        Arc::clone(sets.entry(epoch).or_insert_with(|| Arc::new((self.members)(epoch))))
    }

    /// What is right in an epoch, to verify messages with.
    pub(super) fn verify<T: Authenticate>(&self, epoch: Epoch, value: T) -> Result<Verified<T>, AuthenticationError> {
        let set = self.set(epoch);
        Context { chain_id: self.chain_id, set: &set, verifier: &HashVerifier }.verify(value)
    }
}

/// One simulated node.
pub(super) struct Node {
    pub(super) id: usize,
    pub(super) signer: HashSigner,
    pub(super) config: Config,
    pub(super) disk: Disk,
    pub(super) random: Random,
    pub(super) skew_ms: i64,
    pub(super) diverges_at: Option<u64>,
    /// Counts the starts: what was under way before a crash is no more.
    pub(super) incarnation: u64,
    pub(super) running: Option<Running>,
}

/// What a running node has in memory.
pub(super) struct Running {
    pub(super) core: Core,
    pub(super) cells: Cells,
    pub(super) execution: Execution,
    pub(super) blocks: BTreeMap<BlockId, (Arc<Block>, Option<Arc<QuorumCertificate>>)>,
    pub(super) epochs: BTreeMap<Epoch, Arc<EpochCertificate>>,
    /// The stored cells of all epochs.
    pub(super) stored_cells: BTreeMap<CellId, Arc<SignedCellHeader>>,
    /// The first cell that came for each place of a lane, to find forks by.
    pub(super) places: BTreeMap<(Epoch, LaneId, u64), Arc<SignedCellHeader>>,
    /// Cells that came and are not stored yet.
    pub(super) arrived: BTreeMap<CellId, Arc<SignedCellHeader>>,
    /// When a cell was asked for, or acknowledged, last.
    pub(super) asked_at: BTreeMap<CellId, Micros>,
    pub(super) acknowledged_at: BTreeMap<CellId, Micros>,
    /// When execution has caught up.
    pub(super) executes_until: Micros,
}

impl Node {
    /// The node's clock, milliseconds since the Unix epoch.
    pub(super) fn clock_ms(&self, now: Micros) -> u64 {
        (super::run::START_MS + now / 1_000).saturating_add_signed(self.skew_ms)
    }

    /// Reads the disk and starts; what the core wants done first.
    pub(super) fn start(&mut self, chain: &Chain, now: Micros) -> Result<Vec<Action>, String> {
        self.incarnation += 1;
        let record = self.disk.read_record().map_err(|error| error.to_string())?;
        let memory = Memory::read(self.disk.entries(), chain, self.diverges_at);
        let set = chain.set(memory.tip.epoch).as_ref().clone();
        let end = memory.tip.is_over.then(|| Box::new(epoch_end(chain, &memory.tip, memory.execution.newest().hash)));
        let mut config = self.config.clone();
        config.key = Some(qsdm_crypto::Signer::public_key(&self.signer).clone());
        let disk = Recovery {
            set,
            tip: memory.tip,
            cut: memory.cut,
            record,
            blocks: memory.unfinished,
            cells: memory.uncommitted,
            executed: memory.execution.newest(),
            results: memory.execution.results().clone(),
            end,
            certificates: memory.epochs.values().cloned().collect(),
        };
        let (core, mut actions) = Core::recover(config, disk, self.clock_ms(now)).map_err(|error| error.to_string())?;
        // a cell that was reserved but lost before it was stored is signed again, and no other in its place
        let lost = memory.draft.filter(|draft| {
            let reserved = core.record().lanes.get(&draft.lane.submesh);
            let id = draft.id();
            reserved == Some(&(draft.seq, id)) && memory.cells.header(&id).is_none()
        });
        self.running = Some(Running {
            core,
            cells: memory.cells,
            execution: memory.execution,
            blocks: memory.blocks,
            epochs: memory.epochs,
            stored_cells: memory.stored_cells,
            places: memory.places,
            arrived: BTreeMap::new(),
            asked_at: BTreeMap::new(),
            acknowledged_at: BTreeMap::new(),
            executes_until: now,
        });
        if let Some(lost) = lost {
            actions.extend(self.step(now, Event::WriteCell(Box::new(lost))));
        }
        Ok(actions)
    }

    /// Power is lost.
    pub(super) fn crash(&mut self) {
        self.running = None;
        self.incarnation += 1;
        self.disk.lose_power(&mut self.random);
    }

    pub(super) fn step(&mut self, now: Micros, event: Event) -> Vec<Action> {
        let clock = self.clock_ms(now);
        let Some(running) = &mut self.running else { return Vec::new() };
        let mut actions = running.core.step(Event::Tick(clock));
        actions.extend(running.core.step(event));
        actions
    }

    /// Everything written so far is on disk.
    pub(super) fn synced(&mut self, now: Micros, written: Written, seq: Option<PersistSeq>) -> Vec<Action> {
        self.disk.sync(written);
        seq.map(|seq| self.step(now, Event::Durable(seq))).unwrap_or_default()
    }
}

impl Running {
    /// The answer to a peer's question, out of what is stored.
    pub(super) fn serve(&self, request: &FetchRequest) -> Vec<Message> {
        match request {
            FetchRequest::Block { id, above } => self.chain_to(id, *above),
            FetchRequest::Certificate(_) | FetchRequest::Cells(_) => Vec::new(),
            FetchRequest::EpochCertificate(epoch) => {
                let certificate = self.epochs.get(epoch);
                certificate
                    .map(|ended| Message::EpochCertificate(Box::new(ended.as_ref().clone())))
                    .into_iter()
                    .collect()
            }
        }
    }

    fn chain_to(&self, id: &BlockId, above: u64) -> Vec<Message> {
        let mut chain = Vec::new();
        let mut next = *id;
        while let Some((block, certificate)) = self.blocks.get(&next) {
            if block.header().height.0 <= above {
                break;
            }
            next = block.header().parent;
            let certificate = certificate.as_ref().map(|certificate| Box::new(certificate.as_ref().clone()));
            chain.push(Message::Block(Box::new(block.as_ref().clone()), certificate));
        }
        chain.reverse();
        chain.truncate(64);
        chain
    }

    /// The certificate that some stored block carries.
    pub(super) fn stored_certificate(&self, reference: &QcRef) -> Option<Message> {
        let mut stored = self.blocks.values().filter_map(|(_, certificate)| certificate.as_ref());
        let found = stored.find(|certificate| certificate.reference == *reference)?;
        Some(Message::Certificate(Box::new(found.as_ref().clone())))
    }

    /// Whether to do something about a cell now, which is not repeated within a pause.
    pub(super) fn is_due(times: &mut BTreeMap<CellId, Micros>, cell: CellId, now: Micros, pause: Micros) -> bool {
        match times.get(&cell) {
            Some(last) if now < last + pause => false,
            _ => {
                times.insert(cell, now);
                true
            }
        }
    }

    /// Remembers which cell came first for its place in the lane; the other one where there are two.
    pub(super) fn other_in_place(&mut self, cell: &Arc<SignedCellHeader>) -> Option<Arc<SignedCellHeader>> {
        let place = (cell.header.epoch, cell.header.lane, cell.header.seq);
        let first = self.places.entry(place).or_insert_with(|| Arc::clone(cell));
        (first.header != cell.header).then(|| Arc::clone(first))
    }

    pub(super) fn holds(&self, cell: &CellId) -> bool {
        self.cells.header(cell).is_some()
    }
}

/// How an epoch ended.
pub(super) fn epoch_end(chain: &Chain, tip: &CommitTip, state_root: ExecutionHash) -> EpochEnd {
    let next = chain.set(Epoch(tip.epoch.0 + 1)).as_ref().clone();
    EpochEnd { block: tip.block, state_root, next, rules: super::run::rules() }
}

/// What a disk holds, read from the beginning.
struct Memory {
    tip: CommitTip,
    cut: Cut,
    cells: Cells,
    execution: Execution,
    blocks: BTreeMap<BlockId, (Arc<Block>, Option<Arc<QuorumCertificate>>)>,
    unfinished: Vec<(Arc<Block>, Option<Arc<QuorumCertificate>>)>,
    uncommitted: Vec<CellRef>,
    epochs: BTreeMap<Epoch, Arc<EpochCertificate>>,
    draft: Option<CellHeader>,
    stored_cells: BTreeMap<CellId, Arc<SignedCellHeader>>,
    places: BTreeMap<(Epoch, LaneId, u64), Arc<SignedCellHeader>>,
}

impl Memory {
    fn read(entries: &[Entry], chain: &Chain, diverges_at: Option<u64>) -> Self {
        let mut memory = Self {
            tip: chain.genesis.clone(),
            cut: Cut::default(),
            cells: Cells::new(chain.chain_id, Epoch(0)),
            execution: Execution::new(chain.genesis.executed, diverges_at),
            blocks: BTreeMap::new(),
            unfinished: Vec::new(),
            uncommitted: Vec::new(),
            epochs: BTreeMap::new(),
            draft: None,
            stored_cells: BTreeMap::new(),
            places: BTreeMap::new(),
        };
        for entry in entries {
            if let Entry::Cell(cell, signed) = entry {
                memory.stored_cells.insert(cell.id, Arc::clone(signed));
            }
            match entry {
                Entry::Draft(header) => memory.draft = Some(header.clone()),
                Entry::Cell(cell, signed) if signed.header.epoch == memory.tip.epoch => {
                    memory.cells.receive(signed.header.clone());
                    memory.uncommitted.push(cell.clone());
                    let place = (signed.header.epoch, cell.lane, cell.seq);
                    memory.places.entry(place).or_insert_with(|| Arc::clone(signed));
                }
                Entry::Cell(..) => {}
                Entry::Block(block, certificate) => {
                    memory.blocks.insert(block.header().id(), (Arc::clone(block), certificate.clone()));
                    memory.unfinished.push((Arc::clone(block), certificate.clone()));
                }
                Entry::Commit(committed) => memory.commit(committed),
                Entry::Epoch(certificate) => memory.change_epoch(chain, certificate),
            }
        }
        memory
    }

    fn commit(&mut self, committed: &CommittedBlock) {
        if committed.tip.height.0 != self.tip.height.0 + 1 {
            return;
        }
        self.tip = committed.tip.clone();
        self.cut.apply(&committed.block.body.cut);
        self.execution.run(committed);
    }

    fn change_epoch(&mut self, chain: &Chain, certificate: &Arc<EpochCertificate>) {
        let epoch = Epoch(certificate.claim.epoch.0 + 1);
        self.epochs.insert(certificate.claim.epoch, Arc::clone(certificate));
        self.tip = self.tip.next_epoch(epoch);
        self.cut = Cut::default();
        self.cells = Cells::new(chain.chain_id, epoch);
        self.uncommitted.clear();
        self.unfinished.clear();
    }
}
