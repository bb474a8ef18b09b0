//! Starting a development node in order, and stopping it in reverse.

use crate::{
    committee::start::Validator,
    dev::{
        DevNode, DevSettings,
        keys::{Keyring, TEST_MNEMONIC},
        validators,
    },
    genesis::Founding,
};
use alloy_primitives::{Address, U256};
use eyre::{Result, WrapErr, bail};
use qsdm_contracts::GenesisValidator;
use qsdm_crypto::LocalSigner;
use qsdm_pool::{Pool, PoolConfig};
use qsdm_primitives::{ChainSpec, limits::DEV_NONCE_AHEAD_MAX};
use qsdm_rpc::{
    Server, ServerConfig,
    methods::{self, App, AppConfig},
    ports::Node,
};
use qsdm_storage::Store;
use qsdm_vm::chain::Chain;
use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
};
use tempfile::TempDir;

/// What `qsdm dev` was asked for.
#[derive(Clone, Debug)]
pub(crate) struct DevConfig {
    /// Where JSON-RPC listens.
    pub listen: SocketAddr,
    /// Host names under which the node is called.
    pub allowed_hosts: Vec<String>,
    /// Pages that may call, besides those of this machine.
    pub cors_origins: Vec<String>,
    /// Folder that keeps the chain, or `None` for a temporary one.
    pub data_dir: Option<PathBuf>,
    /// BIP-39 phrase of the accounts.
    pub mnemonic: String,
    /// Number of accounts.
    pub accounts: u32,
    /// Balance of each, wei.
    pub balance: U256,
    /// Milliseconds between blocks; `None` for a block with each transaction.
    pub block_time_ms: Option<u64>,
    /// Block gas limit.
    pub gas_limit: u64,
    /// Chain id.
    pub chain_id: u64,
    /// Divisor of governance delays.
    pub time_scale: u64,
    /// Validators; a single one produces blocks by itself.
    pub validators: usize,
    /// What `web3_clientVersion` answers, if not the truth.
    pub client_version: Option<String>,
}

/// A running development node.
pub(crate) struct Running {
    /// The keys of the accounts.
    pub keys: Arc<Keyring>,
    /// The chain.
    pub chain: Arc<Chain>,
    servers: Vec<Server>,
    /// The committee; nobody where a single node produces blocks.
    validators: Vec<Validator>,
    tasks: Vec<tokio::task::JoinHandle<()>>,
    // removed when the node stops
    _temporary: Option<TempDir>,
}

/// Starts store, chain, pool, producer and server, in this order.
pub(crate) async fn start(config: DevConfig) -> Result<Running> {
    let keys = Keyring::derive(&config.mnemonic, config.accounts)?;
    let temporary = match config.data_dir {
        Some(_) => None,
        None => Some(tempfile::Builder::new().prefix("qsdm-dev-").tempdir().wrap_err("no temporary folder")?),
    };
    let folder: &Path = match (&config.data_dir, &temporary) {
        (Some(folder), _) => folder,
        (None, Some(temporary)) => temporary.path(),
        (None, None) => bail!("invariant: either a data folder is named or a temporary one was made"),
    };
    let named = || format!("the chain in {} does not open", folder.display());
    if config.validators > 1 {
        let stored = validators::stored_spec(folder, config.validators).wrap_err_with(named)?;
        let signers = validators::signers(config.validators)?;
        let spec = specification(&config, &keys, validators::at_genesis(&signers, &config.mnemonic)?, stored)?;
        return start_committee(&config, folder.to_owned(), spec, &signers, keys, temporary).await;
    }
    let spec = specification(&config, &keys, Vec::new(), Store::stored_spec(folder).wrap_err_with(named)?)?;
    let store = Arc::new(Store::open(folder, &spec).wrap_err_with(named)?);
    let journal = if temporary.is_none() { Some(store.pool_journal()?) } else { None };
    let chain = Chain::open(spec, store).wrap_err_with(named)?;
    let chain = Arc::new(chain);
    // test suites send many transactions of one account in parallel, and they overtake one another
    let pool = PoolConfig { nonce_ahead_max: DEV_NONCE_AHEAD_MAX, ..PoolConfig::default() };
    let pool = Arc::new(Pool::new(pool));
    let settings = DevSettings {
        block_time_ms: config.block_time_ms,
        gas_limit: config.gas_limit,
        coinbase: keys.addresses().first().copied().unwrap_or_default(),
    };
    let keys = Arc::new(keys);
    let node = Arc::new(DevNode::new(chain.clone(), pool.clone(), journal, Arc::clone(&keys), settings));
    let recovered = node.recover_journal()?;
    if recovered > 0 {
        tracing::info!(recovered, "transactions of the previous run are back in the pool");
    }
    let app = Arc::new(App::new(chain.clone(), pool, node.clone() as Arc<dyn Node>, app_config(&config)));
    let servers = vec![serve(&config, app.clone()).await?];
    let tasks = vec![tokio::spawn(node.produce_by_clock()), tokio::spawn(app.feed_subscribers())];
    Ok(Running { keys, chain, servers, validators: Vec::new(), tasks, _temporary: temporary })
}

/// A committee in this process. Each validator answers: the first where it was asked to, the others on free ports.
async fn start_committee(
    config: &DevConfig,
    folder: PathBuf,
    spec: ChainSpec,
    signers: &[Arc<LocalSigner>],
    keys: Keyring,
    temporary: Option<TempDir>,
) -> Result<Running> {
    let keys = Arc::new(keys);
    let pool = PoolConfig { nonce_ahead_max: DEV_NONCE_AHEAD_MAX, ..PoolConfig::default() };
    let validators = validators::start_all(&folder, &spec, signers, &pool, &keys)?;
    let (mut servers, mut tasks) = (Vec::new(), Vec::new());
    for (number, validator) in validators.iter().enumerate() {
        let mut config = config.clone();
        if number > 0 {
            config.listen.set_port(0);
        }
        let node = Arc::clone(&validator.node) as Arc<dyn Node>;
        let app = App::new(Arc::clone(&validator.chain), Arc::clone(&validator.pool), node, app_config(&config));
        let app = Arc::new(app);
        servers.push(serve(&config, app.clone()).await?);
        tasks.push(tokio::spawn(app.feed_subscribers()));
    }
    let Some(first) = validators.first() else { bail!("invariant: a committee has members") };
    let chain = Arc::clone(&first.chain);
    Ok(Running { keys, chain, servers, validators, tasks, _temporary: temporary })
}

fn app_config(config: &DevConfig) -> AppConfig {
    let mut app = AppConfig::default();
    if let Some(version) = &config.client_version {
        app.client_version.clone_from(version);
    }
    app
}

async fn serve(config: &DevConfig, app: Arc<App>) -> Result<Server> {
    let mut registry = methods::registry();
    methods::dev::register(&mut registry);
    methods::describe(&mut registry, methods::dev::DOCS);
    let mut server = ServerConfig::development(config.listen);
    server.allowed_hosts.clone_from(&config.allowed_hosts);
    server.origins.listed.clone_from(&config.cors_origins);
    Ok(Server::bind(server, registry, app).await?)
}

/// The specification that the flags ask for; of a chain that exists, only its age is taken over, and everything else
/// has to be the same.
fn specification(
    config: &DevConfig,
    keys: &Keyring,
    validators: Vec<GenesisValidator>,
    stored: Option<ChainSpec>,
) -> Result<ChainSpec> {
    let founding = Founding {
        chain_id: config.chain_id,
        gas_limit: config.gas_limit,
        time_scale: config.time_scale,
        time_s: stored.map(|stored| stored.genesis_time),
        accounts: keys.addresses(),
        balance: config.balance,
        validators,
    };
    founding.specification()
}

impl Running {
    /// Where JSON-RPC listens: each validator of a committee, the first one first.
    pub(crate) fn addresses(&self) -> impl Iterator<Item = SocketAddr> {
        self.servers.iter().map(Server::local_addr)
    }

    /// Stops: no new requests, answers under way finish, then the producer and the store.
    pub(crate) async fn stop(self) {
        for server in self.servers {
            server.shutdown().await;
        }
        for task in self.tasks {
            task.abort();
            // ended by the line above, or by itself
            let _ = task.await;
        }
        for validator in self.validators {
            validator.stop().await;
        }
    }

    /// Names and addresses of the contracts that live on the chain.
    pub(crate) fn contracts(&self) -> impl Iterator<Item = (&'static str, Address)> {
        qsdm_contracts::contracts().iter().map(|contract| (contract.name, contract.address))
    }

    /// True if the accounts are those everyone knows the keys of.
    pub(crate) fn keys_are_public(mnemonic: &str) -> bool {
        mnemonic == TEST_MNEMONIC
    }
}
