//! A deterministic simulator: whole validators on one thread, with a network, disks and clocks that misbehave as a seed
//! says.
//!
//! A simulated validator is the real consensus core and the real mesh in a small shell; only keys, disks, clocks and wires
//! are simulated. Everything random comes from the seed, so a run can be repeated exactly. [`Oracles`](oracle::Oracles)
//! watch every message and every commit.
//!
//! The first validators of a [`Scenario`] may run twice with one key ("twins", which are honest code), the last ones may be
//! hostile: a [`Behaviour`] says how they break rules. All others are correct, and the oracles are about them.

mod adversary;
pub mod campaign;
mod cells;
mod disk;
mod execution;
mod network;
mod node;
pub mod oracle;
mod payments;
mod random;
mod run;
pub mod scenario;

pub use adversary::Behaviour;
pub use execution::{Receipt, Verdict};
pub use oracle::Violation;
pub use random::Random;
pub use run::{Commit, Latency, Outcome, Simulation};
pub use scenario::Scenario;

/// Simulated time in microseconds.
pub type Micros = u64;
