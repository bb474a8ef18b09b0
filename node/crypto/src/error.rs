//! What can be wrong with a message, and with a key.

use qsdm_primitives::{Algorithm, Epoch, EvidenceError, Round, ValidatorIndex};

/// Why a message is not what its signer sent, or could not have been sent by a correct one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AuthenticationError {
    /// Of another chain.
    #[error("the message is of chain {found}, this is chain {expected}")]
    WrongChain {
        /// Chain id in the message.
        found: u64,
        /// Chain id here.
        expected: u64,
    },
    /// Of another epoch than the set it is checked against.
    #[error("the message is of epoch {found}, the validators of epoch {expected} are known")]
    WrongEpoch {
        /// Epoch in the message.
        found: Epoch,
        /// Epoch of the set.
        expected: Epoch,
    },
    /// No validator has this index.
    #[error("validator {found} is not among the {count} of the epoch")]
    NoSuchValidator {
        /// Index in the message.
        found: ValidatorIndex,
        /// Validators of the epoch.
        count: usize,
    },
    /// Fewer voters than decide.
    #[error("the certificate has weight {found}, a quorum is {quorum}")]
    TooLittleWeight {
        /// Weight of the signers.
        found: u64,
        /// Least weight.
        quorum: u64,
    },
    /// Signers and signatures don't pair up.
    #[error("the certificate has {signatures} signatures of {signers} signers")]
    SignatureCount {
        /// Signatures.
        signatures: usize,
        /// Signers.
        signers: usize,
    },
    /// Round 0 is the start of an epoch, which nobody votes for.
    #[error("round 0 is the start of an epoch: nothing is signed there")]
    RoundZero,
    /// A block or timeout refers to a round that is not before its own.
    #[error("a message of round {round} refers to round {found} as an earlier one")]
    NotBefore {
        /// Round of the message.
        round: Round,
        /// Round it refers to.
        found: Round,
    },
    /// A block carries a timeout certificate of another round than the one before its own.
    #[error("a block of round {round} carries a timeout certificate of round {found}")]
    TimeoutRound {
        /// Round of the block.
        round: Round,
        /// Round of the certificate.
        found: Round,
    },
    /// The certificate that a timeout certificate names is not the newest among its entries.
    #[error("a timeout certificate names a certificate of round {named}, its entries' newest is of round {newest}")]
    NotNewest {
        /// Round of the certificate it names.
        named: Round,
        /// Newest round among its entries.
        newest: Round,
    },
    /// A block without a timeout certificate skips rounds.
    #[error("a block of round {round} extends round {found} and carries no timeout certificate for the rounds between")]
    RoundsSkipped {
        /// Round of the block.
        round: Round,
        /// Round of the certificate it extends.
        found: Round,
    },
    /// The start of an epoch is certified by the epoch before, not by votes.
    #[error("a reference to the start of an epoch lists {found} signers, none can be")]
    SignersOfStart {
        /// Signers it lists.
        found: usize,
    },
    /// The entries of a timeout certificate have one order, so that none counts twice.
    #[error("entry {index} of a timeout certificate is of validator {found}, not above validator {before}")]
    EntriesNotAscending {
        /// Place of the entry.
        index: usize,
        /// Its voter.
        found: ValidatorIndex,
        /// The voter before.
        before: ValidatorIndex,
    },
    /// The block that a timeout certificate names is in none of its newest entries.
    #[error(
        "a timeout certificate names a block of round {round} that none of its {entries} entries of that round names"
    )]
    NotNamed {
        /// Round of the certificate it names.
        round: Round,
        /// Entries of that round.
        entries: usize,
    },
    /// A body that is not the one in the signed header.
    #[error("the {what} has another hash than its header says")]
    WrongBody {
        /// Cell or block.
        what: &'static str,
    },
    /// A cell with another number of transactions than its header says.
    #[error("the cell has {found} transactions, its header says {expected}")]
    TransactionCount {
        /// Transactions in the body.
        found: usize,
        /// Transactions in the header.
        expected: u32,
    },
    /// The block extends another block than the one its certificate is for.
    #[error("the block's parent is not the block that its certificate is for")]
    ParentNotCertified,
    /// Evidence that proves nothing.
    #[error("the evidence proves nothing: {0}")]
    Evidence(#[from] EvidenceError),
    /// A signature that its key did not make.
    #[error("signature {index} of {count} is wrong")]
    WrongSignature {
        /// Place of the first wrong signature.
        index: usize,
        /// Signatures checked.
        count: usize,
    },
}

/// Why a key can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CryptoError {
    /// The library refused to sign.
    #[error("the key could not sign")]
    Signing,
    /// The library made no key of the seed.
    #[error("no {algorithm} key could be made of the seed")]
    KeyGeneration {
        /// The parameter set.
        algorithm: Algorithm,
    },
    /// The operating system gave no random bytes.
    #[error("the operating system gave no random bytes")]
    Randomness,
}
