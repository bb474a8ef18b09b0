//! The genesis contracts by name and address, with what decoders need.

use crate::addresses;
use alloy_json_abi::JsonAbi;
use alloy_primitives::Address;
use std::sync::LazyLock;

/// A contract that exists from genesis.
#[derive(Clone, Copy, Debug)]
pub struct Contract {
    /// Name for people: the track's, where several contracts run the same code.
    pub name: &'static str,
    /// Where it lives.
    pub address: Address,
    artifact: &'static Artifact,
}

impl Contract {
    /// Its interface; parsed on the first call.
    pub fn abi(&self) -> &'static JsonAbi {
        &self.artifact.abi
    }

    /// The committed artefact as JSON text: interface, method identifiers, storage layout, creation bytecode.
    pub fn artifact(&self) -> &'static str {
        self.artifact.json
    }

    /// Name of the Solidity contract it runs.
    pub fn code_name(&self) -> &'static str {
        self.artifact.name
    }
}

/// All genesis contracts, by ascending address.
pub fn contracts() -> &'static [Contract] {
    &CONTRACTS
}

/// The genesis contract at `address`.
pub fn contract_at(address: Address) -> Option<&'static Contract> {
    CONTRACTS.iter().find(|contract| contract.address == address)
}

#[derive(Debug)]
struct Artifact {
    name: &'static str,
    json: &'static str,
    abi: LazyLock<JsonAbi>,
}

/// An artefact that is part of this crate, so that parsing it can't depend on anything outside.
macro_rules! artifact {
    ($constant:ident, $name:literal) => {
        static $constant: Artifact = Artifact {
            name: $name,
            json: include_str!(concat!("../artifacts/", $name, ".json")),
            abi: LazyLock::new(|| {
                parse_abi(include_str!(concat!("../artifacts/", $name, ".json")))
                    .expect("invariant: a committed artefact is checked by this crate's tests")
            }),
        };
    };
}

artifact!(ACCESS_MANAGER, "AccessManager");
artifact!(MESH_GOVERNOR, "MeshGovernor");
artifact!(MESH_TIMELOCK, "MeshTimelock");
artifact!(PQ_KEY_REGISTRY, "PQKeyRegistry");
artifact!(REPUTATION, "Reputation");
artifact!(SUBMESH_REGISTRY, "SubmeshRegistry");
artifact!(SYSTEM_HOOKS, "SystemHooks");
artifact!(VALIDATOR_SET, "ValidatorSet");

static CONTRACTS: [Contract; 10] = [
    Contract { name: "SystemHooks", address: addresses::SYSTEM_HOOKS, artifact: &SYSTEM_HOOKS },
    Contract { name: "AccessManager", address: addresses::ACCESS_MANAGER, artifact: &ACCESS_MANAGER },
    Contract { name: "Reputation", address: addresses::REPUTATION, artifact: &REPUTATION },
    Contract { name: "PQKeyRegistry", address: addresses::PQ_KEY_REGISTRY, artifact: &PQ_KEY_REGISTRY },
    Contract { name: "SubmeshRegistry", address: addresses::SUBMESH_REGISTRY, artifact: &SUBMESH_REGISTRY },
    Contract { name: "ValidatorSet", address: addresses::VALIDATOR_SET, artifact: &VALIDATOR_SET },
    Contract { name: "RootGovernor", address: addresses::ROOT_GOVERNOR, artifact: &MESH_GOVERNOR },
    Contract { name: "SubmeshGovernor", address: addresses::SUBMESH_GOVERNOR, artifact: &MESH_GOVERNOR },
    Contract { name: "RootTimelock", address: addresses::ROOT_TIMELOCK, artifact: &MESH_TIMELOCK },
    Contract { name: "SubmeshTimelock", address: addresses::SUBMESH_TIMELOCK, artifact: &MESH_TIMELOCK },
];

fn parse_abi(json: &str) -> Result<JsonAbi, serde_json::Error> {
    #[derive(serde::Deserialize)]
    struct OnlyAbi {
        abi: JsonAbi,
    }
    serde_json::from_str::<OnlyAbi>(json).map(|artifact| artifact.abi)
}

#[cfg(test)]
mod tests;
