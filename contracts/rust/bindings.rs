//! Calls, events and errors of the contracts, generated from the committed artefacts: the one source of truth.

use alloy_sol_types::sol;

/// Makes the bindings of one artefact in a module of its own: structs that two contracts share would collide.
macro_rules! bind {
    ($module:ident, $name:ident, $path:literal, $doc:literal) => {
        #[doc = $doc]
        #[allow(missing_docs, unreachable_pub, clippy::all)]
        pub mod $module {
            super::sol!(
                #[sol(extra_derives(Debug, PartialEq, Eq))]
                $name,
                $path
            );
        }
        pub use $module::$name;
    };
}

bind!(access_manager, AccessManager, "artifacts/AccessManager.json", "OpenZeppelin's AccessManager.");
bind!(mesh_governor, MeshGovernor, "artifacts/MeshGovernor.json", "The governor of a track.");
bind!(mesh_timelock, MeshTimelock, "artifacts/MeshTimelock.json", "The timelock of a track.");
bind!(pq_key_registry, PQKeyRegistry, "artifacts/PQKeyRegistry.json", "ML-DSA keys of accounts.");
bind!(reputation, Reputation, "artifacts/Reputation.json", "Voting reputation.");
bind!(submesh_registry, SubmeshRegistry, "artifacts/SubmeshRegistry.json", "The submeshes.");
bind!(system_hooks, SystemHooks, "artifacts/SystemHooks.json", "Entry of consensus.");
bind!(validator_set, ValidatorSet, "artifacts/ValidatorSet.json", "The validators.");
