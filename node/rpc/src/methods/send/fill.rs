//! Completing a transaction request.

use crate::{
    Budget, CallError, RpcError,
    methods::{
        App,
        input::{BlockId, Tag},
    },
};
use alloy_consensus::TypedTransaction;
use alloy_primitives::TxKind;
use alloy_rpc_types_eth::{TransactionInput, TransactionRequest};
use qsdm_pool::PoolError;

/// EIP-2718 types that have one price instead of two.
const LEGACY: u8 = 0;
const ACCESS_LIST: u8 = 1;

/// Fills in prices, chain id and gas limit, in the words of geth where that can't be.
pub(super) fn all_but_nonce(
    app: &App,
    mut request: TransactionRequest,
    budget: &Budget,
) -> Result<TransactionRequest, CallError> {
    if request.blob_versioned_hashes.is_some() || request.sidecar.is_some() {
        return Err(RpcError::from(PoolError::BlobsNotSupported).into());
    }
    let input = std::mem::take(&mut request.input).try_into_unique_input().map_err(|_| {
        RpcError::invalid_params(
            r#"both "data" and "input" are set and not equal. Please use "input" to pass transaction call data"#,
        )
    })?;
    let to = request.to.get_or_insert(TxKind::Create);
    if to.is_create() && input.as_ref().is_none_or(|input| input.is_empty()) {
        return Err(RpcError::server("contract creation without any data provided").into());
    }
    request.input = TransactionInput { input, data: None };
    let chain_id = app.chain.spec().chain_id;
    let have = *request.chain_id.get_or_insert(chain_id);
    if have != chain_id {
        let message = format!("chainId does not match node's (have={have}, want={chain_id})");
        return Err(RpcError::server(message).into());
    }
    prices(app, &mut request)?;
    if request.gas.is_none() {
        request.gas = Some(app.estimate(&request, BlockId::Tag(Tag::Pending), (None, None), budget)?);
    }
    Ok(request)
}

fn prices(app: &App, request: &mut TransactionRequest) -> Result<(), RpcError> {
    let dynamic = request.max_fee_per_gas.is_some() || request.max_priority_fee_per_gas.is_some();
    if request.gas_price.is_some() {
        if dynamic {
            let message = "both gasPrice and (maxFeePerGas or maxPriorityFeePerGas) specified";
            return Err(RpcError::server(message));
        }
        return Ok(());
    }
    let head = app.chain.head();
    let base_fee = u128::from(app.node.next_block().base_fee);
    if !dynamic && matches!(request.transaction_type, Some(LEGACY | ACCESS_LIST)) {
        request.gas_price = Some(base_fee + app.suggested_tip(&head)?);
        if request.transaction_type == Some(ACCESS_LIST) {
            request.access_list.get_or_insert_default();
        }
        return Ok(());
    }
    let tip = match (request.max_priority_fee_per_gas, request.max_fee_per_gas) {
        (Some(tip), _) => tip,
        (None, Some(fee)) => app.suggested_tip(&head)?.min(fee),
        (None, None) => app.suggested_tip(&head)?,
    };
    request.max_priority_fee_per_gas = Some(tip);
    // as geth: room for six full blocks in a row
    let fee = *request.max_fee_per_gas.get_or_insert(tip.saturating_add(2 * base_fee));
    if fee < tip {
        let message = format!("maxFeePerGas ({fee}) < maxPriorityFeePerGas ({tip})");
        return Err(RpcError::server(message));
    }
    Ok(())
}

/// Gives a request that is complete otherwise the account's next nonce, unless it has one.
pub(super) fn with_nonce(app: &App, mut request: TransactionRequest) -> Result<TypedTransaction, RpcError> {
    let from = request.from.unwrap_or_default();
    if request.nonce.is_none() {
        request.nonce = Some(app.pool.next_nonce(&from, &app.chain.head().state));
    }
    request
        .build_consensus_tx()
        .map_err(|refused| RpcError::invalid_params(format!("invalid argument 0 (transaction): {}", refused.error)))
}
