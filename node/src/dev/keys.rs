//! The keys of the development accounts.

use crate::cli::Usage;
use alloy_primitives::{Address, B256, Signature};
use alloy_signer::SignerSync;
use alloy_signer_local::{MnemonicBuilder, PrivateKeySigner};
use eyre::Result;
use qsdm_primitives::limits::DEV_ACCOUNTS_MAX;
use std::collections::HashMap;

/// The mnemonic that every development tool knows. Its keys are public: never send value to them on a real chain.
pub(crate) const TEST_MNEMONIC: &str = "test test test test test test test test test test test junk";

/// Keys by account, in order of derivation (m/44'/60'/0'/0/i).
#[derive(Debug)]
pub(crate) struct Keyring {
    addresses: Vec<Address>,
    signers: HashMap<Address, PrivateKeySigner>,
}

impl Keyring {
    /// The first `count` accounts of a BIP-39 mnemonic.
    pub(crate) fn derive(mnemonic: &str, count: u32) -> Result<Self> {
        if !(1..=DEV_ACCOUNTS_MAX).contains(&count) {
            return Err(Usage(format!("--accounts {count} is outside 1..={DEV_ACCOUNTS_MAX}")).into());
        }
        // what is wrong with the phrase would be said by showing a part of it
        let parent = MnemonicBuilder::from_phrase(mnemonic).build_parent_key().map_err(|_| {
            Usage(
                "--mnemonic is not a BIP-39 phrase in English: 12, 15, 18, 21 or 24 words with their checksum"
                    .to_owned(),
            )
        })?;
        let signers: Vec<PrivateKeySigner> =
            (0..count).map(|index| Ok(parent.child(index)?.signer())).collect::<Result<_>>()?;
        let addresses = signers.iter().map(PrivateKeySigner::address).collect();
        let signers = signers.into_iter().map(|signer| (signer.address(), signer)).collect();
        Ok(Self { addresses, signers })
    }

    /// Accounts in order of derivation.
    pub(crate) fn addresses(&self) -> &[Address] {
        &self.addresses
    }

    /// Signs a digest, if the key is here.
    pub(crate) fn sign(&self, address: &Address, digest: &B256) -> Option<Signature> {
        self.signers.get(address)?.sign_hash_sync(digest).ok()
    }

    /// The private key, for the start-up banner of a development chain.
    pub(crate) fn private_key(&self, address: &Address) -> Option<B256> {
        self.signers.get(address).map(PrivateKeySigner::to_bytes)
    }
}
