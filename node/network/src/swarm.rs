//! The loop around libp2p: connections come and go, gossip is passed on, peers are dialled.

mod dialer;

pub(crate) use dialer::is_dialable;

use crate::{
    behaviour::{Behaviour, BehaviourEvent},
    error::NetworkError,
    inbound::{Bulk, Control, Judgement},
    metrics::add,
    peers::Shared,
    session::{self, Outcome, UNDECODABLE_POINTS},
    wire::Announcement,
};
use dialer::Dialer;
use futures_util::StreamExt;
use libp2p::{
    Multiaddr, PeerId as NodeId, Swarm, Transport,
    core::muxing::StreamMuxerBox,
    gossipsub::{Event as GossipEvent, IdentTopic, Message, MessageAcceptance, MessageId},
    quic,
    swarm::{Config as SwarmConfig, ConnectionId, ListenError, SwarmEvent},
};
use qsdm_primitives::{
    codec::decode,
    limits::{CONNECTION_WINDOW_BYTES, STREAM_WINDOW_BYTES, STREAMS_PER_PEER_MAX},
};
use std::{sync::Arc, time::Duration};
use tokio::{
    runtime::Handle,
    sync::{mpsc, oneshot},
    time::{Instant, MissedTickBehavior, interval},
};

/// How often it is looked whom to dial.
const DIAL_TICK: Duration = Duration::from_millis(50);
/// How long a dial of an address without a name may explain a connection from this node to itself.
const SELF_DIAL: Duration = Duration::from_secs(10);

/// What the loop is told.
#[derive(Debug)]
pub(crate) enum Command {
    /// A connection has ended, or has to.
    Ended { connection: ConnectionId, node: NodeId, outcome: Outcome },
    /// Addresses that a peer told, its own or those of others.
    Learned(Vec<Multiaddr>),
    /// Tell everybody.
    Announce(Vec<u8>),
    /// Whether an announcement is passed on.
    Judge { message: MessageId, source: NodeId, acceptance: MessageAcceptance },
    /// End.
    Stop(oneshot::Sender<()>),
}

/// The loop's state.
pub(crate) struct Loop {
    swarm: Swarm<Behaviour>,
    shared: Arc<Shared>,
    commands: mpsc::Receiver<Command>,
    dialer: Dialer,
    topic: IdentTopic,
    runtime: Handle,
    /// When an address without a name was last dialled.
    dialled_nameless: Option<Instant>,
}

/// Sets up QUIC with the node's key.
///
/// A connection's window has room for all streams' windows: what is not read of one stream never keeps another one from
/// being sent.
pub(crate) fn swarm(shared: &Shared, behaviour: Behaviour, runtime: &Handle) -> Swarm<Behaviour> {
    let limits = &shared.config.limits;
    let mut config = quic::Config::new(shared.config.key.keypair());
    config.handshake_timeout = limits.hello;
    config.max_idle_timeout = u32::try_from(limits.idle.as_millis()).unwrap_or(u32::MAX);
    config.keep_alive_interval = limits.keep_alive;
    config.max_concurrent_stream_limit = STREAMS_PER_PEER_MAX;
    config.max_stream_data = STREAM_WINDOW_BYTES;
    config.max_connection_data = CONNECTION_WINDOW_BYTES;
    let transport = quic::tokio::Transport::new(config)
        .map(|(node, connection), _| (node, StreamMuxerBox::new(connection)))
        .boxed();
    let runtime = runtime.clone();
    let config = SwarmConfig::with_executor(move |task| drop(runtime.spawn(task)))
        .with_max_negotiating_inbound_streams(STREAMS_PER_PEER_MAX as usize);
    Swarm::new(transport, behaviour, shared.node, config)
}

/// What announcements are called on this chain.
pub(crate) fn topic(shared: &Shared) -> IdentTopic {
    let chain = &shared.config.chain;
    IdentTopic::new(format!("/qsdm/{}/{}/announcements/1", chain.chain_id, chain.genesis))
}

/// What the system says, below all that libraries say about it.
fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    error.source().map_or_else(|| error.to_string(), innermost)
}

impl Loop {
    pub(crate) fn new(
        swarm: Swarm<Behaviour>,
        shared: Arc<Shared>,
        commands: mpsc::Receiver<Command>,
        runtime: Handle,
    ) -> Self {
        let dialer = Dialer::new(&shared);
        let topic = topic(&shared);
        Self { swarm, shared, commands, dialer, topic, runtime, dialled_nameless: None }
    }

    /// Listens where the configuration says, and takes note of the addresses that are known at once.
    pub(crate) fn listen(&mut self) -> Result<(), NetworkError> {
        for address in self.shared.config.listen.clone() {
            let failed = |error| NetworkError::Listen { address: address.to_string(), reason: innermost(&error) };
            self.swarm.listen_on(address.clone()).map_err(failed)?;
        }
        while let Some(Some(event)) = futures_util::FutureExt::now_or_never(self.swarm.next()) {
            self.on_event(event);
        }
        Ok(())
    }

    /// Runs until it is stopped.
    pub(crate) async fn run(mut self) {
        let mut ticks = interval(DIAL_TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                event = self.swarm.select_next_some() => self.on_event(event),
                command = self.commands.recv() => match command {
                    Some(Command::Stop(done)) => {
                        drop(self);
                        // nobody may wait for it
                        let _ = done.send(());
                        return;
                    }
                    Some(command) => self.on_command(command),
                    None => return,
                },
                _ = ticks.tick() => self.dial(),
            }
        }
    }

    fn on_command(&mut self, command: Command) {
        match command {
            Command::Ended { connection, node, outcome } => {
                self.swarm.close_connection(connection);
                self.dialer.ended(connection, node, &outcome, Instant::now());
            }
            Command::Learned(addresses) => self.dialer.learn(addresses),
            Command::Announce(announcement) => {
                // nobody to tell, or all know
                let told = self.swarm.behaviour_mut().gossip.publish(self.topic.clone(), announcement);
                tracing::trace!(?told, "network.announce");
            }
            Command::Judge { message, source, acceptance } => self.judge(&message, source, acceptance),
            Command::Stop(_) => {}
        }
    }

    fn judge(&mut self, message: &MessageId, source: NodeId, acceptance: MessageAcceptance) {
        if matches!(acceptance, MessageAcceptance::Reject) {
            self.shared.penalise(source, UNDECODABLE_POINTS, "a bad announcement");
        }
        self.swarm.behaviour_mut().gossip.report_message_validation_result(message, &source, acceptance);
    }

    fn on_event(&mut self, event: SwarmEvent<BehaviourEvent>) {
        match event {
            SwarmEvent::Behaviour(BehaviourEvent::Direct(link)) => {
                self.dialer.connected(link.connection, link.node);
                self.runtime.spawn(session::run(self.shared.clone(), link));
            }
            SwarmEvent::Behaviour(BehaviourEvent::Gossip(GossipEvent::Message {
                propagation_source,
                message_id,
                message,
            })) => self.on_announcement(propagation_source, message_id, &message),
            SwarmEvent::NewListenAddr { .. } | SwarmEvent::ExpiredListenAddr { .. } => self.tell_listening(),
            SwarmEvent::ListenerClosed { addresses, reason, .. } => {
                tracing::error!(?addresses, ?reason, "network.listener_closed");
                self.tell_listening();
            }
            SwarmEvent::OutgoingConnectionError { connection_id, error, .. } => {
                tracing::debug!(%error, "network.dial");
                self.dialer.failed(connection_id, &error, Instant::now());
            }
            SwarmEvent::IncomingConnectionError { error: ListenError::LocalPeerId { .. }, .. } => {
                self.on_own_identity()
            }
            SwarmEvent::IncomingConnectionError { send_back_addr, error, .. } => {
                tracing::debug!(address = %send_back_addr, %error, "network.incoming");
            }
            _ => {}
        }
    }

    fn tell_listening(&self) {
        self.shared.set_listening(self.swarm.listeners().cloned().collect());
    }

    /// Somebody with this node's identity dialled: itself, if it did not know whom it dialled, or a copy.
    fn on_own_identity(&self) {
        let was_own = self.dialled_nameless.is_some_and(|at| at.elapsed() < SELF_DIAL);
        if !was_own && self.shared.own_key().is_some() {
            let seen = Control::KeySeenElsewhere { node: Some(self.shared.node), reported_by: None };
            drop(self.shared.control.try_send(seen));
        }
    }

    fn on_announcement(&mut self, source: NodeId, id: MessageId, message: &Message) {
        add(&self.shared.counters.announcements, 1);
        let Some(peer) = self.shared.peer_of(&source) else {
            return self.judge(&id, source, MessageAcceptance::Ignore);
        };
        let Ok(announcement) = decode::<Announcement>(&message.data) else {
            return self.judge(&id, source, MessageAcceptance::Reject);
        };
        if !peer.takes_announcement() {
            self.shared.penalise(source, 1, "more announcements than its share");
            return self.judge(&id, source, MessageAcceptance::Ignore);
        }
        let judgement = Judgement { message: id.clone(), source, commands: self.shared.commands.clone() };
        let bulk = Bulk::Announcement { from: peer.id, announcement, judgement };
        // the loop does not wait for the node
        if self.shared.bulk.try_send(bulk).is_err() {
            add(&self.shared.counters.announcements_dropped, 1);
            self.judge(&id, source, MessageAcceptance::Ignore);
        }
    }

    fn dial(&mut self) {
        if self.shared.is_stopping() {
            return;
        }
        for options in self.dialer.due(&self.shared, Instant::now()) {
            if options.get_peer_id().is_none() {
                self.dialled_nameless = Some(Instant::now());
            }
            let connection = options.connection_id();
            if let Err(error) = self.swarm.dial(options) {
                self.dialer.failed(connection, &error, Instant::now());
            }
        }
    }
}
