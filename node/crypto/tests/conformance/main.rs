//! ML-DSA against published vectors, and AWS-LC against an implementation that shares no line with it.
//!
//! The vectors lie outside the repository: at `QSDM_VECTORS`, else at `../shared/vectors` seen from the repository's root.
//! Where they are absent, the tests that need them say so and pass.
#![allow(clippy::unwrap_used, reason = "a vector that reads otherwise is a failed test")]

mod acvp;
mod agreement;
mod batch;
mod key_encoding;
mod reference;
mod vectors;
#[cfg(all(feature = "pqcrypto-witness", target_arch = "x86_64"))]
mod witness;
mod wycheproof;
