//! Nodes and messages.

use qsdm_consensus::Message;
use qsdm_crypto::{
    Signer,
    testing::{HashSigner, HashVerifier},
};
use qsdm_network::{Bulk, Chain, Config, Connected, Control, Inbound, Network, NodeKey, Outgoing, Vote};
use qsdm_primitives::{
    Algorithm, Block, BlockBody, BlockHeader, BlockId, BodyHash, Cell, CellBody, CellHeader, CellId, Epoch, LaneId,
    Links, QcRef, Round, Signature, SignedBlockHeader, SignedCellHeader, SubmeshId, ValidatorIndex, VoteStatement,
};
use std::{sync::Arc, time::Duration};
use tokio::{
    runtime::{Handle, Runtime},
    time::{sleep, timeout},
};

/// Far above what anything here takes, also on a busy machine: a test that gets here is stuck.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) const CHAIN: Chain =
    Chain { chain_id: 31_337, genesis: alloy_primitives::B256::repeat_byte(7), epoch: Epoch(0) };

pub(crate) fn block_on<T>(test: impl Future<Output = T>) -> T {
    let runtime = Runtime::new().unwrap();
    let result = runtime.block_on(async { timeout(3 * PATIENCE, test).await.expect("the test is stuck") });
    runtime.shutdown_background();
    result
}

pub(crate) struct Node {
    pub(crate) network: Network,
    pub(crate) inbound: Inbound,
}

pub(crate) fn config() -> Config {
    let mut config = Config::new(NodeKey::generate(), CHAIN, Arc::new(HashVerifier));
    // lost connections are noticed and dialled again sooner than in life
    config.limits.idle = Duration::from_secs(3);
    config.limits.keep_alive = Duration::from_millis(500);
    config.limits.redial_min = Duration::from_millis(50);
    config.limits.redial_max = Duration::from_millis(500);
    config
}

pub(crate) fn validator(number: u64) -> Arc<HashSigner> {
    Arc::new(HashSigner::new(Algorithm::MlDsa65, number))
}

impl Node {
    pub(crate) fn start(config: Config) -> Self {
        let (network, inbound) = Network::start(config, &Handle::current()).unwrap();
        Self { network, inbound }
    }

    /// A node that dials others.
    pub(crate) fn dialling(others: &[&Self]) -> Self {
        let peers = others.iter().flat_map(|other| other.network.addresses()).collect();
        Self::start(Config { peers, ..config() })
    }

    pub(crate) async fn control(&mut self) -> Control {
        timeout(PATIENCE, self.inbound.control.recv()).await.expect("no news").expect("the network ended")
    }

    /// The next peer that comes, whatever else happens before.
    pub(crate) async fn connected(&mut self) -> Connected {
        loop {
            if let Control::Connected(connected) = self.control().await {
                return *connected;
            }
        }
    }

    pub(crate) async fn vote(&mut self) -> Vote {
        timeout(PATIENCE, self.inbound.votes.recv()).await.expect("no vote").expect("the network ended")
    }

    pub(crate) async fn bulk(&mut self) -> Bulk {
        timeout(PATIENCE, self.inbound.bulk.recv()).await.expect("nothing came").expect("the network ended")
    }
}

/// Two nodes that are connected, and each one's name for the other.
pub(crate) async fn pair() -> (Node, Node) {
    pair_of(config(), config()).await
}

pub(crate) async fn pair_of(first: Config, second: Config) -> (Node, Node) {
    let mut first = Node::start(first);
    let mut second = Node::start(Config { peers: first.network.addresses(), ..second });
    first.connected().await;
    second.connected().await;
    (first, second)
}

pub(crate) async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let wait = async {
        while !holds() {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, wait).await.unwrap_or_else(|_| panic!("never happened: {what}"));
}

pub(crate) fn signature() -> Signature {
    Signature::new(Algorithm::MlDsa65, vec![5; Algorithm::MlDsa65.signature_bytes()])
}

pub(crate) fn vote_of(round: u64) -> Message {
    let statement = VoteStatement { epoch: Epoch(0), round: Round(round), block: BlockId([1; 32]) };
    Message::Vote(qsdm_primitives::Vote { statement, voter: ValidatorIndex(0), signature: signature() })
}

pub(crate) fn outgoing_vote(round: u64) -> Outgoing {
    Outgoing::Consensus(vote_of(round))
}

pub(crate) fn round_of(message: &Message) -> u64 {
    match message {
        Message::Vote(vote) => vote.statement.round.0,
        other => panic!("{:?} instead of a vote", other.kind()),
    }
}

pub(crate) fn block(round: u64) -> Block {
    let body = BlockBody::default();
    let start = QcRef::start(Epoch(0), BlockId([0; 32]));
    let header = BlockHeader {
        chain_id: CHAIN.chain_id,
        epoch: Epoch(0),
        round: Round(round),
        height: qsdm_primitives::Height(round),
        parent: BlockId([0; 32]),
        qc: start,
        body: body.hash(),
        executed: Default::default(),
        time_ms: 1,
        proposer: ValidatorIndex(0),
    };
    Block { signed: SignedBlockHeader { header, signature: signature() }, body }
}

/// A cell with a transaction of so many bytes that don't shrink.
pub(crate) fn cell(seq: u64, bytes: usize) -> Cell {
    let mut noise = vec![0; bytes];
    blake3::Hasher::new().update(&seq.to_le_bytes()).finalize_xof().fill(&mut noise);
    let transactions = noise.chunks(100 * 1024).map(|part| part.to_vec().into()).collect::<Vec<_>>();
    let body = CellBody { transactions };
    let header = CellHeader {
        chain_id: CHAIN.chain_id,
        epoch: Epoch(0),
        lane: LaneId { submesh: SubmeshId::ROOT, author: ValidatorIndex(0) },
        seq,
        depth: seq + 1,
        links: Links { own: CellId([0; 32]), peer: CellId([0; 32]), bridge: None },
        time_ms: 1,
        gas_limit: 21_000,
        transactions: body.transactions.len() as u32,
        body: BodyHash(body.hash().0),
    };
    Cell { signed: SignedCellHeader { header, signature: signature() }, body }
}

pub(crate) fn signer_key(number: u64) -> qsdm_primitives::PublicKey {
    validator(number).public_key().clone()
}
