//! Signing with the keys that the node holds.

use super::{
    App, MethodDoc,
    input::{AddressInput, BytesInput},
    required,
};
use crate::{CallContext, CallError, Params, Positional, Registry, RpcError};
use alloy_dyn_abi::TypedData;
use alloy_primitives::{B256, Bytes, eip191_hash_message};

pub(super) const DOCS: &[MethodDoc] = &[
    MethodDoc::new("eth_accounts", "Accounts whose keys the node holds.", &[], "Addresses"),
    MethodDoc::new("eth_requestAccounts", "The same as eth_accounts.", &[], "Addresses"),
    MethodDoc::new(
        "eth_sign",
        "Signs a message (EIP-191).",
        &[required("address", "Address"), required("message", "Bytes")],
        "Bytes",
    ),
    MethodDoc::new(
        "personal_sign",
        "Signs a message (EIP-191); the parameters are the other way round.",
        &[required("message", "Bytes"), required("address", "Address")],
        "Bytes",
    ),
    MethodDoc::new(
        "eth_signTypedData_v4",
        "Signs typed data (EIP-712).",
        &[required("address", "Address"), required("data", "TypedData")],
        "Bytes",
    ),
];

pub(super) fn register(registry: &mut Registry<App>) {
    registry
        .fast("eth_accounts", |app, params, _| params.none().map(|()| app.node.accounts()))
        .fast("eth_requestAccounts", |app, params, _| params.none().map(|()| app.node.accounts()))
        .heavy("eth_sign", |app, params, _, _| {
            let params = params.positional(&["address", "message"])?;
            let message: BytesInput = params.required(1)?;
            Ok::<_, CallError>(sign(app, params.required(0)?, eip191_hash_message(message.0))?)
        })
        .heavy("personal_sign", |app, params, _, _| {
            // some callers add a password, which is not needed
            let params = params.positional(&["message", "address", "password"])?;
            let message: BytesInput = params.required(0)?;
            Ok::<_, CallError>(sign(app, params.required(1)?, eip191_hash_message(message.0))?)
        })
        .heavy("eth_signTypedData_v4", |app, params, context, _| Ok(sign_typed_data(app, params, context)?));
}

fn sign_typed_data(app: &App, params: Params<'_>, _: &CallContext) -> Result<Bytes, RpcError> {
    let params = params.positional(&["address", "data"])?;
    let digest = digest(&params)?;
    sign(app, params.required(0)?, digest)
}

fn digest(params: &Positional<'_>) -> Result<B256, RpcError> {
    let data: TypedData = params.required(1)?;
    data.eip712_signing_hash().map_err(|error| params.invalid(1, error))
}

/// 65 bytes: r, s, and 27 or 28.
fn sign(app: &App, address: AddressInput, digest: B256) -> Result<Bytes, RpcError> {
    Ok(app.node.sign_digest(address.0, digest)?.as_bytes().into())
}
