//! What a node spends on signatures: one cell header, and the votes of one block.

use alloy_primitives::Address;
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use qsdm_crypto::{BatchVerifier, Claim, Context, LocalSigner, MlDsaVerifier, Seed, Signer, Verifier};
use qsdm_primitives::{
    Algorithm, BlockId, BodyHash, CellHeader, CellId, Epoch, LaneId, Links, QcRef, QuorumCertificate, Round,
    SignedCellHeader, Statement, SubmeshId, Validator, ValidatorIndex, ValidatorSet, VoteStatement,
};

const CHAIN: u64 = 1;

fn committee(size: u8) -> (Vec<LocalSigner>, ValidatorSet) {
    let signer = |index: u8| LocalSigner::from_seed(Algorithm::MlDsa65, &Seed::new([index; 32])).expect("a key");
    let signers: Vec<LocalSigner> = (0..size).map(signer).collect();
    let member =
        |signer: &LocalSigner| Validator { account: Address::ZERO, key: signer.public_key().clone(), bonded: 1 };
    let set = ValidatorSet::new(Epoch(0), signers.iter().map(member).collect()).expect("a set");
    (signers, set)
}

fn cell(signer: &LocalSigner) -> SignedCellHeader {
    let header = CellHeader {
        chain_id: CHAIN,
        epoch: Epoch(0),
        lane: LaneId { submesh: SubmeshId(0), author: ValidatorIndex(0) },
        seq: 1,
        depth: 1,
        links: Links { own: CellId([1; 32]), peer: CellId([2; 32]), bridge: None },
        time_ms: 1,
        gas_limit: 21_000,
        transactions: 1,
        body: BodyHash([3; 32]),
    };
    SignedCellHeader { signature: signer.sign(&header.message(CHAIN)).expect("a signature"), header }
}

fn votes(signers: &[LocalSigner], set: &ValidatorSet) -> QuorumCertificate {
    let statement = VoteStatement { epoch: Epoch(0), round: Round(1), block: BlockId([7; 32]) };
    let message = statement.message(CHAIN);
    let signatures = signers.iter().map(|signer| signer.sign(&message).expect("a signature")).collect();
    QuorumCertificate { reference: QcRef { statement, signers: set.everyone() }, signatures }
}

fn cell_header(criterion: &mut Criterion) {
    let (signers, set) = committee(4);
    let cell = cell(&signers[0]);
    let mut group = criterion.benchmark_group("cell header");
    group.throughput(Throughput::Elements(1));
    for (name, keys) in [("cached key", 64), ("parsed key", 0)] {
        let verifier = MlDsaVerifier::with_keys_max(keys);
        let context = Context { chain_id: CHAIN, set: &set, verifier: &verifier };
        group.bench_function(name, |bencher| {
            bencher.iter_batched(|| cell.clone(), |cell| context.verify(cell).expect("valid"), BatchSize::SmallInput);
        });
    }
    let verifier = MlDsaVerifier::new();
    let (key, message) = (signers[0].public_key(), cell.header.message(CHAIN));
    let claim = Claim { key, message, signature: &cell.signature };
    group.bench_function("signature alone", |bencher| bencher.iter(|| assert!(verifier.verify(&claim))));
    group.bench_function("sign", |bencher| bencher.iter(|| signers[0].sign(&message)));
    group.finish();
}

fn votes_of_a_block(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("votes of a block");
    for size in [4, 16, 64] {
        let (signers, set) = committee(size);
        let certificate = votes(&signers, &set);
        let verifier = MlDsaVerifier::new();
        let context = Context { chain_id: CHAIN, set: &set, verifier: &verifier };
        group.throughput(Throughput::Elements(size.into()));
        group.bench_function(format!("batch of {size}"), |bencher| {
            bencher.iter_batched(
                || certificate.clone(),
                |certificate| context.verify(certificate).expect("valid"),
                BatchSize::SmallInput,
            );
        });
        let message = certificate.reference.statement.message(CHAIN);
        let claims: Vec<Claim<'_>> = signers
            .iter()
            .zip(&certificate.signatures)
            .map(|(signer, signature)| Claim { key: signer.public_key(), message, signature })
            .collect();
        group.bench_function(format!("{size} one by one"), |bencher| {
            bencher.iter(|| claims.iter().all(|claim| verifier.verify(claim)));
        });
        assert!(verifier.verify_batch(&claims).into_iter().all(|right| right));
    }
    group.finish();
}

criterion_group!(benches, cell_header, votes_of_a_block);
criterion_main!(benches);
