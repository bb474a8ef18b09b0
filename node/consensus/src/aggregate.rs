//! Votes and timeouts on their way to certificates. Whatever is counted was verified before.

mod epochs;
mod timeouts;
mod votes;

pub(crate) use epochs::EpochVotes;
pub(crate) use timeouts::Timeouts;
pub(crate) use votes::Votes;

#[cfg(test)]
pub(crate) mod fixtures {
    //! Sets and signatures for what is counted here; nothing is verified any more.

    use alloy_primitives::Address;
    use qsdm_primitives::{Algorithm, Epoch, PublicKey, Signature, Validator, ValidatorSet};

    pub(crate) fn set(weights: &[u64]) -> ValidatorSet {
        let member = |(index, bonded): (usize, &u64)| Validator {
            account: Address::ZERO,
            key: PublicKey::new(Algorithm::MlDsa44, vec![index as u8]),
            bonded: *bonded,
        };
        ValidatorSet::new(Epoch(3), weights.iter().enumerate().map(member).collect()).unwrap()
    }

    pub(crate) fn signature(voter: u16, salt: u8) -> Signature {
        Signature::new(Algorithm::MlDsa44, vec![voter as u8, salt])
    }
}
