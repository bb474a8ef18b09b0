//! One simulated node: the core in its shell.

use super::{
    Micros, Random,
    cells::{Cells, Committed, SharedCell},
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
use qsdm_mesh::{CellRef, Cut, CutRules, Effect, MeshConfig, SubmeshRules};
use qsdm_primitives::{
    Block, BlockId, CellBody, CellHeader, CellId, Epoch, EpochCertificate, ExecutionHash, QcRef, QuorumCertificate,
    SubmeshId, ValidatorIndex, ValidatorSet,
};
use std::{cell::RefCell, collections::BTreeMap, sync::Arc};

/// What every node of a simulated chain knows from the start.
pub(super) struct Chain {
    pub(super) chain_id: u64,
    pub(super) genesis: CommitTip,
    submeshes: BTreeMap<SubmeshId, SubmeshRules>,
    sets: RefCell<BTreeMap<Epoch, Arc<ValidatorSet>>>,
    members: Box<dyn Fn(Epoch) -> ValidatorSet>,
}

impl Chain {
    pub(super) fn new(
        genesis: CommitTip,
        submeshes: BTreeMap<SubmeshId, SubmeshRules>,
        members: Box<dyn Fn(Epoch) -> ValidatorSet>,
    ) -> Self {
        Self { chain_id: super::run::CHAIN_ID, genesis, submeshes, sets: RefCell::default(), members }
    }

    /// Gas and submeshes of every epoch.
    pub(super) fn rules(&self) -> CutRules {
        super::run::rules(&self.submeshes)
    }

    /// The rules of an epoch's mesh, of which this much is committed.
    pub(super) fn mesh(&self, epoch: Epoch, me: Option<ValidatorIndex>, included: Cut) -> MeshConfig {
        let submeshes = self.submeshes.clone();
        MeshConfig { chain_id: self.chain_id, set: self.set(epoch), submeshes, me, included }
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

/// An own cell before it is signed.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    pub(super) header: CellHeader,
    pub(super) body: CellBody,
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
    /// The own cell that is to be signed.
    pub(super) draft: Option<Draft>,
    /// When execution has caught up.
    pub(super) executes_until: Micros,
}

impl Node {
    /// The node's clock, milliseconds since the Unix epoch.
    pub(super) fn clock_ms(&self, now: Micros) -> u64 {
        (super::run::START_MS + now / 1_000).saturating_add_signed(self.skew_ms)
    }

    /// Reads the disk and starts; what the core and the mesh want done first.
    pub(super) fn start(&mut self, chain: &Chain, now: Micros) -> Result<(Vec<Action>, Vec<Effect>), String> {
        self.incarnation += 1;
        let record = self.disk.read_record().map_err(|error| error.to_string())?;
        let Memory { tip, cut, committed, execution, blocks, unfinished, uncommitted, epochs, draft, stored } =
            Memory::read(self.disk.entries(), chain, self.diverges_at);
        let (epoch, frozen) = (tip.epoch, tip.frozen());
        let end = tip.is_over.then(|| Box::new(epoch_end(chain, &tip, execution.newest().hash)));
        let mut config = self.config.clone();
        config.key = Some(qsdm_crypto::Signer::public_key(&self.signer).clone());
        let disk = Recovery {
            set: chain.set(epoch).as_ref().clone(),
            tip,
            cut: cut.clone(),
            record,
            is_new_key: false,
            blocks: unfinished,
            cells: uncommitted.iter().map(|(reference, _)| reference.clone()).collect(),
            executed: execution.newest(),
            results: execution.results().clone(),
            end,
            certificates: epochs.values().cloned().collect(),
        };
        let clock_ms = self.clock_ms(now);
        let (core, mut actions) = Core::recover(config, disk, clock_ms).map_err(|error| error.to_string())?;
        let mut cells = Cells::new(chain.mesh(epoch, core.status().me, cut), committed, stored);
        cells.hurry(self.config.parameters.round_ms);
        let uncommitted: Vec<SharedCell> = uncommitted.into_iter().map(|(_, cell)| cell).collect();
        let effects = cells.give_back(&uncommitted, frozen, self.id, clock_ms);
        // a cell that was reserved but lost before it was stored is signed again, and no other in its place
        let lost = draft.filter(|draft| {
            let reserved = core.record().lanes.get(&draft.header.lane.submesh);
            let id = draft.header.id();
            reserved == Some(&(draft.header.seq, id)) && cells.get(&id).is_none()
        });
        let draft = lost.clone();
        self.running = Some(Running { core, cells, execution, blocks, epochs, draft, executes_until: now });
        if let Some(lost) = lost {
            actions.extend(self.step(now, Event::WriteCell(Box::new(lost.header))));
        }
        Ok((actions, effects))
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
}

/// How an epoch ended.
pub(super) fn epoch_end(chain: &Chain, tip: &CommitTip, state_root: ExecutionHash) -> EpochEnd {
    let next = chain.set(Epoch(tip.epoch.0 + 1)).as_ref().clone();
    EpochEnd { block: tip.block, state_root, next, rules: chain.rules() }
}

/// What a disk holds, read from the beginning.
struct Memory {
    tip: CommitTip,
    cut: Cut,
    committed: Committed,
    execution: Execution,
    blocks: BTreeMap<BlockId, (Arc<Block>, Option<Arc<QuorumCertificate>>)>,
    unfinished: Vec<(Arc<Block>, Option<Arc<QuorumCertificate>>)>,
    /// The cells of the epoch that are not committed, in the order in which they were stored.
    uncommitted: Vec<(CellRef, SharedCell)>,
    epochs: BTreeMap<Epoch, Arc<EpochCertificate>>,
    draft: Option<Draft>,
    stored: BTreeMap<CellId, SharedCell>,
}

impl Memory {
    fn read(entries: &[Entry], chain: &Chain, diverges_at: Option<u64>) -> Self {
        let mut memory = Self {
            tip: chain.genesis.clone(),
            cut: Cut::default(),
            committed: Committed::default(),
            execution: Execution::new(chain.genesis.executed, diverges_at),
            blocks: BTreeMap::new(),
            unfinished: Vec::new(),
            uncommitted: Vec::new(),
            epochs: BTreeMap::new(),
            draft: None,
            stored: BTreeMap::new(),
        };
        for entry in entries {
            match entry {
                Entry::Draft(draft) => memory.draft = Some(draft.as_ref().clone()),
                Entry::Cell(reference, cell) => {
                    memory.stored.insert(reference.id, Arc::clone(cell));
                    if cell.header().epoch == memory.tip.epoch {
                        memory.uncommitted.push((reference.clone(), Arc::clone(cell)));
                    }
                }
                Entry::Block(block, certificate) => {
                    memory.blocks.insert(block.header().id(), (Arc::clone(block), certificate.clone()));
                    memory.unfinished.push((Arc::clone(block), certificate.clone()));
                }
                Entry::Commit(committed) => memory.commit(committed),
                Entry::Epoch(certificate) => memory.change_epoch(certificate),
            }
        }
        let committed = &memory.committed;
        memory.uncommitted.retain(|(reference, _)| !committed.contains(&reference.id));
        memory
    }

    fn commit(&mut self, committed: &CommittedBlock) {
        if committed.tip.height.0 != self.tip.height.0 + 1 {
            return;
        }
        self.tip = committed.tip.clone();
        self.cut.apply(&committed.block.body.cut);
        for id in &committed.cells {
            if let Some(cell) = self.stored.get(id) {
                self.committed.insert(*id, Arc::clone(cell));
            }
        }
        self.execution.run(committed, |cell| self.stored.get(cell).map(|cell| &cell.body));
    }

    fn change_epoch(&mut self, certificate: &Arc<EpochCertificate>) {
        let epoch = Epoch(certificate.claim.epoch.0 + 1);
        self.epochs.insert(certificate.claim.epoch, Arc::clone(certificate));
        self.tip = self.tip.next_epoch(epoch);
        self.cut = Cut::default();
        self.committed = Committed::default();
        self.uncommitted.clear();
        self.unfinished.clear();
    }
}
