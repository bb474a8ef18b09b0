//! What is sent arrives; bulk holds up nobody.

use crate::{
    raw::Raw,
    support::{Node, block_on, cell, config, outgoing_vote, pair, pair_of, round_of, until},
};
use qsdm_mesh::PeerId;
use qsdm_network::{
    Acks, Announced, Announcement, Audience, Bulk, Config, Network, NetworkError, Outgoing, QueueLimit, wire::Class,
};
use qsdm_primitives::{BlockId, CellId, Epoch, LaneId, SubmeshId, ValidatorIndex};
use std::sync::Arc;

fn only_peer(network: &Network) -> PeerId {
    network.peers()[0].peer
}

#[test]
fn each_class_arrives_as_it_was_sent() {
    block_on(async {
        let (first, mut second) = pair().await;
        let peer = only_peer(&first.network);
        let acks = Acks { epoch: Epoch(3), cells: vec![CellId([1; 32]), CellId([2; 32])] };
        let transactions = vec![vec![1_u8; 100].into(), vec![2_u8; 100_000].into()];
        let sent = cell(7, 700_000);
        first.network.send(peer, &outgoing_vote(5)).unwrap();
        first.network.send(peer, &Outgoing::Acks(acks.clone())).unwrap();
        first.network.send(peer, &Outgoing::Cell(Arc::new(sent.clone()))).unwrap();
        first.network.send(peer, &Outgoing::Transactions(transactions.clone())).unwrap();

        let vote = second.vote().await;
        assert_eq!((vote.from, round_of(&vote.message)), (only_peer(&second.network), 5));
        let mut found = [false; 3];
        for _ in 0..3 {
            match second.bulk().await {
                Bulk::Acks { acks: came, .. } => found[0] = came == acks,
                Bulk::Cell { cell: came, .. } => found[1] = *came == sent,
                Bulk::Transactions { transactions: came, .. } => found[2] = came == transactions,
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(found, [true; 3]);
        let metrics = second.network.metrics();
        assert_eq!(metrics.class(Class::Consensus).received, 1);
        assert_eq!(metrics.class(Class::Cells).received_bytes, first.network.metrics().class(Class::Cells).sent_bytes);
    });
}

#[test]
fn messages_of_one_class_keep_their_order() {
    block_on(async {
        let (first, mut second) = pair().await;
        for round in 0..1_000 {
            assert_eq!(first.network.broadcast(Audience::All, None, &outgoing_vote(round)).unwrap(), 1);
        }
        for round in 0..1_000 {
            assert_eq!(round_of(&second.vote().await.message), round);
        }
        assert_eq!(first.network.broadcast(Audience::Validators, None, &outgoing_vote(1)).unwrap(), 0);
        let peer = only_peer(&first.network);
        assert_eq!(first.network.broadcast(Audience::All, Some(peer), &outgoing_vote(1)).unwrap(), 0);
    });
}

#[test]
fn what_every_peer_would_refuse_is_not_sent() {
    block_on(async {
        let (first, _second) = pair().await;
        let peer = only_peer(&first.network);
        let transactions = vec![vec![1_u8; 100_000].into(); 11];
        let refused = first.network.send(peer, &Outgoing::Transactions(transactions));
        assert!(matches!(refused, Err(NetworkError::TooLong { class: Class::Transactions, .. })), "{refused:?}");
        let nobody = first.network.send(PeerId(999), &outgoing_vote(1));
        assert!(matches!(nobody, Err(NetworkError::NotConnected { peer: 999 })), "{nobody:?}");
    });
}

#[test]
fn votes_overtake_a_hundred_megabytes_of_cells() {
    block_on(async {
        let mut roomy = config();
        roomy.limits.cells_queue = QueueLimit { messages: 1_000, bytes: 128 << 20 };
        roomy.limits.bulk_bytes_per_second = 20 << 20;
        let (first, mut second) = pair_of(roomy, config()).await;
        let peer = only_peer(&first.network);
        // 125 cells of 800 kB: encoded once, queued many times
        let one = Outgoing::Cell(Arc::new(cell(1, 800_000)));
        for _ in 0..125 {
            first.network.send(peer, &one).unwrap();
        }
        assert!(first.network.peers()[0].queued_bytes[2] > 60_000_000);
        let mut cells = 0;
        for round in 0..20 {
            first.network.send(peer, &outgoing_vote(round)).unwrap();
            // cells are taken in the meantime, as a node would
            let vote = loop {
                tokio::select! {
                    biased;
                    vote = second.inbound.votes.recv() => break vote.unwrap(),
                    bulk = second.inbound.bulk.recv() => {
                        assert!(matches!(bulk, Some(Bulk::Cell { .. })));
                        cells += 1;
                    }
                }
            };
            assert_eq!(round_of(&vote.message), round);
        }
        assert!(cells < 100, "{cells} of 125 cells came before twenty votes had made their way");
        for _ in cells..125 {
            second.bulk().await;
        }
        assert_eq!(first.network.metrics().class(Class::Cells).dropped, 0);
    });
}

#[test]
fn a_node_that_takes_no_bulk_still_gets_votes() {
    block_on(async {
        let mut small = config();
        small.limits.bulk_waiting = 4;
        let (first, mut second) = pair_of(config(), small).await;
        let peer = only_peer(&first.network);
        let one = Outgoing::Cell(Arc::new(cell(1, 800_000)));
        for _ in 0..100 {
            first.network.send(peer, &one).unwrap();
        }
        until("the channel is full", || second.network.metrics().bulk_waiting == 4).await;
        // and the stream's window behind it
        until("no more cells go out", || {
            let sent = first.network.metrics().class(Class::Cells).sent;
            std::thread::sleep(std::time::Duration::from_millis(200));
            first.network.metrics().class(Class::Cells).sent == sent
        })
        .await;
        for round in 0..50 {
            first.network.send(peer, &outgoing_vote(round)).unwrap();
            assert_eq!(round_of(&second.vote().await.message), round);
        }
        let queued = first.network.peers()[0].queued_bytes[2];
        assert!(queued <= config().limits.cells_queue.bytes, "{queued}");
        assert!(first.network.metrics().class(Class::Cells).dropped > 0);
    });
}

#[test]
fn a_peer_that_reads_nothing_fills_its_queues_and_nobody_elses() {
    block_on(async {
        let mut slow = config();
        slow.limits.stall = std::time::Duration::from_secs(2);
        let (mut node, mut other) = pair_of(slow, config()).await;
        let address = node.network.addresses()[0].clone();
        let raw = Raw::connect(&address).await;
        let mut control = raw.greet().await;
        let deaf = node.connected().await.peer;
        let honest = node.network.peers().iter().find(|peer| peer.peer != deaf).unwrap().peer;
        // it negotiates the streams, then takes nothing from them
        let mut streams = Vec::new();
        let one = Outgoing::Cell(Arc::new(cell(1, 800_000)));
        for round in 0..3_000 {
            node.network.broadcast(Audience::All, None, &outgoing_vote(round)).unwrap();
            if round % 30 == 0 {
                node.network.broadcast(Audience::All, None, &one).unwrap();
            }
            if round == 0 {
                let is_direct = |(name, _): &&(String, _)| name.starts_with("/qsdm/");
                while streams.iter().filter(is_direct).count() < 2 {
                    streams.push(raw.accept().await);
                }
            }
            assert_eq!(round_of(&other.vote().await.message), round);
            while other.inbound.bulk.try_recv().is_ok() {}
        }
        let limits = config().limits;
        let peers = node.network.peers();
        let queued = peers.iter().find(|peer| peer.peer == deaf).unwrap();
        assert!(queued.queued[0] <= limits.consensus_queue.messages && queued.queued[0] > 100, "{queued:?}");
        assert!(queued.queued_bytes[2] <= limits.cells_queue.bytes, "{queued:?}");
        let metrics = node.network.metrics();
        assert!(metrics.class(Class::Consensus).dropped > 0 && metrics.class(Class::Cells).dropped > 0, "{metrics:?}");
        assert_eq!(peers.iter().find(|peer| peer.peer == honest).unwrap().queued[0], 0);
        // and it is let go after the time that a stalled stream has
        let farewell = loop {
            let frame = control.next().await.unwrap();
            if frame[0] == 3 {
                break frame;
            }
        };
        assert_eq!(farewell, [3, 10], "farewell: stalled");
        raw.closed().await;
    });
}

#[test]
fn an_announcement_goes_on_only_where_the_node_accepts_it() {
    block_on(async {
        let hub = Node::start(config());
        let end = || {
            let mut alone = config();
            // the ends know each other only through the hub
            alone.limits.peers_wanted = 0;
            Node::start(Config { peers: hub.network.addresses(), ..alone })
        };
        let (first, mut second) = (end(), end());
        let lane = LaneId { submesh: SubmeshId::ROOT, author: ValidatorIndex(1) };
        let mut passing = hub.inbound.bulk;
        let hub = hub.network;
        let judge = tokio::spawn(async move {
            while let Some(Bulk::Announcement { announcement, judgement, .. }) = passing.recv().await {
                match seq_of(&announcement) % 3 {
                    0 => judgement.accept(),
                    1 => judgement.ignore(),
                    _ => drop(judgement),
                }
            }
        });
        let teller = tokio::spawn(async move {
            for seq in 0_u64.. {
                let id = CellId(*blake3::hash(&seq.to_le_bytes()).as_bytes());
                let announcement = Announcement::Cell { id, epoch: Epoch(0), lane, seq };
                assert_eq!(first.network.announce(&announcement), Announced::Queued);
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
        });
        for _ in 0..20 {
            match second.bulk().await {
                Bulk::Announcement { announcement, .. } => assert_eq!(seq_of(&announcement) % 3, 0),
                other => panic!("{other:?}"),
            }
        }
        teller.abort();
        judge.abort();
        assert!(hub.metrics().announcements > 20);
    });
}

#[test]
fn who_passes_on_what_is_rejected_loses_points() {
    block_on(async {
        let (mut first, second) = pair().await;
        let announcement = |seq| Announcement::Height {
            epoch: Epoch(0),
            height: qsdm_primitives::Height(seq),
            block: BlockId([1; 32]),
        };
        let teller = tokio::spawn(async move {
            for seq in 0_u64.. {
                second.network.announce(&announcement(seq));
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            }
        });
        match first.bulk().await {
            Bulk::Announcement { judgement, .. } => judgement.reject(),
            other => panic!("{other:?}"),
        }
        until("points are counted", || first.network.peers()[0].points > 0.0).await;
        teller.abort();
    });
}

fn seq_of(announcement: &Announcement) -> u64 {
    match announcement {
        Announcement::Cell { seq, .. } => *seq,
        other => panic!("{other:?}"),
    }
}
