//! The task that owns consensus and mesh: one thing happens after another here, and what follows from it is handed on.

mod act;
mod cells;

use super::{
    author::Author,
    execute::{Done, Job},
    held::HeldCells,
    keeper::{Keep, Kept},
    sightings::{Ask, Sightings},
    verify::{Checked, Checker},
    wire::{Packet, Reply, Wire},
};
use qsdm_consensus::{Action, Core, EpochEnd, Event, FetchRequest, PeerId, Status, TimerId};
use qsdm_crypto::Signer;
use qsdm_mesh::{CutRules, Mesh, MeshConfig, Phase, SubmeshRules};
use qsdm_network::SyncRequest;
use qsdm_primitives::{
    CellBody, CellId, Dimension, SubmeshId, ValidatorIndex, ValidatorSet,
    limits::{ASKED_CELLS_MAX, JOBS_WAITING_MAX, TURN_EVENTS_MAX},
};
use qsdm_storage::MeshStore;
use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap, HashSet, VecDeque},
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tokio::{
    sync::{
        Notify, broadcast,
        mpsc::{Receiver, Sender, error::TrySendError},
        watch,
    },
    time::{Instant, sleep_until},
};

/// What the task hears.
#[derive(Debug)]
pub(crate) struct Inputs {
    pub kept: Receiver<Kept>,
    pub done: Receiver<Done>,
    pub votes: Receiver<Checked>,
    pub bulk: Receiver<Checked>,
    /// Questions of JSON-RPC.
    pub asks: Receiver<Ask>,
    /// There are transactions.
    pub work: Arc<Notify>,
    pub stop: watch::Receiver<bool>,
}

/// What the task hands work to.
#[derive(Debug)]
pub(crate) struct Outputs {
    pub keeper: Sender<Keep>,
    pub executor: Sender<Job>,
}

/// Where consensus stands, for those who ask.
#[derive(Clone, Debug)]
pub(crate) struct Standing {
    pub status: Status,
    pub set: Arc<ValidatorSet>,
    /// Local time of the newest commit in this process, in milliseconds since 1970; of the start, where there is none.
    pub committed_ms: u64,
}

/// The task.
pub(crate) struct Turn {
    pub chain_id: u64,
    pub core: Core,
    pub mesh: Mesh<Arc<HeldCells>>,
    pub signer: Option<Arc<dyn Signer>>,
    pub checker: Checker,
    pub wire: Arc<dyn Wire>,
    pub held: Arc<HeldCells>,
    pub store: Arc<MeshStore>,
    pub author: Arc<Author>,
    pub sightings: Arc<Sightings>,
    pub events: broadcast::Sender<qsdm_rpc::ports::Event>,
    pub base_fee: Arc<dyn Fn() -> u64 + Send + Sync>,
    /// Gas and open submeshes of the epoch.
    pub rules: CutRules,
    pub outputs: Outputs,
    pub standing: watch::Sender<Standing>,
    pub state: State,
}

/// What the task itself remembers.
#[derive(Debug, Default)]
pub(crate) struct State {
    keep: Keep,
    jobs: VecDeque<Job>,
    timers: BinaryHeap<Reverse<(Instant, TimerId)>>,
    actions: VecDeque<Action>,
    /// Cells that were asked for.
    asked: HashSet<CellId>,
    /// The own cell that is being signed, by submesh.
    writing: BTreeMap<SubmeshId, (CellId, CellBody)>,
    pub(crate) committed_ms: u64,
    last_cell_ms: u64,
    last_repeat_ms: u64,
    /// Admitted cells that are not durable yet.
    unkept: HashSet<CellId>,
    end: Option<Box<EpochEnd>>,
}

impl State {
    /// Blocks that were committed before the stop are executed first.
    pub(crate) fn starting_with(jobs: Vec<Job>) -> Self {
        Self { jobs: jobs.into(), committed_ms: now_ms(), ..Self::default() }
    }
}

/// Milliseconds since the Unix epoch.
pub(crate) fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}

/// The mesh of an epoch in which all validators write to the root submesh.
pub(crate) fn mesh_config(
    chain_id: u64,
    set: Arc<ValidatorSet>,
    me: Option<ValidatorIndex>,
    gas_per_block: u64,
    included: qsdm_mesh::Cut,
) -> MeshConfig {
    let rules = SubmeshRules { dimension: Dimension::Two, phase: Phase::Open, gas_per_block, authors: set.everyone() };
    MeshConfig { chain_id, set, submeshes: [(SubmeshId::ROOT, rules)].into(), me, included }
}

/// How often the node looks whether there is something to write, at least.
const LOOK_MS: u64 = 50;

impl Turn {
    /// Runs until it is told to stop.
    pub(crate) async fn run(mut self, mut inputs: Inputs, first: Vec<Action>) {
        self.state.actions.extend(first);
        self.carry_out();
        self.end_turn();
        let mut look = tokio::time::interval(Duration::from_millis(LOOK_MS));
        look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let far = Instant::now() + Duration::from_secs(3_600);
            let due = self.state.timers.peek().map_or(far, |Reverse((due, _))| *due);
            // what waits for execution is bounded: until it is done, nothing new is taken in
            let has_room = self.state.jobs.len() < JOBS_WAITING_MAX;
            tokio::select! {
                biased;
                _ = inputs.stop.changed() => break,
                Some(kept) = inputs.kept.recv() => self.on_kept(kept),
                Some(done) = inputs.done.recv() => self.on_done(done),
                () = sleep_until(due) => self.fire(),
                Some(checked) = inputs.votes.recv(), if has_room => {
                    self.tick();
                    self.on_checked(checked);
                    for _ in 0..TURN_EVENTS_MAX {
                        let Ok(more) = inputs.votes.try_recv() else { break };
                        self.on_checked(more);
                    }
                }
                Some(checked) = inputs.bulk.recv(), if has_room => {
                    self.tick();
                    self.on_checked(checked);
                    for _ in 0..TURN_EVENTS_MAX {
                        let Ok(more) = inputs.bulk.try_recv() else { break };
                        self.on_checked(more);
                    }
                }
                Some(ask) = inputs.asks.recv() => self.answer(&ask),
                () = inputs.work.notified() => self.look(),
                _ = look.tick() => self.look(),
            }
            self.end_turn();
        }
    }

    /// Hands on what this turn wants kept and executed. What finds no room waits for the next turn.
    fn end_turn(&mut self) {
        if !self.state.keep.is_empty() {
            match self.outputs.keeper.try_send(std::mem::take(&mut self.state.keep)) {
                Ok(()) => {}
                Err(TrySendError::Full(keep) | TrySendError::Closed(keep)) => self.state.keep = keep,
            }
        }
        while let Some(job) = self.state.jobs.pop_front() {
            match self.outputs.executor.try_send(job) {
                Ok(()) => {}
                Err(TrySendError::Full(job) | TrySendError::Closed(job)) => {
                    self.state.jobs.push_front(job);
                    break;
                }
            }
        }
        let standing = Standing {
            status: self.core.status(),
            set: Arc::clone(&self.checker.set.read()),
            committed_ms: self.state.committed_ms,
        };
        self.standing.send_replace(standing);
    }

    fn step(&mut self, event: Event) {
        self.state.actions.extend(self.core.step(event));
        self.carry_out();
    }

    fn tick(&mut self) {
        let now = now_ms();
        self.step(Event::Tick(now));
        let effects = self.mesh.tick(now);
        self.follow(effects);
    }

    fn fire(&mut self) {
        self.tick();
        let now = Instant::now();
        while let Some(Reverse((due, timer))) = self.state.timers.peek().copied() {
            if due > now {
                break;
            }
            self.state.timers.pop();
            self.step(Event::Timer(timer));
        }
    }

    fn on_kept(&mut self, Kept { seq, cells }: Kept) {
        self.tick();
        if let Some(seq) = seq {
            self.step(Event::Durable(seq));
        }
        for cell in &cells {
            self.state.unkept.remove(&cell.id);
        }
        // the epoch may have ended meanwhile, for the core or for all
        let epoch = self.core.status().epoch;
        let is_current = |id: &CellId| self.mesh.signed(id).is_some_and(|signed| signed.header.epoch == epoch);
        let held: Vec<_> = cells.into_iter().filter(|cell| is_current(&cell.id)).collect();
        if held.is_empty() {
            return;
        }
        let ids: Vec<CellId> = held.iter().map(|cell| cell.id).collect();
        held.into_iter().for_each(|cell| self.step(Event::CellHeld(cell)));
        if let Some(me) = self.core.status().me {
            self.wire.broadcast(Packet::Acknowledge(epoch, ids.clone()));
            ids.into_iter().for_each(|id| self.step(Event::Acknowledged(me, id)));
        }
    }

    fn on_done(&mut self, Done { executed, end, cells }: Done) {
        for id in &cells {
            if let Some(held) = self.held.get(id) {
                self.author.executed(&held.transactions);
            }
        }
        self.held.forget(&cells);
        self.tick();
        if end.is_some() {
            self.state.end.clone_from(&end);
        }
        if let Some(executed) = executed {
            self.step(Event::Executed(executed, end));
        }
    }

    fn on_checked(&mut self, checked: Checked) {
        match checked {
            Checked::Message(from, message) => self.step(Event::Message(from, message)),
            Checked::Cell(from, cell, held, keys) => self.on_cell(from, cell, held, keys),
            Checked::Acknowledge(validator, epoch, cells) => {
                if epoch == self.core.status().epoch {
                    cells.into_iter().for_each(|cell| self.step(Event::Acknowledged(validator, cell)));
                }
            }
            Checked::OtherEpoch(from, epoch) => self.step(Event::OtherEpoch(from, epoch)),
            Checked::Request(from, request, reply) => self.on_request(from, request, reply),
        }
    }

    fn answer(&self, Ask { cells, reply }: &Ask) {
        let weights = cells.iter().map(|cell| self.mesh.entangled_weight(cell)).collect();
        // whoever asked may have given up
        let _ = reply.try_send(weights);
    }

    fn on_request(&mut self, from: PeerId, request: SyncRequest, reply: Reply) {
        if let SyncRequest::Fetch(FetchRequest::Certificate(reference)) = &request {
            self.step(Event::CertificateRequest(from, *reference));
        }
        tokio::spawn(super::serve::serve(Arc::clone(&self.store), request, reply));
    }

    fn ask(&mut self, request: FetchRequest, from: Option<PeerId>, attempt: u32) {
        let peers = self.wire.peers();
        let first = from.filter(|peer| attempt == 0 && peers.contains(peer));
        let rotated = || {
            let place = (now_ms() as usize).wrapping_add(attempt as usize);
            place.checked_rem(peers.len()).and_then(|place| peers.get(place)).copied()
        };
        let Some(peer) = first.or_else(rotated) else { return };
        if let FetchRequest::Cells(cells) = &request {
            if self.state.asked.len() > ASKED_CELLS_MAX {
                self.state.asked.clear();
            }
            self.state.asked.extend(cells);
        }
        self.wire.ask(peer, SyncRequest::Fetch(request));
    }
}
