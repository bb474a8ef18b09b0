//! Proofs of misbehaviour.

use crate::{
    error::AuthenticationError,
    traits::Claim,
    verified::{Authenticate, Context},
};
use qsdm_primitives::Evidence;

impl Authenticate for Evidence {
    /// The chain where the messages name one, the epoch, the offender; the messages contradict each other
    /// ([`Evidence::check`]); the offender's signature of both. Nothing else about them needs to be right: no correct
    /// validator signs two such messages, whatever else they say.
    fn claims<'a>(&'a self, context: &Context<'a>, claims: &mut Vec<Claim<'a>>) -> Result<(), AuthenticationError> {
        context.same_epoch(self.epoch())?;
        match self {
            Self::LaneFork(cells) => context.same_chain(cells[0].header.chain_id)?,
            Self::DoubleProposal(blocks) => context.same_chain(blocks[0].header.chain_id)?,
            Self::DoubleVote(_) => {}
        }
        self.check()?;
        let offender = self.offender();
        match self {
            Self::LaneFork(cells) => {
                for cell in cells.iter() {
                    claims.push(context.claim(offender, &cell.header, &cell.signature)?);
                }
            }
            Self::DoubleVote(votes) => {
                for vote in votes.iter() {
                    claims.push(context.claim(offender, &vote.statement, &vote.signature)?);
                }
            }
            Self::DoubleProposal(blocks) => {
                for block in blocks.iter() {
                    claims.push(context.claim(offender, &block.header, &block.signature)?);
                }
            }
        }
        Ok(())
    }
}
