//! What is written is read again, and nothing else is.

use super::*;
use proptest::prelude::*;
use qsdm_consensus::FetchRequest;
use qsdm_primitives::{
    BlockId, Height, LaneId, QcRef, SubmeshId, ValidatorIndex,
    codec::decode,
    limits::{REQUESTED_CELLS_MAX, REQUESTED_HEIGHTS_MAX, SNAPSHOT_CHUNK_BYTES_MAX},
};

fn id() -> impl Strategy<Value = [u8; 32]> {
    any::<[u8; 32]>()
}

fn request() -> impl Strategy<Value = SyncRequest> {
    let range = (0..u64::MAX - REQUESTED_HEIGHTS_MAX, 0..REQUESTED_HEIGHTS_MAX)
        .prop_map(|(from, more)| (Height(from), Height(from + more)));
    let cells = proptest::collection::vec(id().prop_map(CellId), 0..50);
    prop_oneof![
        (id(), any::<u64>()).prop_map(|(id, above)| SyncRequest::Fetch(FetchRequest::Block { id: BlockId(id), above })),
        id().prop_map(|id| SyncRequest::Fetch(FetchRequest::Certificate(QcRef::start(Epoch(3), BlockId(id))))),
        cells.prop_map(|cells| SyncRequest::Fetch(FetchRequest::Cells(cells))),
        any::<u64>().prop_map(|epoch| SyncRequest::Fetch(FetchRequest::EpochCertificate(Epoch(epoch)))),
        range.clone().prop_map(|(from, to)| SyncRequest::Certificates { from, to }),
        range.clone().prop_map(|(from, to)| SyncRequest::Blocks { from, to }),
        range.prop_map(|(from, to)| SyncRequest::Cells { from, to }),
        Just(SyncRequest::SnapshotManifest),
        any::<(u64, u32)>().prop_map(|(height, index)| SyncRequest::SnapshotChunk { height: Height(height), index }),
    ]
}

fn answer() -> impl Strategy<Value = Answer> {
    let bytes = proptest::collection::vec(any::<u8>(), 0..3_000);
    prop_oneof![
        Just(Answer::End),
        "[a-z ]{0,100}".prop_map(Answer::Refused),
        (any::<(u64, u32)>(), bytes.clone()).prop_map(|((height, index), bytes)| {
            Answer::Item(SyncItem::Chunk { height: Height(height), index, bytes: bytes.into() })
        }),
        (any::<u64>(), bytes).prop_map(|(height, bytes)| {
            Answer::Item(SyncItem::Manifest { height: Height(height), bytes: bytes.into() })
        }),
    ]
}

proptest! {
    #[test]
    fn requests_come_back(number in any::<u64>(), request in request()) {
        let request = Request { number, request };
        prop_assert_eq!(decode_request(&request.to_bytes()).unwrap(), request);
    }

    #[test]
    fn answers_come_back(number in any::<u64>(), answer in answer()) {
        prop_assert_eq!(Answer::from_frame(&answer.to_frame(number)).unwrap(), (number, answer));
    }

    #[test]
    fn any_request_is_read_in_one_way_or_refused(mut bytes in proptest::collection::vec(any::<u8>(), 9..200), kind in 0_u8..11) {
        bytes[8] = kind;
        if let Ok(request) = decode_request(&bytes) {
            prop_assert_eq!(request.to_bytes(), bytes);
        }
    }

    #[test]
    fn any_answer_is_read_or_refused(mut bytes in proptest::collection::vec(any::<u8>(), 9..2_000), kind in 0_u8..9) {
        bytes[8] = kind;
        drop(Answer::from_frame(&bytes));
    }

    #[test]
    fn any_bytes_of_the_other_classes_are_read_in_one_way_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        if let Ok(acks) = decode::<Acks>(&bytes) {
            prop_assert_eq!(acks.to_bytes(), &bytes[..]);
        }
        if let Ok(announcement) = decode::<Announcement>(&bytes) {
            prop_assert_eq!(announcement.to_bytes(), &bytes[..]);
        }
        if let Ok(transactions) = decode_transactions(&bytes) {
            prop_assert_eq!(&Outgoing::Transactions(transactions).to_frame()[..], &bytes[..]);
        }
        drop(decode_cell(&bytes));
    }

    #[test]
    fn announcements_come_back(id in id(), seq in any::<u64>(), author in 0_u16..64) {
        let lane = LaneId { submesh: SubmeshId::ROOT, author: ValidatorIndex(author) };
        let cell = Announcement::Cell { id: CellId(id), epoch: Epoch(seq), lane, seq };
        prop_assert_eq!(decode::<Announcement>(&cell.to_bytes()), Ok(cell));
        let height = Announcement::Height { epoch: Epoch(1), height: Height(seq), block: BlockId(id) };
        prop_assert_eq!(decode::<Announcement>(&height.to_bytes()), Ok(height));
    }
}

#[test]
fn a_range_of_too_many_heights_or_of_none_is_refused() {
    let range = |from, to| SyncRequest::Blocks { from: Height(from), to: Height(to) }.to_bytes();
    assert!(decode::<SyncRequest>(&range(5, 4 + REQUESTED_HEIGHTS_MAX)).is_ok());
    for (from, to) in [(5, 5 + REQUESTED_HEIGHTS_MAX), (5, 4), (0, u64::MAX)] {
        let refused = decode::<SyncRequest>(&range(from, to));
        assert!(matches!(refused, Err(CodecError::TooMany { .. })), "{from}..={to}: {refused:?}");
    }
}

#[test]
fn the_largest_messages_fit_their_frames() {
    let acks = Outgoing::Acks(Acks { epoch: Epoch(1), cells: vec![CellId([1; 32]); ACKS_MAX] });
    assert!(acks.to_frame().len() <= ACKS_FRAME_BYTES_MAX);
    let cells = SyncRequest::Fetch(FetchRequest::Cells(vec![CellId([1; 32]); REQUESTED_CELLS_MAX]));
    let request = Request { number: u64::MAX, request: cells };
    assert!(request.to_bytes().len() <= REQUEST_FRAME_BYTES_MAX);
    let bytes = vec![1; SNAPSHOT_CHUNK_BYTES_MAX].into();
    let chunk = Answer::Item(SyncItem::Chunk { height: Height(1), index: 1, bytes });
    assert!(chunk.to_frame(1).len() <= answer_bytes_max());
    assert!(BLOCK_FRAME_BYTES_MAX + 64 <= answer_bytes_max());
}

#[test]
fn newer_rounds_and_epochs_rank_higher() {
    let vote = |epoch, round| {
        let statement = qsdm_primitives::VoteStatement {
            epoch: Epoch(epoch),
            round: qsdm_primitives::Round(round),
            block: BlockId([0; 32]),
        };
        let signature = qsdm_primitives::Signature::new(qsdm_primitives::Algorithm::MlDsa65, vec![]);
        Outgoing::Consensus(Message::Vote(qsdm_primitives::Vote { statement, voter: ValidatorIndex(0), signature }))
            .rank()
    };
    assert!(vote(1, 1) < vote(1, 2) && vote(1, 9) < vote(2, 1));
}
