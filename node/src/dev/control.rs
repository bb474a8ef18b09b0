//! Control over time, blocks and state.

use super::{DevNode, Producer, Snapshot};
use alloy_primitives::{Address, B256, Bytes, U256};
use qsdm_primitives::limits::{BLOCK_GAS_MAX, BLOCK_GAS_MIN, DEV_MINE_BLOCKS_MAX, DEV_SNAPSHOTS_MAX, STATE_SNAPSHOTS};
use qsdm_rpc::ports::{Dev, Event, Node, NodeError};
use qsdm_vm::block::{Block, SharedTx, StatePatch};
use std::sync::Arc;

impl DevNode {
    fn check_timestamp(&self, timestamp: u64) -> Result<(), NodeError> {
        let parent = self.chain.head().block.header.timestamp;
        if timestamp < parent {
            return Err(NodeError::Refused(format!(
                "timestamp {timestamp} is before {parent}, that of the newest block: time does not go back"
            )));
        }
        Ok(())
    }

    /// Goes back to a step and tells everyone.
    fn go_back(&self, sequence: u64) -> Result<(), NodeError> {
        let removed = self.blocks_after(sequence)?;
        let head = self.chain.rollback(sequence)?;
        self.pool.reset(&head.state);
        if !removed.is_empty() {
            let _ = self.events.send(Event::Removed(removed));
        }
        Ok(())
    }

    /// Blocks that going back to a step takes away, newest first; of a long way back the newest ones.
    fn blocks_after(&self, sequence: u64) -> Result<Vec<Arc<Block>>, NodeError> {
        let mut blocks = Vec::new();
        let mut number = self.chain.head().block.number();
        while blocks.len() < STATE_SNAPSHOTS && self.chain.sequence_of_block(number)?.is_some_and(|of| of > sequence) {
            blocks.extend(self.chain.block(number)?);
            number -= 1;
        }
        Ok(blocks)
    }

    /// Goes back to a step, with the chain held.
    fn go_back_alone(&self, sequence: u64) -> Result<(), NodeError> {
        let _making = self.making.lock();
        self.go_back(sequence)
    }
}

impl Dev for DevNode {
    fn mine(&self, count: u64, interval_s: Option<u64>) -> Result<(), NodeError> {
        if count > DEV_MINE_BLOCKS_MAX {
            return Err(NodeError::Refused(format!(
                "{count} blocks are more than the limit of {DEV_MINE_BLOCKS_MAX} a call: mine in several calls, or move the clock instead"
            )));
        }
        let mut newest = self.chain.head().block.clone();
        for made in 0..count {
            if let (Some(interval_s), true) = (interval_s, made > 0) {
                let next = newest.header.timestamp.saturating_add(interval_s);
                self.producer.lock().clock.set_next(next);
            }
            newest = self.make_one()?;
        }
        Ok(())
    }

    fn mine_at(&self, timestamp: u64) -> Result<Arc<Block>, NodeError> {
        self.check_timestamp(timestamp)?;
        self.producer.lock().clock.set_next(timestamp);
        self.make_one()
    }

    fn automine(&self) -> bool {
        self.producer.lock().automine
    }

    fn set_automine(&self, on: bool) -> Result<(), NodeError> {
        {
            let mut producer = self.producer.lock();
            producer.automine = on;
            if on {
                producer.interval_ms = None;
            }
        }
        self.interval_changed.notify_one();
        if on { self.include_pending() } else { Ok(()) }
    }

    fn interval_s(&self) -> Option<u64> {
        self.producer.lock().interval_ms.map(|ms| ms.div_ceil(1_000))
    }

    fn set_interval(&self, seconds: Option<u64>) {
        {
            let mut producer = self.producer.lock();
            producer.interval_ms = seconds.filter(|seconds| *seconds > 0).map(|seconds| seconds.saturating_mul(1_000));
            if producer.interval_ms.is_some() {
                producer.automine = false;
            }
        }
        self.interval_changed.notify_one();
    }

    fn increase_time(&self, seconds: u64) -> Result<i64, NodeError> {
        Ok(self.producer.lock().clock.increase(seconds))
    }

    fn set_next_timestamp(&self, timestamp: u64) -> Result<(), NodeError> {
        self.check_timestamp(timestamp)?;
        self.producer.lock().clock.set_next(timestamp);
        Ok(())
    }

    fn set_time(&self, timestamp: u64) -> i64 {
        self.producer.lock().clock.set(timestamp)
    }

    fn set_timestamp_interval(&self, seconds: Option<u64>) {
        self.producer.lock().clock.set_interval(seconds);
    }

    fn patch(&self, patches: Vec<StatePatch>) -> Result<(), NodeError> {
        // no block may be built on the state that this changes
        let _making = self.making.lock();
        let head = self.chain.patch(patches)?;
        let promoted = self.pool.reset(&head.state);
        self.announce(&promoted);
        Ok(())
    }

    fn set_gas_limit(&self, gas_limit: u64) -> Result<(), NodeError> {
        if !(BLOCK_GAS_MIN..=BLOCK_GAS_MAX).contains(&gas_limit) {
            let text = format!("block gas limit {gas_limit} is outside {BLOCK_GAS_MIN}..={BLOCK_GAS_MAX}");
            return Err(NodeError::Refused(text));
        }
        self.producer.lock().gas_limit = gas_limit;
        Ok(())
    }

    fn set_coinbase(&self, address: Address) {
        self.producer.lock().coinbase = address;
    }

    fn set_next_base_fee(&self, base_fee: u64) {
        self.producer.lock().next_base_fee = Some(base_fee);
    }

    fn set_next_prevrandao(&self, value: B256) {
        self.producer.lock().next_prevrandao = Some(value);
    }

    fn set_min_gas_price(&self, price: u128) -> Result<(), NodeError> {
        self.producer.lock().min_gas_price = price;
        Ok(())
    }

    fn impersonate(&self, address: Address) {
        self.impersonated.lock().accounts.insert(address);
    }

    fn stop_impersonating(&self, address: Address) {
        self.impersonated.lock().accounts.remove(&address);
    }

    fn set_auto_impersonate(&self, on: bool) {
        self.impersonated.lock().everyone = on;
    }

    fn snapshot(&self) -> U256 {
        let mut producer = self.producer.lock();
        producer.snapshots_made += 1;
        let snapshot = Snapshot {
            id: producer.snapshots_made,
            sequence: self.chain.head().sequence,
            clock: producer.clock,
            next_base_fee: producer.next_base_fee,
        };
        if producer.snapshots.len() == DEV_SNAPSHOTS_MAX {
            producer.snapshots.pop_front();
        }
        producer.snapshots.push_back(snapshot);
        U256::from(producer.snapshots_made)
    }

    fn revert(&self, id: U256) -> Result<bool, NodeError> {
        let _making = self.making.lock();
        let found = {
            let producer = self.producer.lock();
            let position = producer.snapshots.iter().position(|snapshot| U256::from(snapshot.id) == id);
            position.map(|position| (position, producer.snapshots[position].clone()))
        };
        let Some((position, snapshot)) = found else { return Ok(false) };
        self.go_back(snapshot.sequence)?;
        let mut producer = self.producer.lock();
        producer.snapshots.truncate(position);
        producer.clock = snapshot.clock;
        producer.next_base_fee = snapshot.next_base_fee;
        Ok(true)
    }

    fn rollback_to(&self, number: u64) -> Result<(), NodeError> {
        let sequence = self.chain.sequence_of_block(number)?;
        let sequence =
            sequence.ok_or_else(|| NodeError::Refused(format!("there is no block {number} to go back to")))?;
        self.go_back_alone(sequence)?;
        self.producer.lock().snapshots.retain(|snapshot| snapshot.sequence <= sequence);
        Ok(())
    }

    fn reset(&self) -> Result<(), NodeError> {
        self.go_back_alone(0)?;
        self.pool.remove_all();
        *self.producer.lock() = Producer::new(self.settings, Default::default());
        *self.impersonated.lock() = Default::default();
        self.interval_changed.notify_one();
        Ok(())
    }

    fn dump_state(&self) -> Result<Bytes, NodeError> {
        super::dump::dump(&self.chain.head())
    }

    fn load_state(&self, dump: &[u8]) -> Result<(), NodeError> {
        self.patch(super::dump::patches(dump)?)
    }

    fn submit_impersonated(&self, tx: SharedTx) -> Result<B256, NodeError> {
        if !self.is_impersonated(tx.signer()) {
            return Err(NodeError::NoSigner(tx.signer()));
        }
        self.admit(tx, true)
    }
}
