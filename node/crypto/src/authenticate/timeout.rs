//! Timeouts, and the certificates that a quorum of them makes.

use super::{before, not_the_start};
use crate::{
    error::AuthenticationError,
    traits::Claim,
    verified::{Authenticate, Context},
};
use qsdm_primitives::{Timeout, TimeoutCertificate};

impl Authenticate for Timeout {
    /// A round above 0; the certificate it names is of this epoch and an earlier round, its signers decide; the voter, and
    /// the voter's signature. That the votes of those signers exist is proved by whoever holds them, not here.
    fn claims<'a>(&'a self, context: &Context<'a>, claims: &mut Vec<Claim<'a>>) -> Result<(), AuthenticationError> {
        not_the_start(self.round)?;
        context.reference(&self.high_qc, self.round)?;
        claims.push(context.claim(self.voter, &self.statement(), &self.signature)?);
        Ok(())
    }
}

impl Authenticate for TimeoutCertificate {
    /// A round above 0; the certificate it names is a valid reference; the entries' voters are in strictly ascending order
    /// and decide; each entry names an earlier round; the newest of these is the named certificate's, for the same block;
    /// the signature of each entry.
    fn claims<'a>(&'a self, context: &Context<'a>, claims: &mut Vec<Claim<'a>>) -> Result<(), AuthenticationError> {
        not_the_start(self.round)?;
        context.reference(&self.high_qc, self.round)?;
        ascending(self)?;
        for entry in &self.entries {
            before(entry.high_round, self.round)?;
            claims.push(context.claim(entry.voter, &self.statement(entry), &entry.signature)?);
        }
        context.quorum(self.signers())?;
        names_the_newest(self)
    }
}

fn ascending(certificate: &TimeoutCertificate) -> Result<(), AuthenticationError> {
    for (index, pair) in certificate.entries.windows(2).enumerate() {
        let (before, found) = (pair[0].voter, pair[1].voter);
        if before >= found {
            return Err(AuthenticationError::EntriesNotAscending { index: index + 1, found, before });
        }
    }
    Ok(())
}

fn names_the_newest(certificate: &TimeoutCertificate) -> Result<(), AuthenticationError> {
    let named = certificate.high_qc.round();
    let newest = certificate.entries.iter().map(|entry| entry.high_round).max().unwrap_or_default();
    if named != newest {
        return Err(AuthenticationError::NotNewest { named, newest });
    }
    let newest = certificate.entries.iter().filter(|entry| entry.high_round == named);
    if newest.clone().any(|entry| entry.high_block == certificate.high_qc.block()) {
        return Ok(());
    }
    Err(AuthenticationError::NotNamed { round: named, entries: newest.count() })
}
