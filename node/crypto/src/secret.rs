//! Values that are cleared when they go, and never printed.

use crate::error::CryptoError;
use core::fmt;
use zeroize::{Zeroize, Zeroizing};

/// A secret: it lies on the heap, so that moving it leaves no copy behind, is overwritten with zeros before its memory is
/// freed, and shows nothing in `Debug`. It can't be compared or printed.
pub struct Secret<T: Zeroize>(Box<Zeroizing<T>>);

/// ξ of FIPS 204, algorithm 1: the 32 random bytes from which a key pair is made. Whoever has them has the key.
pub type Seed = Secret<[u8; 32]>;

/// A password as bytes.
pub type Password = Secret<Vec<u8>>;

impl<T: Zeroize> Secret<T> {
    /// Takes a secret. The caller clears what it was made of.
    pub fn new(value: T) -> Self {
        Self(Box::new(Zeroizing::new(value)))
    }

    /// The secret itself. Don't copy it.
    pub fn expose(&self) -> &T {
        &self.0
    }

    pub(crate) fn expose_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

impl Seed {
    /// A new one, from the operating system's randomness.
    ///
    /// # Errors
    /// [`CryptoError::Randomness`] where there is none.
    pub fn generate() -> Result<Self, CryptoError> {
        let mut seed = Self::new([0; 32]);
        random(seed.expose_mut())?;
        Ok(seed)
    }
}

pub(crate) fn random(bytes: &mut [u8]) -> Result<(), CryptoError> {
    aws_lc_rs::rand::fill(bytes).map_err(|_| CryptoError::Randomness)
}

impl<T: Zeroize> fmt::Debug for Secret<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_not_printed() {
        let password = Password::new(b"hunter2".to_vec());
        assert_eq!(format!("{password:?} {:?}", Some(&password)), "Secret(redacted) Some(Secret(redacted))");
    }

    #[test]
    fn generated_seeds_differ() {
        let (one, other) = (Seed::generate().unwrap(), Seed::generate().unwrap());
        assert_ne!(one.expose(), other.expose());
        assert_ne!(one.expose(), &[0; 32]);
    }
}
