//! The difference between a message and a message that its signer sent, as a type.

use crate::{
    error::AuthenticationError,
    traits::{BatchVerifier, Claim},
};
use core::ops::Deref;
use qsdm_primitives::ValidatorSet;

/// A value whose structure and signatures were checked. Only [`Context`] makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified<T>(T);

impl<T> Verified<T> {
    /// The value, of which nothing is known any more.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> Deref for Verified<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

/// What a value can be checked against.
pub trait Authenticate {
    /// Checks everything but the signatures, and appends those to `claims`.
    ///
    /// # Errors
    /// [`AuthenticationError`] that says which rule the value breaks, with the numbers.
    fn claims<'a>(&'a self, context: &Context<'a>, claims: &mut Vec<Claim<'a>>) -> Result<(), AuthenticationError>;
}

/// The chain, the validators and the verifier against which values are checked.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// EIP-155 id of the chain.
    pub chain_id: u64,
    /// The validators of the epoch that the values belong to.
    pub set: &'a ValidatorSet,
    /// Decides the signatures.
    pub verifier: &'a dyn BatchVerifier,
}

impl Context<'_> {
    /// Checks one value.
    ///
    /// # Errors
    /// [`AuthenticationError`] that says which rule the value breaks, or which signature is wrong.
    pub fn verify<T: Authenticate>(&self, value: T) -> Result<Verified<T>, AuthenticationError> {
        let mut claims = Vec::new();
        value.claims(self, &mut claims)?;
        first_wrong(&self.answers(&claims))?;
        Ok(Verified(value))
    }

    /// Checks many values with one batch of signatures; one answer a value, in their order.
    pub fn verify_all<T: Authenticate>(&self, values: Vec<T>) -> Vec<Result<Verified<T>, AuthenticationError>> {
        let mut claims = Vec::new();
        let mut checked = Vec::with_capacity(values.len());
        for value in &values {
            let start = claims.len();
            let structure = value.claims(self, &mut claims);
            if structure.is_err() {
                claims.truncate(start);
            }
            checked.push(structure.map(|()| start..claims.len()));
        }
        let answers = self.answers(&claims);
        let judged: Vec<Result<(), AuthenticationError>> =
            checked.into_iter().map(|structure| first_wrong(answers.get(structure?).unwrap_or_default())).collect();
        drop(claims);
        values.into_iter().zip(judged).map(|(value, judged)| judged.map(|()| Verified(value))).collect()
    }

    /// One answer a claim. A claim that the verifier leaves unanswered is wrong.
    fn answers(&self, claims: &[Claim<'_>]) -> Vec<bool> {
        let mut answers = self.verifier.verify_batch(claims);
        answers.resize(claims.len(), false);
        answers
    }
}

fn first_wrong(answers: &[bool]) -> Result<(), AuthenticationError> {
    match answers.iter().position(|right| !right) {
        None => Ok(()),
        Some(index) => Err(AuthenticationError::WrongSignature { index, count: answers.len() }),
    }
}
