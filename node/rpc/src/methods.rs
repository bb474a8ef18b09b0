//! The methods: what they share, and their registration.
//!
//! One file a theme; each has `register`, which adds its methods to the table, and `DOCS`, from which `rpc.discover`
//! makes the OpenRPC document.

use crate::{Registry, ports::Node};
use feed::Feed;
use fees::Suggestion;
use filters::FilterTable;
use parking_lot::Mutex;
use qsdm_pool::Pool;
use qsdm_primitives::{SubmeshId, limits::RPC_CALL_GAS_MAX};
use qsdm_vm::chain::Chain;
use std::sync::Arc;

mod accounts;
mod at;
mod blocks;
mod calls;
mod chain;
pub mod dev;
mod discover;
mod errors;
mod feed;
mod fees;
mod filters;
mod hex;
mod input;
mod logs;
mod net;
mod pool;
mod proof;
mod qsdm;
mod raw;
mod send;
mod sign;
mod simulate;
mod subscribe;
mod trace;
mod transactions;
mod view;

#[cfg(test)]
mod tests;

pub use discover::{MethodDoc, ParameterDoc, optional, required};

/// What an operator decides about the methods.
#[derive(Clone, Debug)]
pub struct AppConfig {
    /// Answer of `web3_clientVersion`.
    pub client_version: String,
    /// Gas of one `eth_call`, and of all calls of one `eth_simulateV1`.
    pub call_gas_max: u64,
    /// Calls at `latest` run with the timestamp that a block made now would get, instead of the head's. A chain that is
    /// quiet while nothing happens would otherwise show contracts the time of its last transaction.
    pub calls_see_present: bool,
}

impl Default for AppConfig {
    fn default() -> Self {
        Self {
            client_version: concat!("qsdm/v", env!("CARGO_PKG_VERSION")).into(),
            call_gas_max: RPC_CALL_GAS_MAX,
            calls_see_present: true,
        }
    }
}

/// What the methods work on.
pub struct App {
    /// The executed chain.
    pub chain: Arc<Chain>,
    /// Transactions that wait.
    pub pool: Arc<Pool>,
    /// The node around them.
    pub node: Arc<dyn Node>,
    /// What the operator decided.
    pub config: AppConfig,
    /// Which submeshes have an endpoint.
    pub submeshes: Submeshes,
    pub(crate) filters: Mutex<FilterTable>,
    pub(crate) feed: Arc<Feed>,
    pub(crate) suggestion: Mutex<Suggestion>,
    /// Held from the choice of a nonce until its transaction is in the pool.
    pub(crate) sending: Mutex<()>,
}

impl App {
    /// Ready to answer. Filters and subscriptions hear of what happens from now on.
    pub fn new(chain: Arc<Chain>, pool: Arc<Pool>, node: Arc<dyn Node>, config: AppConfig) -> Self {
        let feed = Arc::new(Feed::new(node.subscribe()));
        Self {
            chain,
            pool,
            node,
            config,
            submeshes: Submeshes,
            filters: Mutex::default(),
            feed,
            suggestion: Mutex::default(),
            sending: Mutex::default(),
        }
    }

    /// Carries news to the subscribers until the node ends. The node runs it as one task.
    pub async fn feed_subscribers(self: Arc<Self>) {
        feed::run(&self).await;
    }
}

/// The submeshes that have an endpoint `/submesh/<name>`. So far `root` alone: the ones that the DAO creates are not
/// served yet, and asking for one is an error rather than an answer about another submesh.
#[derive(Clone, Copy, Debug, Default)]
pub struct Submeshes;

impl Submeshes {
    /// Id of the submesh called `name`.
    pub fn id(&self, name: &str) -> Option<SubmeshId> {
        (name == "root").then_some(SubmeshId::ROOT)
    }
}

/// What a file of methods gives.
struct Theme {
    register: fn(&mut Registry<App>),
    docs: &'static [MethodDoc],
}

/// All themes that every node has.
const THEMES: &[Theme] = &[
    Theme { register: chain::register, docs: chain::DOCS },
    Theme { register: accounts::register, docs: accounts::DOCS },
    Theme { register: proof::register, docs: proof::DOCS },
    Theme { register: blocks::register, docs: blocks::DOCS },
    Theme { register: transactions::register, docs: transactions::DOCS },
    Theme { register: logs::register, docs: logs::DOCS },
    Theme { register: filters::register, docs: filters::DOCS },
    Theme { register: subscribe::register, docs: subscribe::DOCS },
    Theme { register: fees::register, docs: fees::DOCS },
    Theme { register: calls::register, docs: calls::DOCS },
    Theme { register: simulate::register, docs: simulate::DOCS },
    Theme { register: send::register, docs: send::DOCS },
    Theme { register: sign::register, docs: sign::DOCS },
    Theme { register: pool::register, docs: pool::DOCS },
    Theme { register: raw::register, docs: raw::DOCS },
    Theme { register: net::register, docs: net::DOCS },
    Theme { register: trace::register, docs: trace::DOCS },
    Theme { register: qsdm::register, docs: qsdm::DOCS },
];

/// The methods that every node has. [`describe`] comes last, when all others are there.
pub fn registry() -> Registry<App> {
    let mut registry = Registry::new();
    registry.submeshes(|app: &App, name| app.submeshes.id(name).is_some());
    for theme in THEMES {
        (theme.register)(&mut registry);
    }
    registry
}

/// Adds `rpc.discover` and `rpc_modules`, which describe the methods registered so far. `more` documents those that
/// are not in [`registry`].
pub fn describe(registry: &mut Registry<App>, more: &[&'static [MethodDoc]]) {
    let own = THEMES.iter().map(|theme| theme.docs);
    discover::register(registry, &own.chain(more.iter().copied()).flatten().collect::<Vec<_>>());
}
