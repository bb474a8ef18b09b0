//! The acceptance table of consensus, row by row, in the simulator: whole validators, and what each of them must do.
//!
//! The number of the row stands at each test. Every run is watched by the oracles as well; where they object, the end of
//! the run is printed. A run depends on its seed and nothing else; `QSDM_FIRST_SEED` makes all tests take others.

// what a run measured is worth reading where it fails
#![allow(clippy::print_stdout)]

mod cells;
mod clocks;
mod crashes;
mod epochs;
mod execution;
mod lanes;
mod leaders;
mod network;
mod restarts;
mod spends;
mod support;
mod votes;
