//! What libp2p is asked to do on a connection: our streams, gossip, and limits on connections.

mod direct;

pub(crate) use direct::{Direct, Link, OpenRequest};

use crate::{config::Limits, error::NetworkError};
use libp2p::{
    connection_limits::{Behaviour as ConnectionBehaviour, ConnectionLimits},
    gossipsub::{
        Behaviour as Gossip, ConfigBuilder, IdentTopic, IdentityTransform, MessageAuthenticity, MessageId,
        ValidationMode, WhitelistSubscriptionFilter,
    },
    swarm::NetworkBehaviour,
};
use qsdm_primitives::limits::{
    CONNECTIONS_PENDING_MAX, CONNECTIONS_PER_PEER_MAX, GOSSIP_BYTES_MAX, GOSSIP_QUEUE_MESSAGES_MAX,
};

/// All that libp2p does for us beside QUIC.
#[derive(NetworkBehaviour)]
pub(crate) struct Behaviour {
    // limits stand first: what they refuse reaches nobody else
    limits: ConnectionBehaviour,
    pub(crate) direct: Direct,
    pub(crate) gossip: Gossip<IdentityTransform, WhitelistSubscriptionFilter>,
}

impl Behaviour {
    pub(crate) fn new(limits: &Limits, direct: Direct, topic: &IdentTopic) -> Result<Self, NetworkError> {
        let peers = u32::try_from(limits.peers).unwrap_or(u32::MAX);
        let connections = ConnectionLimits::default()
            .with_max_pending_incoming(Some(CONNECTIONS_PENDING_MAX))
            .with_max_pending_outgoing(Some(CONNECTIONS_PENDING_MAX))
            .with_max_established(Some(peers.saturating_mul(CONNECTIONS_PER_PEER_MAX)))
            .with_max_established_incoming(Some(peers))
            .with_max_established_per_peer(Some(CONNECTIONS_PER_PEER_MAX));
        Ok(Self { limits: ConnectionBehaviour::new(connections), direct, gossip: gossip(topic)? })
    }
}

/// Announcements are not signed and have no author: whoever acts on one fetches what is signed. They are told apart by
/// what they say, and passed on when the node has judged them.
fn gossip(topic: &IdentTopic) -> Result<Gossip<IdentityTransform, WhitelistSubscriptionFilter>, NetworkError> {
    let setup = |reason: String| NetworkError::Setup { reason };
    let config = ConfigBuilder::default()
        .validation_mode(ValidationMode::Anonymous)
        .validate_messages()
        .flood_publish(false)
        .max_transmit_size(GOSSIP_BYTES_MAX)
        .connection_handler_queue_len(GOSSIP_QUEUE_MESSAGES_MAX)
        .message_id_fn(|message| MessageId::new(&blake3::hash(&message.data).as_bytes()[..20]))
        .build()
        .map_err(|error| setup(error.to_string()))?;
    let filter = WhitelistSubscriptionFilter([topic.hash()].into());
    let mut gossip = Gossip::new_with_subscription_filter(MessageAuthenticity::Anonymous, config, filter)
        .map_err(|error| setup(error.to_owned()))?;
    gossip.subscribe(topic).map_err(|error| setup(error.to_string()))?;
    Ok(gossip)
}
