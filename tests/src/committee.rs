//! What is asked of several validators at once: traffic, and whether they agree.

use crate::{
    rpc::Client,
    wallet::{account, sign, transfer},
};
use alloy_primitives::Address;
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

/// How long something may take before the test gives up on it.
const PATIENCE: Duration = Duration::from_secs(120);
/// Who is paid.
pub const RECEIVER: Address = Address::repeat_byte(0x42);

/// A quantity as JSON-RPC writes it.
///
/// # Panics
/// Where it is none.
pub fn number(value: &Value) -> u64 {
    let text = value.as_str().unwrap_or_else(|| panic!("no number: {value}"));
    u64::from_str_radix(text.trim_start_matches("0x"), 16).expect("a number")
}

/// Asks again and again.
///
/// # Panics
/// Where it never holds.
pub fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < PATIENCE, "{what} took too long");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The next nonce of an account.
pub fn nonce(client: &mut Client, of: Address) -> u64 {
    number(&client.call("eth_getTransactionCount", json!([of, "latest"])))
}

/// Sends transfers of several accounts to validators in turn; the next nonce of each account.
pub fn send(clients: &mut [Client], nonces: &mut BTreeMap<u32, u64>, rounds: u64) {
    for _ in 0..rounds {
        for (index, next) in nonces.iter_mut() {
            let (raw, _) = sign(&account(*index), transfer(*next, RECEIVER, 1));
            let place = (*index as usize + *next as usize / 5) % clients.len();
            clients[place].call("eth_sendRawTransaction", json!([raw]));
            *next += 1;
        }
    }
}

/// Waits until every node has executed all of it.
pub fn wait_for(clients: &mut [Client], nonces: &BTreeMap<u32, u64>) {
    for client in clients {
        for (index, next) in nonces {
            wait_until("a transaction", || nonce(client, account(*index).address()) == *next);
        }
    }
}

/// All blocks with their transactions and receipts.
///
/// # Panics
/// Where two nodes have another block at a height that both have.
pub fn same_chain(clients: &mut [Client]) -> Vec<Value> {
    let head = clients.iter_mut().map(|client| number(&client.call("eth_blockNumber", json!([])))).min();
    let mut chain = Vec::new();
    for height in 0..=head.expect("a validator") {
        let tag = format!("{height:#x}");
        let of = |client: &mut Client| {
            let block = client.call("eth_getBlockByNumber", json!([tag, true]));
            json!({ "block": block, "receipts": client.call("eth_getBlockReceipts", json!([tag])) })
        };
        let answers: Vec<Value> = clients.iter_mut().map(of).collect();
        assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "block {height} is not the same everywhere");
        chain.extend(answers.into_iter().next());
    }
    chain
}

/// How many transactions are in a chain.
pub fn transactions(chain: &[Value]) -> usize {
    chain.iter().map(|one| one["block"]["transactions"].as_array().map_or(0, Vec::len)).sum()
}
