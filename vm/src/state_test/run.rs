//! Running one variant.

use super::{
    Difference,
    format::{Authorization, Env, Expected, Parts, Unit},
};
use crate::{
    evm::{Evm, Fork},
    state::{RecentHashes, State, StateDatabase},
};
use alloy_consensus::{TxEnvelope, transaction::SignerRecoverable};
use alloy_eips::{
    Decodable2718,
    eip2930::{AccessList, AccessListItem},
    eip7702::SignedAuthorization,
};
use alloy_evm::{EvmEnv, FromRecoveredTx, eth::EthEvmBuilder};
use alloy_primitives::{Address, B256, Log, TxKind, U256, keccak256};
use revm::{
    DatabaseCommit,
    bytecode::Bytecode,
    context::{BlockEnv, CfgEnv, TxEnv, either::Either},
    context_interface::block::BlobExcessGasAndPrice,
    primitives::{eip4844, hardfork::SpecId},
};

/// Block hashes that the tests expect: keccak-256 of the height in decimal digits.
fn hashes(env: &Env) -> RecentHashes {
    let number: u64 = env.current_number.saturating_to();
    let Some(newest) = number.checked_sub(1) else { return RecentHashes::default() };
    let first = newest.saturating_sub(RecentHashes::MAX as u64 - 1);
    let all: Vec<B256> = (first..=newest).map(|number| keccak256(number.to_string())).collect();
    RecentHashes::new(newest, &all)
}

fn state(unit: &Unit) -> State {
    let mut state = State::default();
    for (address, before) in &unit.pre {
        state.modify(*address, |account| {
            account.balance = before.balance;
            account.nonce = before.nonce.saturating_to();
            if !before.code.is_empty() {
                account.set_code(keccak256(&before.code), Bytecode::new_raw(before.code.clone()));
            }
            before.storage.iter().for_each(|(key, value)| account.set_slot(*key, *value));
        });
    }
    state
}

fn configuration(unit: &Unit, fork: SpecId, name: &str) -> CfgEnv {
    let mut cfg = CfgEnv::new_with_spec(fork);
    cfg.chain_id = unit.config.chainid.map_or(1, |id| id.saturating_to());
    let blobs = unit.config.blob_schedule.get(name);
    let default = if fork.is_enabled_in(SpecId::PRAGUE) { 9 } else { 6 };
    let max = blobs.map_or(default, |blobs| blobs.max.saturating_to());
    // EIP-7594: from Osaka on a transaction has at most six blobs, whatever a block may have
    let per_tx = if fork.is_enabled_in(SpecId::OSAKA) { max.min(6) } else { max };
    cfg.max_blobs_per_tx = Some(per_tx);
    cfg.blob_base_fee_update_fraction = Some(blob_fraction(unit, fork, name));
    cfg
}

fn blob_fraction(unit: &Unit, fork: SpecId, name: &str) -> u64 {
    let default = if fork.is_enabled_in(SpecId::PRAGUE) {
        eip4844::BLOB_BASE_FEE_UPDATE_FRACTION_PRAGUE
    } else {
        eip4844::BLOB_BASE_FEE_UPDATE_FRACTION_CANCUN
    };
    unit.config.blob_schedule.get(name).map_or(default, |blobs| blobs.base_fee_update_fraction.saturating_to())
}

fn block_env(unit: &Unit, fork: SpecId, name: &str) -> BlockEnv {
    let env = &unit.env;
    let excess = env.current_excess_blob_gas.unwrap_or_default();
    let merged = fork.is_enabled_in(SpecId::MERGE);
    BlockEnv {
        number: env.current_number,
        beneficiary: env.current_coinbase,
        timestamp: env.current_timestamp,
        gas_limit: env.current_gas_limit.saturating_to(),
        basefee: env.current_base_fee.map_or(0, |fee| fee.saturating_to()),
        difficulty: if merged { U256::ZERO } else { env.current_difficulty },
        prevrandao: merged.then(|| env.current_random.unwrap_or_default()),
        blob_excess_gas_and_price: fork
            .is_enabled_in(SpecId::CANCUN)
            .then(|| BlobExcessGasAndPrice::new(excess.saturating_to(), blob_fraction(unit, fork, name))),
        slot_num: 0,
    }
}

/// Executes a variant and compares.
pub(super) fn variant(unit: &Unit, fork: Fork, name: &str, expected: &Expected) -> Result<(), Difference> {
    let (before, tx) = (state(unit), transaction(unit, expected));
    let mut database = StateDatabase::new(before, hashes(&unit.env));
    database.keep_empty_accounts = !fork.is_enabled_in(SpecId::SPURIOUS_DRAGON);
    let env = EvmEnv { cfg_env: configuration(unit, fork, name), block_env: block_env(unit, fork, name) };
    let mut evm = EthEvmBuilder::new(database, env).build();
    let outcome = tx.and_then(|tx| evm.transact(tx).map_err(|error| error.to_string()));
    let logs = match (outcome, &expected.exception) {
        (Ok(outcome), None) => {
            evm.db_mut().commit(outcome.state);
            outcome.result.into_logs()
        }
        (Err(_), Some(_)) => Vec::new(),
        (Ok(_), Some(exception)) => return Err(validity("executed", exception)),
        (Err(error), None) => return Err(validity(&format!("refused: {error}"), "executed")),
    };
    compare_logs(&logs, expected)?;
    let found = evm.db().state.root();
    if found == expected.hash { Ok(()) } else { Err(Difference::StateRoot { found, expected: expected.hash }) }
}

fn validity(found: &str, expected: &str) -> Difference {
    Difference::Validity { found: found.to_owned(), expected: expected.to_owned() }
}

fn compare_logs(logs: &[Log], expected: &Expected) -> Result<(), Difference> {
    let mut encoded = Vec::new();
    alloy_rlp::encode_list(logs, &mut encoded);
    let found = keccak256(encoded);
    if found == expected.logs { Ok(()) } else { Err(Difference::Logs { found, expected: expected.logs }) }
}

/// The transaction of a variant: out of its signed bytes, as a node would take it, or else out of its parts.
fn transaction(unit: &Unit, expected: &Expected) -> Result<TxEnv, String> {
    match &expected.txbytes {
        Some(bytes) => {
            let envelope = TxEnvelope::decode_2718_exact(bytes).map_err(|error| error.to_string())?;
            let sender = envelope.recover_signer().map_err(|error| error.to_string())?;
            Ok(TxEnv::from_recovered_tx(&envelope, sender))
        }
        None => from_parts(&unit.transaction, expected, unit.config.chainid),
    }
}

fn from_parts(parts: &Parts, expected: &Expected, chain_id: Option<U256>) -> Result<TxEnv, String> {
    let indexes = &expected.indexes;
    let missing = |what: &str| format!("the variant names a {what} that the test does not have");
    let access = parts.access_lists.get(indexes.data).cloned().flatten();
    let tx_type = if parts.authorization_list.is_some() {
        4
    } else if parts.max_fee_per_blob_gas.is_some() {
        3
    } else if parts.max_fee_per_gas.is_some() {
        2
    } else {
        u8::from(access.is_some())
    };
    let price = parts.gas_price.or(parts.max_fee_per_gas).unwrap_or_default();
    Ok(TxEnv {
        tx_type,
        caller: sender(parts)?,
        gas_limit: parts.gas_limit.get(indexes.gas).ok_or_else(|| missing("gas limit"))?.saturating_to(),
        gas_price: price.saturating_to(),
        gas_priority_fee: parts.max_priority_fee_per_gas.map(|fee| fee.saturating_to()),
        kind: parts.to.map_or(TxKind::Create, TxKind::Call),
        value: *parts.value.get(indexes.value).ok_or_else(|| missing("value"))?,
        data: parts.data.get(indexes.data).ok_or_else(|| missing("data"))?.clone(),
        nonce: u64::try_from(parts.nonce).map_err(|_| "nonce above 2^64".to_owned())?,
        chain_id: Some(chain_id.map_or(1, |id| id.saturating_to())),
        access_list: AccessList(
            access
                .unwrap_or_default()
                .into_iter()
                .map(|item| AccessListItem { address: item.address, storage_keys: item.storage_keys })
                .collect(),
        ),
        blob_hashes: parts.blob_versioned_hashes.clone(),
        max_fee_per_blob_gas: parts.max_fee_per_blob_gas.map_or(0, |fee| fee.saturating_to()),
        authorization_list: parts.authorization_list.iter().flatten().map(authorization).map(Either::Left).collect(),
    })
}

fn authorization(parts: &Authorization) -> SignedAuthorization {
    let parity = parts.y_parity.or(parts.v).unwrap_or_default();
    let inner = alloy_eips::eip7702::Authorization {
        chain_id: parts.chain_id,
        address: parts.address,
        nonce: parts.nonce.saturating_to(),
    };
    SignedAuthorization::new_unchecked(inner, parity.saturating_to(), parts.r, parts.s)
}

/// The sender by name or by key. Keys of tests are public.
fn sender(parts: &Parts) -> Result<Address, String> {
    parts.sender.ok_or_else(|| "the transaction does not name its sender".to_owned())
}
