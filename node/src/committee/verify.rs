//! Signatures of what arrives, checked in batches on all cores, before the core or the mesh see any of it.

use super::{
    held::HeldCell,
    wire::{Arrival, News, Packet, Reply, Wire},
};
use parking_lot::RwLock;
use qsdm_consensus::{Message, PeerId};
use qsdm_crypto::{Authenticate, AuthenticationError, Context, MlDsaVerifier, Verified};
use qsdm_mesh::TransactionKey;
use qsdm_network::SyncRequest;
use qsdm_primitives::{
    Cell, CellId, Epoch, ValidatorIndex, ValidatorSet,
    limits::{VERIFY_BATCH_MAX, VERIFY_BATCH_MILLIS_MAX},
};
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::mpsc::{Receiver, Sender},
    task::spawn_blocking,
    time::timeout,
};

/// What was checked.
#[derive(Debug)]
pub(crate) enum Checked {
    Message(PeerId, Verified<Message>),
    Cell(PeerId, Verified<Cell>, HeldCell, Vec<TransactionKey>),
    Acknowledge(ValidatorIndex, Epoch, Vec<CellId>),
    OtherEpoch(PeerId, Epoch),
    Request(PeerId, SyncRequest, Reply),
}

/// The validators whose signatures count, as the core says.
pub(crate) type CurrentSet = Arc<RwLock<Arc<ValidatorSet>>>;

/// Checks signatures.
#[derive(Clone)]
pub(crate) struct Checker {
    pub chain_id: u64,
    pub set: CurrentSet,
    pub verifier: Arc<MlDsaVerifier>,
}

impl Checker {
    /// Checks one value against the current validators.
    pub(crate) fn verify<T: Authenticate>(&self, value: T) -> Result<Verified<T>, AuthenticationError> {
        let set = Arc::clone(&self.set.read());
        Context { chain_id: self.chain_id, set: &set, verifier: &*self.verifier }.verify(value)
    }

    /// Checks what arrived together. What breaks a rule costs its sender; what is of another epoch can't be checked.
    fn check(&self, arrivals: Vec<Arrival>, wire: &dyn Wire) -> Vec<Checked> {
        let set = Arc::clone(&self.set.read());
        let context = Context { chain_id: self.chain_id, set: &set, verifier: &*self.verifier };
        let mut checked = Vec::with_capacity(arrivals.len());
        let (mut messages, mut senders) = (Vec::new(), Vec::new());
        let (mut cells, mut authors) = (Vec::new(), Vec::new());
        for Arrival { from, key, news } in arrivals {
            let packet = match news {
                News::Packet(packet) => packet,
                News::Request(request, reply) => {
                    checked.push(Checked::Request(from, request, reply));
                    continue;
                }
            };
            match packet {
                Packet::Message(message) if message.epoch() != set.epoch() => {
                    checked.push(Checked::OtherEpoch(from, message.epoch()));
                }
                Packet::Message(message) => {
                    messages.push(Arc::unwrap_or_clone(message));
                    senders.push(from);
                }
                Packet::Cell(cell) if cell.header().epoch == set.epoch() => {
                    cells.push(Arc::unwrap_or_clone(cell));
                    authors.push(from);
                }
                Packet::Cell(cell) => checked.push(Checked::OtherEpoch(from, cell.header().epoch)),
                Packet::Acknowledge(epoch, cells) => {
                    let is_sender = |index: &ValidatorIndex| set.get(*index).map(|of| &of.key) == key.as_ref();
                    let sender = set.indices().find(is_sender);
                    checked.extend(sender.map(|sender| Checked::Acknowledge(sender, epoch, cells)));
                }
                // the pool takes transactions before they get here
                Packet::Transactions(_) => {}
            }
        }
        for (from, result) in senders.into_iter().zip(context.verify_all(messages)) {
            match result {
                Ok(message) => checked.push(Checked::Message(from, message)),
                Err(error) => wire.penalise(from, &error.to_string()),
            }
        }
        for (from, result) in authors.into_iter().zip(context.verify_all(cells)) {
            match result {
                Ok(cell) => {
                    let held = HeldCell::new(Arc::new((*cell).clone()));
                    let keys = held.keys();
                    checked.push(Checked::Cell(from, cell, held, keys));
                }
                Err(error) => wire.penalise(from, &error.to_string()),
            }
        }
        checked
    }

    /// Takes arrivals, checks them in batches and hands them on, until either side is gone.
    pub(crate) async fn run(self, mut arrivals: Receiver<Arrival>, checked: Sender<Checked>, wire: Arc<dyn Wire>) {
        let mut batch = Vec::new();
        while arrivals.recv_many(&mut batch, VERIFY_BATCH_MAX).await > 0 {
            let (checker, taken, to) = (self.clone(), std::mem::take(&mut batch), Arc::clone(&wire));
            let Ok(done) = spawn_blocking(move || checker.check(taken, &*to)).await else { return };
            for one in done {
                // a core that is busy for so long is stopping
                let sent = timeout(Duration::from_millis(VERIFY_BATCH_MILLIS_MAX), checked.send(one)).await;
                if matches!(sent, Ok(Err(_))) {
                    return;
                }
            }
        }
    }
}
