//! Two nodes over loopback: how long a vote takes there and back, alone and beside bulk, and what messages cost.

#![allow(clippy::unwrap_used, reason = "a bench that gets something else has nothing to measure")]
#![allow(clippy::print_stdout, reason = "its results are printed")]

use qsdm_consensus::Message;
use qsdm_crypto::testing::HashVerifier;
use qsdm_network::{Bulk, Chain, Config, Control, Inbound, Network, NodeKey, Outgoing, PeerId};
use qsdm_primitives::{
    Algorithm, BlockId, BodyHash, Cell, CellBody, CellHeader, CellId, Epoch, LaneId, Links, Round, Signature,
    SignedCellHeader, SubmeshId, ValidatorIndex, Vote, VoteStatement,
};
use std::{
    fs,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{runtime::Runtime, sync::mpsc};

const VOTES: u32 = 2_000;
const CELLS: u32 = 400;
const CELL_BYTES: usize = 500_000;

fn main() {
    let runtime = Runtime::new().unwrap();
    runtime.block_on(async {
        let (first, second) = (start(&runtime, vec![]), vec![]);
        let other = start(&runtime, [second, first.0.addresses()].concat());
        let (first, mut first_inbound, to_second) = connected(first).await;
        let (second, second_inbound, to_first) = connected(other).await;
        let Inbound { votes, bulk, control: _control } = second_inbound;
        tokio::spawn(echo(second.clone(), votes, to_first));
        tokio::spawn(drain(bulk));

        round_trips("alone", &first, &mut first_inbound.votes, to_second).await;
        let cell = Outgoing::Cell(Arc::new(cell()));
        let sender = first.clone();
        let bulk = tokio::spawn(async move {
            loop {
                while sender.peers().first().is_some_and(|peer| peer.queued[2] < 8) {
                    sender.send(to_second, &cell).unwrap();
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        });
        tokio::time::sleep(Duration::from_millis(500)).await;
        round_trips("beside bulk", &first, &mut first_inbound.votes, to_second).await;
        bulk.abort();
        costs(&first, &second, &mut first_inbound.votes, to_second).await;
    });
    runtime.shutdown_background();
}

fn start(runtime: &Runtime, peers: Vec<qsdm_network::Multiaddr>) -> (Network, Inbound) {
    let chain = Chain { chain_id: 1, genesis: [7; 32].into(), epoch: Epoch(0) };
    let mut config = Config::new(NodeKey::generate(), chain, Arc::new(HashVerifier));
    config.peers = peers;
    // it is not the quotas that are measured
    config.limits.consensus_rate.messages = u64::MAX / 4;
    config.limits.consensus_rate.bytes = u64::MAX / 4;
    config.limits.consensus_queue.messages = 1 << 20;
    config.limits.consensus_queue.bytes = 1 << 30;
    Network::start(config, runtime.handle()).unwrap()
}

async fn connected((network, mut inbound): (Network, Inbound)) -> (Network, Inbound, PeerId) {
    loop {
        if let Some(Control::Connected(peer)) = inbound.control.recv().await {
            return (network, inbound, peer.peer);
        }
    }
}

async fn echo(network: Network, mut votes: mpsc::Receiver<qsdm_network::Vote>, to: PeerId) {
    while let Some(vote) = votes.recv().await {
        if matches!(&vote.message, Message::Vote(vote) if vote.statement.epoch == Epoch(0)) {
            network.send(to, &Outgoing::Consensus(vote.message)).unwrap();
        }
    }
}

async fn drain(mut bulk: mpsc::Receiver<Bulk>) {
    while bulk.recv().await.is_some() {}
}

async fn round_trips(name: &str, network: &Network, votes: &mut mpsc::Receiver<qsdm_network::Vote>, to: PeerId) {
    let mut times = Vec::new();
    let bytes = network.metrics().classes[3].sent_bytes;
    let start = Instant::now();
    for round in 0..VOTES {
        let sent = Instant::now();
        network.send(to, &vote(0, round)).unwrap();
        votes.recv().await.unwrap();
        times.push(sent.elapsed());
    }
    let rate = (network.metrics().classes[3].sent_bytes - bytes) as f64 / start.elapsed().as_secs_f64() / 1e6;
    times.sort_unstable();
    let at = |part: usize| times[times.len() * part / 1_000];
    println!(
        "vote there and back, {name}: p50 {:?}, p99 {:?}, p99.9 {:?}; {rate:.1} MB/s of cells",
        at(500),
        at(990),
        at(999)
    );
}

/// Processor time of this process, both nodes, in microseconds a message.
async fn costs(first: &Network, second: &Network, votes: &mut mpsc::Receiver<qsdm_network::Vote>, to: PeerId) {
    tokio::time::sleep(Duration::from_secs(1)).await;
    let (cpu, start) = (cpu_us(), Instant::now());
    for round in 0..10 * VOTES {
        // epoch 1 is not sent back
        first.send(to, &vote(1, round)).unwrap();
    }
    first.send(to, &vote(0, 0)).unwrap();
    votes.recv().await.unwrap();
    let per_vote = (cpu_us() - cpu) / f64::from(10 * VOTES);
    println!(
        "a vote one way: {per_vote:.1} µs of processor time on both sides, {:.0} a second",
        f64::from(10 * VOTES) / start.elapsed().as_secs_f64()
    );

    let before = second.metrics().classes[3].received;
    let (cpu, start) = (cpu_us(), Instant::now());
    let cell = Outgoing::Cell(Arc::new(cell()));
    for sent in 0..u64::from(CELLS) {
        while sent - (second.metrics().classes[3].received - before) > 16 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        first.send(to, &cell).unwrap();
    }
    while second.metrics().classes[3].received - before < CELLS.into() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let per_cell = (cpu_us() - cpu) / f64::from(CELLS);
    println!(
        "a cell of {CELL_BYTES} bytes one way: {per_cell:.0} µs of processor time on both sides, {:.1} MB/s",
        f64::from(CELLS) * CELL_BYTES as f64 / start.elapsed().as_secs_f64() / 1e6
    );
}

/// User and system time of the process so far: fields 14 and 15 of its `stat`, in hundredths of a second.
fn cpu_us() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    (fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap()) * 10_000.0
}

fn signature() -> Signature {
    Signature::new(Algorithm::MlDsa65, vec![5; Algorithm::MlDsa65.signature_bytes()])
}

fn vote(epoch: u64, round: u32) -> Outgoing {
    let statement = VoteStatement { epoch: Epoch(epoch), round: Round(round.into()), block: BlockId([1; 32]) };
    Outgoing::Consensus(Message::Vote(Vote { statement, voter: ValidatorIndex(0), signature: signature() }))
}

/// Its content does not shrink.
fn cell() -> Cell {
    let mut noise = vec![0; CELL_BYTES];
    blake3::Hasher::new().finalize_xof().fill(&mut noise);
    let body = CellBody { transactions: noise.chunks(200).map(|part| part.to_vec().into()).collect() };
    let header = CellHeader {
        chain_id: 1,
        epoch: Epoch(0),
        lane: LaneId { submesh: SubmeshId::ROOT, author: ValidatorIndex(0) },
        seq: 1,
        depth: 2,
        links: Links { own: CellId([0; 32]), peer: CellId([0; 32]), bridge: None },
        time_ms: 1,
        gas_limit: 21_000,
        transactions: body.transactions.len() as u32,
        body: BodyHash(body.hash().0),
    };
    Cell { signed: SignedCellHeader { header, signature: signature() }, body }
}
