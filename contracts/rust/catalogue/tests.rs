use super::*;
use crate::bindings::{
    AccessManager, MeshGovernor, MeshTimelock, PQKeyRegistry, Reputation, SubmeshRegistry, SystemHooks, ValidatorSet,
};
use alloy_primitives::{Bytes, hex, keccak256};
use alloy_sol_types::SolInterface;
use std::collections::{BTreeMap, BTreeSet};

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Parsed {
    contract_name: String,
    method_identifiers: BTreeMap<String, String>,
    bytecode: Bytes,
}

fn artifacts() -> BTreeMap<&'static str, Parsed> {
    contracts().iter().map(|c| (c.code_name(), serde_json::from_str(c.artifact()).unwrap())).collect()
}

fn selectors<I: SolInterface>() -> BTreeSet<[u8; 4]> {
    I::selectors().collect()
}

#[test]
fn selectors_of_the_bindings_equal_the_compilers() {
    use crate::bindings::{
        access_manager, mesh_governor, mesh_timelock, pq_key_registry, reputation, submesh_registry, system_hooks,
        validator_set,
    };
    let bound = BTreeMap::from([
        ("AccessManager", selectors::<access_manager::AccessManager::AccessManagerCalls>()),
        ("MeshGovernor", selectors::<mesh_governor::MeshGovernor::MeshGovernorCalls>()),
        ("MeshTimelock", selectors::<mesh_timelock::MeshTimelock::MeshTimelockCalls>()),
        ("PQKeyRegistry", selectors::<pq_key_registry::PQKeyRegistry::PQKeyRegistryCalls>()),
        ("Reputation", selectors::<reputation::Reputation::ReputationCalls>()),
        ("SubmeshRegistry", selectors::<submesh_registry::SubmeshRegistry::SubmeshRegistryCalls>()),
        ("SystemHooks", selectors::<system_hooks::SystemHooks::SystemHooksCalls>()),
        ("ValidatorSet", selectors::<validator_set::ValidatorSet::ValidatorSetCalls>()),
    ]);
    for (name, artifact) in artifacts() {
        let identifiers = artifact.method_identifiers.values();
        let compiled: BTreeSet<[u8; 4]> = identifiers.map(|id| hex::decode_to_array(id).unwrap()).collect();
        assert_eq!(bound[name], compiled, "{name}");
    }
}

#[test]
fn the_lock_names_the_bytecode_that_genesis_runs() {
    let bound = BTreeMap::from([
        ("AccessManager", &AccessManager::BYTECODE),
        ("MeshGovernor", &MeshGovernor::BYTECODE),
        ("MeshTimelock", &MeshTimelock::BYTECODE),
        ("PQKeyRegistry", &PQKeyRegistry::BYTECODE),
        ("Reputation", &Reputation::BYTECODE),
        ("SubmeshRegistry", &SubmeshRegistry::BYTECODE),
        ("SystemHooks", &SystemHooks::BYTECODE),
        ("ValidatorSet", &ValidatorSet::BYTECODE),
    ]);
    let lock = include_str!("../../BYTECODE.lock");
    let locked: BTreeMap<&str, &str> = lock
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| {
            let mut words = line.split(' ');
            (words.next().unwrap(), words.next().unwrap())
        })
        .collect();
    let artifacts = artifacts();
    assert_eq!(locked.keys().collect::<Vec<_>>(), artifacts.keys().collect::<Vec<_>>());
    for (name, artifact) in &artifacts {
        assert_eq!(artifact.contract_name, *name);
        assert_eq!(locked[name], keccak256(&artifact.bytecode).to_string(), "{name}");
        assert_eq!(bound[name], &artifact.bytecode, "{name}");
    }
}

#[test]
fn every_interface_parses_and_addresses_ascend() {
    for contract in contracts() {
        assert!(contract.abi().functions().count() > 0, "{}", contract.name);
        assert_eq!(contract_at(contract.address).map(|c| c.name), Some(contract.name));
    }
    assert!(contracts().is_sorted_by_key(|contract| contract.address));
    assert!(contract_at(Address::ZERO).is_none());
}

#[test]
fn reputation_has_no_function_that_moves_it_between_accounts() {
    let abi = artifacts().remove("Reputation").unwrap();
    for forbidden in ["transfer", "transferFrom", "approve", "permit", "safeTransferFrom", "setApprovalForAll"] {
        let found = abi.method_identifiers.keys().any(|method| method.split('(').next() == Some(forbidden));
        assert!(!found, "{forbidden}");
    }
}
