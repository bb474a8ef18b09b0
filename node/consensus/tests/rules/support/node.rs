//! A core in the least possible shell: records become durable, what is to be signed is signed and comes back, commits
//! are executed.

use super::{
    actions,
    committee::{CHAIN, Committee, Parent, START_MS, change, genesis_tip, result, rules},
};
use qsdm_consensus::{
    Action, BlockError, CommitTip, CommittedBlock, Config, Core, EpochEnd, Event, Message, Parameters, PeerId,
    RecoverError, Recovery, SafetyRecord, Status, TimerId, Unsigned,
};
use qsdm_mesh::{CellRef, Cut};
use qsdm_primitives::{
    Block, BlockId, EpochClaim, EpochVote, Evidence, Executed, ExecutionHash, QcRef, QuorumCertificate,
    SignedBlockHeader, ValidatorIndex, Vote,
};
use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

/// The connection to the node itself, and one to another.
pub(crate) const LOOP: PeerId = PeerId(0);
pub(crate) const PEER: PeerId = PeerId(9);

/// More actions than one event can lead to.
const ACTIONS_MAX: usize = 100_000;

/// What survives a restart.
#[derive(Clone, Debug)]
pub(crate) struct Disk {
    pub(crate) tip: CommitTip,
    pub(crate) cut: Cut,
    pub(crate) record: Option<SafetyRecord>,
    pub(crate) blocks: Vec<(Arc<Block>, Option<Arc<QuorumCertificate>>)>,
    pub(crate) cells: Vec<CellRef>,
    pub(crate) results: BTreeMap<u64, ExecutionHash>,
    pub(crate) executed: Executed,
    pub(crate) end: Option<Box<EpochEnd>>,
}

pub(crate) struct Node {
    pub(crate) core: Core,
    pub(crate) committee: Committee,
    /// The validators of the next epoch.
    pub(crate) next: Option<Committee>,
    pub(crate) config: Config,
    pub(crate) disk: Disk,
    /// Where it is off, nothing becomes durable by itself.
    pub(crate) syncs: bool,
    /// Where it is off, nothing is executed by itself.
    pub(crate) executes: bool,
    /// The newest timer of a round.
    pub(crate) round_timer: Option<(TimerId, u64)>,
    pub(crate) now_ms: u64,
}

impl Node {
    /// A validator of the committee that starts for the first time.
    pub(crate) fn new(committee: &Committee, me: u16) -> Self {
        Self::with(committee, Some(me), |_| {})
    }

    /// A node that starts for the first time, and what it is told.
    pub(crate) fn with(committee: &Committee, me: Option<u16>, change: impl FnOnce(&mut Config)) -> Self {
        let parameters = Parameters { round_ms: 1_000, idle_block_ms: 5_000, epoch_length_ms: 3_600_000 };
        let key = me.map(|me| committee.key(me));
        let mut config = Config {
            chain_id: CHAIN,
            key,
            parameters,
            rules: rules(),
            #[cfg(feature = "mutants")]
            mutant: None,
        };
        change(&mut config);
        let disk = Disk {
            tip: genesis_tip(),
            cut: Cut::default(),
            record: None,
            blocks: Vec::new(),
            cells: Vec::new(),
            results: BTreeMap::new(),
            executed: result(0),
            end: None,
        };
        let (core, actions) =
            Core::recover(config.clone(), recovery(committee, &disk), START_MS).expect("a first start succeeds");
        let mut node = Self {
            core,
            committee: committee.clone(),
            next: None,
            config,
            disk,
            syncs: true,
            executes: true,
            round_timer: None,
            now_ms: START_MS,
        };
        node.follow_all(actions);
        node
    }

    /// Starts again from what is on disk.
    pub(crate) fn restart(&mut self) -> Result<Vec<Action>, RecoverError> {
        let (core, actions) = Core::recover(self.config.clone(), recovery(&self.committee, &self.disk), self.now_ms)?;
        self.core = core;
        self.round_timer = None;
        Ok(self.follow_all(actions))
    }

    /// Lets something happen and all that follows from it; what was wanted, in order.
    pub(crate) fn run(&mut self, event: Event) -> Vec<Action> {
        let actions = self.core.step(event);
        self.follow_all(actions)
    }

    fn follow_all(&mut self, actions: Vec<Action>) -> Vec<Action> {
        let mut done = Vec::new();
        let mut events = VecDeque::new();
        let mut actions = VecDeque::from(actions);
        loop {
            while let Some(action) = actions.pop_front() {
                self.follow(&action, &mut events);
                done.push(action);
            }
            let Some(event) = events.pop_front() else { return done };
            assert!(done.len() < ACTIONS_MAX, "a node that only hears itself never rests: {:?}", done.last());
            actions.extend(self.core.step(event));
        }
    }

    fn follow(&mut self, action: &Action, events: &mut VecDeque<Event>) {
        match action {
            Action::Persist(record, seq) if self.syncs => {
                self.disk.record = Some((**record).clone());
                events.push_back(Event::Durable(*seq));
            }
            Action::Store(block, certificate) => self.disk.blocks.push((Arc::clone(block), certificate.clone())),
            Action::Sign(unsigned) => {
                if let Some(message) = self.sign(unsigned) {
                    events.push_back(Event::Message(LOOP, self.committee.verify(message)));
                }
            }
            Action::SetTimer(timer @ TimerId::Round(..), ms) => self.round_timer = Some((*timer, *ms)),
            Action::Commit(block) => {
                self.disk.tip = block.tip.clone();
                self.disk.cut.apply(&block.block.body.cut);
                if self.executes {
                    events.extend(self.execute(block));
                }
            }
            Action::EpochChanged(_) => {
                self.committee = self.next.take().expect("the next epoch was prepared");
                self.disk.tip = self.disk.tip.next_epoch(self.committee.epoch());
                self.disk.cut = Cut::default();
                self.disk.end = None;
            }
            _ => {}
        }
    }

    /// What executing a committed block gives.
    pub(crate) fn execute(&mut self, block: &CommittedBlock) -> Option<Event> {
        let executed = result(block.number?);
        self.disk.executed = executed;
        self.disk.results.insert(executed.number, executed.hash);
        let end = block.is_boundary.then(|| Box::new(self.epoch_end(block.id)));
        self.disk.end.clone_from(&end);
        Some(Event::Executed(executed, end))
    }

    pub(crate) fn epoch_end(&self, block: BlockId) -> EpochEnd {
        let next = self.next.as_ref().expect("the next epoch was prepared");
        EpochEnd { block, state_root: ExecutionHash([5; 32]), next: next.set.clone(), rules: rules() }
    }

    /// How the epoch ends with its last committed block.
    pub(crate) fn claim(&self) -> EpochClaim {
        let end = self.epoch_end(self.disk.tip.block);
        EpochClaim {
            epoch: self.committee.epoch(),
            height: self.disk.tip.height,
            block: end.block,
            state_root: end.state_root,
            next_set: end.next.id(),
        }
    }

    /// What the holder of the key makes of it; cells go to the mesh.
    pub(crate) fn sign(&self, unsigned: &Unsigned) -> Option<Message> {
        let me = self.core.status().me.expect("only validators sign");
        let committee = &self.committee;
        Some(match unsigned {
            Unsigned::Block(block) => {
                let signature = committee.sign(me.0, &block.header);
                let signed = SignedBlockHeader { header: block.header.clone(), signature };
                Message::Proposal(Box::new(Block { signed, body: block.body.clone() }))
            }
            Unsigned::Vote(statement) => {
                let signature = committee.sign(me.0, statement);
                Message::Vote(Vote { statement: *statement, voter: me, signature })
            }
            Unsigned::Timeout { round, high_qc } => {
                Message::Timeout(Box::new(committee.timeout(me.0, round.0, *high_qc)))
            }
            Unsigned::Epoch(claim) => {
                Message::EpochVote(EpochVote { claim: *claim, voter: me, signature: committee.sign(me.0, claim) })
            }
            Unsigned::Cell(_) => return None,
        })
    }

    pub(crate) fn status(&self) -> Status {
        self.core.status()
    }

    pub(crate) fn receive(&mut self, message: Message) -> Vec<Action> {
        self.receive_from(PEER, message)
    }

    pub(crate) fn receive_from(&mut self, peer: PeerId, message: Message) -> Vec<Action> {
        let message = self.committee.verify(message);
        self.run(Event::Message(peer, message))
    }

    pub(crate) fn propose(&mut self, block: &Block) -> Vec<Action> {
        self.receive(Message::Proposal(Box::new(block.clone())))
    }

    /// The verdict on a proposal: a vote, or why it is rejected; nothing where it is left open.
    pub(crate) fn judge(&mut self, block: &Block) -> Option<Result<(), BlockError>> {
        let actions = self.propose(block);
        let votes = actions::votes(&actions);
        let rejected = actions.into_iter().filter_map(|action| match action {
            Action::Reject(peer, error) => Some((peer, error)),
            _ => None,
        });
        let rejected: Vec<_> = rejected.collect();
        match (votes.as_slice(), rejected.as_slice()) {
            ([], []) => None,
            ([vote], []) => {
                assert_eq!(*vote, block.header().id());
                Some(Ok(()))
            }
            ([], [(peer, error)]) => {
                assert_eq!(*peer, PEER);
                Some(Err(error.clone()))
            }
            _ => panic!("one verdict a block: {votes:?} {rejected:?}"),
        }
    }

    /// Votes of others.
    pub(crate) fn votes(&mut self, block: &Block, voters: &[u16]) -> Vec<Action> {
        let mut done = Vec::new();
        for voter in voters {
            done.extend(self.receive(Message::Vote(self.committee.vote(*voter, block))));
        }
        done
    }

    /// A block, and its certificate by the first validators that decide.
    pub(crate) fn grow(&mut self, block: &Block) -> (Parent, Vec<Action>) {
        let mut done = self.propose(block);
        let voters = self.committee.quorum();
        let parent = self.committee.after(block, &voters);
        done.extend(self.certify(parent.qc));
        (parent, done)
    }

    pub(crate) fn certify(&mut self, reference: QcRef) -> Vec<Action> {
        let certificate = self.committee.certificate(reference);
        self.receive(Message::Certificate(Box::new(certificate)))
    }

    pub(crate) fn time_out(&mut self, round: u64, voters: &[u16], high_qc: QcRef) -> Vec<Action> {
        let mut done = Vec::new();
        for voter in voters {
            done.extend(self.receive(Message::Timeout(Box::new(self.committee.timeout(*voter, round, high_qc)))));
        }
        done
    }

    /// The current round's timer fires.
    pub(crate) fn expire(&mut self) -> Vec<Action> {
        let (timer, _) = self.round_timer.expect("a validator has a timer");
        self.run(Event::Timer(timer))
    }

    pub(crate) fn tick(&mut self, by_ms: u64) -> Vec<Action> {
        self.now_ms += by_ms;
        self.run(Event::Tick(self.now_ms))
    }

    pub(crate) fn hold(&mut self, cell: &CellRef) -> Vec<Action> {
        self.disk.cells.push(cell.clone());
        self.run(Event::CellHeld(cell.clone()))
    }

    /// Cells that enough others hold, for leaders to include.
    pub(crate) fn acknowledge(&mut self, cell: &CellRef) -> Vec<Action> {
        let mut done = self.hold(cell);
        for validator in self.committee.set.indices() {
            done.extend(self.run(Event::Acknowledged(validator, cell.id)));
        }
        done
    }

    pub(crate) fn prove(&mut self, evidence: Evidence) -> Vec<Action> {
        let evidence = self.committee.verify(evidence);
        self.run(Event::Evidence(evidence))
    }

    /// A block of the round on the parent that includes these cells, which are held.
    pub(crate) fn block_of(&mut self, parent: &Parent, round: u64, cells: &[CellRef]) -> Block {
        cells.iter().for_each(|cell| drop(self.hold(cell)));
        self.committee.block_with(parent, round, |_, body| body.cut = cells.iter().map(change).collect())
    }

    pub(crate) fn me(&self) -> ValidatorIndex {
        self.status().me.expect("a validator")
    }
}

/// What a start reads from disk.
pub(crate) fn recovery(committee: &Committee, disk: &Disk) -> Recovery {
    let tip = &disk.tip;
    let above = |(block, _): &&(Arc<Block>, Option<Arc<QuorumCertificate>>)| {
        block.header().epoch == tip.epoch && block.header().height > tip.height
    };
    Recovery {
        set: committee.set.clone(),
        tip: tip.clone(),
        cut: disk.cut.clone(),
        record: disk.record.clone(),
        is_new_key: false,
        blocks: disk.blocks.iter().filter(above).cloned().collect(),
        cells: disk.cells.clone(),
        executed: disk.executed,
        results: disk.results.clone(),
        end: disk.end.clone(),
        certificates: Vec::new(),
    }
}
