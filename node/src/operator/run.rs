//! Starting a node from its folder in order, and stopping it in reverse.

use super::{config::Config, folder::Folder, watch::Watch};
use crate::{
    cli::Refusal,
    committee::{
        net::{Carrier, CarrierWire, KeySeen},
        start::{self, Validator, ValidatorConfig},
        wire::Inbox,
    },
};
use eyre::{Result, WrapErr};
use qsdm_crypto::{MlDsaVerifier, Signer};
use qsdm_network::{Chain, Config as NetworkConfig, Limits, Multiaddr, Network};
use qsdm_pool::PoolConfig;
use qsdm_primitives::{
    ChainSpec,
    limits::{KEY_WATCH_AFTER_CONNECT_MS, KEY_WATCH_MS},
};
use qsdm_rpc::{
    Server, ServerConfig,
    methods::{self, App, AppConfig},
    monitor::Monitor,
    ports::Node,
};
use std::{net::SocketAddr, sync::Arc, time::Duration};
use tokio::{runtime::Handle, sync::watch, task::JoinHandle, time::timeout};

/// A running node.
pub(crate) struct Running {
    pub spec: ChainSpec,
    validator: Validator,
    server: Server,
    monitor: Monitor,
    carrier: Arc<Carrier>,
    key_seen: watch::Receiver<Option<KeySeen>>,
    tasks: Vec<JoinHandle<()>>,
}

/// Starts network, store, chain, consensus and server, in this order.
///
/// # Errors
/// What can't be opened, with its reason. [`Refusal`] where signing would put the validator's stake at risk.
pub(crate) async fn start(folder: &Folder, config: &Config) -> Result<Running> {
    let spec = folder.genesis()?;
    let signer = match &config.validator.key {
        Some(key) => Some(Arc::new(folder.signer(key, config.validator.password_file.as_deref())?) as Arc<dyn Signer>),
        None => None,
    };
    let (network, inbound) = open_network(folder, config, &spec, signer.clone())?;
    let (inbox, ears) = Inbox::new();
    let (carrier, mut tasks) = Carrier::start(network, inbound, inbox);
    let key_seen = carrier.key_seen();
    if signer.is_some() && !config.network.peers.is_empty() {
        watch_key(&carrier).await?;
    }
    let validator =
        ValidatorConfig { folder: folder.path(), spec: spec.clone(), signer, pool: PoolConfig::default(), keys: None };
    let wire = Arc::new(CarrierWire(Arc::clone(&carrier)));
    let validator = start::start(&validator, ears, wire)?;
    let node = Arc::clone(&validator.node) as Arc<dyn Node>;
    let app = App::new(Arc::clone(&validator.chain), Arc::clone(&validator.pool), node, AppConfig::default());
    let app = Arc::new(app);
    let mut rpc = ServerConfig::validator(config.rpc.listen);
    rpc.allowed_hosts.clone_from(&config.rpc.hosts);
    rpc.origins.listed.clone_from(&config.rpc.origins);
    let server = Server::bind(rpc, methods::registry(), Arc::clone(&app)).await?;
    tasks.push(tokio::spawn(app.feed_subscribers()));
    let mut validator = validator;
    let watch = Watch {
        node: Arc::clone(&validator.node),
        chain: Arc::clone(&validator.chain),
        pool: Arc::clone(&validator.pool),
        carrier: Arc::clone(&carrier),
        queues: std::mem::take(&mut validator.queues),
        has_peers: !config.network.peers.is_empty(),
    };
    let listen = config.metrics.listen;
    let monitor = Monitor::bind(listen, Arc::new(watch));
    let monitor = monitor.await.wrap_err_with(|| format!("metrics can't be served on {listen}"))?;
    Ok(Running { spec, validator, server, monitor, carrier, key_seen, tasks })
}

fn open_network(
    folder: &Folder,
    config: &Config,
    spec: &ChainSpec,
    signer: Option<Arc<dyn Signer>>,
) -> Result<(Network, qsdm_network::Inbound)> {
    let (genesis, _) = qsdm_vm::genesis::genesis(spec).wrap_err("the specification of the chain can't be executed")?;
    let epoch = crate::committee::members::FIRST_EPOCH;
    let chain = Chain { chain_id: spec.chain_id, genesis: genesis.hash, epoch };
    let mut network = NetworkConfig::new(folder.node_key()?, chain, Arc::new(MlDsaVerifier::new()));
    network.listen.clone_from(&config.network.listen);
    network.external.clone_from(&config.network.external);
    network.peers.clone_from(&config.network.peers);
    network.signer = signer;
    network.limits = Limits { bulk_bytes_per_second: config.network.bulk_bytes_per_second, ..Limits::default() };
    Ok(Network::start(network, &Handle::current())?)
}

/// Listens for another node with the same key before anything is signed.
async fn watch_key(carrier: &Carrier) -> Result<()> {
    let (mut connected, mut key_seen) = (carrier.connected(), carrier.key_seen());
    let after_connect = async {
        // the carrier is here: nobody else ends it
        let _ = connected.wait_for(|peers| *peers > 0).await;
        tokio::time::sleep(Duration::from_millis(KEY_WATCH_AFTER_CONNECT_MS)).await;
    };
    let watched = async {
        tokio::select! {
            () = after_connect => None,
            seen = key_seen.wait_for(Option::is_some) => seen.ok().and_then(|seen| seen.clone()),
        }
    };
    match timeout(Duration::from_millis(KEY_WATCH_MS), watched).await.ok().flatten() {
        Some(seen) => Err(in_use(&seen).into()),
        None => Ok(()),
    }
}

fn in_use(seen: &KeySeen) -> Refusal {
    let node = seen.node.as_deref().unwrap_or("another node");
    Refusal(format!(
        "the validator's key is in use by {node}: two that sign with one key are slashed; stop the other one, and start this one with its safety.log"
    ))
}

impl Running {
    /// Where JSON-RPC listens.
    pub(crate) fn rpc(&self) -> SocketAddr {
        self.server.local_addr()
    }

    /// Where figures and health are.
    pub(crate) fn metrics(&self) -> SocketAddr {
        self.monitor.local_addr()
    }

    /// Where other nodes reach this one.
    pub(crate) fn p2p(&self) -> Vec<Multiaddr> {
        self.carrier.network().addresses()
    }

    /// Who the node is on the network.
    pub(crate) fn node_id(&self) -> String {
        self.carrier.network().node_id().to_string()
    }

    /// The validator.
    pub(crate) fn validator(&self) -> &Validator {
        &self.validator
    }

    /// Waits until signing on would put the stake at risk.
    pub(crate) async fn danger(&mut self) -> Refusal {
        match self.key_seen.wait_for(|seen| seen.as_ref().is_some_and(|seen| !seen.is_hearsay)).await {
            Ok(seen) => in_use(seen.as_ref().unwrap_or(&KeySeen { node: None, is_hearsay: false })),
            Err(_) => std::future::pending().await,
        }
    }

    /// Stops: no new requests, answers under way finish, then consensus and store, then the network.
    pub(crate) async fn stop(self) {
        self.server.shutdown().await;
        drop(self.monitor);
        self.validator.stop().await;
        self.carrier.network().shutdown().await;
        for task in self.tasks {
            task.abort();
            // ended by the line above, or by itself
            let _ = task.await;
        }
    }
}
