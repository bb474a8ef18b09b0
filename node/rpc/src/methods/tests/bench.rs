//! A chain with a few contracts, and someone who asks.

use super::{memory_store::MemoryStore, node::TestNode};
use crate::{
    CallContext, Transport,
    dispatch::{Caller, Dispatcher},
    methods::{self, App, AppConfig},
    server::ServerLimits,
    subscription::Subscriptions,
};
use alloy_primitives::{Address, B256, Bytes, U256, address, bytes};
use alloy_signer_local::PrivateKeySigner;
use qsdm_pool::Pool;
use qsdm_primitives::{ChainSpec, GenesisAccount};
use qsdm_vm::chain::Chain;
use serde_json::{Value, json};
use std::{
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
};
use tokio::runtime::{Builder, Runtime};

/// Logs the second word of the calldata with the first one as topic.
pub(super) const LOGGER: Address = address!("0000000000000000000000000000000000001066");
const LOGGER_CODE: Bytes = bytes!("602060205f375f3560205fa100");
/// Reverts with the calldata.
pub(super) const REVERTER: Address = address!("000000000000000000000000000000000000dead");
const REVERTER_CODE: Bytes = bytes!("365f5f37365ffd");
/// Returns timestamp and height.
pub(super) const CLOCK: Address = address!("000000000000000000000000000000000000c10c");
const CLOCK_CODE: Bytes = bytes!("425f524360205260405ff3");
/// Never ends.
pub(super) const LOOP: Address = address!("0000000000000000000000000000000000001009");
const LOOP_CODE: Bytes = bytes!("5b5f56");
/// Writes the second word of the calldata into the slot of the first.
pub(super) const STORE: Address = address!("0000000000000000000000000000000000005705");
const STORE_CODE: Bytes = bytes!("6020355f355500");

pub(super) const ETHER: u128 = 1_000_000_000_000_000_000;

pub(super) struct Bench {
    pub(super) app: Arc<App>,
    pub(super) node: Arc<TestNode>,
    dispatcher: Dispatcher<App>,
    pub(super) caller: Caller,
    pub(super) runtime: Runtime,
}

fn spec(keys: &[PrivateKeySigner]) -> ChainSpec {
    let mut spec = ChainSpec::dev(1_700_000_000);
    let account = |address, ether, code| GenesisAccount { address, balance: U256::from(ether * ETHER), code, nonce: 0 };
    let contracts =
        [(LOGGER, LOGGER_CODE), (REVERTER, REVERTER_CODE), (CLOCK, CLOCK_CODE), (LOOP, LOOP_CODE), (STORE, STORE_CODE)];
    spec.genesis.accounts = keys.iter().map(|key| account(key.address(), 1_000, Bytes::new())).collect();
    spec.genesis.accounts.extend(contracts.map(|(address, code)| account(address, 0, code)));
    spec
}

impl Bench {
    pub(super) fn new() -> Self {
        let keys: Vec<_> =
            (1..=3).map(|seed| PrivateKeySigner::from_bytes(&B256::repeat_byte(seed)).unwrap()).collect();
        let chain = Arc::new(Chain::open(spec(&keys), Arc::new(MemoryStore::default())).unwrap());
        let pool = Arc::new(Pool::default());
        let node = Arc::new(TestNode::new(chain.clone(), pool.clone(), keys));
        let app = Arc::new(App::new(chain, pool, node.clone(), AppConfig::default()));
        let mut registry = methods::registry();
        methods::describe(&mut registry, &[]);
        let dispatcher = Dispatcher::new(app.clone(), registry, ServerLimits::default());
        let context = CallContext {
            submesh: None,
            peer: IpAddr::V4(Ipv4Addr::LOCALHOST),
            transport: Transport::Websocket,
            connection: 1,
        };
        let caller = Caller { context, subscriptions: Some(Subscriptions::new()) };
        let runtime = Builder::new_current_thread().enable_time().build().unwrap();
        Self { app, node, dispatcher, caller, runtime }
    }

    /// The answer as sent.
    pub(super) fn answer(&self, method: &str, params: &Value) -> String {
        let request = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }).to_string();
        let answer = self.runtime.block_on(self.dispatcher.answer(request.as_bytes(), &self.caller)).unwrap();
        let (pieces, _) = answer.into_pieces();
        String::from_utf8(pieces.into_iter().flatten().collect()).unwrap()
    }

    /// The result of a call that has one.
    pub(super) fn ask(&self, method: &str, params: Value) -> Value {
        let answer = self.answer(method, &params);
        let mut answer: Value = serde_json::from_str(&answer).unwrap();
        assert!(answer.get("error").is_none(), "{method} {params}: {answer}");
        answer["result"].take()
    }

    /// The error of a call that has one: code, message, data.
    pub(super) fn fail(&self, method: &str, params: Value) -> (i64, String, Value) {
        let answer = self.answer(method, &params);
        let mut answer: Value = serde_json::from_str(&answer).unwrap();
        assert!(answer.get("result").is_none(), "{method} {params}: {answer}");
        let error = &mut answer["error"];
        (error["code"].as_i64().unwrap(), error["message"].as_str().unwrap().to_owned(), error["data"].take())
    }

    pub(super) fn account(&self, index: usize) -> Address {
        self.node.keys[index].address()
    }

    /// Sends from the first account and returns the hash.
    pub(super) fn send(&self, mut request: Value) -> Value {
        request["from"] = json!(self.account(0));
        self.ask("eth_sendTransaction", json!([request]))
    }

    /// Makes the logger log, in a block of its own.
    pub(super) fn log(&self, topic: u64, word: u64) -> Value {
        self.send(json!({ "to": LOGGER, "input": words(&[topic, word]) }))
    }

    /// Whether each transaction gets a block at once.
    pub(super) fn automine(&self, on: bool) {
        self.node.automine.store(on, std::sync::atomic::Ordering::Relaxed);
    }
}

pub(super) fn words(words: &[u64]) -> Bytes {
    words.iter().flat_map(|word| U256::from(*word).to_be_bytes::<32>()).collect()
}

pub(super) fn number(value: &Value) -> u64 {
    u64::from_str_radix(value.as_str().unwrap().strip_prefix("0x").unwrap(), 16).unwrap()
}
