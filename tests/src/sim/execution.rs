//! Execution as far as consensus sees it: which payment of a sender and nonce counts, and a hash over all of that.

use super::payments;
use qsdm_consensus::CommittedBlock;
use qsdm_mesh::TransactionKey;
use qsdm_primitives::{CellBody, CellId, Executed, ExecutionHash};
use std::collections::BTreeMap;

/// A sender and a nonce.
type Claim = ([u8; 20], u64);

/// What became of a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// It was the first of its sender and nonce in the committed order.
    Won,
    /// The same one stood in an earlier cell.
    Repeated,
    /// Another one with this hash was first.
    Lost([u8; 32]),
}

/// What became of a payment, and where it stood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The cell that it stood in.
    pub cell: CellId,
    /// Who paid.
    pub sender: [u8; 20],
    /// The payment's nonce.
    pub nonce: u64,
    /// Its hash.
    pub hash: [u8; 32],
    /// What became of it.
    pub verdict: Verdict,
}

/// What a node has executed.
#[derive(Clone, Debug)]
pub(super) struct Execution {
    newest: Executed,
    results: BTreeMap<u64, ExecutionHash>,
    /// The payment that counts, by sender and nonce.
    winners: BTreeMap<Claim, [u8; 32]>,
    diverges_at: Option<u64>,
}

impl Execution {
    pub(super) fn new(genesis: Executed, diverges_at: Option<u64>) -> Self {
        let results = BTreeMap::from([(genesis.number, genesis.hash)]);
        Self { newest: genesis, results, winners: BTreeMap::new(), diverges_at }
    }

    pub(super) fn newest(&self) -> Executed {
        self.newest
    }

    pub(super) fn results(&self) -> &BTreeMap<u64, ExecutionHash> {
        &self.results
    }

    /// Executes a block; its result and receipts, where it makes an EVM block. A function of the committed prefix alone.
    pub(super) fn run<'a>(
        &mut self,
        committed: &CommittedBlock,
        body: impl Fn(&CellId) -> Option<&'a CellBody>,
    ) -> Option<(Executed, Vec<Receipt>)> {
        let number = committed.number.filter(|number| *number == self.newest.number + 1)?;
        let mut hasher = blake3::Hasher::new();
        hasher.update(&self.newest.hash.0).update(&number.to_le_bytes()).update(&committed.id.0);
        let mut receipts = Vec::new();
        for cell in &committed.cells {
            hasher.update(&cell.0);
            let keys = body(cell).map(payments::keys).unwrap_or_default();
            receipts.extend(keys.iter().map(|key| self.pay(*cell, key)));
        }
        for receipt in &receipts {
            hasher.update(&receipt.hash);
            match &receipt.verdict {
                Verdict::Won => hasher.update(b"won"),
                Verdict::Repeated => hasher.update(b"repeated"),
                Verdict::Lost(winner) => hasher.update(b"lost").update(winner),
            };
        }
        if self.diverges_at.is_some_and(|from| number >= from) {
            hasher.update(b"a bug");
        }
        self.newest = Executed { number, hash: ExecutionHash(*hasher.finalize().as_bytes()) };
        self.results.insert(number, self.newest.hash);
        Some((self.newest, receipts))
    }

    fn pay(&mut self, cell: CellId, key: &TransactionKey) -> Receipt {
        let TransactionKey { sender, nonce, hash, .. } = *key;
        let verdict = match self.winners.get(&(sender, nonce)) {
            Some(winner) if *winner == hash => Verdict::Repeated,
            Some(winner) => Verdict::Lost(*winner),
            None => {
                self.winners.insert((sender, nonce), hash);
                Verdict::Won
            }
        };
        Receipt { cell, sender, nonce, hash, verdict }
    }
}
