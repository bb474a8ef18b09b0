//! About the node itself.

use super::{App, MethodDoc, hex::Quantity, input::BytesInput, required};
use crate::Registry;
use alloy_primitives::keccak256;

pub(super) const DOCS: &[MethodDoc] = &[
    MethodDoc::new("web3_clientVersion", "Name and version of this software.", &[], "String"),
    MethodDoc::new("web3_sha3", "keccak-256 of bytes.", &[required("data", "Bytes")], "Hash"),
    MethodDoc::new("net_version", "Id of the chain as a decimal string.", &[], "String"),
    MethodDoc::new("net_peerCount", "How many nodes are connected.", &[], "Quantity"),
    MethodDoc::new("net_listening", "Always true: it answers.", &[], "Boolean"),
];

pub(super) fn register(registry: &mut Registry<App>) {
    registry
        .fast("web3_clientVersion", |app, params, _| params.none().map(|()| app.config.client_version.clone()))
        .heavy("web3_sha3", |_, params, _, _| {
            let data: BytesInput = params.positional(&["data"])?.required(0)?;
            Ok(keccak256(data.0))
        })
        .fast("net_version", |app, params, _| params.none().map(|()| app.chain.spec().chain_id.to_string()))
        .fast("net_peerCount", |app, params, _| {
            params.none().map(|()| Quantity(app.node.peers().map_or(0, |peers| peers.len() as u64)))
        })
        .fast("net_listening", |_, params, _| params.none().map(|()| true));
}
