//! Who may depend on whom: the picture in `docs/architecture.md` as tables.

use serde_json::Value;

/// The crates that each crate of the workspace may depend on. The shells never import each other; only the node wires them.
const ALLOWED: &[(&str, &[&str])] = &[
    ("qsdm-primitives", &[]),
    ("qsdm-crypto", &["qsdm-primitives"]),
    ("qsdm-mesh", &["qsdm-crypto", "qsdm-primitives"]),
    ("qsdm-consensus", &["qsdm-mesh", "qsdm-crypto", "qsdm-primitives"]),
    ("qsdm-network", &["qsdm-consensus", "qsdm-mesh", "qsdm-crypto", "qsdm-primitives"]),
    ("qsdm-contracts", &["qsdm-primitives"]),
    ("qsdm-vm", &["qsdm-primitives"]),
    ("qsdm-pool", &["qsdm-vm", "qsdm-primitives"]),
    ("qsdm-rpc", &["qsdm-pool", "qsdm-vm", "qsdm-primitives"]),
    ("qsdm-storage", &["qsdm-vm", "qsdm-consensus", "qsdm-mesh", "qsdm-crypto", "qsdm-primitives"]),
    ("qsdm-governance", &["qsdm-contracts", "qsdm-primitives"]),
    ("qsdm-node", EVERYTHING),
    ("qsdm-tests", EVERYTHING),
];

const EVERYTHING: &[&str] = &[
    "qsdm-primitives",
    "qsdm-crypto",
    "qsdm-mesh",
    "qsdm-consensus",
    "qsdm-network",
    "qsdm-contracts",
    "qsdm-vm",
    "qsdm-pool",
    "qsdm-rpc",
    "qsdm-storage",
    "qsdm-governance",
];

/// Heavy dependencies and the only crates that may name them.
const OWNERS: &[(&str, &[&str])] = &[
    ("revm", &["qsdm-vm"]),
    ("alloy-evm", &["qsdm-vm"]),
    ("revm-inspectors", &["qsdm-vm"]),
    ("rusqlite", &["qsdm-storage"]),
    ("zstd", &["qsdm-primitives", "qsdm-storage", "qsdm-tests"]),
    ("aws-lc-rs", &["qsdm-crypto"]),
    ("ml-dsa", &["qsdm-crypto"]),
    ("rayon", &["qsdm-crypto"]),
    ("argon2", &["qsdm-crypto"]),
    ("stateright", &["qsdm-tests"]),
    ("libp2p", &["qsdm-network"]),
    ("libp2p-tls", &["qsdm-network", "qsdm-tests"]),
    ("quinn", &["qsdm-network", "qsdm-tests"]),
    ("rustls", &["qsdm-network", "qsdm-tests"]),
    ("hyper", &["qsdm-rpc"]),
    ("hyper-util", &["qsdm-rpc"]),
    ("tokio-tungstenite", &["qsdm-rpc"]),
    ("clap", &["qsdm-node"]),
    ("clap_complete", &["qsdm-node"]),
    ("eyre", &["qsdm-node"]),
    ("tracing-subscriber", &["qsdm-node"]),
];

/// Judges every dependency of every crate in what `cargo metadata` says.
pub fn violations(metadata: &Value) -> Vec<String> {
    packages(metadata).flat_map(of_package).collect()
}

/// The crates of the workspace as `cargo metadata` describes them.
pub fn packages(metadata: &Value) -> impl Iterator<Item = &Value> {
    metadata["packages"].as_array().into_iter().flatten()
}

fn of_package(package: &Value) -> Vec<String> {
    let name = package["name"].as_str().unwrap_or_default();
    let Some((_, allowed)) = ALLOWED.iter().find(|(of, _)| *of == name) else {
        return vec![format!(
            "{name} is not in the table of crates: add it to tests/src/tidy/edges.rs with what it may import"
        )];
    };
    let mut found = Vec::new();
    for dependency in package["dependencies"].as_array().into_iter().flatten() {
        let other = dependency["name"].as_str().unwrap_or_default();
        if other.starts_with("qsdm-") && !allowed.contains(&other) {
            found.push(format!("{name} depends on {other}, an edge that the architecture does not have"));
        }
        if let Some((_, owners)) = OWNERS.iter().find(|(heavy, _)| *heavy == other)
            && !owners.contains(&name)
        {
            found.push(format!("{name} depends on {other}, which only {} may", owners.join(", ")));
        }
        if dependency["features"].as_array().is_some_and(|features| features.iter().any(|feature| feature == "full")) {
            found.push(format!("{name} takes all of {other} with the feature `full`: name the features it needs"));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn package(name: &str, dependencies: &[&str]) -> Value {
        let dependencies: Vec<Value> =
            dependencies.iter().map(|name| json!({ "name": name, "kind": null, "features": [] })).collect();
        json!({ "packages": [{ "name": name, "dependencies": dependencies }] })
    }

    #[test]
    fn a_shell_that_imports_a_shell_is_found() {
        let found = violations(&package("qsdm-rpc", &["qsdm-vm", "qsdm-storage"]));
        assert_eq!(found, ["qsdm-rpc depends on qsdm-storage, an edge that the architecture does not have"]);
    }

    #[test]
    fn a_heavy_dependency_outside_its_crate_is_found() {
        let found = violations(&package("qsdm-governance", &["revm"]));
        assert_eq!(found, ["qsdm-governance depends on revm, which only qsdm-vm may"]);
    }

    #[test]
    fn an_unknown_crate_is_found() {
        assert_eq!(violations(&package("qsdm-surprise", &[])).len(), 1);
    }

    #[test]
    fn a_full_feature_is_found() {
        let metadata =
            json!({ "packages": [{ "name": "qsdm-vm", "dependencies": [{ "name": "tokio", "features": ["full"] }] }] });
        assert_eq!(violations(&metadata).len(), 1);
    }

    #[test]
    fn the_edges_of_the_picture_pass() {
        assert!(violations(&package("qsdm-pool", &["qsdm-vm", "qsdm-primitives", "serde"])).is_empty());
        assert!(violations(&package("qsdm-storage", &["rusqlite", "zstd"])).is_empty());
    }

    #[test]
    fn the_table_itself_has_no_cycle() {
        let reachable = |from: &str| -> Vec<&str> {
            let mut seen = vec![];
            let mut open = vec![from];
            while let Some(next) = open.pop() {
                for (_, allowed) in ALLOWED.iter().filter(|(of, _)| *of == next) {
                    open.extend(allowed.iter().filter(|to| !seen.contains(*to)));
                    seen.extend(allowed.iter());
                }
            }
            seen
        };
        for (name, _) in ALLOWED {
            assert!(!reachable(name).contains(name), "{name} reaches itself");
        }
    }
}
