//! What a core is told when it starts.

use crate::mutant::Mutant;
use qsdm_mesh::CutRules;
use qsdm_primitives::PublicKey;

/// Times and limits that all validators of a chain agree on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameters {
    /// Δ: how long a round lasts at first before it times out, in milliseconds. Each round in a row that fails makes the
    /// next one half as long again, up to eight times this.
    pub round_ms: u64,
    /// How long a leader with nothing to propose waits before it proposes an empty block, in milliseconds.
    pub idle_block_ms: u64,
    /// Time from an epoch's first block to its boundary, in milliseconds.
    pub epoch_length_ms: u64,
}

impl Default for Parameters {
    /// Half a second a round, a heartbeat each five seconds, an hour an epoch.
    fn default() -> Self {
        Self { round_ms: 500, idle_block_ms: 5_000, epoch_length_ms: 3_600_000 }
    }
}

/// What one node's core is told.
#[derive(Clone, Debug)]
pub struct Config {
    /// EIP-155 id of the chain.
    pub chain_id: u64,
    /// The node's own key. A node whose key is in no set observes: it follows and never signs.
    pub key: Option<PublicKey>,
    /// Times and limits.
    pub parameters: Parameters,
    /// Gas and open submeshes of the current epoch.
    pub rules: CutRules,
    /// The rule that this core breaks, for tests.
    #[cfg(feature = "mutants")]
    pub mutant: Option<Mutant>,
}

impl Config {
    /// A node that observes; with a key it decides.
    pub fn new(chain_id: u64, rules: CutRules, parameters: Parameters) -> Self {
        Self {
            chain_id,
            key: None,
            parameters,
            rules,
            #[cfg(feature = "mutants")]
            mutant: None,
        }
    }

    /// Whether a rule is broken on purpose.
    #[cfg(feature = "mutants")]
    pub(crate) fn breaks(&self, mutant: Mutant) -> bool {
        self.mutant == Some(mutant)
    }

    /// No rule is ever broken in a build without the feature `mutants`.
    #[cfg(not(feature = "mutants"))]
    pub(crate) fn breaks(&self, _: Mutant) -> bool {
        false
    }
}
