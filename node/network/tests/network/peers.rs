//! Peers come, go and come back.

use crate::support::{Node, block_on, config, outgoing_vote, round_of, until};
use qsdm_network::{Audience, Config, Control, Ending, NetworkError, NodeKey, Refusal};
use std::time::{Duration, Instant};

#[test]
fn a_peer_that_restarts_is_found_again() {
    block_on(async {
        let key = NodeKey::generate();
        let mut second = Node::start(Config { key: key.clone(), ..config() });
        let address = second.network.addresses();
        let mut first = Node::start(Config { peers: address.clone(), ..config() });
        for restart in 0..3 {
            let peer = first.connected().await.peer;
            first.network.send(peer, &outgoing_vote(restart)).unwrap();
            assert_eq!(round_of(&second.vote().await.message), restart);
            second.network.shutdown().await;
            loop {
                if let Control::Disconnected { peer: gone, ending, .. } = first.control().await {
                    assert_eq!((gone, ending), (peer, Ending::Farewell(Refusal::Stopping)));
                    break;
                }
            }
            drop(second);
            let restarted = Config { key: key.clone(), listen: strip(&address), ..config() };
            // the port is free when the last packets have gone
            until("the port is free", || udp_is_free(&address[0])).await;
            second = Node::start(restarted);
        }
    });
}

fn udp_is_free(address: &qsdm_network::Multiaddr) -> bool {
    std::net::UdpSocket::bind(crate::raw::socket(address)).is_ok()
}

/// Addresses without the name of the node.
fn strip(addresses: &[qsdm_network::Multiaddr]) -> Vec<qsdm_network::Multiaddr> {
    let strip = |address: &qsdm_network::Multiaddr| {
        let mut address = address.clone();
        address.pop();
        address
    };
    addresses.iter().map(strip).collect()
}

#[test]
fn sixteen_nodes_that_know_one_another_are_all_connected_once() {
    block_on(async {
        let mut nodes: Vec<Node> = Vec::new();
        for _ in 0..16 {
            // each knows those before it; addresses without names, so that two may dial at once
            let peers = nodes.iter().flat_map(|node| strip(&node.network.addresses())).collect();
            nodes.push(Node::start(Config { peers, ..config() }));
        }
        until("all are connected", || nodes.iter().all(|node| node.network.peers().len() == 15)).await;
        for (round, node) in nodes.iter().enumerate() {
            assert_eq!(node.network.broadcast(Audience::All, None, &outgoing_vote(round as u64)).unwrap(), 15);
        }
        for node in &mut nodes {
            let mut rounds = Vec::new();
            for _ in 0..15 {
                rounds.push(round_of(&node.vote().await.message));
            }
            rounds.sort_unstable();
            rounds.dedup();
            assert_eq!(rounds.len(), 15);
        }
    });
}

#[test]
fn two_that_dial_each_other_end_with_one_connection() {
    block_on(async {
        for _ in 0..5 {
            let first = Node::start(config());
            let keys = NodeKey::generate();
            let second = Node::start(Config { key: keys.clone(), ..config() });
            let addresses = [strip(&first.network.addresses()), strip(&second.network.addresses())];
            first.network.shutdown().await;
            second.network.shutdown().await;
            drop((first, second));
            until("the ports are free", || addresses.iter().flatten().all(udp_is_free)).await;
            let first = Node::start(Config { listen: addresses[0].clone(), peers: addresses[1].clone(), ..config() });
            let second = Node::start(Config { listen: addresses[1].clone(), peers: addresses[0].clone(), ..config() });
            let settled = || {
                let (here, there) = (first.network.peers(), second.network.peers());
                here.len() == 1 && there.len() == 1 && here[0].is_outgoing != there[0].is_outgoing
            };
            until("one connection is left", settled).await;
            tokio::time::sleep(Duration::from_millis(300)).await;
            assert!(settled());
        }
    });
}

#[test]
fn peers_are_found_through_the_greetings_of_others() {
    block_on(async {
        let hub = Node::start(config());
        let ends = [Node::dialling(&[&hub]), Node::dialling(&[&hub]), Node::dialling(&[&hub])];
        until("all know all", || ends.iter().all(|end| end.network.peers().len() == 3)).await;
    });
}

#[test]
fn a_penalised_peer_is_banned_and_let_in_again_later() {
    block_on(async {
        let mut lenient = config();
        lenient.limits.ban = Duration::from_secs(2);
        let mut node = Node::start(lenient);
        let mut patient = config();
        patient.limits.refused_redial = Duration::from_millis(300);
        let mut other = Node::start(Config { peers: node.network.addresses(), ..patient });
        let peer = node.connected().await.peer;
        other.connected().await;
        node.network.penalise(peer, 60, "a bad cell");
        assert!(node.network.peers()[0].points > 59.0);
        let banned = Instant::now();
        node.network.penalise(peer, 60, "another bad cell");
        for (node, expected) in
            [(&mut node, Ending::Closed(Refusal::Banned)), (&mut other, Ending::Farewell(Refusal::Banned))]
        {
            loop {
                if let Control::Disconnected { ending, .. } = node.control().await {
                    assert_eq!(ending, expected);
                    break;
                }
            }
        }
        node.connected().await;
        assert!(banned.elapsed() >= Duration::from_secs(2), "let in before its time");
    });
}

#[test]
fn a_peer_that_is_not_wanted_is_told_and_stays_away() {
    block_on(async {
        let (node, mut other) = crate::support::pair().await;
        node.network.disconnect(node.network.peers()[0].peer);
        loop {
            if let Control::Disconnected { ending, .. } = other.control().await {
                assert_eq!(ending, Ending::Farewell(Refusal::Unwanted));
                break;
            }
        }
        tokio::time::sleep(20 * config().limits.redial_min).await;
        assert!(other.network.peers().is_empty());
    });
}

#[test]
fn an_address_in_use_and_one_of_another_kind_are_named() {
    block_on(async {
        let node = Node::start(config());
        let runtime = tokio::runtime::Handle::current();
        let taken = Config { listen: strip(&node.network.addresses()), ..config() };
        let refused = qsdm_network::Network::start(taken, &runtime).map(|_| ());
        let refused = refused.unwrap_err().to_string();
        assert!(refused.contains("in use"), "{refused}");
        let tcp = Config { peers: vec!["/ip4/127.0.0.1/tcp/1".parse().unwrap()], ..config() };
        let refused = qsdm_network::Network::start(tcp, &runtime).map(|_| ());
        assert!(matches!(refused, Err(NetworkError::Address { .. })), "{refused:?}");
    });
}

#[test]
fn a_network_that_is_dropped_frees_its_port() {
    block_on(async {
        let node = Node::start(config());
        let listen = strip(&node.network.addresses());
        drop(node);
        let runtime = tokio::runtime::Handle::current();
        until("the port is free", || {
            qsdm_network::Network::start(Config { listen: listen.clone(), ..config() }, &runtime).is_ok()
        })
        .await;
    });
}
