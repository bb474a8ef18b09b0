//! Negotiates the streams of one connection.

use super::OpenRequest;
use libp2p::{
    Stream, StreamProtocol,
    core::upgrade::{InboundUpgrade, ReadyUpgrade, UpgradeInfo},
    swarm::{ConnectionHandler, ConnectionHandlerEvent, SubstreamProtocol, handler::ConnectionEvent},
};
use std::{
    convert::Infallible,
    future::{Ready, ready},
    task::{Context, Poll},
};
use tokio::sync::{mpsc, oneshot};

/// Passes streams between libp2p and the task of a connection.
pub(crate) struct Handler {
    protocols: Vec<StreamProtocol>,
    requests: mpsc::Receiver<OpenRequest>,
    streams: mpsc::Sender<(StreamProtocol, Stream)>,
}

impl Handler {
    pub(super) fn new(
        protocols: Vec<StreamProtocol>,
        requests: mpsc::Receiver<OpenRequest>,
        streams: mpsc::Sender<(StreamProtocol, Stream)>,
    ) -> Self {
        Self { protocols, requests, streams }
    }
}

impl ConnectionHandler for Handler {
    type FromBehaviour = Infallible;
    type ToBehaviour = Infallible;
    type InboundProtocol = AnyOf;
    type OutboundProtocol = ReadyUpgrade<StreamProtocol>;
    type InboundOpenInfo = ();
    type OutboundOpenInfo = oneshot::Sender<Option<Stream>>;

    fn listen_protocol(&self) -> SubstreamProtocol<AnyOf> {
        SubstreamProtocol::new(AnyOf(self.protocols.clone()), ())
    }

    /// The task of the connection decides when it is over.
    fn connection_keep_alive(&self) -> bool {
        true
    }

    fn poll(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<ConnectionHandlerEvent<ReadyUpgrade<StreamProtocol>, oneshot::Sender<Option<Stream>>, Infallible>> {
        match self.requests.poll_recv(context) {
            Poll::Ready(Some(OpenRequest { protocol, reply })) => {
                let protocol = SubstreamProtocol::new(ReadyUpgrade::new(protocol), reply);
                Poll::Ready(ConnectionHandlerEvent::OutboundSubstreamRequest { protocol })
            }
            _ => Poll::Pending,
        }
    }

    fn on_behaviour_event(&mut self, event: Infallible) {
        match event {}
    }

    fn on_connection_event(
        &mut self,
        event: ConnectionEvent<'_, AnyOf, ReadyUpgrade<StreamProtocol>, (), oneshot::Sender<Option<Stream>>>,
    ) {
        match event {
            // a stream that finds no room is dropped, which resets it: nobody needs so many
            ConnectionEvent::FullyNegotiatedInbound(inbound) => drop(self.streams.try_send(inbound.protocol)),
            // a task that does not wait any more drops the stream
            ConnectionEvent::FullyNegotiatedOutbound(outbound) => drop(outbound.info.send(Some(outbound.protocol))),
            ConnectionEvent::DialUpgradeError(error) => drop(error.info.send(None)),
            _ => {}
        }
    }
}

/// Takes a stream of any of these names.
#[derive(Clone)]
pub(crate) struct AnyOf(Vec<StreamProtocol>);

impl UpgradeInfo for AnyOf {
    type Info = StreamProtocol;
    type InfoIter = std::vec::IntoIter<StreamProtocol>;

    fn protocol_info(&self) -> Self::InfoIter {
        self.0.clone().into_iter()
    }
}

impl InboundUpgrade<Stream> for AnyOf {
    type Output = (StreamProtocol, Stream);
    type Error = Infallible;
    type Future = Ready<Result<Self::Output, Infallible>>;

    fn upgrade_inbound(self, stream: Stream, protocol: StreamProtocol) -> Self::Future {
        ready(Ok((protocol, stream)))
    }
}
