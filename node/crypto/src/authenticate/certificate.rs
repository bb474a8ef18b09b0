//! Votes, and the certificates that a quorum of them makes.

use super::not_the_start;
use crate::{
    error::AuthenticationError,
    traits::Claim,
    verified::{Authenticate, Context},
};
use qsdm_primitives::{EpochCertificate, EpochVote, QuorumCertificate, Vote};

impl Authenticate for Vote {
    /// The epoch, a round above 0, the voter, and the voter's signature of the statement.
    fn claims<'a>(&'a self, context: &Context<'a>, claims: &mut Vec<Claim<'a>>) -> Result<(), AuthenticationError> {
        context.same_epoch(self.statement.epoch)?;
        not_the_start(self.statement.round)?;
        claims.push(context.claim(self.voter, &self.statement, &self.signature)?);
        Ok(())
    }
}

impl Authenticate for QuorumCertificate {
    /// The epoch, a round above 0 (the start of an epoch is never sent), signers that decide, and the signature of each.
    fn claims<'a>(&'a self, context: &Context<'a>, claims: &mut Vec<Claim<'a>>) -> Result<(), AuthenticationError> {
        let reference = &self.reference;
        context.same_epoch(reference.statement.epoch)?;
        not_the_start(reference.round())?;
        context.claims_of_signers(&reference.statement, reference.signers, &self.signatures, claims)
    }
}

impl Authenticate for EpochVote {
    /// The epoch, the voter, and the voter's signature of the claim.
    fn claims<'a>(&'a self, context: &Context<'a>, claims: &mut Vec<Claim<'a>>) -> Result<(), AuthenticationError> {
        context.same_epoch(self.claim.epoch)?;
        claims.push(context.claim(self.voter, &self.claim, &self.signature)?);
        Ok(())
    }
}

impl Authenticate for EpochCertificate {
    /// The epoch, signers that decide, and the signature of each.
    fn claims<'a>(&'a self, context: &Context<'a>, claims: &mut Vec<Claim<'a>>) -> Result<(), AuthenticationError> {
        context.same_epoch(self.claim.epoch)?;
        context.claims_of_signers(&self.claim, self.signers, &self.signatures, claims)
    }
}
