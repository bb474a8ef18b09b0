//! The specification of a chain that members and validators begin.

use alloy_primitives::{Address, Bytes, U256, address, bytes};
use eyre::Result;
use qsdm_consensus::Parameters;
use qsdm_contracts::{GenesisConfig, GenesisValidator, epoch_seconds, genesis_plan};
use qsdm_primitives::{ChainSpec, GenesisAccount};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::cli::Usage;

/// Reputation of each member of a development or test chain: 1,000 units of 18 decimals.
const REPUTATION: u64 = 1_000;
/// How many of the accounts hold reputation. Validators hold as much, else some would weigh more than others.
const MEMBERS: usize = 10;
/// Genesis lies this long before the start, so that reputation of genesis counts in block 1.
const AGE_S: u64 = 10;

/// What a development or test chain is made of.
#[derive(Clone, Debug)]
pub(crate) struct Founding<'a> {
    pub chain_id: u64,
    pub gas_limit: u64,
    pub time_scale: u64,
    /// When it began, in seconds since 1970; now, if it has not.
    pub time_s: Option<u64>,
    /// Accounts that are funded; the first ten hold reputation.
    pub accounts: &'a [Address],
    /// Balance of each, wei.
    pub balance: U256,
    pub validators: Vec<GenesisValidator>,
}

impl Founding<'_> {
    /// The chain's specification.
    pub(crate) fn specification(&self) -> Result<ChainSpec> {
        let now_s = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let mut spec = ChainSpec::dev(self.time_s.unwrap_or(now_s.saturating_sub(AGE_S)));
        spec.chain_id = self.chain_id;
        spec.gas_limit = self.gas_limit;
        spec.time_scale = self.time_scale;
        spec.check().map_err(|error| Usage(error.to_string()))?;
        let reputation = U256::from(REPUTATION) * U256::from(10).pow(U256::from(18));
        let mut members: Vec<Address> = self.accounts.iter().take(MEMBERS).copied().collect();
        for validator in &self.validators {
            if !members.contains(&validator.operator) {
                members.push(validator.operator);
            }
        }
        let members = members.into_iter().map(|address| (address, reputation)).collect();
        let mut config = GenesisConfig::new(self.time_scale, members);
        config.validators.clone_from(&self.validators);
        spec.genesis = genesis_plan(&config)?;
        spec.genesis.accounts.push(create2_deployer());
        spec.genesis.accounts.extend(self.accounts.iter().map(|address| GenesisAccount {
            address: *address,
            balance: self.balance,
            code: Bytes::new(),
            nonce: 0,
        }));
        Ok(spec)
    }
}

/// Times that follow from the specification: epochs are as much shorter as governance is faster.
pub(crate) fn parameters(spec: &ChainSpec) -> Parameters {
    Parameters { epoch_length_ms: epoch_seconds(spec.time_scale) * 1_000, ..Parameters::default() }
}

/// The deterministic deployment proxy, which tools expect on every chain: it creates what it is sent by CREATE2. Its
/// usual deployment transaction is from before EIP-155 and would be refused here.
fn create2_deployer() -> GenesisAccount {
    GenesisAccount {
        address: address!("4e59b44847b379578588920ca78fbf26c0b4956c"),
        balance: U256::ZERO,
        code: bytes!(
            "7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe03601600081602082378035828234f58015156039578182fd5b8082525050506014600cf3"
        ),
        nonce: 1,
    }
}
