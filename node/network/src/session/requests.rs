//! Requests to a peer.

use super::{FAULT_POINTS, reader, writer};
use crate::{
    behaviour::OpenRequest,
    error::RequestError,
    hello::Refusal,
    inbound::Ending,
    metrics::add,
    peers::{Peer, Shared},
    wire::{
        Answer, Class, Request, SyncItem, SyncRequest,
        frame::{self, FrameReader},
    },
};
use futures_util::{
    AsyncReadExt,
    io::{ReadHalf, WriteHalf},
};
use libp2p::Stream;
use parking_lot::Mutex;
use qsdm_primitives::codec::Encode;
use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
    time::Duration,
};
use tokio::{
    sync::{Notify, mpsc},
    time::timeout,
};

/// Items of one answer that wait for whoever asked.
const ITEMS_WAITING_MAX: usize = 4;

/// The open requests to one peer.
pub(crate) struct Requests {
    max: usize,
    state: Mutex<State>,
    asked: Notify,
}

#[derive(Default)]
struct State {
    last: u64,
    unsent: VecDeque<Request>,
    open: BTreeMap<u64, Open>,
    is_closed: bool,
}

/// A request whose answer is not complete.
struct Open {
    request: SyncRequest,
    items: usize,
    /// None where nobody waits any more. The peer still works on it, so it still counts.
    deliver: Option<mpsc::Sender<Delivery>>,
}

/// What reaches whoever asked.
enum Delivery {
    Item(SyncItem),
    End,
    Failed(RequestError),
}

impl Requests {
    pub(crate) fn new(max: usize) -> Self {
        Self { max, state: Mutex::default(), asked: Notify::new() }
    }

    pub(crate) fn max(&self) -> usize {
        self.max
    }

    pub(crate) fn open(&self) -> usize {
        self.state.lock().open.len()
    }

    /// Asks; none where as much as is allowed is open, or the peer is gone.
    pub(crate) fn ask(peer: &Arc<Peer>, request: SyncRequest, limit: Duration) -> Option<Answers> {
        let requests = &peer.requests;
        let mut state = requests.state.lock();
        if state.is_closed || state.open.len() >= requests.max {
            return None;
        }
        state.last += 1;
        let number = state.last;
        let (deliver, items) = mpsc::channel(ITEMS_WAITING_MAX);
        state.open.insert(number, Open { request: request.clone(), items: 0, deliver: Some(deliver) });
        state.unsent.push_back(Request { number, request });
        drop(state);
        requests.asked.notify_one();
        Some(Answers { number, items, limit, peer: peer.clone(), is_over: false })
    }

    /// The peer is gone.
    pub(crate) fn fail_all(&self) {
        let mut state = self.state.lock();
        state.is_closed = true;
        state.open.clear();
    }

    async fn next_unsent(&self) -> Request {
        loop {
            if let Some(request) = self.state.lock().unsent.pop_front() {
                return request;
            }
            self.asked.notified().await;
        }
    }

    /// Where an answer's frame goes; none where nobody waits for it any more. An error where the peer never had such a
    /// request, or where the frame does not fit it.
    fn place(&self, number: u64, answer: Answer) -> Result<Option<(mpsc::Sender<Delivery>, Delivery)>, RequestError> {
        let mut state = self.state.lock();
        if number > state.last {
            return Err(RequestError::Unasked);
        }
        let Some(open) = state.open.get_mut(&number) else { return Ok(None) };
        let Answer::Item(item) = answer else {
            let deliver = open.deliver.take();
            state.open.remove(&number);
            let end = match answer {
                Answer::Refused(reason) => Delivery::Failed(RequestError::Refused { reason }),
                _ => Delivery::End,
            };
            return Ok(deliver.map(|deliver| (deliver, end)));
        };
        let fault = if !open.request.accepts(&item) {
            RequestError::Unasked
        } else if open.items >= open.request.items_max() {
            RequestError::TooMany { max: open.items }
        } else {
            open.items += 1;
            return Ok(open.deliver.clone().map(|deliver| (deliver, Delivery::Item(item))));
        };
        if let Some(deliver) = open.deliver.take() {
            drop(deliver.try_send(Delivery::Failed(fault.clone())));
        }
        Err(fault)
    }

    /// Nobody waits for the answer any more.
    fn abandon(&self, number: u64) {
        if let Some(open) = self.state.lock().open.get_mut(&number) {
            open.deliver = None;
        }
    }
}

/// The answer to a request, item by item. Dropping it throws away what still comes; until the
/// peer has answered, the request counts as open.
pub struct Answers {
    number: u64,
    items: mpsc::Receiver<Delivery>,
    limit: Duration,
    peer: Arc<Peer>,
    is_over: bool,
}

impl Answers {
    /// The next item; none after the last one. An error is the last one.
    ///
    /// # Errors
    /// [`RequestError`] where the peer refuses, lies about what was asked for, is too slow or is gone.
    pub async fn next(&mut self) -> Option<Result<SyncItem, RequestError>> {
        if self.is_over {
            return None;
        }
        let delivery = match timeout(self.limit, self.items.recv()).await {
            Ok(Some(delivery)) => delivery,
            Ok(None) => Delivery::Failed(RequestError::Gone),
            Err(_) => Delivery::Failed(RequestError::TimedOut { ms: self.limit.as_millis() as u64 }),
        };
        match delivery {
            Delivery::Item(item) => return Some(Ok(item)),
            Delivery::End => self.close(),
            Delivery::Failed(error) => {
                self.close();
                return Some(Err(error));
            }
        }
        None
    }

    /// All items at once.
    ///
    /// # Errors
    /// As [`Answers::next`]; what came before the error is lost.
    pub async fn all(mut self) -> Result<Vec<SyncItem>, RequestError> {
        let mut items = Vec::new();
        while let Some(item) = self.next().await {
            items.push(item?);
        }
        Ok(items)
    }

    fn close(&mut self) {
        self.is_over = true;
        self.peer.requests.abandon(self.number);
    }
}

impl Drop for Answers {
    fn drop(&mut self) {
        self.close();
    }
}

impl std::fmt::Debug for Answers {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Answers({} of peer {})", self.number, self.peer.id.0)
    }
}

/// Opens the stream for the first request.
pub(super) async fn run(shared: Arc<Shared>, peer: Arc<Peer>, opener: mpsc::Sender<OpenRequest>) -> Ending {
    let first = peer.requests.next_unsent().await;
    let stream = match super::open(&opener, Class::Sync).await {
        Ok(stream) => stream,
        Err(ending) => return ending,
    };
    let (answers, requests) = stream.split();
    tokio::select! {
        ending = write(&shared, &peer, requests, first) => ending,
        ending = read(&shared, &peer, answers) => ending,
    }
}

async fn write(shared: &Shared, peer: &Peer, mut stream: WriteHalf<Stream>, first: Request) -> Ending {
    let mut request = first;
    loop {
        let content = request.to_bytes();
        if frame::write(&mut stream, &content).await.is_err() {
            return Ending::Lost;
        }
        writer::sent(shared, peer, Class::Sync, content.len());
        request = peer.requests.next_unsent().await;
    }
}

async fn read(shared: &Shared, peer: &Peer, stream: ReadHalf<Stream>) -> Ending {
    let limits = &shared.config.limits;
    let mut frames = FrameReader::of_answers(stream, limits.frame);
    loop {
        let frame = match frames.next().await {
            Ok(Some(frame)) => frame,
            Ok(None) => return Ending::Lost,
            Err(error) => return reader::broken(shared, peer, &error),
        };
        let counters = shared.counters.class(Class::Sync);
        add(&counters.received, 1);
        add(&counters.received_bytes, frame.len() as u64);
        add(&peer.bytes_in, frame.len() as u64);
        let (number, answer) = match Answer::from_frame(&frame) {
            Ok(answer) => answer,
            Err(error) => {
                reader::undecodable(shared, peer, Class::Sync, &error);
                continue;
            }
        };
        match peer.requests.place(number, answer) {
            Ok(None) => {}
            Ok(Some((deliver, delivery))) => {
                // whoever asked and does not read must not hold up the others for ever
                if timeout(limits.answer, deliver.send(delivery)).await.is_err() {
                    peer.requests.abandon(number);
                }
            }
            Err(error) => {
                shared.penalise(peer.node, FAULT_POINTS, &error.to_string());
                if number > peer.requests.state.lock().last {
                    return Ending::Closed(Refusal::Misbehaved);
                }
            }
        }
    }
}
