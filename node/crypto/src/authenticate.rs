//! Which messages a validator of the epoch could have sent: one rule a variant of [`AuthenticationError`].
//!
//! Rules are checked before signatures, cheapest first, so that nonsense costs its receiver no verification. What needs
//! more than the message, the chain and the set is decided elsewhere: whether links and cuts are valid in `qsdm-mesh`,
//! whether a block may be voted for (its parent known, its certificate not older than the one of its timeout
//! certificate) in `qsdm-consensus`.

mod block;
mod certificate;
mod evidence;
mod timeout;

#[cfg(test)]
mod fixtures;
#[cfg(test)]
mod tests;

use crate::{
    error::AuthenticationError,
    traits::Claim,
    verified::{Authenticate, Context},
};
use qsdm_primitives::{Cell, Epoch, QcRef, Round, Signature, SignedCellHeader, Signers, Statement, ValidatorIndex};

impl Authenticate for SignedCellHeader {
    /// The chain, the epoch and the author (rule V1), and the author's signature of the header (rule V2).
    fn claims<'a>(&'a self, context: &Context<'a>, claims: &mut Vec<Claim<'a>>) -> Result<(), AuthenticationError> {
        let header = &self.header;
        context.same_chain(header.chain_id)?;
        context.same_epoch(header.epoch)?;
        claims.push(context.claim(header.lane.author, header, &self.signature)?);
        Ok(())
    }
}

impl Authenticate for Cell {
    /// As its header; and the body is the one that the header commits to, also where the cell was not decoded as a whole.
    fn claims<'a>(&'a self, context: &Context<'a>, claims: &mut Vec<Claim<'a>>) -> Result<(), AuthenticationError> {
        let (found, expected) = (self.body.transactions.len(), self.header().transactions);
        if u32::try_from(found) != Ok(expected) {
            return Err(AuthenticationError::TransactionCount { found, expected });
        }
        self.signed.claims(context, claims)?;
        if self.body.hash() != self.header().body {
            return Err(AuthenticationError::WrongBody { what: "body of the cell" });
        }
        Ok(())
    }
}

impl<'a> Context<'a> {
    /// What `signer` is said to have signed, to be verified with the key in the set.
    fn claim(
        &self,
        signer: ValidatorIndex,
        statement: &impl Statement,
        signature: &'a Signature,
    ) -> Result<Claim<'a>, AuthenticationError> {
        let unknown = AuthenticationError::NoSuchValidator { found: signer, count: self.set.len() };
        let key = &self.set.get(signer).ok_or(unknown)?.key;
        Ok(Claim { key, message: statement.message(self.chain_id), signature })
    }

    fn same_chain(&self, found: u64) -> Result<(), AuthenticationError> {
        let expected = self.chain_id;
        if found == expected { Ok(()) } else { Err(AuthenticationError::WrongChain { found, expected }) }
    }

    fn same_epoch(&self, found: Epoch) -> Result<(), AuthenticationError> {
        let expected = self.set.epoch();
        if found == expected { Ok(()) } else { Err(AuthenticationError::WrongEpoch { found, expected }) }
    }

    /// All of them are in the set and together they decide.
    fn quorum(&self, signers: Signers) -> Result<(), AuthenticationError> {
        if let Some(found) = signers.without(self.set.everyone()).iter().next() {
            return Err(AuthenticationError::NoSuchValidator { found, count: self.set.len() });
        }
        let (found, quorum) = (self.set.weight_of(signers), self.set.quorum());
        if found >= quorum { Ok(()) } else { Err(AuthenticationError::TooLittleWeight { found, quorum }) }
    }

    /// A certificate by reference, as a message of round `round` may name it: of this epoch and an earlier round, with
    /// signers that decide, or the start of the epoch without any.
    fn reference(&self, reference: &QcRef, round: Round) -> Result<(), AuthenticationError> {
        self.same_epoch(reference.statement.epoch)?;
        before(reference.round(), round)?;
        if !reference.is_start() {
            return self.quorum(reference.signers);
        }
        match reference.signers.count() {
            0 => Ok(()),
            found => Err(AuthenticationError::SignersOfStart { found }),
        }
    }

    /// One claim for each signer and signature: the same statement, signed by each.
    fn claims_of_signers(
        &self,
        statement: &impl Statement,
        signers: Signers,
        signatures: &'a [Signature],
        claims: &mut Vec<Claim<'a>>,
    ) -> Result<(), AuthenticationError> {
        if signatures.len() != signers.count() {
            return Err(AuthenticationError::SignatureCount { signatures: signatures.len(), signers: signers.count() });
        }
        self.quorum(signers)?;
        for (signer, signature) in signers.iter().zip(signatures) {
            claims.push(self.claim(signer, statement, signature)?);
        }
        Ok(())
    }
}

/// Round 0 is where an epoch starts: nothing is signed there.
fn not_the_start(round: Round) -> Result<(), AuthenticationError> {
    if round == Round(0) { Err(AuthenticationError::RoundZero) } else { Ok(()) }
}

fn before(found: Round, round: Round) -> Result<(), AuthenticationError> {
    if found < round { Ok(()) } else { Err(AuthenticationError::NotBefore { round, found }) }
}
