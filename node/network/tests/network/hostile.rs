//! Peers that do what no honest node does: they lose points or their connection, others notice nothing.

use crate::{
    raw::{Raw, RawStream, socket},
    support::{Node, block_on, config, outgoing_vote, round_of, until, vote_of},
};
use qsdm_network::{Control, Ending, Refusal, wire::Class};
use qsdm_primitives::{
    codec::Encode,
    compression::compress,
    limits::{CELL_BYTES_MAX, HELLO_BYTES_MAX},
};
use std::time::Duration;
use tokio::{net::UdpSocket, time::sleep};

/// A node, an honest peer of it, and a hostile one that has said hello.
struct Scene {
    node: Node,
    honest: Node,
    raw: Raw,
    control: RawStream,
}

impl Scene {
    async fn new(config: qsdm_network::Config) -> Self {
        let mut node = Node::start(config);
        let honest = Node::dialling(&[&node]);
        node.connected().await;
        let raw = Raw::connect(&node.network.addresses()[0]).await;
        let control = raw.greet().await;
        assert_eq!(node.connected().await.node, raw.node());
        Self { node, honest, raw, control }
    }

    fn points(&self) -> f64 {
        self.node.network.peers().iter().find(|peer| peer.node == self.raw.node()).map_or(f64::MAX, |peer| peer.points)
    }

    /// The hostile peer is sent away, and the honest one is still there.
    async fn ends_with(mut self, expected: Refusal) {
        loop {
            if let Control::Disconnected { node, ending, .. } = self.node.control().await {
                assert_eq!((node, ending), (self.raw.node(), Ending::Closed(expected)));
                break;
            }
        }
        self.raw.closed().await;
        self.is_well().await;
    }

    async fn is_well(&mut self) {
        let peers = self.honest.network.peers();
        let peer = peers.iter().find(|peer| peer.node == self.node.network.node_id()).unwrap();
        self.honest.network.send(peer.peer, &outgoing_vote(77)).unwrap();
        while round_of(&self.node.vote().await.message) != 77 {}
    }
}

#[test]
fn bytes_that_mean_nothing_cost_points_until_the_ban() {
    block_on(async {
        let mut scene = Scene::new(config()).await;
        let mut stream = scene.raw.open_class(Class::Consensus).await;
        for class in [Class::Consensus, Class::Acks, Class::Cells, Class::Transactions] {
            let before = scene.points();
            if class != Class::Consensus {
                let mut other = scene.raw.open_class(class).await;
                other.frame(&[0xee; 100]).await.unwrap();
                until("points are counted", || scene.points() > before).await;
                std::mem::forget(other);
                continue;
            }
            stream.frame(&[0xee; 100]).await.unwrap();
            until("points are counted", || scene.points() > before).await;
        }
        // the stream goes on behind bytes that mean nothing
        stream.frame(&vote_of(5).to_bytes()).await.unwrap();
        assert_eq!(round_of(&scene.node.vote().await.message), 5);
        for _ in 0..20 {
            // the other side may have had enough already
            drop(stream.frame(&[0xee; 100]).await);
        }
        let (node, id) = (scene.node.network.clone(), scene.raw.node());
        let (keys, address) = (scene.raw.keys.clone(), node.addresses()[0].clone());
        scene.ends_with(Refusal::Banned).await;
        assert_eq!(node.metrics().banned, 1);
        let again = Raw::connect_as(keys, &address).await;
        assert_eq!(again.node(), id);
        again.closed().await;
    });
}

#[test]
fn a_frame_over_its_limit_ends_the_connection() {
    for class in Class::ALL {
        block_on(async {
            let mut scene = Scene::new(config()).await;
            let length = u32::MAX.to_le_bytes();
            if class == Class::Control {
                let claimed = (HELLO_BYTES_MAX as u32 + 1).to_le_bytes();
                scene.control.write(&[&claimed[..], &[4]].concat()).await.unwrap();
            } else {
                let mut stream = scene.raw.open_class(class).await;
                stream.write(&[&length[..], &[1]].concat()).await.unwrap();
                std::mem::forget(stream);
            }
            scene.ends_with(Refusal::Misbehaved).await;
        });
    }
}

#[test]
fn a_vote_as_long_as_a_block_is_refused_by_its_first_bytes() {
    block_on(async {
        let scene = Scene::new(config()).await;
        let mut stream = scene.raw.open_class(Class::Consensus).await;
        stream.write(&[&100_000_u32.to_le_bytes()[..], &[2]].concat()).await.unwrap();
        std::mem::forget(stream);
        scene.ends_with(Refusal::Misbehaved).await;
    });
}

#[test]
fn a_frame_that_comes_byte_by_byte_is_not_waited_for() {
    block_on(async {
        let mut hasty = config();
        hasty.limits.frame = Duration::from_millis(300);
        let scene = Scene::new(hasty).await;
        let mut stream = scene.raw.open_class(Class::Cells).await;
        let drip = tokio::spawn(async move {
            if stream.write(&1_000_u32.to_le_bytes()).await.is_err() {
                return;
            }
            while stream.write(&[1]).await.is_ok() {
                sleep(Duration::from_millis(20)).await;
            }
        });
        scene.ends_with(Refusal::Misbehaved).await;
        drip.await.unwrap();
    });
}

#[test]
fn a_bomb_of_zstd_is_refused_by_its_header() {
    block_on(async {
        let scene = Scene::new(config()).await;
        let mut stream = scene.raw.open_class(Class::Cells).await;
        let bomb = compress(&vec![0; 8 * CELL_BYTES_MAX]);
        assert!(bomb.len() < 2_000, "{}", bomb.len());
        stream.frame(&bomb).await.unwrap();
        until("points are counted", || scene.points() > 9.0).await;
        assert_eq!(scene.node.network.metrics().class(Class::Cells).undecodable, 1);
        std::mem::forget(stream);
    });
}

#[test]
fn frames_without_end_are_read_at_the_rate_that_is_granted() {
    block_on(async {
        let mut strict = config();
        strict.limits.consensus_rate =
            qsdm_network::Rate { messages: 100, bytes: 1 << 20, burst: Duration::from_millis(500) };
        strict.limits.throttled = Duration::from_secs(1);
        let mut scene = Scene::new(strict).await;
        let mut stream = scene.raw.open_class(Class::Consensus).await;
        let frame = vote_of(1).to_bytes();
        let flood = tokio::spawn(async move { while stream.frame(&frame).await.is_ok() {} });
        // the honest peer's votes come through all the while
        for _ in 0..5 {
            scene.is_well().await;
        }
        until("the flood costs points", || scene.points() > 0.0).await;
        let read = scene.node.network.metrics().class(Class::Consensus);
        assert!(read.throttled > 0);
        let drain = scene.node.inbound.votes;
        tokio::spawn(async move {
            let mut drain = drain;
            while drain.recv().await.is_some() {}
        });
        scene.raw.closed().await;
        flood.await.unwrap();
    });
}

#[test]
fn a_stream_of_no_known_class_is_not_opened_and_a_second_one_of_a_class_ends_it() {
    block_on(async {
        let mut scene = Scene::new(config()).await;
        assert!(scene.raw.open("/qsdm/evil/1").await.is_err());
        scene.is_well().await;
        assert_eq!(scene.points(), 0.0);
        let _first = scene.raw.open_class(Class::Acks).await;
        let _second = scene.raw.open_class(Class::Acks).await;
        scene.ends_with(Refusal::Misbehaved).await;
    });
}

#[test]
fn nothing_is_heard_before_the_greeting() {
    block_on(async {
        let mut node = Node::start(config());
        let raw = Raw::connect(&node.network.addresses()[0]).await;
        let mut stream = raw.open_class(Class::Consensus).await;
        drop(stream.frame(&vote_of(1).to_bytes()).await);
        raw.closed().await;
        assert!(node.inbound.votes.try_recv().is_err());

        let raw = Raw::connect(&node.network.addresses()[0]).await;
        let mut stream = raw.open_class(Class::Control).await;
        stream.frame(&[9; 50]).await.unwrap();
        raw.closed().await;
        assert!(matches!(node.control().await, Control::Refused { .. }));
    });
}

#[test]
fn random_datagrams_are_nothing() {
    block_on(async {
        let mut scene = Scene::new(config()).await;
        let to = socket(&scene.node.network.addresses()[0]);
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        for number in 0_u64..2_000 {
            let mut noise = vec![0; (number as usize * 7) % 1_400 + 1];
            blake3::Hasher::new().update(&number.to_le_bytes()).finalize_xof().fill(&mut noise);
            if number % 2 == 0 {
                // the first byte of a packet that opens a connection, and version 1
                noise.splice(0..noise.len().min(5), [0xc3, 0, 0, 0, 1]);
            }
            socket.send_to(&noise, to).await.unwrap();
        }
        scene.is_well().await;
        assert_eq!(scene.node.network.metrics().peers, 2);
    });
}

#[test]
fn a_peer_that_opens_streams_without_end_gets_no_more_than_its_share() {
    block_on(async {
        let mut scene = Scene::new(config()).await;
        let mut streams = Vec::new();
        for _ in 0..200 {
            let open = tokio::time::timeout(Duration::from_millis(5), scene.raw.connection.open_bi()).await;
            let Ok(Ok((mut send, receive))) = open else { break };
            drop(send.write_all(&[1]).await);
            streams.push((send, receive));
        }
        assert!(streams.len() <= 12, "{}", streams.len());
        scene.is_well().await;
    });
}
