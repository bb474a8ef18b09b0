//! Starting a validator from its folder.

use super::{
    CommitteeNode,
    author::Author,
    execute::{self, Executor, Job, root_rules},
    held::{HeldCell, HeldCells},
    keeper, members,
    queues::Queue,
    sightings::{Sightings, Spent},
    turn::{Inputs, Outputs, Standing, State, Turn, mesh_config, now_ms},
    verify::{Checked, Checker, CurrentSet},
    wire::{Arrival, Ears, News, Packet, Wire},
};
use crate::{dev::keys::Keyring, genesis::parameters, journal::Journal};
use alloy_primitives::Bytes;
use eyre::{Result, WrapErr};
use parking_lot::RwLock;
use qsdm_consensus::{CommitTip, Config, Core, RecoverError, Recovery, SafetyRecord};
use qsdm_crypto::{MlDsaVerifier, Signer};
use qsdm_mesh::{Effect, Mesh, Origin};
use qsdm_pool::{Pool, PoolConfig, recover_raw};
use qsdm_primitives::{
    BlockId, ChainSpec, ExecutionHash, Height, PublicKey, ValidatorSet,
    limits::{
        ARRIVALS_WAITING_MAX, ASKS_WAITING_MAX, CHECKED_WAITING_MAX, EVENT_BACKLOG, KEEPS_WAITING_MAX, RESULTS_READ_MAX,
    },
};
use qsdm_storage::{MeshRecovery, MeshStore, PoolJournal, SafetyLog, Store};
use qsdm_vm::chain::Chain;
use std::{collections::BTreeMap, path::Path, sync::Arc, thread};
use tokio::{
    sync::{Notify, broadcast, mpsc, watch},
    task::JoinHandle,
};

/// What a validator is started with.
pub(crate) struct ValidatorConfig<'a> {
    pub folder: &'a Path,
    pub spec: ChainSpec,
    /// A node without a key follows the others.
    pub signer: Option<Arc<dyn Signer>>,
    pub pool: PoolConfig,
    /// Accounts whose keys the node holds: on a development chain only.
    pub keys: Option<Arc<Keyring>>,
}

/// A running validator.
pub(crate) struct Validator {
    pub node: Arc<CommitteeNode>,
    pub chain: Arc<Chain>,
    pub pool: Arc<Pool>,
    /// What waits between its tasks.
    pub queues: Vec<Queue>,
    stop: watch::Sender<bool>,
    turn: JoinHandle<()>,
    checks: Vec<JoinHandle<()>>,
    threads: Vec<thread::JoinHandle<()>>,
}

/// What lies open on disk.
struct Opened {
    chain: Arc<Chain>,
    journal: PoolJournal,
    mesh: Arc<MeshStore>,
    recovery: MeshRecovery,
    safety: Option<Safety>,
}

/// What a key has signed.
struct Safety {
    log: SafetyLog,
    record: Option<SafetyRecord>,
    is_new_key: bool,
}

fn open(config: &ValidatorConfig<'_>) -> Result<Opened> {
    let named = || format!("the validator in {} does not open", config.folder.display());
    let store = Arc::new(Store::open(config.folder, &config.spec).wrap_err_with(named)?);
    let journal = store.pool_journal().wrap_err_with(named)?;
    let chain = Arc::new(Chain::open(config.spec.clone(), store).wrap_err_with(named)?);
    let genesis = chain.block(0)?.ok_or_else(|| eyre::eyre!("the chain has no genesis block"))?;
    let first = execute::result(&genesis);
    let tip = CommitTip::genesis(BlockId(genesis.hash.0), config.spec.genesis_time * 1_000, first);
    let tip = CommitTip { epoch: members::FIRST_EPOCH, ..tip };
    let rules = root_rules(config.spec.gas_limit);
    let first = members::at_genesis(&config.spec).wrap_err_with(named)?;
    let mesh = MeshStore::open(config.folder, &tip, &first, &rules).wrap_err_with(named)?;
    let recovery = mesh.recover().wrap_err_with(named)?;
    let safety = match &config.signer {
        Some(signer) => Some(open_safety(config, signer.public_key(), &recovery).wrap_err_with(named)?),
        None => None,
    };
    Ok(Opened { chain, journal, mesh: Arc::new(mesh), recovery, safety })
}

/// What the key has signed. A log without a record is that of a key that has signed nothing; where there is none at all,
/// none is begun beside a chain: a second start would believe it.
fn open_safety(config: &ValidatorConfig<'_>, key: &PublicKey, recovery: &MeshRecovery) -> Result<Safety> {
    let height = recovery.tip.height;
    let is_there = SafetyLog::inspect(config.folder, config.spec.chain_id, key)?.is_some();
    if !is_there && height > Height(0) {
        return Err(RecoverError::MissingRecord { height }.into());
    }
    let (log, record) = SafetyLog::open(config.folder, config.spec.chain_id, key)?;
    Ok(Safety { is_new_key: record.is_none(), log, record })
}

/// The mesh in a folder, for whoever reads it through; the node there must be stopped.
pub(crate) fn open_mesh(folder: &Path, spec: &ChainSpec) -> Result<(MeshStore, Height)> {
    let (genesis, _) = qsdm_vm::genesis::genesis(spec)?;
    let first = members::at_genesis(spec)?;
    let tip = CommitTip::genesis(BlockId(genesis.hash.0), spec.genesis_time * 1_000, execute::result(&genesis));
    let tip = CommitTip { epoch: members::FIRST_EPOCH, ..tip };
    let mesh = MeshStore::open(folder, &tip, &first, &root_rules(spec.gas_limit))?;
    let newest = mesh.recover()?.tip.height;
    Ok((mesh, newest))
}

/// Starts a validator on what its folder holds.
pub(crate) fn start(config: &ValidatorConfig<'_>, ears: Ears, wire: Arc<dyn Wire>) -> Result<Validator> {
    let Opened { chain, journal, mesh: store, recovery, safety } = open(config)?;
    let is_new_key = safety.as_ref().is_some_and(|safety| safety.is_new_key);
    let (safety, record) = safety.map_or((None, None), |safety| (Some(safety.log), safety.record));
    let chain_id = config.spec.chain_id;
    let set = Arc::new(recovery.set.clone());
    let current: CurrentSet = Arc::new(RwLock::new(Arc::clone(&set)));
    let checker = Checker { chain_id, set: Arc::clone(&current), verifier: Arc::new(MlDsaVerifier::new()) };
    let held = Arc::new(HeldCells::new(Arc::clone(&store)));
    let pool = Arc::new(Pool::new(config.pool.clone()));
    let journal = Arc::new(Journal::new(Arc::clone(&pool), Some(journal)));
    let author = Arc::new(Author::new(Arc::clone(&pool)));
    let (events, _) = broadcast::channel(EVENT_BACKLOG);
    let sightings = Arc::new(Sightings::default());
    let executor = Executor {
        chain: Arc::clone(&chain),
        pool: Arc::clone(&pool),
        held: Arc::clone(&held),
        journal: Arc::clone(&journal),
        store: Arc::clone(&store),
        rules: recovery.rules.clone(),
        events: events.clone(),
        sightings: Arc::clone(&sightings),
        spent: Spent::default(),
    };
    let unfinished = unfinished(&store, &recovery, &chain, &set)?;
    let parameters = parameters(&config.spec);
    let key = config.signer.as_ref().map(|signer| signer.public_key().clone());
    let gas = recovery.rules.block_gas;
    let me = key.as_ref().and_then(|key| set.indices().find(|index| set.get(*index).is_some_and(|of| of.key == *key)));
    let mut mesh = Mesh::new(mesh_config(chain_id, Arc::clone(&set), me, gas, recovery.cut.clone()), Arc::clone(&held));
    mesh.set_fetch_repeat_ms((parameters.round_ms / 2).max(1));
    let rules = recovery.rules.clone();
    let cells = read_back(&mut mesh, &recovery, &checker, &held);
    let mut core_config = Config::new(chain_id, rules.clone(), parameters);
    core_config.key = key;
    let disk = Recovery { is_new_key, ..recovery_of(recovery, record, cells, &chain)? };
    let (core, first) = Core::recover(core_config, disk, now_ms())?;

    let (stop, stopped) = watch::channel(false);
    let (keeper, wanted) = mpsc::channel(KEEPS_WAITING_MAX);
    let (kept_to, kept) = mpsc::channel(KEEPS_WAITING_MAX);
    let (jobs_to, jobs) = mpsc::channel::<Job>(KEEPS_WAITING_MAX);
    let (done_to, done) = mpsc::channel(KEEPS_WAITING_MAX);
    let (votes_to, votes) = mpsc::channel::<Checked>(CHECKED_WAITING_MAX);
    let (bulk_to, bulk) = mpsc::channel::<Checked>(CHECKED_WAITING_MAX);
    let mut queues = vec![
        Queue::of("keeper", &keeper),
        Queue::of("kept", &kept_to),
        Queue::of("executor", &jobs_to),
        Queue::of("executed", &done_to),
        Queue::of("checked_votes", &votes_to),
        Queue::of("checked_bulk", &bulk_to),
    ];
    let work = Arc::new(Notify::new());
    wire.set_validators(&set);
    let (asks_to, asks) = mpsc::channel(ASKS_WAITING_MAX);
    let standing = Standing { status: core.status(), set: Arc::clone(&set), committed_ms: now_ms() };
    let (standing_to, standing) = watch::channel(standing);

    let keeping = Arc::clone(&store);
    let threads = vec![
        thread::Builder::new().name("keeper".into()).spawn(move || keeper::run(&keeping, safety, wanted, &kept_to))?,
        thread::Builder::new().name("executor".into()).spawn(move || {
            if let Err(error) = executor.run(jobs, &done_to) {
                tracing::error!(%error, "execution stops: this node follows and signs nothing that depends on it");
            }
        })?,
    ];
    let base_fee = {
        let chain = Arc::clone(&chain);
        Arc::new(move || chain.head().next_base_fee())
    };
    let turn = Turn {
        chain_id,
        core,
        mesh,
        signer: config.signer.clone(),
        checker: checker.clone(),
        wire: Arc::clone(&wire),
        held,
        store: Arc::clone(&store),
        author: Arc::clone(&author),
        sightings: Arc::clone(&sightings),
        events: events.clone(),
        base_fee,
        rules,
        outputs: Outputs { keeper, executor: jobs_to },
        standing: standing_to,
        state: State::starting_with(unfinished),
    };
    let inputs = Inputs { kept, done, votes, bulk, asks, work: Arc::clone(&work), stop: stopped };
    let node = Arc::new(CommitteeNode {
        chain: Arc::clone(&chain),
        pool: Arc::clone(&pool),
        journal,
        author,
        work,
        events,
        standing,
        wire: Arc::clone(&wire),
        store,
        sightings,
        asks: asks_to,
        keys: config.keys.clone(),
    });
    node.recover_journal()?;
    let (sorted_to, sorted) = mpsc::channel(ARRIVALS_WAITING_MAX);
    queues.push(Queue::of("sorted", &sorted_to));
    let checks = vec![
        tokio::spawn(checker.clone().run(ears.votes, votes_to, Arc::clone(&wire))),
        tokio::spawn(sort(ears.bulk, sorted_to, Arc::clone(&node))),
        tokio::spawn(checker.run(sorted, bulk_to, wire)),
    ];
    Ok(Validator { node, chain, pool, queues, stop, turn: tokio::spawn(turn.run(inputs, first)), checks, threads })
}

/// Transactions that others pass on go to the pool, everything else to whoever checks signatures.
async fn sort(mut from: mpsc::Receiver<Arrival>, to: mpsc::Sender<Arrival>, node: Arc<CommitteeNode>) {
    while let Some(arrival) = from.recv().await {
        match arrival.news {
            News::Packet(Packet::Transactions(transactions)) => node.forwarded(&transactions),
            news => {
                if to.send(Arrival { news, ..arrival }).await.is_err() {
                    return;
                }
            }
        }
    }
}

/// Gives the mesh back what it had admitted.
fn read_back(
    mesh: &mut Mesh<Arc<HeldCells>>,
    recovery: &MeshRecovery,
    checker: &Checker,
    held: &HeldCells,
) -> Vec<qsdm_mesh::CellRef> {
    let mut references = Vec::new();
    for cell in &recovery.cells {
        let id = cell.header().id();
        let verified = match checker.verify(cell.clone()) {
            Ok(verified) => verified,
            Err(error) => {
                tracing::error!(%error, cell = %id, "a stored cell is wrong and is left out");
                continue;
            }
        };
        let with_transactions = HeldCell::new(Arc::new(cell.clone()));
        let keys = with_transactions.keys();
        held.insert(id, with_transactions);
        let effects = mesh.receive(verified, keys, qsdm_consensus::PeerId(u32::MAX), Origin::Stored, now_ms());
        references.extend(effects.into_iter().filter_map(|effect| match effect {
            Effect::Admit { reference, .. } => Some(reference),
            _ => None,
        }));
    }
    references
}

fn recovery_of(
    recovery: MeshRecovery,
    record: Option<SafetyRecord>,
    cells: Vec<qsdm_mesh::CellRef>,
    chain: &Chain,
) -> Result<Recovery> {
    let head = chain.head();
    let newest = head.block.number();
    let mut results = BTreeMap::new();
    for number in newest.saturating_sub(RESULTS_READ_MAX)..=newest {
        if let Some(block) = chain.block(number)? {
            results.insert(number, ExecutionHash(block.hash.0));
        }
    }
    Ok(Recovery {
        set: recovery.set,
        tip: recovery.tip,
        cut: recovery.cut,
        record,
        is_new_key: false,
        blocks: recovery.blocks,
        cells,
        executed: execute::result(&head.block),
        results,
        end: None,
        certificates: recovery.certificates,
    })
}

/// Committed blocks that were not executed before the stop; the last block of the epoch is always among them, because its
/// execution also tells how the epoch ends.
fn unfinished(store: &MeshStore, recovery: &MeshRecovery, chain: &Chain, set: &Arc<ValidatorSet>) -> Result<Vec<Job>> {
    let (executed, tip) = (chain.head().block.number(), &recovery.tip);
    let mut jobs = Vec::new();
    let mut height = tip.height.0;
    while height > 0 {
        let Some(commit) = store.commit(Height(height))? else { break };
        let is_needed = commit.number.is_some_and(|number| number > executed) || (commit.is_boundary && tip.is_over);
        if !is_needed && commit.number.is_some_and(|number| number <= executed) {
            break;
        }
        if is_needed {
            let missing = || eyre::eyre!("committed block {} is not in the store", commit.id);
            let (block, _) = store.block(&commit.id)?.ok_or_else(missing)?;
            let set = match block.header().epoch == set.epoch() {
                true => Arc::clone(set),
                false => {
                    let missing = || eyre::eyre!("epoch {} is not in the store", block.header().epoch);
                    Arc::new(store.epoch(block.header().epoch)?.ok_or_else(missing)?.0)
                }
            };
            jobs.push(Job {
                block,
                number: commit.number,
                is_boundary: commit.is_boundary,
                seed: commit.seed,
                cells: commit.cells,
                set,
            });
        }
        height -= 1;
    }
    jobs.reverse();
    Ok(jobs)
}

impl Validator {
    /// Stops: nothing new is taken in, what was wanted kept is kept, what is being executed is finished.
    pub(crate) async fn stop(self) {
        // the task may have ended by itself
        let _ = self.stop.send(true);
        let _ = self.turn.await;
        self.checks.iter().for_each(JoinHandle::abort);
        for check in self.checks {
            let _ = check.await;
        }
        let joined = tokio::task::spawn_blocking(move || self.threads.into_iter().all(|thread| thread.join().is_ok()));
        if !joined.await.unwrap_or(false) {
            tracing::error!("a thread of the validator panicked");
        }
    }
}

/// Transactions of a packet with their senders; those that can't be decoded are left out.
pub(super) fn decode(transactions: &[Bytes], chain_id: u64) -> Vec<qsdm_vm::block::SharedTx> {
    transactions.iter().filter_map(|raw| recover_raw(raw, chain_id).ok()).collect()
}
