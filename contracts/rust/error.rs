//! What a genesis configuration may be refused for.

use alloy_primitives::{Address, U256};

/// Why no genesis plan can be made. Each is the fault of the configuration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The time scale is a divisor with a limit.
    #[error("time scale {found} is outside 1..={max}")]
    TimeScale {
        /// The value given.
        found: u64,
        /// Greatest value.
        max: u64,
    },
    /// Without reputation nothing could ever be voted.
    #[error("no member holds reputation at genesis: name at least one")]
    NoMembers,
    /// More members than a genesis may have.
    #[error("{found} members at genesis, at most {max} are possible")]
    TooManyMembers {
        /// Members given.
        found: usize,
        /// Greatest number.
        max: usize,
    },
    /// A member that nobody can be, or with nothing.
    #[error("member {address} holds {amount} at genesis: give a non-zero address a non-zero amount")]
    EmptyMember {
        /// The member's address.
        address: Address,
        /// Its reputation.
        amount: U256,
    },
    /// The same member twice: the amounts could have been meant either way.
    #[error("member {address} is named twice: add the amounts up")]
    RepeatedMember {
        /// The member's address.
        address: Address,
    },
    /// More reputation than the contract's arithmetic is made for.
    #[error("members hold {total} together, at most {max} (in units of 10^-18) is possible")]
    TooMuchReputation {
        /// The sum, saturated.
        total: U256,
        /// 2^96 - 1.
        max: U256,
    },
    /// More validators than ValidatorSet has room for.
    #[error("{found} validators at genesis, at most {max} are possible")]
    TooManyValidators {
        /// Validators given.
        found: usize,
        /// Greatest number.
        max: usize,
    },
    /// A validator the contract would refuse.
    #[error("validator {operator}: {reason}")]
    BadValidator {
        /// Its operator's address.
        operator: Address,
        /// What is wrong and what would be right.
        reason: String,
    },
    /// Settings of submesh 0 that the contract would refuse.
    #[error("root submesh: {reason}")]
    BadRootSubmesh {
        /// What is wrong and what would be right.
        reason: String,
    },
}
