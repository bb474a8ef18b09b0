//! What follows the greeting on its stream: pings, and a farewell.

use super::{FAULT_POINTS, Throttle, greet::ControlStream};
use crate::{
    config::Rate,
    error::HelloError,
    hello::{ControlFrame, Refusal},
    inbound::Ending,
    peers::{Peer, Shared},
    swarm::Command,
    wire::{
        Class,
        frame::{self, FrameReader},
    },
};
use futures_util::io::{ReadHalf, WriteHalf};
use libp2p::Stream;
use qsdm_primitives::{
    codec::{Encode, decode},
    limits::{CONTROL_PER_SECOND_MAX, HELLO_BYTES_MAX, PEER_BURST_S},
};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    sync::mpsc,
    time::{MissedTickBehavior, interval, timeout},
};

/// Answers that wait to be written.
const PONGS_WAITING_MAX: usize = 4;
/// Every so many signs of life, the second one first, it is told where others are reached instead.
const PINGS_PER_ADDRESSES: u32 = 20;
/// Time for writing a farewell to a peer that may not read.
const FAREWELL_WRITE: Duration = Duration::from_millis(100);

/// Ends when the connection has to.
pub(super) async fn run(shared: Arc<Shared>, peer: Arc<Peer>, stream: ControlStream) -> Ending {
    let ControlStream { reader, writer } = stream;
    let (pongs, to_write) = mpsc::channel(PONGS_WAITING_MAX);
    let clock = Instant::now();
    tokio::select! {
        ending = read(&shared, &peer, reader, pongs, clock) => ending,
        ending = write(&shared, &peer, writer, to_write, clock) => ending,
    }
}

async fn read(
    shared: &Shared,
    peer: &Peer,
    mut reader: FrameReader<ReadHalf<Stream>>,
    pongs: mpsc::Sender<u64>,
    clock: Instant,
) -> Ending {
    let rate = Rate {
        messages: CONTROL_PER_SECOND_MAX,
        bytes: HELLO_BYTES_MAX as u64,
        burst: Duration::from_secs(PEER_BURST_S),
    };
    let mut throttle = Throttle::new(Class::Control, rate);
    loop {
        let frame = match reader.next().await {
            Ok(Some(frame)) => frame,
            Ok(None) => return Ending::Lost,
            Err(error) if error.is_fault() => return fault(shared, peer, &error.to_string()).await,
            Err(_) => return Ending::Lost,
        };
        throttle.pass(shared, peer, frame.len()).await;
        match decode(&frame).map_err(HelloError::from) {
            // a peer that does not read its answers gets no more of them
            Ok(ControlFrame::Ping(number)) => drop(pongs.try_send(number)),
            Ok(ControlFrame::Pong(sent)) => {
                let now = micros(clock);
                // what was not sent is no time
                now.checked_sub(sent).into_iter().for_each(|trip| peer.set_round_trip(Duration::from_micros(trip)));
            }
            // what finds no room now is told again later
            Ok(ControlFrame::Known(known)) => drop(shared.commands.try_send(Command::Learned(known))),
            Ok(ControlFrame::Farewell(reason)) => return Ending::Farewell(reason),
            Ok(_) => return fault(shared, peer, "a second greeting").await,
            Err(error) => return fault(shared, peer, &error.to_string()).await,
        }
    }
}

/// Counts the points and lets the other half say farewell.
async fn fault(shared: &Shared, peer: &Peer, reason: &str) -> Ending {
    shared.penalise(peer.node, FAULT_POINTS, reason);
    peer.closer.close(Refusal::Misbehaved);
    std::future::pending().await
}

async fn write(
    shared: &Shared,
    peer: &Peer,
    mut writer: WriteHalf<Stream>,
    mut pongs: mpsc::Receiver<u64>,
    clock: Instant,
) -> Ending {
    let mut pings = interval(shared.config.limits.keep_alive);
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut sent: u32 = 0;
    loop {
        let frame = tokio::select! {
            biased;
            reason = peer.closer.closed() => {
                let farewell = ControlFrame::Farewell(reason.clone()).to_bytes();
                drop(timeout(FAREWELL_WRITE, frame::write(&mut writer, &farewell)).await);
                return Ending::Closed(reason);
            }
            () = peer.probed() => ControlFrame::Ping(micros(clock)),
            _ = pings.tick() => {
                sent = sent.wrapping_add(1);
                match sent % PINGS_PER_ADDRESSES {
                    2 => ControlFrame::Known(shared.known_to(&peer.address)),
                    _ => ControlFrame::Ping(micros(clock)),
                }
            }
            Some(number) = pongs.recv() => ControlFrame::Pong(number),
        };
        match timeout(shared.config.limits.stall, frame::write(&mut writer, &frame.to_bytes())).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return Ending::Lost,
            Err(_) => peer.closer.close(Refusal::Stalled),
        }
    }
}

/// Since the connection began, and never zero.
fn micros(clock: Instant) -> u64 {
    u64::try_from(clock.elapsed().as_micros()).unwrap_or(u64::MAX).max(1)
}
