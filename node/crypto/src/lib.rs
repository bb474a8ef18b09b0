#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod authenticate;
mod error;
pub mod keystore;
mod mldsa;
mod secret;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod traits;
mod verified;

pub use error::{AuthenticationError, CryptoError};
pub use mldsa::{LocalSigner, MlDsaVerifier};
pub use secret::{Password, Secret, Seed};
pub use traits::{BatchVerifier, Claim, Signer, Verifier};
pub use verified::{Authenticate, Context, Verified};
