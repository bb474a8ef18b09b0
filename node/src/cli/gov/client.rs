//! A small JSON-RPC client: blocking, one request at a time, plain http.

use crate::cli::Usage;
use alloy_primitives::{Address, B256, Bytes, U64, U256};
use eyre::{Result, eyre};
use qsdm_governance::{Ledger, LedgerError, LedgerLog};
use qsdm_primitives::limits::{RPC_LOG_BLOCKS_MAX, RPC_RESPONSE_BYTES_MAX};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json, value::RawValue};
use std::time::Duration;
use ureq::Agent;

/// A node that does not answer within this is treated as gone.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// A connection to a node.
#[derive(Debug)]
pub(in crate::cli) struct Client {
    agent: Agent,
    url: String,
}

#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow)]
    result: Option<&'a RawValue>,
    error: Option<AnswerError>,
}

#[derive(Deserialize)]
struct AnswerError {
    code: i64,
    message: String,
    data: Option<Value>,
}

/// Code of a revert, as geth answers it.
const REVERTED: i64 = 3;

impl Client {
    pub(in crate::cli) fn new(url: &str) -> Result<Self> {
        if !url.starts_with("http://") {
            let text = format!(
                "--rpc {url}: give an address that begins with http:// (put a tunnel or a proxy in front for others)"
            );
            return Err(Usage(text).into());
        }
        let config = Agent::config_builder().timeout_global(Some(ANSWER_TIMEOUT)).http_status_as_error(false).build();
        Ok(Self { agent: config.into(), url: url.to_owned() })
    }

    /// Calls a method.
    pub(in crate::cli) fn request<T: DeserializeOwned>(&self, method: &str, params: Value) -> Result<T, LedgerError> {
        let unreachable = |error: String| {
            LedgerError::Unreachable(format!(
                "{} does not answer: {error}; is the node running? (--rpc names another one)",
                self.url
            ))
        };
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }).to_string();
        let sent = self.agent.post(&self.url).header("content-type", "application/json").send(&body);
        let mut response = sent.map_err(|error| unreachable(error.to_string()))?;
        let limit = RPC_RESPONSE_BYTES_MAX as u64;
        let text = response.body_mut().with_config().limit(limit).read_to_string();
        let text = text.map_err(|error| unreachable(error.to_string()))?;
        let answer: Answer<'_> = serde_json::from_str(&text)
            .map_err(|_| unreachable(format!("it answered {} without JSON-RPC", response.status())))?;
        if let Some(error) = answer.error {
            return Err(refusal(error));
        }
        let result = answer.result.map_or("null", RawValue::get);
        serde_json::from_str(result)
            .map_err(|error| LedgerError::Refused(format!("{method} answered something unexpected: {error}")))
    }

    /// Accounts whose keys the node holds.
    pub(super) fn accounts(&self) -> Result<Vec<Address>, LedgerError> {
        self.request("eth_accounts", json!([]))
    }

    /// A receipt, once there is one.
    pub(super) fn receipt(&self, hash: B256) -> Result<Option<Receipt>, LedgerError> {
        self.request("eth_getTransactionReceipt", json!([hash]))
    }

    pub(super) fn quantity(&self, method: &str, params: Value) -> Result<u64, LedgerError> {
        self.request::<U64>(method, params).map(|number| number.to())
    }
}

/// The part of a receipt that commands look at.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Receipt {
    pub(super) status: U64,
    pub(super) block_number: U64,
    pub(super) gas_used: U64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawLog {
    topics: Vec<B256>,
    data: Bytes,
    block_number: U64,
    transaction_hash: B256,
}

#[derive(Deserialize)]
struct RawBlock {
    timestamp: U256,
}

fn refusal(error: AnswerError) -> LedgerError {
    let data = error.data.as_ref().and_then(Value::as_str).and_then(|text| text.parse::<Bytes>().ok());
    match data {
        Some(data) if error.code == REVERTED => LedgerError::Reverted(data),
        _ => LedgerError::Refused(error.message),
    }
}

impl Ledger for Client {
    fn call(&self, to: Address, data: Bytes) -> Result<Bytes, LedgerError> {
        self.request("eth_call", json!([{ "to": to, "data": data }, "latest"]))
    }

    fn logs(&self, address: Address, topics: &[B256]) -> Result<Vec<LedgerLog>, LedgerError> {
        let head = self.quantity("eth_blockNumber", json!([]))?;
        let mut logs = Vec::new();
        let mut from = 0;
        while from <= head {
            let to = head.min(from + RPC_LOG_BLOCKS_MAX - 1);
            let filter = json!({
                "address": address,
                "topics": [topics],
                "fromBlock": format!("{from:#x}"),
                "toBlock": format!("{to:#x}"),
            });
            let found: Vec<RawLog> = self.request("eth_getLogs", json!([filter]))?;
            logs.extend(found.into_iter().map(|log| LedgerLog {
                topics: log.topics,
                data: log.data,
                block: log.block_number.to(),
                transaction: log.transaction_hash,
            }));
            from = to + 1;
        }
        Ok(logs)
    }

    fn present_s(&self) -> Result<u64, LedgerError> {
        let block: RawBlock = self.request("eth_getBlockByNumber", json!(["pending", false]))?;
        Ok(block.timestamp.saturating_to())
    }
}

/// An account by its address or by its position among the node's accounts.
pub(super) fn account(client: &Client, text: &str) -> Result<Address> {
    if let Ok(index) = text.parse::<usize>() {
        let accounts = client.accounts()?;
        let count = accounts.len();
        return accounts
            .get(index)
            .copied()
            .ok_or_else(|| eyre!("the node holds {count} accounts, there is no account {index} (they count from 0)"));
    }
    text.parse().map_err(|_| Usage(format!("{text:?} is neither an address nor the number of an account")).into())
}
