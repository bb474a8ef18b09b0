//! Answers to other nodes, from the store.

use super::wire::{Packet, Wire};
use qsdm_consensus::{FetchRequest, Message, PeerId};
use qsdm_primitives::{
    Block, BlockId, Height, QcRef, QuorumCertificate,
    limits::{BLOCKS_UNCOMMITTED_MAX, SERVED_BLOCKS_MAX, SERVED_CELLS_MAX},
};
use qsdm_storage::{MeshStore, StorageError};
use std::{collections::VecDeque, sync::Arc};

type Certified = (Arc<Block>, Option<Arc<QuorumCertificate>>);

/// Answers with messages and cells; what is not here is not answered, and the other node asks another one.
pub(crate) fn serve(store: &MeshStore, wire: &dyn Wire, to: PeerId, request: &FetchRequest) {
    let answered = match request {
        FetchRequest::Block { id, above } => chain_to(store, id, *above).map(|chain| {
            for (block, certificate) in chain {
                let certificate = certificate.map(|certificate| Box::new(Arc::unwrap_or_clone(certificate)));
                send(wire, to, Message::Block(Box::new(Arc::unwrap_or_clone(block)), certificate));
            }
        }),
        FetchRequest::Certificate(reference) => stored_certificate(store, reference).map(|certificate| {
            if let Some(certificate) = certificate {
                send(wire, to, Message::Certificate(Box::new(Arc::unwrap_or_clone(certificate))));
            }
        }),
        FetchRequest::Cells(cells) => cells.iter().take(SERVED_CELLS_MAX).try_for_each(|id| {
            let cell = store.cell(id)?;
            cell.into_iter().for_each(|cell| wire.send(to, Packet::Cell(Arc::new(cell))));
            Ok(())
        }),
        FetchRequest::EpochCertificate(epoch) => store.epoch(*epoch).map(|ended| {
            if let Some((_, _, Some(certificate))) = ended {
                send(wire, to, Message::EpochCertificate(Box::new(Arc::unwrap_or_clone(certificate))));
            }
        }),
    };
    if let Err(error) = answered {
        tracing::error!(%error, "a question of another node can't be answered");
    }
}

fn send(wire: &dyn Wire, to: PeerId, message: Message) {
    wire.send(to, Packet::Message(Arc::new(message)));
}

/// The ancestors of a block above a height, oldest first, and the block: what fits into one answer.
fn chain_to(store: &MeshStore, id: &BlockId, above: u64) -> Result<Vec<Certified>, StorageError> {
    let first = Height(above.saturating_add(1));
    let last = Height(above.saturating_add(SERVED_BLOCKS_MAX as u64));
    let mut chain = Vec::new();
    for commit in store.commits(first..=last, SERVED_BLOCKS_MAX)? {
        chain.extend(store.block(&commit.id)?);
    }
    if chain.len() == SERVED_BLOCKS_MAX {
        return Ok(chain);
    }
    // the rest is not committed: back from the block to what is
    let committed = above + chain.len() as u64;
    let (mut newer, mut next) = (VecDeque::new(), *id);
    while newer.len() <= BLOCKS_UNCOMMITTED_MAX {
        let Some((block, certificate)) = store.block(&next)? else { break };
        if block.header().height.0 <= committed {
            break;
        }
        next = block.header().parent;
        newer.push_front((block, certificate));
    }
    chain.extend(newer);
    chain.truncate(SERVED_BLOCKS_MAX);
    Ok(chain)
}

/// The certificate that a stored block above carries.
fn stored_certificate(store: &MeshStore, reference: &QcRef) -> Result<Option<Arc<QuorumCertificate>>, StorageError> {
    let Some((block, _)) = store.block(&reference.block())? else { return Ok(None) };
    let above = store.blocks_at(Height(block.header().height.0 + 1))?;
    let mut certificates = above.into_iter().filter_map(|(_, certificate)| certificate);
    Ok(certificates.find(|certificate| certificate.reference == *reference))
}
