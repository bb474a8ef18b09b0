//! A transaction request as the EVM executes it.

use super::CallError;
use alloy_eips::eip7594::MAX_BLOBS_PER_TX_FUSAKA;
use alloy_primitives::{Address, TxKind};
use alloy_rpc_types_eth::TransactionRequest;
use revm::{context::TxEnv, context_interface::either::Either, primitives::eip4844::VERSIONED_HASH_VERSION_KZG};

/// EIP-2718 types, as far as a request's fields select one.
const LEGACY: u8 = 0;
const ACCESS_LIST: u8 = 1;
const DYNAMIC_FEE: u8 = 2;
const BLOB: u8 = 3;
const SET_CODE: u8 = 4;

/// The execution environment of `request`, with gas capped at `gas_max`. The nonce is 0: calls ignore it.
pub(crate) fn tx_env(request: &TransactionRequest, chain_id: u64, gas_max: u64) -> Result<TxEnv, CallError> {
    let input = match (&request.input.input, &request.input.data) {
        (Some(input), Some(data)) if input != data => return Err(CallError::InputConflict),
        (Some(input), _) | (None, Some(input)) => input.clone(),
        (None, None) => Default::default(),
    };
    if let Some(have) = request.chain_id
        && have != chain_id
    {
        return Err(CallError::ChainId { have, want: chain_id });
    }
    let caller = request.from.unwrap_or_default();
    let kind = request.to.unwrap_or(TxKind::Create);
    check_blobs(request, kind)?;
    check_authorizations(request, caller, kind)?;
    let fees = fees(request, caller)?;
    let tx_type = tx_type(request);
    let authorizations = request.authorization_list.iter().flatten();
    Ok(TxEnv {
        tx_type,
        caller,
        gas_limit: request.gas.unwrap_or(gas_max).min(gas_max),
        gas_price: fees.max,
        kind,
        value: request.value.unwrap_or_default(),
        data: input,
        nonce: 0,
        chain_id: Some(chain_id),
        access_list: request.access_list.clone().unwrap_or_default(),
        gas_priority_fee: (tx_type >= DYNAMIC_FEE).then_some(fees.tip),
        blob_hashes: request.blob_versioned_hashes.clone().unwrap_or_default(),
        max_fee_per_blob_gas: request.max_fee_per_blob_gas.unwrap_or(0),
        authorization_list: authorizations.cloned().map(Either::Left).collect(),
    })
}

/// The type that the fields of a request select.
pub(crate) fn tx_type(request: &TransactionRequest) -> u8 {
    if request.authorization_list.is_some() {
        SET_CODE
    } else if request.blob_versioned_hashes.is_some() {
        BLOB
    } else if request.max_fee_per_gas.is_some() || request.max_priority_fee_per_gas.is_some() {
        DYNAMIC_FEE
    } else if request.access_list.is_some() {
        ACCESS_LIST
    } else {
        LEGACY
    }
}

struct Fees {
    max: u128,
    tip: u128,
}

fn fees(request: &TransactionRequest, caller: Address) -> Result<Fees, CallError> {
    let dynamic = (request.max_fee_per_gas, request.max_priority_fee_per_gas);
    match (request.gas_price, dynamic) {
        (Some(_), (Some(_), _) | (_, Some(_))) => Err(CallError::FeeConflict),
        (Some(price), (None, None)) => Ok(Fees { max: price, tip: price }),
        (None, (max, tip)) => {
            let (max, tip) = (max.unwrap_or(0), tip.unwrap_or(0));
            if tip > max {
                return Err(CallError::TipAboveFeeCap { address: caller, tip, max_fee: max });
            }
            Ok(Fees { max, tip })
        }
    }
}

fn check_blobs(request: &TransactionRequest, kind: TxKind) -> Result<(), CallError> {
    let Some(hashes) = &request.blob_versioned_hashes else { return Ok(()) };
    let refused = |text: String| Err(CallError::Blobs(text));
    if kind.is_create() {
        return refused("blob transaction of type create".to_owned());
    }
    if hashes.is_empty() {
        return refused("blob transaction missing blob hashes".to_owned());
    }
    if hashes.len() as u64 > MAX_BLOBS_PER_TX_FUSAKA {
        return refused(format!("blob transaction has too many blobs ({} of {MAX_BLOBS_PER_TX_FUSAKA})", hashes.len()));
    }
    match hashes.iter().position(|hash| hash[0] != VERSIONED_HASH_VERSION_KZG) {
        Some(position) => refused(format!("blob {position} has invalid hash version")),
        None => Ok(()),
    }
}

fn check_authorizations(request: &TransactionRequest, sender: Address, kind: TxKind) -> Result<(), CallError> {
    let Some(list) = &request.authorization_list else { return Ok(()) };
    if kind.is_create() {
        let what = "EIP-7702 transaction cannot be used to create contract";
        return Err(CallError::Authorizations { what, sender });
    }
    if list.is_empty() {
        let what = "EIP-7702 transaction with empty auth list";
        return Err(CallError::Authorizations { what, sender });
    }
    Ok(())
}
