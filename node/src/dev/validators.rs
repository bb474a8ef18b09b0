//! A committee in one process: each validator with its own folder, store, pool and keys, as on machines of their own.

use super::keys::Keyring;
use crate::committee::{
    start::{Ears, Validator, ValidatorConfig, start},
    switch::{Inbox, Switch},
};
use eyre::{Result, WrapErr, bail};
use qsdm_consensus::Parameters;
use qsdm_crypto::{LocalSigner, Seed, Signer};
use qsdm_pool::PoolConfig;
use qsdm_primitives::{Algorithm, ChainSpec, Epoch, Validator as Member, ValidatorSet, limits::ARRIVALS_WAITING_MAX};
use qsdm_storage::Store;
use std::{path::Path, sync::Arc};
use tokio::sync::mpsc;

/// The keys of validators whose keys everybody may know: development only.
pub(crate) fn signers(count: usize) -> Result<Vec<Arc<LocalSigner>>> {
    let signer = |number: usize| {
        let mut seed = [0; 32];
        seed[..8].copy_from_slice(&(number as u64).to_le_bytes());
        LocalSigner::from_seed(Algorithm::MlDsa65, &Seed::new(seed)).map(Arc::new)
    };
    (0..count).map(|number| signer(number).wrap_err("no key for a validator")).collect()
}

/// The committee of these keys; the accounts collect the fees.
pub(crate) fn first_set(signers: &[Arc<LocalSigner>], accounts: &[alloy_primitives::Address]) -> Result<ValidatorSet> {
    let member = |(number, signer): (usize, &Arc<LocalSigner>)| Member {
        account: accounts.get(number % accounts.len().max(1)).copied().unwrap_or_default(),
        key: signer.public_key().clone(),
        bonded: 1,
    };
    Ok(ValidatorSet::new(Epoch(0), signers.iter().enumerate().map(member).collect())?)
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

/// Epochs are as much shorter as governance is faster.
fn parameters(spec: &ChainSpec) -> Parameters {
    let parameters = Parameters::default();
    Parameters { epoch_length_ms: (parameters.epoch_length_ms / spec.time_scale).max(1), ..parameters }
}

/// Starts validators of one chain in the folders `0`, `1`, … of `folder`.
pub(crate) fn start_all(
    folder: &Path,
    spec: &ChainSpec,
    set: &ValidatorSet,
    signers: &[Arc<LocalSigner>],
    pool: &PoolConfig,
    keys: &Arc<Keyring>,
) -> Result<Vec<Validator>> {
    let switch = Arc::new(Switch::default());
    let mut ears = Vec::new();
    for signer in signers {
        let (votes, votes_from) = mpsc::channel(ARRIVALS_WAITING_MAX);
        let (bulk, bulk_from) = mpsc::channel(ARRIVALS_WAITING_MAX);
        let port = switch.connect(signer.public_key().clone(), Inbox { votes, bulk });
        ears.push((port, Ears { votes: votes_from, bulk: bulk_from }));
    }
    let mut validators = Vec::new();
    for (number, (signer, (port, ears))) in signers.iter().zip(ears).enumerate() {
        let folder = folder.join(number.to_string());
        let config = ValidatorConfig {
            folder: &folder,
            spec: spec.clone(),
            set: set.clone(),
            signer: Arc::clone(signer),
            parameters: parameters(spec),
            pool: pool.clone(),
            keys: Some(Arc::clone(keys)),
        };
        validators.push(start(&config, ears, Arc::new(port))?);
    }
    Ok(validators)
}
