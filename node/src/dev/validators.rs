//! A committee in one process: each validator with its own folder, store, pool and keys, as on machines of their own.

use super::keys::Keyring;
use crate::committee::{
    start::{Validator, ValidatorConfig, start},
    switch::Switch,
    wire::Inbox,
};
use alloy_primitives::{Address, Bytes};
use eyre::{Result, WrapErr, bail};
use qsdm_contracts::GenesisValidator;
use qsdm_crypto::{LocalSigner, Seed, Signer};
use qsdm_pool::PoolConfig;
use qsdm_primitives::{Algorithm, ChainSpec};
use qsdm_storage::Store;
use std::{path::Path, sync::Arc};

/// The keys of validators whose keys everybody may know: development only.
pub(crate) fn signers(count: usize) -> Result<Vec<Arc<LocalSigner>>> {
    let signer = |number: usize| {
        let mut seed = [0; 32];
        seed[..8].copy_from_slice(&(number as u64).to_le_bytes());
        LocalSigner::from_seed(Algorithm::MlDsa65, &Seed::new(seed)).map(Arc::new)
    };
    (0..count).map(|number| signer(number).wrap_err("no key for a validator")).collect()
}

/// The validators as genesis names them: an account of the mnemonic each. Where they are reached does not matter in one
/// process; their places stand for it.
pub(crate) fn at_genesis(signers: &[Arc<LocalSigner>], mnemonic: &str) -> Result<Vec<GenesisValidator>> {
    let accounts = Keyring::derive(mnemonic, signers.len() as u32)?;
    let one = |(place, (signer, account)): (usize, (&Arc<LocalSigner>, &Address))| GenesisValidator {
        operator: *account,
        key: Bytes::copy_from_slice(signer.public_key().bytes()),
        peer_id: Bytes::copy_from_slice(&(place as u64).to_be_bytes()),
        weight: 1,
    };
    Ok(signers.iter().zip(accounts.addresses()).enumerate().map(one).collect())
}

/// The chain in `folder`, if there is one and as many validators keep it.
pub(crate) fn stored_spec(folder: &Path, validators: usize) -> Result<Option<ChainSpec>> {
    if !folder.is_dir() {
        return Ok(None);
    }
    let mut kept = 0;
    for entry in folder.read_dir()? {
        let name = entry?.file_name();
        match name.to_str().and_then(|name| name.parse::<usize>().ok()) {
            Some(_) => kept += 1,
            None => bail!("the folder holds `{}`, which is not of a committee: name an empty one", name.display()),
        }
    }
    if kept > 0 && kept != validators {
        bail!("{kept} validators keep the chain there, not {validators}: start it with --validators {kept}");
    }
    Ok(Store::stored_spec(&folder.join("0"))?)
}

/// Starts validators of one chain in the folders `0`, `1`, … of `folder`.
pub(crate) fn start_all(
    folder: &Path,
    spec: &ChainSpec,
    signers: &[Arc<LocalSigner>],
    pool: &PoolConfig,
    keys: &Arc<Keyring>,
) -> Result<Vec<Validator>> {
    let switch = Arc::new(Switch::default());
    let mut ears = Vec::new();
    for signer in signers {
        let (inbox, heard) = Inbox::new();
        ears.push((switch.connect(signer.public_key().clone(), inbox), heard));
    }
    let mut validators = Vec::new();
    for (number, (signer, (port, ears))) in signers.iter().zip(ears).enumerate() {
        let folder = folder.join(number.to_string());
        let config = ValidatorConfig {
            folder: &folder,
            spec: spec.clone(),
            signer: Some(Arc::clone(signer) as Arc<dyn Signer>),
            pool: pool.clone(),
            keys: Some(Arc::clone(keys)),
        };
        validators.push(start(&config, ears, Arc::new(port))?);
    }
    Ok(validators)
}
