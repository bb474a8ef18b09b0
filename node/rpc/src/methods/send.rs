//! Sending transactions: signed ones, and those that the node signs for its own or impersonated accounts.

use super::{
    App, MethodDoc,
    input::{BytesInput, Number},
    optional, required,
    view::{MinedReceipt, PooledTx},
};
use crate::{Budget, CallContext, CallError, Params, Registry, RpcError};
use alloy_consensus::{SignableTransaction, TypedTransaction, transaction::Recovered};
use alloy_eips::Encodable2718;
use alloy_primitives::{Address, B256, Bytes, Signature, U256};
use alloy_rpc_types_eth::TransactionRequest;
use qsdm_primitives::limits::{RPC_SYNC_SEND_TIMEOUT_MAX_MS, RPC_SYNC_SEND_TIMEOUT_MS};
use qsdm_vm::block::SharedTx;
use serde::Serialize;
use std::{sync::Arc, time::Duration};

mod fill;
mod wait;

const REQUEST: &[super::ParameterDoc] = &[required("transaction", "TransactionRequest")];

pub(super) const DOCS: &[MethodDoc] = &[
    MethodDoc::new(
        "eth_sendRawTransaction",
        "Sends a signed transaction.",
        &[required("transaction", "Bytes")],
        "Hash",
    ),
    MethodDoc::new(
        "eth_sendRawTransactionSync",
        "Sends a signed transaction and answers with its receipt (EIP-7966).",
        &[required("transaction", "Bytes"), optional("timeoutMs", "Quantity")],
        "Receipt",
    ),
    MethodDoc::new(
        "eth_sendTransaction",
        "Fills in what is missing, signs with a key of the node, and sends.",
        REQUEST,
        "Hash",
    ),
    MethodDoc::new(
        "eth_fillTransaction",
        "Fills in what is missing and returns the unsigned transaction.",
        REQUEST,
        "FilledTransaction",
    ),
    MethodDoc::new(
        "eth_signTransaction",
        "Fills in what is missing and returns the transaction, signed with a key of the node.",
        REQUEST,
        "Bytes",
    ),
];

pub(super) fn register(registry: &mut Registry<App>) {
    registry
        .fast("eth_sendRawTransaction", |app, params, _| {
            let raw: BytesInput = params.positional(&["transaction"])?.required(0)?;
            Ok(app.node.submit(recover(app, &raw.0)?)?)
        })
        .asynchronous("eth_sendRawTransactionSync", send_sync)
        .heavy("eth_sendTransaction", send_transaction)
        .heavy("eth_fillTransaction", fill_transaction)
        .heavy("eth_signTransaction", sign_transaction);
}

fn recover(app: &App, raw: &[u8]) -> Result<SharedTx, RpcError> {
    Ok(qsdm_pool::recover_raw(raw, app.chain.spec().chain_id)?)
}

/// The transaction is sent when the future is first polled, which is at once.
fn send_sync(
    app: Arc<App>,
    params: Params<'_>,
    _: &CallContext,
) -> Result<impl Future<Output = Result<MinedReceipt, RpcError>> + Send + use<>, RpcError> {
    let params = params.positional(&["transaction", "timeoutMs"])?;
    let raw: BytesInput = params.required(0)?;
    let timeout_ms = params.optional(1)?.map_or(RPC_SYNC_SEND_TIMEOUT_MS, |Number(ms)| ms);
    let timeout = Duration::from_millis(timeout_ms.min(RPC_SYNC_SEND_TIMEOUT_MAX_MS));
    let tx = recover(&app, &raw.0)?;
    Ok(wait::send_and_wait(app, tx, timeout))
}

fn request(params: Params<'_>) -> Result<TransactionRequest, RpcError> {
    params.positional(&["transaction"])?.required(0)
}

fn send_transaction(app: &App, params: Params<'_>, _: &CallContext, budget: &Budget) -> Result<B256, CallError> {
    let request = request(params)?;
    let signer = app.signer(&request)?;
    let request = fill::all_but_nonce(app, request, budget)?;
    // two requests of one account at the same time must not get the same nonce
    let _sending = app.sending.lock();
    let tx = signer.sign(app, fill::with_nonce(app, request)?)?;
    Ok(match signer {
        Signer::Key(_) => app.node.submit(tx)?,
        Signer::Impersonated(address) => {
            let dev = app.node.dev().ok_or_else(|| no_signer(address))?;
            dev.submit_impersonated(tx)?
        }
    })
}

/// The encoding of a transaction without a signature, and its parts.
#[derive(Serialize)]
struct Filled {
    raw: Bytes,
    tx: PooledTx,
}

fn fill_transaction(app: &App, params: Params<'_>, _: &CallContext, budget: &Budget) -> Result<Filled, CallError> {
    let request = request(params)?;
    let from = request.from.unwrap_or_default();
    let tx = fill::with_nonce(app, fill::all_but_nonce(app, request, budget)?)?;
    let unsigned = tx.into_envelope(Signature::new(U256::ZERO, U256::ZERO, false));
    let raw = unsigned.encoded_2718().into();
    Ok(Filled { raw, tx: PooledTx(Arc::new(Recovered::new_unchecked(unsigned, from))) })
}

fn sign_transaction(app: &App, params: Params<'_>, _: &CallContext, budget: &Budget) -> Result<Bytes, CallError> {
    let request = request(params)?;
    let signer = match app.signer(&request)? {
        Signer::Impersonated(address) => return Err(no_signer(address).into()),
        key => key,
    };
    let tx = fill::with_nonce(app, fill::all_but_nonce(app, request, budget)?)?;
    Ok(qsdm_pool::encode(&signer.sign(app, tx)?).into())
}

/// Who stands for the sender.
#[derive(Clone, Copy, Debug)]
enum Signer {
    /// The node holds the key.
    Key(Address),
    /// Development accepts the transaction as it is.
    Impersonated(Address),
}

impl Signer {
    fn sign(self, app: &App, tx: TypedTransaction) -> Result<SharedTx, RpcError> {
        let (address, signature) = match self {
            Self::Key(address) => (address, app.node.sign_digest(address, tx.signature_hash())?),
            // the hash covers the signature: with the sender in it, equal transactions of two senders differ
            Self::Impersonated(address) => {
                (address, Signature::new(U256::from_be_slice(address.as_slice()), U256::ONE, false))
            }
        };
        Ok(Arc::new(Recovered::new_unchecked(tx.into_envelope(signature), address)))
    }
}

impl App {
    fn signer(&self, request: &TransactionRequest) -> Result<Signer, RpcError> {
        let Some(from) = request.from else {
            return Err(RpcError::invalid_params("invalid argument 0 (transaction): missing field `from`"));
        };
        if self.node.accounts().contains(&from) {
            Ok(Signer::Key(from))
        } else if self.node.is_impersonated(from) {
            Ok(Signer::Impersonated(from))
        } else {
            Err(no_signer(from))
        }
    }
}

fn no_signer(address: Address) -> RpcError {
    crate::ports::NodeError::NoSigner(address).into()
}
