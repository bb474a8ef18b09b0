//! The chain as such: id, height, rules.

use super::{App, MethodDoc, hex::Quantity};
use crate::{CallContext, Params, Registry, RpcError};
use alloy_consensus::Header;
use alloy_eips::{eip2935::HISTORY_STORAGE_ADDRESS, eip7840::BlobParams};
use alloy_primitives::{Address, Bytes};
use serde::{Serialize, Serializer};

pub(super) const DOCS: &[MethodDoc] = &[
    MethodDoc::new("eth_chainId", "Id of the chain that signatures are bound to (EIP-155).", &[], "Quantity"),
    MethodDoc::new("eth_blockNumber", "Height of the newest block.", &[], "Quantity"),
    MethodDoc::new("eth_syncing", "Always false: a node answers only once it has caught up.", &[], "Boolean"),
    MethodDoc::new("eth_config", "Fork rules, precompiles and system contracts (EIP-7910).", &[], "ForkConfig"),
];

pub(super) fn register(registry: &mut Registry<App>) {
    registry
        .fast("eth_chainId", |app, params, _| {
            params.none()?;
            Ok(Quantity(app.chain.spec().chain_id))
        })
        .fast("eth_blockNumber", |app, params, _| {
            params.none()?;
            Ok(Quantity(app.chain.head().block.number()))
        })
        .fast("eth_syncing", |_, params, _| params.none().map(|()| false))
        .fast("eth_config", config);
}

/// Price of blob gas in the block of a header, in wei; 1 on a chain that never has blobs.
pub(super) fn blob_base_fee(header: &Header) -> u128 {
    header.blob_fee(BLOBS).unwrap_or(BLOBS.min_blob_fee)
}

/// Blob rules of the fork that the chain runs.
pub(super) const BLOBS: BlobParams = BlobParams::osaka();

#[derive(Serialize)]
struct Configs {
    current: Config,
    next: Option<Config>,
    last: Option<Config>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Config {
    activation_time: u64,
    blob_schedule: BlobSchedule,
    chain_id: Quantity<u64>,
    fork_id: Bytes,
    #[serde(serialize_with = "by_name")]
    precompiles: Vec<(&'static str, Address)>,
    #[serde(serialize_with = "by_name")]
    system_contracts: Vec<(&'static str, Address)>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct BlobSchedule {
    target: u64,
    max: u64,
    base_fee_update_fraction: u128,
}

fn by_name<S: Serializer>(entries: &[(&'static str, Address)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(entries.iter().copied())
}

/// Names of EIP-7910 with the last two bytes of the address.
const PRECOMPILES: [(&str, u16); 18] = [
    ("BLAKE2F", 0x09),
    ("BLS12_G1ADD", 0x0b),
    ("BLS12_G1MSM", 0x0c),
    ("BLS12_G2ADD", 0x0d),
    ("BLS12_G2MSM", 0x0e),
    ("BLS12_MAP_FP2_TO_G2", 0x11),
    ("BLS12_MAP_FP_TO_G1", 0x10),
    ("BLS12_PAIRING_CHECK", 0x0f),
    ("BN254_ADD", 0x06),
    ("BN254_MUL", 0x07),
    ("BN254_PAIRING", 0x08),
    ("ECREC", 0x01),
    ("ID", 0x04),
    ("KZG_POINT_EVALUATION", 0x0a),
    ("MODEXP", 0x05),
    ("P256VERIFY", 0x100),
    ("RIPEMD160", 0x03),
    ("SHA256", 0x02),
];

/// One fork from genesis on, and none planned.
fn config(app: &App, params: Params<'_>, _: &CallContext) -> Result<Configs, RpcError> {
    params.none()?;
    let genesis = app.block(super::input::BlockId::Number(0))?;
    let address = |last: u16| {
        let mut bytes = [0; 20];
        bytes[18..].copy_from_slice(&last.to_be_bytes());
        Address::from(bytes)
    };
    let current = Config {
        activation_time: 0,
        blob_schedule: BlobSchedule {
            target: BLOBS.target_blob_count,
            max: BLOBS.max_blob_count,
            base_fee_update_fraction: BLOBS.update_fraction,
        },
        chain_id: Quantity(app.chain.spec().chain_id),
        fork_id: crc32(genesis.hash.as_slice()).to_be_bytes().into(),
        precompiles: PRECOMPILES.iter().map(|(name, last)| (*name, address(*last))).collect(),
        // the beacon chain's contracts have no place on a chain without one
        system_contracts: vec![("HISTORY_STORAGE_ADDRESS", HISTORY_STORAGE_ADDRESS)],
    };
    Ok(Configs { current, next: None, last: None })
}

/// CRC-32 (IEEE 802.3), of which EIP-2124 makes the fork id.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 * (crc & 1)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_primitives::b256;

    #[test]
    fn fork_id_of_mainnet_at_genesis_is_that_of_eip_2124() {
        let genesis = b256!("d4e56740f876aef8c010b86a40d5f56745a118d0906a34e69aec8c0db1cb8fa3");
        assert_eq!(crc32(genesis.as_slice()), 0xfc64_ec04);
    }
}
