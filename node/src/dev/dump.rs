//! State dumps: JSON `{"accounts": {address: {nonce, balance, code, storage}}}` as bytes, not compressed as anvil's are.

use alloy_primitives::{Address, B256, Bytes, U256};
use qsdm_primitives::limits::DEV_DUMP_BYTES_MAX;
use qsdm_rpc::ports::NodeError;
use qsdm_vm::{block::StatePatch, chain::Head, state::Account};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

#[derive(Serialize, Deserialize)]
struct Dump {
    accounts: BTreeMap<Address, DumpedAccount>,
}

#[derive(Serialize, Deserialize)]
struct DumpedAccount {
    #[serde(default)]
    nonce: u64,
    balance: U256,
    #[serde(default)]
    code: Bytes,
    #[serde(default)]
    storage: BTreeMap<B256, B256>,
}

pub(super) fn dump(head: &Head) -> Result<Bytes, NodeError> {
    let accounts = head.state.accounts_from(B256::ZERO).map(|account| (account.address, dumped(account))).collect();
    let json = serde_json::to_vec(&Dump { accounts }).map_err(|error| NodeError::Refused(error.to_string()))?;
    within_limit(json.len())?;
    Ok(json.into())
}

fn dumped(account: &Account) -> DumpedAccount {
    let storage = account.slots().map(|slot| (B256::from(slot.key), B256::from(slot.value))).collect();
    DumpedAccount { nonce: account.nonce, balance: account.balance, code: account.code(), storage }
}

/// The operations that put the accounts of a dump into a state.
pub(super) fn patches(dump: &[u8]) -> Result<Vec<StatePatch>, NodeError> {
    within_limit(dump.len())?;
    let parsed: Dump = serde_json::from_slice(dump).map_err(|error| {
        NodeError::Refused(format!(
            "the state dump is not JSON of the form {{\"accounts\": {{address: {{nonce, balance, code, storage}}}}}}: {error}"
        ))
    })?;
    let mut patches = Vec::new();
    for (address, account) in parsed.accounts {
        patches.push(StatePatch::Balance { address, balance: account.balance });
        patches.push(StatePatch::Nonce { address, nonce: account.nonce });
        patches.push(StatePatch::Code { address, code: account.code });
        for (key, value) in account.storage {
            patches.push(StatePatch::Slot { address, key: key.into(), value: value.into() });
        }
    }
    Ok(patches)
}

fn within_limit(bytes: usize) -> Result<(), NodeError> {
    if bytes > DEV_DUMP_BYTES_MAX {
        return Err(NodeError::Refused(format!(
            "the state dump has {bytes} bytes, the limit is {DEV_DUMP_BYTES_MAX}: use --data-dir to keep a state this large"
        )));
    }
    Ok(())
}
