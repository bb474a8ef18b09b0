//! What leaves only after the record that it depends on is durable.

use crate::{action::Action, event::PersistSeq, record::SafetyRecord};
use std::collections::VecDeque;

#[derive(Clone, Debug, Default)]
pub(super) struct Outbox {
    /// The newest record that was asked to be made durable, and the newest that is.
    asked: PersistSeq,
    durable: PersistSeq,
    is_record_changed: bool,
    now: Vec<Action>,
    held_back: Vec<Action>,
    waiting: VecDeque<(PersistSeq, Action)>,
}

impl Outbox {
    /// An action that depends on no record.
    pub(super) fn now(&mut self, action: Action) {
        self.now.push(action);
    }

    /// An action that leaves only when the record as it is at the end of this step is durable.
    pub(super) fn after_durable(&mut self, action: Action) {
        self.held_back.push(action);
    }

    /// The record has changed since it was made durable last.
    pub(super) fn record_changed(&mut self) {
        self.is_record_changed = true;
    }

    /// A record is durable: what waited for it may leave.
    pub(super) fn durable(&mut self, seq: PersistSeq) {
        self.durable = self.durable.max(seq.min(self.asked));
    }

    /// Drops what was to be signed for an epoch that is over.
    pub(super) fn drop_unsigned(&mut self) {
        let is_kept = |action: &Action| !matches!(action, Action::Sign(_));
        self.held_back.retain(is_kept);
        self.waiting.retain(|(_, action)| is_kept(action));
    }

    /// Drops the wish to store what was just read from the store.
    pub(super) fn drop_stored(&mut self) {
        self.now.retain(|action| !matches!(action, Action::Store(..)));
    }

    /// The actions of a step. A changed record is made durable only when something depends on it.
    pub(super) fn flush(&mut self, record: &SafetyRecord, send_at_once: bool) -> Vec<Action> {
        let mut actions = Vec::new();
        while let Some((_, action)) = self.waiting.pop_front_if(|(seq, _)| *seq <= self.durable) {
            actions.push(action);
        }
        actions.append(&mut self.now);
        if self.held_back.is_empty() {
            return actions;
        }
        if self.is_record_changed {
            self.is_record_changed = false;
            self.asked = PersistSeq(self.asked.0.saturating_add(1));
            actions.push(Action::Persist(Box::new(record.clone()), self.asked));
        }
        let is_durable = self.durable >= self.asked || send_at_once;
        for action in self.held_back.drain(..) {
            if is_durable {
                actions.push(action);
            } else {
                self.waiting.push_back((self.asked, action));
            }
        }
        actions
    }
}
