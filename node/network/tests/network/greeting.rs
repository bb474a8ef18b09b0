//! Who becomes a peer.

use crate::{
    raw::{Raw, hello, hello_frame},
    support::{CHAIN, Node, block_on, config, signer_key, until, validator},
};
use alloy_primitives::B256;
use qsdm_crypto::Signer;
use qsdm_network::{Binding, Chain, Config, Control, HelloError, Refusal, wire::Class};
use qsdm_primitives::codec::{Encode, decode};

async fn refusal_of(node: &mut Node) -> HelloError {
    loop {
        if let Control::Refused { error, .. } = node.control().await {
            return error;
        }
    }
}

/// A node of another chain dials one of ours: both are told the same, once.
fn refused_on_both_sides(chain: Chain, expected: Refusal, mirrored: Refusal) {
    block_on(async {
        let mut ours = Node::start(config());
        let mut theirs = Node::start(Config { chain, peers: ours.network.addresses(), ..config() });
        for node in [&mut ours, &mut theirs] {
            // whoever says it first is the one that refuses
            match refusal_of(node).await {
                HelloError::Refused(refusal) | HelloError::RefusedByPeer(refusal) => {
                    assert!([&expected, &mirrored].contains(&&refusal), "{refusal}");
                }
                other => panic!("{other}"),
            }
        }
        assert_eq!((ours.network.metrics().peers, theirs.network.metrics().peers), (0, 0));
        // not dialled again for a while
        tokio::time::sleep(20 * config().limits.redial_min).await;
        assert_eq!(theirs.network.metrics().refused, 1);
    });
}

#[test]
fn a_node_of_another_chain_is_refused_and_told_why() {
    let (expected, found) = (CHAIN.chain_id, 1);
    refused_on_both_sides(
        Chain { chain_id: found, ..CHAIN },
        Refusal::Chain { expected, found },
        Refusal::Chain { expected: found, found: expected },
    );
}

#[test]
fn a_node_of_another_genesis_is_refused_and_told_why() {
    let (expected, found) = (CHAIN.genesis, B256::repeat_byte(8));
    refused_on_both_sides(
        Chain { genesis: found, ..CHAIN },
        Refusal::Genesis { expected, found },
        Refusal::Genesis { expected: found, found: expected },
    );
}

#[test]
fn another_version_is_refused_by_its_number() {
    block_on(async {
        let mut node = Node::start(config());
        let raw = Raw::connect(&node.network.addresses()[0]).await;
        let mut stream = raw.open_class(Class::Control).await;
        stream.frame(&hello_frame(2, &hello())).await.unwrap();
        stream.next().await.unwrap();
        let farewell = stream.next().await.unwrap();
        let refusal = Refusal::Version { expected: 1, found: 2 };
        assert_eq!(farewell, [vec![3], refusal.to_bytes()].concat());
        assert!(matches!(refusal_of(&mut node).await, HelloError::Refused(found) if found == refusal));
        raw.closed().await;
    });
}

#[test]
fn a_validator_is_known_by_its_signature_and_a_forger_refused() {
    block_on(async {
        let mut node = Node::start(config());
        let address = node.network.addresses()[0].clone();
        let signer = validator(4);

        let raw = Raw::connect(&address).await;
        let own = Binding::new(&*signer, &raw.node(), &CHAIN).unwrap();
        let _control = raw.greet_with(&qsdm_network::Hello { binding: Some(own.clone()), ..hello() }).await;
        assert_eq!(node.connected().await.validator.as_ref(), Some(signer.public_key()));

        // the same signature under another node's identity, and one for another genesis
        let thief = Raw::connect(&address).await;
        let elsewhere = Chain { genesis: B256::repeat_byte(9), ..CHAIN };
        let other = Raw::connect(&address).await;
        let foreign = Binding::new(&*signer, &other.node(), &elsewhere).unwrap();
        for (raw, binding) in [(thief, own), (other, foreign)] {
            let mut stream = raw.open_class(Class::Control).await;
            stream.frame(&hello_frame(1, &qsdm_network::Hello { binding: Some(binding), ..hello() })).await.unwrap();
            stream.next().await.unwrap();
            let farewell = stream.next().await.unwrap();
            assert_eq!(decode::<Refusal>(&farewell[1..]), Ok(Refusal::Binding));
            assert!(matches!(refusal_of(&mut node).await, HelloError::Refused(Refusal::Binding)));
        }
        assert_eq!(node.network.metrics().peers, 1);
    });
}

#[test]
fn a_key_that_another_node_uses_too_is_reported() {
    block_on(async {
        let with_key = |peers| Config { peers, signer: Some(validator(1)), ..config() };
        let mut first = Node::start(with_key(vec![]));
        let mut copy = Node::start(with_key(first.network.addresses()));
        let expected = [copy.network.node_id(), first.network.node_id()];
        for (node, other) in [&mut first, &mut copy].into_iter().zip(expected) {
            loop {
                if let Control::KeySeenElsewhere { node, reported_by } = node.control().await {
                    assert_eq!((node, reported_by), (Some(other), None));
                    break;
                }
            }
        }
    });
}

#[test]
fn a_key_that_two_peers_use_is_told_to_the_second() {
    block_on(async {
        let mut hub =
            Node::start(Config { limits: qsdm_network::Limits { peers_wanted: 0, ..config().limits }, ..config() });
        let spoke = |limits: qsdm_network::Limits| Config {
            peers: hub.network.addresses(),
            signer: Some(validator(1)),
            // they would find each other through the hub
            limits: qsdm_network::Limits { peers_wanted: 0, ..limits },
            ..config()
        };
        let mut first = Node::start(spoke(config().limits));
        first.connected().await;
        let mut second = Node::start(spoke(config().limits));
        let reporter = second.connected().await.peer;
        loop {
            if let Control::KeySeenElsewhere { node, reported_by } = second.control().await {
                assert_eq!((node, reported_by), (None, Some(reporter)));
                break;
            }
        }
        loop {
            if let Control::KeyClaimedTwice { key, first: there, second: came } = hub.control().await {
                assert_eq!(*key, signer_key(1));
                assert_eq!((there, came), (first.network.node_id(), second.network.node_id()));
                break;
            }
        }
    });
}

/// The second process is refused for as long as the first one answers, and the first one hears nothing of it.
#[test]
fn a_copy_of_a_whole_folder_is_refused_while_the_first_process_lives() {
    block_on(async {
        let mut hub = Node::start(config());
        let folder = Config { peers: hub.network.addresses(), signer: Some(validator(1)), ..config() };
        let mut first = Node::start(folder.clone());
        first.connected().await;
        let seat = hub.connected().await;
        let mut copy = Node::start(folder);
        let mut is_refused = false;
        loop {
            match copy.control().await {
                Control::KeySeenElsewhere { node, reported_by } => {
                    assert_eq!((node, reported_by), (Some(first.network.node_id()), None));
                    break;
                }
                Control::Refused { error, .. } => {
                    assert!(matches!(error, HelloError::RefusedByPeer(Refusal::InUse)), "{error}");
                    is_refused = true;
                }
                other => panic!("{other:?}, and refused: {is_refused}"),
            }
        }
        assert_eq!(hub.network.peers().iter().map(|peer| peer.peer).collect::<Vec<_>>(), [seat.peer]);
    });
}

#[test]
fn no_more_strangers_than_allowed_find_room_but_validators_do() {
    block_on(async {
        let mut limited = config();
        limited.limits.observers = 1;
        let mut node = Node::start(limited);
        node.network.set_epoch(qsdm_primitives::Epoch(0), [signer_key(3)]);
        let first = Node::dialling(&[&node]);
        assert_eq!(node.connected().await.node, first.network.node_id());
        let mut second = Node::dialling(&[&node]);
        assert!(matches!(refusal_of(&mut second).await, HelloError::RefusedByPeer(Refusal::Full)));
        let peers = node.network.addresses();
        let member = Node::start(Config { peers, signer: Some(validator(3)), ..config() });
        assert_eq!(node.connected().await.node, member.network.node_id());
    });
}

#[test]
fn who_says_nothing_is_let_go() {
    block_on(async {
        let mut hasty = config();
        hasty.limits.hello = std::time::Duration::from_millis(300);
        let mut node = Node::start(hasty);
        let raw = Raw::connect(&node.network.addresses()[0]).await;
        assert!(matches!(refusal_of(&mut node).await, HelloError::TimedOut { ms: 300 }));
        raw.closed().await;
        until("forgotten", || node.network.metrics().peers == 0).await;
    });
}
