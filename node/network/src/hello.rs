//! The greeting: what two nodes tell each other before anything else.

mod codec;

pub(crate) use codec::ControlFrame;

use crate::{config::Chain, error::NetworkError};
use alloy_primitives::B256;
use libp2p::{Multiaddr, PeerId as NodeId};
use qsdm_crypto::{Claim, Signer, Verifier};
use qsdm_primitives::{Domain, Epoch, PublicKey, Signature, codec::encode_byte_string};

/// Version of all that is said after the greeting, and of the greeting itself.
pub(crate) const VERSION: u16 = 1;

/// Proof that a validator runs a node: its signature of the node's identity, for one chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binding {
    /// The validator.
    pub key: PublicKey,
    /// Its signature.
    pub signature: Signature,
}

impl Binding {
    /// Signs that this node is the validator's.
    ///
    /// # Errors
    /// [`NetworkError::Binding`] where the key can't be used.
    pub fn new(signer: &dyn Signer, node: &NodeId, chain: &Chain) -> Result<Self, NetworkError> {
        let signature = signer.sign(&binding_message(node, chain))?;
        Ok(Self { key: signer.public_key().clone(), signature })
    }

    /// Whether the validator signed this node's identity for this chain.
    pub fn proves(&self, verifier: &dyn Verifier, node: &NodeId, chain: &Chain) -> bool {
        let message = binding_message(node, chain);
        verifier.verify(&Claim { key: &self.key, message, signature: &self.signature })
    }
}

/// What a binding signs: BLAKE3(tag ‖ chain id ‖ BLAKE3(identity ‖ genesis)).
fn binding_message(node: &NodeId, chain: &Chain) -> [u8; 32] {
    let mut statement = Vec::new();
    encode_byte_string(&node.to_bytes(), &mut statement);
    statement.extend_from_slice(chain.genesis.as_slice());
    Domain::Peer.message(chain.chain_id, blake3::hash(&statement).as_bytes())
}

/// What a node says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hello {
    /// EIP-155 id of its chain.
    pub chain_id: u64,
    /// Hash of its genesis block.
    pub genesis: B256,
    /// The epoch it is in.
    pub epoch: Epoch,
    /// A number drawn when it started: two processes with one identity have different ones.
    pub instance: u64,
    /// Name and version of its program, for people only.
    pub agent: String,
    /// Where others reach it.
    pub own: Vec<Multiaddr>,
    /// Where some others are reached.
    pub known: Vec<Multiaddr>,
    /// The validator that runs it.
    pub binding: Option<Binding>,
}

impl Hello {
    /// Why a node that says this is no peer.
    pub(crate) fn check(&self, chain: &Chain, node: &NodeId, verifier: &dyn Verifier) -> Result<(), Refusal> {
        if self.chain_id != chain.chain_id {
            return Err(Refusal::Chain { expected: chain.chain_id, found: self.chain_id });
        }
        if self.genesis != chain.genesis {
            return Err(Refusal::Genesis { expected: chain.genesis, found: self.genesis });
        }
        match &self.binding {
            Some(binding) if !binding.proves(verifier, node, chain) => Err(Refusal::Binding),
            _ => Ok(()),
        }
    }
}

/// Why a node ends a connection; the other side is told.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// Another version of the protocol.
    #[error("version {found} of the protocol instead of {expected}")]
    Version {
        /// Of the node that refuses.
        expected: u16,
        /// Of the other one.
        found: u16,
    },
    /// Another chain.
    #[error("chain {found} instead of {expected}")]
    Chain {
        /// Of the node that refuses.
        expected: u64,
        /// Of the other one.
        found: u64,
    },
    /// Another chain with the same number.
    #[error("genesis {found} instead of {expected}")]
    Genesis {
        /// Of the node that refuses.
        expected: B256,
        /// Of the other one.
        found: B256,
    },
    /// The validator's signature doesn't fit the node.
    #[error("the validator's signature is not one of this node's identity on this chain")]
    Binding,
    /// No room.
    #[error("as many peers as are allowed are connected")]
    Full,
    /// There is a connection already.
    #[error("there is another connection between the two nodes")]
    Duplicate,
    /// Another process with this identity has connected.
    #[error("another process with this identity has connected")]
    Replaced,
    /// Another process with this identity is connected, and answers.
    #[error("another process with this identity is connected and answers")]
    InUse,
    /// Too many points.
    #[error("banned for misbehaviour")]
    Banned,
    /// A stream is unusable.
    #[error("misbehaviour on a stream")]
    Misbehaved,
    /// Nothing is taken any more.
    #[error("nothing was read for too long")]
    Stalled,
    /// The operator or the node wants so.
    #[error("disconnected on purpose")]
    Unwanted,
    /// The node stops.
    #[error("the node is shutting down")]
    Stopping,
}

impl Refusal {
    /// Whether somebody has to do something before the next attempt can end otherwise.
    pub fn is_lasting(&self) -> bool {
        matches!(
            self,
            Self::Version { .. }
                | Self::Chain { .. }
                | Self::Genesis { .. }
                | Self::Binding
                | Self::InUse
                | Self::Banned
                | Self::Unwanted
        )
    }
}
