//! Answers to other nodes, from the store.

use super::wire::Reply;
use qsdm_consensus::FetchRequest;
use qsdm_network::{SyncItem, SyncRequest};
use qsdm_primitives::{
    Block, BlockId, CellId, Height, QcRef, QuorumCertificate,
    limits::{BLOCKS_UNCOMMITTED_MAX, SERVED_BLOCKS_MAX, SERVED_CELLS_MAX},
};
use qsdm_storage::{MeshStore, StorageError};
use std::{collections::VecDeque, sync::Arc};
use tokio::task::spawn_blocking;

type Certified = (Arc<Block>, Option<Arc<QuorumCertificate>>);

/// Answers a question; what is not here is left out, and the other node asks another one. One part at a time is in memory,
/// or the blocks of one answer.
pub(crate) async fn serve(store: Arc<MeshStore>, request: SyncRequest, reply: Reply) {
    if let SyncRequest::SnapshotManifest | SyncRequest::SnapshotChunk { .. } = request {
        reply.refuse("this node offers no snapshot");
        return;
    }
    match answer(&store, request, &reply).await {
        Ok(true) => reply.finish(),
        // nobody listens any more
        Ok(false) => {}
        Err(error) => {
            tracing::error!(%error, "a question of another node can't be answered");
            reply.refuse("the store can't be read");
        }
    }
}

/// Whether somebody took the answer.
async fn answer(store: &Arc<MeshStore>, request: SyncRequest, reply: &Reply) -> Result<bool, StorageError> {
    match request {
        SyncRequest::Fetch(FetchRequest::Block { id, above }) => {
            let chain = read(store, move |store| chain_to(store, &id, above)).await?;
            send_all(reply, chain.into_iter().map(block_item)).await
        }
        SyncRequest::Fetch(FetchRequest::Certificate(reference)) => {
            let certificate = read(store, move |store| stored_certificate(store, &reference)).await?;
            send_all(reply, certificate.map(certificate_item)).await
        }
        SyncRequest::Fetch(FetchRequest::EpochCertificate(epoch)) => {
            let ended = read(store, move |store| store.epoch(epoch)).await?;
            let certificate = ended.and_then(|(_, _, certificate)| certificate);
            let item = |certificate| SyncItem::EpochCertificate(Box::new(Arc::unwrap_or_clone(certificate)));
            send_all(reply, certificate.map(item)).await
        }
        SyncRequest::Fetch(FetchRequest::Cells(mut cells)) => {
            cells.truncate(SERVED_CELLS_MAX);
            send_cells(store, cells, reply).await
        }
        SyncRequest::Blocks { from, to } => {
            for height in from.0..=to.0 {
                let block = read(store, move |store| committed(store, Height(height))).await?;
                let Some(block) = block else { break };
                if !reply.send(block_item(block)).await {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        SyncRequest::Certificates { from, to } => {
            // a block is stored with the certificate of its parent
            for height in from.0.saturating_add(1)..=to.0.saturating_add(1) {
                let above = read(store, move |store| committed(store, Height(height))).await?;
                let Some((_, certificate)) = above else { break };
                if let Some(certificate) = certificate
                    && !reply.send(certificate_item(certificate)).await
                {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        SyncRequest::Cells { from, to } => {
            for height in from.0..=to.0 {
                let Some(commit) = read(store, move |store| store.commit(Height(height))).await? else { break };
                if !send_cells(store, commit.cells, reply).await? {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        SyncRequest::SnapshotManifest | SyncRequest::SnapshotChunk { .. } => Ok(true),
    }
}

/// Reads where waiting for the disk holds nobody up.
async fn read<T: Send + 'static>(
    store: &Arc<MeshStore>,
    reading: impl FnOnce(&MeshStore) -> Result<T, StorageError> + Send + 'static,
) -> Result<T, StorageError> {
    let store = Arc::clone(store);
    spawn_blocking(move || reading(&store)).await.expect("invariant: reading does not panic")
}

async fn send_all(reply: &Reply, items: impl IntoIterator<Item = SyncItem>) -> Result<bool, StorageError> {
    for item in items {
        if !reply.send(item).await {
            return Ok(false);
        }
    }
    Ok(true)
}

async fn send_cells(store: &Arc<MeshStore>, cells: Vec<CellId>, reply: &Reply) -> Result<bool, StorageError> {
    for id in cells {
        let cell = read(store, move |store| store.cell(&id)).await?;
        if let Some(cell) = cell
            && !reply.send(SyncItem::Cell(Arc::new(cell))).await
        {
            return Ok(false);
        }
    }
    Ok(true)
}

fn block_item((block, certificate): Certified) -> SyncItem {
    let certificate = certificate.map(|certificate| Box::new(Arc::unwrap_or_clone(certificate)));
    SyncItem::Block(Box::new(Arc::unwrap_or_clone(block)), certificate)
}

fn certificate_item(certificate: Arc<QuorumCertificate>) -> SyncItem {
    SyncItem::Certificate(Box::new(Arc::unwrap_or_clone(certificate)))
}

/// The committed block of a height, with its parent's certificate.
fn committed(store: &MeshStore, height: Height) -> Result<Option<Certified>, StorageError> {
    match store.commit(height)? {
        Some(commit) => store.block(&commit.id),
        None => Ok(None),
    }
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
