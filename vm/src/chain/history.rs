//! States of the past: from the snapshots in memory, or rebuilt from the recorded diffs.

use super::Chain;
use crate::{
    VmError,
    state::{RecentHashes, State},
};
use qsdm_primitives::limits::{OLD_STATE_BLOCKS_MAX, OLD_STATE_CACHE};

/// States that were rebuilt, newest use last.
#[derive(Debug, Default)]
pub(super) struct OldStates(Vec<(u64, State)>);

impl OldStates {
    fn get(&mut self, sequence: u64) -> Option<State> {
        let position = self.0.iter().position(|(known, _)| *known == sequence)?;
        let entry = self.0.remove(position);
        let state = entry.1.clone();
        self.0.push(entry);
        Some(state)
    }

    fn put(&mut self, sequence: u64, state: State) {
        if self.0.len() >= OLD_STATE_CACHE {
            self.0.remove(0);
        }
        self.0.push((sequence, state));
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}

impl Chain {
    /// The state after block `number`; for the head also what development patched since.
    pub fn state_at(&self, number: u64) -> Result<Option<State>, VmError> {
        let head = self.head();
        if number == head.block.number() {
            return Ok(Some(head.state.clone()));
        }
        if let Some(state) = self.recent.read().state_after(number) {
            return Ok(Some(state));
        }
        match self.step_of(number)? {
            Some(sequence) => self.state_at_step(sequence).map(Some),
            None => Ok(None),
        }
    }

    /// The state on which block `number` was executed, for tracing.
    pub fn state_before(&self, number: u64) -> Result<Option<State>, VmError> {
        if let Some(state) = self.recent.read().state_before(number) {
            return Ok(Some(state));
        }
        match self.step_of(number)? {
            Some(0) => Ok(Some(State::default())),
            Some(sequence) => self.state_at_step(sequence - 1).map(Some),
            None => Ok(None),
        }
    }

    /// Hashes that the block after `number` can see, the hash of `number` included.
    pub fn hashes_at(&self, number: u64) -> Result<RecentHashes, VmError> {
        let head = self.head();
        if number == head.block.number() {
            return Ok(head.hashes.clone());
        }
        let first = (number + 1).saturating_sub(RecentHashes::MAX as u64);
        let mut hashes = Vec::with_capacity(RecentHashes::MAX);
        for wanted in first..=number {
            let known = head.hashes.get(wanted);
            hashes.push(match known.is_zero() {
                true => self.block(wanted)?.ok_or(VmError::MissingBlock { number: wanted })?.hash,
                false => known,
            });
        }
        Ok(RecentHashes::new(number, &hashes))
    }

    fn step_of(&self, number: u64) -> Result<Option<u64>, VmError> {
        let head = self.head().block.number();
        if number > head {
            return Ok(None);
        }
        let distance = head - number;
        if distance > OLD_STATE_BLOCKS_MAX {
            return Err(VmError::StateTooOld { number, distance, limit: OLD_STATE_BLOCKS_MAX });
        }
        Ok(self.store.sequence_of_block(number)?)
    }

    /// The state after step `sequence`.
    pub(super) fn state_at_step(&self, sequence: u64) -> Result<State, VmError> {
        let head = self.head();
        if sequence == head.sequence {
            return Ok(head.state.clone());
        }
        if let Some(state) = self.old_states.lock().get(sequence) {
            return Ok(state);
        }
        let base = self.recent.read().base_for(sequence);
        let (newest, mut state) = base.unwrap_or_else(|| (head.sequence, head.state.clone()));
        if newest > sequence {
            self.undo(&mut state, sequence + 1, newest)?;
            self.old_states.lock().put(sequence, state.clone());
        }
        Ok(state)
    }

    fn undo(&self, state: &mut State, oldest: u64, newest: u64) -> Result<(), VmError> {
        let mut outcome = Ok(());
        self.store.visit_steps(oldest..=newest, true, &mut |step| {
            outcome = state.apply(&step.diff.reversed(), |hash| super::load::code(&*self.store, hash));
            outcome.is_ok()
        })?;
        outcome
    }
}
