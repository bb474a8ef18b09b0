//! The greeting.

use crate::{
    behaviour::Link,
    error::{FrameError, HelloError},
    hello::{ControlFrame, Hello, Refusal, VERSION},
    inbound::Control,
    peers::{Admitted, Peer, Shared},
    wire::{
        Class,
        frame::{self, FrameReader},
    },
};
use futures_util::{
    AsyncReadExt,
    io::{ReadHalf, WriteHalf},
};
use libp2p::Stream;
use qsdm_primitives::codec::{Encode, decode};
use std::io;
use tokio::time::timeout;

/// Both directions of the stream that the greeting opened.
pub(super) struct ControlStream {
    pub(super) reader: FrameReader<ReadHalf<Stream>>,
    pub(super) writer: WriteHalf<Stream>,
}

impl ControlStream {
    pub(super) async fn next(&mut self) -> Result<ControlFrame, HelloError> {
        let frame = self.reader.next().await?.ok_or(FrameError::Broken(io::ErrorKind::UnexpectedEof.into()))?;
        Ok(decode(&frame)?)
    }

    pub(super) async fn send(&mut self, frame: &ControlFrame) -> Result<(), HelloError> {
        frame::write(&mut self.writer, &frame.to_bytes()).await.map_err(FrameError::Broken)?;
        Ok(())
    }
}

/// A node that both sides agree is a peer.
pub(super) struct Greeted {
    pub(super) stream: ControlStream,
    pub(super) admitted: Admitted,
    pub(super) hello: Box<Hello>,
    /// Whether the peer knows another node that claims our validator.
    pub(super) reported: bool,
}

/// Both say hello, judge what the other one said, and say so. No step waits for the other side to begin. Where it fails,
/// the stream is left in `kept`: a farewell on it can only be read as long as it is there.
pub(super) async fn greet(
    shared: &Shared,
    link: &mut Link,
    kept: &mut Option<ControlStream>,
) -> Result<Greeted, HelloError> {
    let limit = shared.config.limits.hello;
    let greeting = shared.greeting(link);
    if greeting.is_none() {
        return Err(HelloError::Refused(Refusal::Full));
    }
    let greeted = timeout(limit, exchange(shared, link, kept)).await;
    let greeted = greeted.unwrap_or(Err(HelloError::TimedOut { ms: limit.as_millis() as u64 }));
    if greeted.is_err() {
        shared.leave(link, None);
    }
    greeted
}

async fn exchange(shared: &Shared, link: &mut Link, kept: &mut Option<ControlStream>) -> Result<Greeted, HelloError> {
    let stream = kept.insert(open(shared, link).await?);
    stream.send(&ControlFrame::Hello(Ok(Box::new(shared.hello(&link.address))))).await?;
    let hello = match stream.next().await? {
        ControlFrame::Hello(hello) => hello,
        ControlFrame::Farewell(refusal) => return Err(HelloError::RefusedByPeer(refusal)),
        _ => return Err(unexpected()),
    };
    let has_rival = match &hello {
        Ok(hello) => shared.has_living_rival(&link.node, hello.instance).await,
        Err(_) => false,
    };
    let judged = hello.map_err(|found| Refusal::Version { expected: VERSION, found }).and_then(|hello| {
        if has_rival {
            return Err(Refusal::InUse);
        }
        hello.check(&shared.config.chain, &link.node, &*shared.config.verifier)?;
        let admitted = shared.admit(link, &hello)?;
        Ok((hello, admitted))
    });
    let (hello, admitted) = match judged {
        Ok(judged) => judged,
        Err(refusal) => {
            // a peer that refuses us too may not listen any more
            drop(stream.send(&ControlFrame::Farewell(refusal.clone())).await);
            return Err(HelloError::Refused(refusal));
        }
    };
    stream.send(&ControlFrame::Accepted { elsewhere: admitted.elsewhere.is_some() }).await?;
    match stream.next().await? {
        ControlFrame::Accepted { elsewhere } => {
            let stream = kept.take().ok_or(HelloError::NoStream)?;
            Ok(Greeted { stream, admitted, hello, reported: elsewhere })
        }
        ControlFrame::Farewell(refusal) => Err(HelloError::RefusedByPeer(refusal)),
        _ => Err(unexpected()),
    }
}

/// Whoever dialled opens the stream.
async fn open(shared: &Shared, link: &mut Link) -> Result<ControlStream, HelloError> {
    let stream = if link.is_outgoing {
        super::open(&link.opener, Class::Control).await.ok()
    } else {
        // nothing else may be opened before
        let first = link.streams.recv().await;
        first.filter(|(protocol, _)| Class::of(protocol) == Some(Class::Control)).map(|(_, stream)| stream)
    };
    let (reader, writer) = stream.ok_or(HelloError::NoStream)?.split();
    Ok(ControlStream { reader: FrameReader::new(reader, Class::Control, shared.config.limits.frame), writer })
}

fn unexpected() -> HelloError {
    HelloError::Malformed(qsdm_primitives::codec::CodecError::Unknown {
        what: "frame at this point of a greeting",
        found: 0,
    })
}

/// Tells the node where a validator's key is used twice.
pub(super) async fn tell_of_keys(shared: &Shared, peer: &Peer, admitted: &Admitted, reported: bool) {
    if admitted.is_own_key {
        let seen = Control::KeySeenElsewhere { node: Some(peer.node), reported_by: None };
        drop(shared.control.send(seen).await);
    } else if let (Some(first), Some(key)) = (admitted.elsewhere, peer.validator()) {
        tracing::warn!(%first, second = %peer.node, "network.key_claimed_twice");
        let twice = Control::KeyClaimedTwice { key: Box::new(key.clone()), first, second: peer.node };
        drop(shared.control.send(twice).await);
    }
    if reported && shared.own_key().is_some() {
        let seen = Control::KeySeenElsewhere { node: None, reported_by: Some(peer.id) };
        drop(shared.control.send(seen).await);
    }
}
