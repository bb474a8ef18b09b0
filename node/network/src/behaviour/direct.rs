//! Streams of our own on a connection. libp2p negotiates them; a task of the connection's own reads and writes them, so
//! that none of it waits for libp2p's loop.

mod handler;

use crate::score::Scores;
use handler::Handler;
use libp2p::{
    Multiaddr, PeerId as NodeId, Stream, StreamProtocol,
    core::{Endpoint, transport::PortUse},
    swarm::{ConnectionDenied, ConnectionId, FromSwarm, NetworkBehaviour, THandler, ToSwarm},
};
use parking_lot::Mutex;
use std::{
    collections::VecDeque,
    convert::Infallible,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Instant,
};
use tokio::sync::{mpsc, oneshot};

/// Streams that are negotiated and wait for the connection's task.
const STREAMS_WAITING_MAX: usize = 16;

/// Asks for a stream.
#[derive(Debug)]
pub(crate) struct OpenRequest {
    pub(crate) protocol: StreamProtocol,
    /// Told none where the other side does not agree to the stream, dropped where the connection is gone.
    pub(crate) reply: oneshot::Sender<Option<Stream>>,
}

/// A connection, for the task that serves it. It is over when `streams` ends.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) connection: ConnectionId,
    pub(crate) node: NodeId,
    pub(crate) address: Multiaddr,
    /// Whether this node dialled.
    pub(crate) is_outgoing: bool,
    pub(crate) opener: mpsc::Sender<OpenRequest>,
    pub(crate) streams: mpsc::Receiver<(StreamProtocol, Stream)>,
}

/// Makes a [`Link`] of each connection.
pub(crate) struct Direct {
    protocols: Vec<StreamProtocol>,
    scores: Arc<Mutex<Scores>>,
    /// Links of connections that other behaviours may still refuse.
    pending: Vec<Link>,
    ready: VecDeque<Link>,
    waker: Option<Waker>,
}

impl Direct {
    pub(crate) fn new(protocols: Vec<StreamProtocol>, scores: Arc<Mutex<Scores>>) -> Self {
        Self { protocols, scores, pending: Vec::new(), ready: VecDeque::new(), waker: None }
    }

    fn connect(
        &mut self,
        connection: ConnectionId,
        node: NodeId,
        address: &Multiaddr,
        is_outgoing: bool,
    ) -> Result<Handler, ConnectionDenied> {
        if let Some(left) = self.scores.lock().banned(&node, Instant::now()) {
            return Err(ConnectionDenied::new(format!("{node} is banned for {} s more", left.as_secs())));
        }
        let (opener, requests) = mpsc::channel(STREAMS_WAITING_MAX);
        let (sender, streams) = mpsc::channel(STREAMS_WAITING_MAX);
        self.pending.push(Link { connection, node, address: address.clone(), is_outgoing, opener, streams });
        Ok(Handler::new(self.protocols.clone(), requests, sender))
    }

    fn forget(&mut self, connection: ConnectionId) {
        self.pending.retain(|link| link.connection != connection);
    }
}

impl NetworkBehaviour for Direct {
    type ConnectionHandler = Handler;
    type ToSwarm = Link;

    fn handle_established_inbound_connection(
        &mut self,
        connection: ConnectionId,
        node: NodeId,
        _local: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        self.connect(connection, node, remote, false)
    }

    fn handle_established_outbound_connection(
        &mut self,
        connection: ConnectionId,
        node: NodeId,
        address: &Multiaddr,
        _role: Endpoint,
        _port: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        self.connect(connection, node, address, true)
    }

    fn on_swarm_event(&mut self, event: FromSwarm<'_>) {
        match event {
            FromSwarm::ConnectionEstablished(established) => {
                let place = self.pending.iter().position(|link| link.connection == established.connection_id);
                self.ready.extend(place.map(|place| self.pending.swap_remove(place)));
                self.waker.take().into_iter().for_each(Waker::wake);
            }
            FromSwarm::ListenFailure(failure) => self.forget(failure.connection_id),
            FromSwarm::DialFailure(failure) => self.forget(failure.connection_id),
            _ => {}
        }
    }

    fn on_connection_handler_event(&mut self, _node: NodeId, _connection: ConnectionId, event: Infallible) {
        match event {}
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<ToSwarm<Link, Infallible>> {
        match self.ready.pop_front() {
            Some(link) => Poll::Ready(ToSwarm::GenerateEvent(link)),
            None => {
                self.waker = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }
}
