//! Requests and answers.

use crate::{
    raw::Raw,
    support::{Node, block, block_on, cell, config, pair, pair_of, until},
};
use qsdm_consensus::FetchRequest;
use qsdm_network::{Bulk, Network, NetworkError, PeerId, RequestError, Responder, SyncItem, SyncRequest, wire::Class};
use qsdm_primitives::{BlockId, CellId, Height, codec::Encode};
use std::{sync::Arc, time::Duration};

fn only_peer(network: &Network) -> PeerId {
    network.peers()[0].peer
}

async fn request(node: &mut Node) -> (SyncRequest, Responder) {
    match node.bulk().await {
        Bulk::Request { request, responder, .. } => (request, responder),
        other => panic!("{other:?}"),
    }
}

fn blocks(from: u64, to: u64) -> SyncRequest {
    SyncRequest::Blocks { from: Height(from), to: Height(to) }
}

#[test]
fn an_answer_comes_item_by_item_in_order() {
    block_on(async {
        let (mut server, client) = pair().await;
        let asked = blocks(1, 200);
        let answers = client.network.request(only_peer(&client.network), asked.clone()).unwrap();
        let (request, responder) = request(&mut server).await;
        assert_eq!(request, asked);
        let serve = async {
            for height in 1..=200 {
                assert!(responder.send(SyncItem::Block(Box::new(block(height)), None)).await);
            }
            responder.finish();
        };
        let (items, ()) = tokio::join!(answers.all(), serve);
        let expected: Vec<_> = (1..=200).map(|height| SyncItem::Block(Box::new(block(height)), None)).collect();
        assert_eq!(items, Ok(expected));
        until("the request is done", || client.network.peers()[0].requests == 0).await;
    });
}

#[test]
fn cells_and_pieces_of_a_snapshot_arrive_as_they_were() {
    block_on(async {
        let (mut server, client) = pair().await;
        let peer = only_peer(&client.network);
        let cells: Vec<_> = (0..20).map(|seq| Arc::new(cell(seq, 50_000))).collect();
        let chunk = SyncItem::Chunk { height: Height(9), index: 3, bytes: vec![7; 512 * 1024].into() };

        let ids = cells.iter().map(|cell| cell.header().id()).collect();
        let by_id = client.network.request(peer, SyncRequest::Fetch(FetchRequest::Cells(ids))).unwrap();
        let asked = SyncRequest::SnapshotChunk { height: Height(9), index: 3 };
        let piece = client.network.request(peer, asked).unwrap();

        let (_, first) = request(&mut server).await;
        let (_, second) = request(&mut server).await;
        let serve = async {
            assert!(second.send(chunk.clone()).await);
            second.finish();
            for cell in &cells {
                assert!(first.send(SyncItem::Cell(cell.clone())).await);
            }
            first.finish();
        };
        let (items, piece, ()) = tokio::join!(by_id.all(), piece.all(), serve);
        assert_eq!(items.unwrap(), cells.into_iter().map(SyncItem::Cell).collect::<Vec<_>>());
        assert_eq!(piece.unwrap(), [chunk]);
    });
}

#[test]
fn a_refusal_a_lost_responder_and_a_lost_peer_are_told_apart() {
    block_on(async {
        let (mut server, client) = pair().await;
        let peer = only_peer(&client.network);
        let mut answers: Vec<_> = (0..3).map(|_| client.network.request(peer, blocks(1, 1)).unwrap()).collect();
        let (_, refusing) = request(&mut server).await;
        refusing.refuse("pruned");
        drop(request(&mut server).await);
        let _never = request(&mut server).await;
        let refused = |reason: &str| Some(Err(RequestError::Refused { reason: reason.to_owned() }));
        assert_eq!(answers[0].next().await, refused("pruned"));
        assert_eq!(answers[0].next().await, None);
        assert_eq!(answers[1].next().await, refused("not answered"));
        server.network.shutdown().await;
        assert_eq!(answers[2].next().await, Some(Err(RequestError::Gone)));
        until("the peer is gone", || client.network.peers().is_empty()).await;
        let gone = client.network.request(peer, blocks(1, 1));
        assert!(matches!(gone, Err(NetworkError::NotConnected { .. })), "{gone:?}");
    });
}

#[test]
fn as_many_requests_as_allowed_are_open_and_a_slow_one_times_out() {
    block_on(async {
        let mut impatient = config();
        impatient.limits.answer = Duration::from_millis(200);
        let (mut server, client) = pair_of(config(), impatient).await;
        let peer = only_peer(&client.network);
        let max = config().limits.requests_open;
        let mut answers: Vec<_> = (0..max).map(|_| client.network.request(peer, blocks(1, 1)).unwrap()).collect();
        let busy = client.network.request(peer, blocks(1, 1));
        assert!(matches!(busy, Err(NetworkError::Busy { max: 8, .. })), "{busy:?}");
        assert_eq!(answers[0].next().await, Some(Err(RequestError::TimedOut { ms: 200 })));
        // the peer still works on what nobody waits for
        drop(answers);
        assert!(client.network.request(peer, blocks(1, 1)).is_err());
        for _ in 0..max {
            request(&mut server).await.1.finish();
        }
        until("there is room again", || client.network.request(peer, blocks(1, 1)).is_ok()).await;
        assert_eq!(server.network.peers()[0].points, 0.0);
    });
}

#[test]
fn an_answer_to_another_question_costs_points() {
    block_on(async {
        let (mut server, client) = pair().await;
        let peer = only_peer(&client.network);
        let asked = SyncRequest::Fetch(FetchRequest::Cells(vec![CellId([9; 32])]));
        let mut answers = client.network.request(peer, asked).unwrap();
        let (_, responder) = request(&mut server).await;
        assert!(responder.send(SyncItem::Cell(Arc::new(cell(1, 10)))).await);
        assert_eq!(answers.next().await, Some(Err(RequestError::Unasked)));
        assert!(client.network.peers()[0].points > 0.0);

        let mut answers = client.network.request(peer, blocks(1, 2)).unwrap();
        let (_, responder) = request(&mut server).await;
        for height in 1..=3 {
            assert!(responder.send(SyncItem::Block(Box::new(block(height)), None)).await);
        }
        assert!(answers.next().await.unwrap().is_ok() && answers.next().await.unwrap().is_ok());
        assert_eq!(answers.next().await, Some(Err(RequestError::TooMany { max: 2 })));
    });
}

#[test]
fn whoever_asks_more_than_may_be_open_is_sent_away() {
    block_on(async {
        let mut node = Node::start(config());
        let raw = Raw::connect(&node.network.addresses()[0]).await;
        let _control = raw.greet().await;
        node.connected().await;
        let mut stream = raw.open_class(Class::Sync).await;
        let id = BlockId([1; 32]);
        let request = SyncRequest::Fetch(FetchRequest::Block { id, above: 0 }).to_bytes();
        let mut responders = Vec::new();
        for number in 0..config().limits.requests_open as u64 {
            stream.frame(&[number.to_bytes(), request.clone()].concat()).await.unwrap();
            responders.push(self::request(&mut node).await);
        }
        stream.frame(&[99_u64.to_bytes(), request].concat()).await.unwrap();
        raw.closed().await;
    });
}

#[test]
fn a_request_that_every_peer_would_refuse_is_not_sent() {
    block_on(async {
        let (_server, client) = pair().await;
        let peer = only_peer(&client.network);
        let asked = SyncRequest::Fetch(FetchRequest::Cells(vec![CellId([9; 32]); 2_000]));
        assert!(matches!(client.network.request(peer, asked), Err(NetworkError::TooLong { .. })));
    });
}
