//! Blocks.

use super::not_the_start;
use crate::{
    error::AuthenticationError,
    traits::Claim,
    verified::{Authenticate, Context},
};
use qsdm_primitives::{Block, SignedBlockHeader};

impl Authenticate for SignedBlockHeader {
    /// The chain, the epoch and the proposer; the parent is the block that the certificate is for; the certificate is of
    /// this epoch and an earlier round, its signers decide; the proposer's signature of the header.
    fn claims<'a>(&'a self, context: &Context<'a>, claims: &mut Vec<Claim<'a>>) -> Result<(), AuthenticationError> {
        let header = &self.header;
        context.same_chain(header.chain_id)?;
        context.same_epoch(header.epoch)?;
        not_the_start(header.round)?;
        context.reference(&header.qc, header.round)?;
        if header.parent != header.qc.block() {
            return Err(AuthenticationError::ParentNotCertified);
        }
        claims.push(context.claim(header.proposer, header, &self.signature)?);
        Ok(())
    }
}

impl Authenticate for Block {
    /// As its header. Beyond that: the body is the one that the header commits to; the block's round comes directly after
    /// the round of its certificate, or of its timeout certificate; that one and the evidence are right themselves.
    fn claims<'a>(&'a self, context: &Context<'a>, claims: &mut Vec<Claim<'a>>) -> Result<(), AuthenticationError> {
        self.signed.claims(context, claims)?;
        let header = self.header();
        if self.body.hash() != header.body {
            return Err(AuthenticationError::WrongBody { what: "body of the block" });
        }
        match &self.body.timeout {
            Some(timeout) if header.round.follows(timeout.round) => timeout.claims(context, claims)?,
            Some(timeout) => {
                return Err(AuthenticationError::TimeoutRound { round: header.round, found: timeout.round });
            }
            None if header.round.follows(header.qc.round()) => {}
            None => {
                return Err(AuthenticationError::RoundsSkipped { round: header.round, found: header.qc.round() });
            }
        }
        for evidence in &self.body.evidence {
            evidence.claims(context, claims)?;
        }
        Ok(())
    }
}
