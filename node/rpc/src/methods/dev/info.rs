//! What tools ask about a development node.

use super::{App, MethodDoc};
use crate::{Registry, methods::hex::Quantity};
use alloy_primitives::B256;
use serde::Serialize;

pub(super) const DOCS: &[MethodDoc] = &[
    MethodDoc::new("anvil_nodeInfo", "Head, fork and environment.", &[], "Object"),
    MethodDoc::new("anvil_metadata", "Version, chain and head.", &[], "Object"),
];

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NodeInfo {
    current_block_number: Quantity<u64>,
    current_block_timestamp: u64,
    current_block_hash: B256,
    hard_fork: &'static str,
    transaction_order: &'static str,
    environment: Environment,
    fork_config: ForkConfig,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Environment {
    base_fee: Quantity<u64>,
    chain_id: u64,
    gas_limit: Quantity<u64>,
    gas_price: Quantity<u64>,
}

/// Empty: the chain does not fork from another one.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ForkConfig {
    fork_url: Option<String>,
    fork_block_number: Option<u64>,
    fork_retry_backoff: Option<u64>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    client_version: String,
    chain_id: u64,
    instance_id: B256,
    latest_block_number: u64,
    latest_block_hash: B256,
}

pub(super) fn register(registry: &mut Registry<App>) {
    registry.fast("anvil_nodeInfo", |app, params, _| {
        params.none()?;
        app.dev()?;
        let head = app.chain.head();
        let header = &head.block.header;
        let base_fee = app.node.next_block().base_fee;
        Ok(NodeInfo {
            current_block_number: Quantity(header.number),
            current_block_timestamp: header.timestamp,
            current_block_hash: head.block.hash,
            hard_fork: "osaka",
            transaction_order: "fees",
            environment: Environment {
                base_fee: Quantity(base_fee),
                chain_id: app.chain.spec().chain_id,
                gas_limit: Quantity(header.gas_limit),
                gas_price: Quantity(base_fee),
            },
            fork_config: ForkConfig { fork_url: None, fork_block_number: None, fork_retry_backoff: None },
        })
    });
    for name in ["anvil_metadata", "hardhat_metadata"] {
        registry.fast(name, |app, params, _| {
            params.none()?;
            let head = app.chain.head();
            Ok(Metadata {
                client_version: app.config.client_version.clone(),
                chain_id: app.chain.spec().chain_id,
                // one chain, one instance: the hash of its genesis
                instance_id: app.chain.block(0)?.map_or(B256::ZERO, |genesis| genesis.hash),
                latest_block_number: head.block.number(),
                latest_block_hash: head.block.hash,
            })
        });
    }
}
