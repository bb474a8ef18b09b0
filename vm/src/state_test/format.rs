//! The JSON of a state test.

use alloy_primitives::{Address, B256, Bytes, U256};
use serde::{Deserialize, Deserializer};
use std::collections::BTreeMap;

/// A file: tests by name.
#[derive(Debug, Deserialize)]
pub(super) struct Suite(pub(super) BTreeMap<String, Unit>);

/// One test.
#[derive(Debug, Deserialize)]
pub(super) struct Unit {
    pub(super) env: Env,
    pub(super) pre: BTreeMap<Address, PreAccount>,
    pub(super) transaction: Parts,
    pub(super) post: BTreeMap<String, Vec<Expected>>,
    #[serde(default)]
    pub(super) config: Config,
}

/// Block environment.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Env {
    pub(super) current_coinbase: Address,
    #[serde(default)]
    pub(super) current_difficulty: U256,
    pub(super) current_gas_limit: U256,
    pub(super) current_number: U256,
    pub(super) current_timestamp: U256,
    pub(super) current_base_fee: Option<U256>,
    pub(super) current_random: Option<B256>,
    pub(super) current_excess_blob_gas: Option<U256>,
}

/// Account before.
#[derive(Debug, Deserialize)]
pub(super) struct PreAccount {
    pub(super) balance: U256,
    pub(super) nonce: U256,
    pub(super) code: Bytes,
    pub(super) storage: BTreeMap<U256, U256>,
}

/// A transaction with several variants.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Parts {
    pub(super) sender: Option<Address>,
    #[serde(default, deserialize_with = "recipient")]
    pub(super) to: Option<Address>,
    pub(super) nonce: U256,
    pub(super) data: Vec<Bytes>,
    pub(super) gas_limit: Vec<U256>,
    pub(super) value: Vec<U256>,
    pub(super) gas_price: Option<U256>,
    pub(super) max_fee_per_gas: Option<U256>,
    pub(super) max_priority_fee_per_gas: Option<U256>,
    #[serde(default)]
    pub(super) access_lists: Vec<Option<Vec<AccessItem>>>,
    pub(super) max_fee_per_blob_gas: Option<U256>,
    #[serde(default)]
    pub(super) blob_versioned_hashes: Vec<B256>,
    pub(super) authorization_list: Option<Vec<Authorization>>,
}

/// An entry of an access list.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AccessItem {
    pub(super) address: Address,
    pub(super) storage_keys: Vec<B256>,
}

/// An EIP-7702 authorization.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Authorization {
    pub(super) chain_id: U256,
    pub(super) address: Address,
    pub(super) nonce: U256,
    pub(super) r: U256,
    pub(super) s: U256,
    pub(super) y_parity: Option<U256>,
    pub(super) v: Option<U256>,
}

/// What a variant should lead to.
#[derive(Debug, Deserialize)]
pub(super) struct Expected {
    pub(super) hash: B256,
    pub(super) logs: B256,
    pub(super) indexes: Indexes,
    pub(super) txbytes: Option<Bytes>,
    #[serde(rename = "expectException")]
    pub(super) exception: Option<String>,
}

/// Which data, gas limit and value a variant takes.
#[derive(Debug, Deserialize)]
pub(super) struct Indexes {
    pub(super) data: usize,
    pub(super) gas: usize,
    pub(super) value: usize,
}

/// Chain configuration.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Config {
    pub(super) chainid: Option<U256>,
    #[serde(default)]
    pub(super) blob_schedule: BTreeMap<String, Blobs>,
}

/// Blob parameters of a fork (EIP-7840).
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Blobs {
    pub(super) max: U256,
    pub(super) base_fee_update_fraction: U256,
}

/// An address, or an empty text for a creation.
fn recipient<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Address>, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(serde::de::Error::custom)
}
