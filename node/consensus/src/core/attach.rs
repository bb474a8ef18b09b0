//! From waiting blocks to valid ones.

use super::{Core, validate::Verdict, waiting::WaitingBlock};
use crate::action::Action;
use qsdm_primitives::{BlockId, limits::BLOCKS_UNCOMMITTED_MAX};
use std::sync::Arc;

impl Core {
    /// Judges every waiting block that can be judged, until none is left.
    pub(super) fn attach_waiting(&mut self) {
        // ascending rounds: a parent is judged before its children, and a pass takes a whole chain
        while self.attach_pass() {}
    }

    fn attach_pass(&mut self) -> bool {
        let ready: Vec<BlockId> =
            self.waiting.iter().filter(|(_, waiting)| self.can_be_judged(waiting)).map(|(id, _)| *id).collect();
        let mut has_attached = false;
        for id in ready {
            has_attached |= self.attach(id);
        }
        has_attached
    }

    fn can_be_judged(&self, waiting: &WaitingBlock) -> bool {
        let header = waiting.block.header();
        self.tree.contains(&header.parent) && (header.qc.is_start() || self.votes.hold(&header.qc))
    }

    /// With no place left in the tree, the oldest block that nothing extends gives way, unless it leads to the newest
    /// certificate or to `parent`: rounds without a commit may go on for hours. It can be asked for again.
    fn make_room(&mut self, parent: &BlockId) -> bool {
        let needed = [*parent, self.record.high_qc.reference.block()];
        self.tree.len() < BLOCKS_UNCOMMITTED_MAX || self.tree.forget_oldest(&needed)
    }

    /// Judges one block; whether it is in the tree now.
    fn attach(&mut self, id: BlockId) -> bool {
        let Some(waiting) = self.waiting.remove(&id) else { return false };
        let header = waiting.block.header();
        let Some(parent) = self.tree.tip_at(&header.parent).cloned() else { return false };
        match self.judge(id, &waiting.block, &parent) {
            Verdict::Open(cells) => {
                self.waiting.insert(id, waiting);
                self.waiting.lacks(&id, cells);
                false
            }
            Verdict::Invalid(error) => {
                self.outbox.now(Action::Reject(waiting.from, error));
                false
            }
            Verdict::Valid(block) => {
                let block = *block;
                let stored = Arc::clone(&block.block);
                let header = stored.header();
                if !self.make_room(&header.parent) {
                    return false;
                }
                let certificate = if header.qc.is_start() { None } else { self.votes.exact(&header.qc) };
                self.tree.insert(block);
                self.outbox.now(Action::Store(Arc::clone(&stored), certificate.clone()));
                if let Some(certificate) = certificate {
                    self.learn_certificate(&certificate);
                }
                if let Some(timeout) = &stored.body.timeout {
                    self.accept_timeout_certificate(Arc::new(timeout.clone()));
                }
                // votes may have come before the block
                self.certified_block(&id);
                self.certified_by_epoch(&id);
                true
            }
        }
    }
}
