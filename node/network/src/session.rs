//! One connection from greeting to farewell, in a task of its own.

mod control;
mod greet;
mod reader;
mod requests;
mod serve;
mod writer;

pub use requests::Answers;

pub(crate) use requests::Requests;

use crate::{
    behaviour::{Link, OpenRequest},
    error::HelloError,
    hello::Refusal,
    inbound::{Control, Ending},
    metrics::add,
    peers::{Peer, Shared},
    swarm::Command,
    wire::Class,
};
use greet::Greeted;
use libp2p::Stream;
use std::{collections::BTreeSet, sync::Arc, time::Duration};
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinSet,
    time::{sleep, timeout},
};

/// Points for a message that means nothing.
pub(crate) const UNDECODABLE_POINTS: u32 = 10;
/// Points for a stream that can't be read any further.
const FAULT_POINTS: u32 = 50;
/// Points for sending too much for too long.
const FLOOD_POINTS: u32 = 20;

/// How a connection ended, for whoever dials.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// Whether the node was a peer.
    pub(crate) was_peer: bool,
    /// Whether the next attempt would end the same way.
    pub(crate) is_lasting: bool,
}

/// Serves a connection until it ends.
pub(crate) async fn run(shared: Arc<Shared>, mut link: Link) {
    let mut kept = None;
    let outcome = match greet::greet(&shared, &mut link, &mut kept).await {
        Ok(greeted) => live(&shared, &mut link, greeted).await,
        Err(error) => refused(&shared, &mut link, error).await,
    };
    let Link { connection, node, .. } = link;
    // the loop is gone only when the network is
    drop(shared.commands.send(Command::Ended { connection, node, outcome }).await);
}

/// A node that did not become a peer.
async fn refused(shared: &Shared, link: &mut Link, error: HelloError) -> Outcome {
    add(&shared.counters.refused, 1);
    tracing::debug!(node = %link.node, address = %link.address, %error, "network.refused");
    match &error {
        HelloError::Malformed(error) => shared.penalise(link.node, FAULT_POINTS, &error.to_string()),
        HelloError::Stream(error) if error.is_fault() => {
            shared.penalise(link.node, FAULT_POINTS, &error.to_string());
        }
        HelloError::Refused(Refusal::Binding) => shared.penalise(link.node, FAULT_POINTS, "a forged binding"),
        HelloError::TimedOut { .. } => shared.penalise(link.node, UNDECODABLE_POINTS, "no greeting"),
        _ => {}
    }
    let (is_lasting, has_farewell) = match &error {
        HelloError::Refused(refusal) => (refusal.is_lasting(), true),
        HelloError::RefusedByPeer(refusal) => (refusal.is_lasting(), false),
        _ => (false, false),
    };
    if matches!(error, HelloError::RefusedByPeer(Refusal::InUse)) && shared.own_key().is_some() {
        // whose word that is can't be said by a number: it is no peer
        let seen = Control::KeySeenElsewhere { node: Some(shared.node), reported_by: None };
        drop(shared.control.send(seen).await);
    }
    let is_duplicate =
        matches!(error, HelloError::Refused(Refusal::Duplicate) | HelloError::RefusedByPeer(Refusal::Duplicate));
    if !is_duplicate {
        let news = Control::Refused { node: link.node, address: link.address.clone(), error };
        // of no consequence: where nobody looks at it, the counter still says it
        drop(shared.control.try_send(news));
    }
    if has_farewell {
        hang_up(link).await;
    }
    Outcome { was_peer: false, is_lasting }
}

/// Waits a moment for the other side to read the farewell and hang up.
async fn hang_up(link: &mut Link) {
    let gone = async { while link.streams.recv().await.is_some() {} };
    drop(timeout(Duration::from_millis(qsdm_primitives::limits::FAREWELL_MS_MAX / 2), gone).await);
}

/// A peer for as long as it lasts.
async fn live(shared: &Arc<Shared>, link: &mut Link, greeted: Greeted) -> Outcome {
    let Greeted { stream, admitted, hello, reported } = greeted;
    let closer = admitted.closer.clone();
    let Some(peer) = shared.enter(link, *hello, closer) else {
        return Outcome { was_peer: false, is_lasting: false };
    };
    tracing::info!(peer = peer.id.0, node = %peer.node, address = %peer.address, "network.connected");
    drop(shared.control.send(Control::Connected(Box::new(peer.connected()))).await);
    greet::tell_of_keys(shared, &peer, &admitted, reported).await;
    let learned = [&peer.hello.own[..], &peer.hello.known].concat();
    drop(shared.commands.send(Command::Learned(learned)).await);

    let ending = serve(shared, link, &peer, stream).await;
    shared.leave(link, Some(peer.id));
    peer.requests.fail_all();
    tracing::info!(peer = peer.id.0, node = %peer.node, ?ending, "network.disconnected");
    if let (Ending::Farewell(Refusal::Replaced), Some(_)) = (&ending, shared.own_key()) {
        let seen = Control::KeySeenElsewhere { node: Some(shared.node), reported_by: Some(peer.id) };
        drop(shared.control.send(seen).await);
    }
    let is_lasting = match &ending {
        Ending::Closed(refusal) | Ending::Farewell(refusal) => refusal.is_lasting(),
        Ending::Lost => false,
    };
    if matches!(ending, Ending::Closed(_)) {
        hang_up(link).await;
    }
    drop(shared.control.send(Control::Disconnected { peer: peer.id, node: peer.node, ending }).await);
    Outcome { was_peer: true, is_lasting }
}

/// Runs the streams of a peer until one of them ends the connection.
async fn serve(shared: &Arc<Shared>, link: &mut Link, peer: &Arc<Peer>, stream: greet::ControlStream) -> Ending {
    let mut tasks = JoinSet::new();
    let farewell = tasks.spawn(control::run(shared.clone(), peer.clone(), stream)).id();
    for class in [Class::Consensus, Class::Acks, Class::Cells, Class::Transactions] {
        tasks.spawn(writer::run(shared.clone(), peer.clone(), class, link.opener.clone()));
    }
    tasks.spawn(requests::run(shared.clone(), peer.clone(), link.opener.clone()));
    let mut seen = BTreeSet::new();
    loop {
        let ended = tokio::select! {
            ended = tasks.join_next_with_id() => ended,
            stream = link.streams.recv() => {
                let Some((protocol, stream)) = stream else { return Ending::Lost };
                match Class::of(&protocol).filter(|class| *class != Class::Control && seen.insert(*class)) {
                    Some(Class::Sync) => drop(tasks.spawn(serve::run(shared.clone(), peer.clone(), stream))),
                    Some(class) => drop(tasks.spawn(reader::run(shared.clone(), peer.clone(), class, stream))),
                    None => {
                        shared.penalise(peer.node, FAULT_POINTS, "a second stream of one class");
                        peer.closer.close(Refusal::Misbehaved);
                    }
                }
                continue;
            }
        };
        match ended {
            Some(Ok((id, ending))) if id == farewell => return ending,
            // the task that says farewell ends last
            Some(Ok((_, Ending::Closed(reason)))) => peer.closer.close(reason),
            Some(Ok((_, ending))) => return ending,
            Some(Err(error)) => {
                tracing::error!(%error, "network.session");
                return Ending::Lost;
            }
            None => return Ending::Lost,
        }
    }
}

/// Opens a stream.
///
/// # Errors
/// How the connection ends where there is none.
async fn open(opener: &mpsc::Sender<OpenRequest>, class: Class) -> Result<Stream, Ending> {
    let (reply, stream) = oneshot::channel();
    let asked = opener.send(OpenRequest { protocol: class.protocol(), reply }).await;
    asked.map_err(|_| Ending::Lost)?;
    // a peer that does not agree to a stream takes nothing on it
    stream.await.map_err(|_| Ending::Lost)?.ok_or(Ending::Closed(Refusal::Stalled))
}

/// Waits before a message of so many bytes is read. Waiting for too long costs points.
struct Throttle {
    class: Class,
    quota: crate::bucket::Quota,
    waited: Duration,
}

impl Throttle {
    fn new(class: Class, rate: crate::config::Rate) -> Self {
        Self { class, quota: crate::bucket::Quota::new(rate, std::time::Instant::now()), waited: Duration::ZERO }
    }

    async fn pass(&mut self, shared: &Shared, peer: &Peer, bytes: usize) {
        let wait = self.quota.take(bytes, std::time::Instant::now());
        if wait.is_zero() {
            self.waited = Duration::ZERO;
            return;
        }
        add(&shared.counters.class(self.class).throttled, 1);
        sleep(wait).await;
        self.waited += wait;
        if self.waited >= shared.config.limits.throttled {
            self.waited = Duration::ZERO;
            shared.penalise(peer.node, FLOOD_POINTS, "more than its share for too long");
        }
    }
}
