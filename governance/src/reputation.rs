//! Reputation of an account, explained.

use crate::{Error, Ledger};
use alloy_primitives::{Address, U256};
use alloy_sol_types::SolCall;
use qsdm_contracts::{addresses::REPUTATION, bindings::Reputation};
use serde::Serialize;

/// Reputation of an account in units of 10^-18.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReputationView {
    /// The account.
    pub account: Address,
    /// Its own reputation now.
    pub reputation: U256,
    /// Votes it can cast: its own and those delegated to it.
    pub votes: U256,
    /// Whom it delegates to; itself unless it chose another.
    pub delegate: Address,
    /// Reputation of everyone.
    pub total: U256,
    /// What is stored: it never decays, its value does.
    pub raw: U256,
    /// Seconds in which reputation halves.
    pub half_life_s: u64,
    /// Reputation one half-life from now, if nothing is earned.
    pub after_half_life: U256,
    /// Present time that the figures are for.
    pub at: u64,
}

/// Reads the reputation of an account.
pub fn read_reputation<L: Ledger>(ledger: &L, account: Address) -> Result<ReputationView, Error> {
    fn view<L: Ledger, C: SolCall>(ledger: &L, what: &'static str, call: &C) -> Result<C::Return, Error> {
        let output = ledger.call(REPUTATION, call.abi_encode().into())?;
        C::abi_decode_returns(&output).map_err(|error| Error::Answer { what, reason: error.to_string() })
    }
    let raw = view(ledger, "rawOf", &Reputation::rawOfCall { account })?;
    let half_life_s = view(ledger, "HALF_LIFE", &Reputation::HALF_LIFECall {})?.to::<u64>();
    let at = ledger.present_s()?;
    let later = U256::from(at.saturating_add(half_life_s));
    Ok(ReputationView {
        account,
        reputation: view(ledger, "reputationOf", &Reputation::reputationOfCall { account })?,
        votes: view(ledger, "getVotes", &Reputation::getVotesCall { account })?,
        delegate: view(ledger, "delegates", &Reputation::delegatesCall { account })?,
        total: view(ledger, "totalSupply", &Reputation::totalSupplyCall {})?,
        after_half_life: view(ledger, "fromRaw", &Reputation::fromRawCall { raw, timepoint: later })?,
        raw,
        half_life_s,
        at,
    })
}
