//! Random histories: the pool against the naive one, and under tight limits against the rules of giving way.

use crate::{
    naive::{AHEAD, HOLD_S, Held, Naive},
    support::*,
};
use alloy_consensus::Transaction;
use alloy_primitives::{Bytes, U256};
use proptest::prelude::*;
use qsdm_pool::{Content, DropReason, Pool, PoolConfig, PoolEnv, PoolError, Submission};
use qsdm_primitives::SubmeshId;
use qsdm_vm::state::State;

const SENDERS: u8 = 4;

#[derive(Clone, Debug)]
enum Step {
    Add { sender: u8, ahead: u64, fee: u128, tip: u128, value: u128, flat: bool, lane: u32 },
    Again { index: usize },
    Mine { count: usize, lane: u32, base_fee: u64 },
    Fund { sender: u8, wei: u128 },
    Foreign { sender: u8, nonces: u64 },
    Rollback { sender: u8, nonces: u64 },
    Remove { index: usize },
    RemoveSender { sender: u8 },
    Wait { seconds: u64 },
}

fn step() -> impl Strategy<Value = Step> {
    let sender = 1..=SENDERS;
    let fees = (0u128..60, 0u128..60, 0u128..4_000_000, any::<bool>(), 0u32..2);
    prop_oneof![
        12 => (sender.clone(), 0u64..8, fees).prop_map(|(sender, ahead, (fee, tip, value, flat, lane))| {
            Step::Add { sender, ahead, fee, tip: tip.min(fee), value, flat, lane }
        }),
        1 => any::<usize>().prop_map(|index| Step::Again { index }),
        3 => (0usize..6, 0u32..2, 0u64..40).prop_map(|(count, lane, base_fee)| Step::Mine { count, lane, base_fee }),
        2 => (sender.clone(), 0u128..10_000_000).prop_map(|(sender, wei)| Step::Fund { sender, wei }),
        1 => (sender.clone(), 1u64..4).prop_map(|(sender, nonces)| Step::Foreign { sender, nonces }),
        1 => (sender.clone(), 1u64..4).prop_map(|(sender, nonces)| Step::Rollback { sender, nonces }),
        1 => any::<usize>().prop_map(|index| Step::Remove { index }),
        1 => sender.prop_map(|sender| Step::RemoveSender { sender }),
        1 => (0u64..60).prop_map(|seconds| Step::Wait { seconds }),
    ]
}

/// Both pools with the time and the base fee of admissions.
struct World {
    pool: Pool,
    naive: Naive,
    now_s: u64,
}

impl World {
    fn new(config: PoolConfig) -> Self {
        let mut naive = Naive::default();
        (1..=SENDERS).for_each(|number| naive.set_account(sender(number), 5, U256::from(6_000_000u64)));
        Self { pool: Pool::new(PoolConfig { nonce_ahead_max: AHEAD, queued_s_max: HOLD_S, ..config }), naive, now_s: 0 }
    }

    fn state(&self) -> State {
        state_with(self.naive.accounts.iter().map(|(address, (nonce, wei))| (*address, *nonce, *wei, Bytes::new())))
    }

    fn env(&self) -> PoolEnv {
        PoolEnv { base_fee: 10, now_s: self.now_s, ..env() }
    }

    fn draft(&self, number: u8, ahead: u64) -> Draft {
        let (nonce, _) = self.naive.accounts[&sender(number)];
        draft(number, (nonce + ahead).saturating_sub(1))
    }

    fn submit(&self, draft: &Draft, lane: u32) -> Result<qsdm_pool::Added, PoolError> {
        let submission = Submission { submesh: SubmeshId(lane), ..Submission::from(draft.tx()) };
        self.pool.add(submission, &self.state(), &self.env())
    }

    /// Everything but admissions, the same for both pools.
    fn apply(&mut self, step: &Step) {
        match *step {
            Step::Mine { count, lane, base_fee } => self.mine(count, SubmeshId(lane), base_fee),
            Step::Fund { sender: number, wei } => self.patch(number, |nonce, _| (nonce, U256::from(wei))),
            Step::Foreign { sender: number, nonces } => self.patch(number, |nonce, wei| (nonce + nonces, wei)),
            Step::Rollback { sender: number, nonces } => {
                let (nonce, wei) = self.naive.accounts[&sender(number)];
                self.naive.set_account(sender(number), nonce.saturating_sub(nonces), wei);
                self.pool.reset(&self.state());
            }
            Step::Remove { index } if !self.naive.held.is_empty() => {
                let index = index % self.naive.held.len();
                let held = self.naive.held.remove(index);
                assert!(self.pool.remove(tx(&held).tx_hash()).is_some());
            }
            Step::RemoveSender { sender: number } => {
                self.naive.held.retain(|held| held.draft.sender != sender(number));
                self.pool.remove_sender(&sender(number));
            }
            Step::Wait { seconds } => {
                self.now_s += seconds;
                self.naive.expire(self.now_s);
                self.pool.expire(self.now_s);
            }
            Step::Add { .. } | Step::Again { .. } | Step::Remove { .. } => {}
        }
    }

    fn patch(&mut self, number: u8, change: impl FnOnce(u64, U256) -> (u64, U256)) {
        let (nonce, wei) = self.naive.accounts[&sender(number)];
        let (nonce, wei) = change(nonce, wei);
        self.naive.set_account(sender(number), nonce, wei);
        self.pool.on_block(&self.state(), &[], [sender(number)]);
    }

    fn mine(&mut self, count: usize, submesh: SubmeshId, base_fee: u64) {
        let mined: Vec<_> = self.pool.best(submesh, base_fee).take(count).collect();
        for tx in &mined {
            let (nonce, wei) = self.naive.accounts[&tx.signer()];
            assert_eq!(tx.nonce(), nonce, "offered out of order");
            let charge = U256::from(21_000 * u128::from(base_fee)) + tx.value();
            assert!(charge <= wei, "offered beyond the balance");
            self.naive.set_account(tx.signer(), nonce + 1, wei - charge);
        }
        self.pool.on_block(&self.state(), &mined, []);
        assert!(mined.iter().all(|tx| self.pool.dropped(tx.tx_hash()).is_none()));
    }

    fn content(&self) -> Content {
        let mut content = Content::default();
        for held in &self.naive.held {
            let executable = self.naive.is_executable(held);
            let side = if executable { &mut content.pending } else { &mut content.queued };
            side.entry(held.draft.sender).or_default().insert(held.draft.nonce, tx(held));
        }
        content
    }

    /// Drops from the naive pool what the real one gave up, and returns it.
    fn give_up(&mut self) -> Vec<Held> {
        let (kept, gone) = self.naive.held.drain(..).partition(|held| self.pool.contains(tx(held).tx_hash()));
        self.naive.held = kept;
        gone
    }
}

fn tx(held: &Held) -> qsdm_vm::block::SharedTx {
    held.draft.tx()
}

/// Worth of a held transaction to an author: no more than that of those before it.
fn worth(naive: &Naive, of: &Held, base_fee: i128) -> i128 {
    let chain = naive.executable(of.draft.sender);
    let upto = chain.iter().take_while(|held| held.draft.nonce <= of.draft.nonce);
    upto.map(|held| alone(&held.draft, base_fee)).min().unwrap()
}

fn alone(draft: &Draft, base_fee: i128) -> i128 {
    (draft.tip as i128).min(draft.fee as i128 - base_fee)
}

proptest! {
    #[test]
    fn the_pool_does_what_the_naive_one_does(steps in proptest::collection::vec(step(), 1..80)) {
        let mut world = World::new(PoolConfig::default());
        let mut base_fee = 0;
        for step in &steps {
            match *step {
                Step::Add { sender, ahead, fee, tip, value, flat, lane } => {
                    let draft = world.draft(sender, ahead).fees(fee, if flat { fee } else { tip }).value(value);
                    let expected = world.naive.add(&draft, SubmeshId(lane), world.now_s);
                    match (world.submit(&draft, lane), expected) {
                        (Ok(added), Ok(())) => {
                            let held = world.naive.at(draft.sender, draft.nonce).unwrap();
                            prop_assert_eq!(added.executable, world.naive.is_executable(held));
                        }
                        (Err(refusal), Err(words)) => {
                            prop_assert!(refusal.to_string().starts_with(words), "{refusal}, expected {words}");
                        }
                        (real, expected) => prop_assert!(false, "{real:?}, expected {expected:?}"),
                    }
                }
                Step::Again { index } => {
                    world.naive.expire(world.now_s);
                    if !world.naive.held.is_empty() {
                        let held = world.naive.held[index % world.naive.held.len()].clone();
                        let known = PoolError::AlreadyKnown { hash: *tx(&held).tx_hash() };
                        prop_assert_eq!(world.submit(&held.draft, 0), Err(known));
                    }
                    world.pool.expire(world.now_s);
                }
                Step::Mine { base_fee: new, .. } => {
                    base_fee = new;
                    world.apply(step);
                }
                _ => world.apply(step),
            }
            if let Err(difference) = world.pool.audit() {
                prop_assert!(false, "{difference}");
            }
            prop_assert_eq!(world.pool.content(), world.content());
            for lane in [0, 1] {
                let expected = world.naive.best(SubmeshId(lane), base_fee);
                prop_assert_eq!(best(&world.pool, SubmeshId(lane), base_fee), expected);
            }
            for number in 1..=SENDERS {
                let (nonce, _) = world.naive.accounts[&sender(number)];
                let next = nonce + world.naive.executable(sender(number)).len() as u64;
                prop_assert_eq!(world.pool.next_nonce(&sender(number), &world.state()), next);
            }
        }
    }

    #[test]
    fn a_tight_pool_keeps_its_limits_and_never_swaps_an_executable_one_for_a_worse(
        steps in proptest::collection::vec(step(), 1..80),
        txs_max in 1usize..12,
        account_txs_max in 1usize..6,
        bytes_max in 3_000usize..12_000,
    ) {
        let mut world = World::new(PoolConfig { txs_max, bytes_max, account_txs_max, dropped_max: 40, ..PoolConfig::default() });
        for step in &steps {
            let Step::Add { sender, ahead, fee, tip, value, flat, lane } = *step else {
                world.apply(step);
                prop_assert_eq!(world.pool.audit(), Ok(()));
                continue;
            };
            let draft = world.draft(sender, ahead).fees(fee, if flat { fee } else { tip }).value(value);
            world.naive.expire(world.now_s);
            let before = world.naive.clone();
            let replaced = before.at(draft.sender, draft.nonce).cloned();
            match world.submit(&draft, lane) {
                Ok(added) => {
                    prop_assert_eq!(world.naive.add(&draft, SubmeshId(lane), world.now_s), Ok(()));
                    for held in world.give_up() {
                        let reason = world.pool.dropped(tx(&held).tx_hash());
                        prop_assert!(matches!(reason, Some(DropReason::Evicted { .. })), "{held:?}: {reason:?}");
                        let was_executable = before.is_executable(&held);
                        prop_assert!(added.executable || !was_executable, "{held:?} for a queued one");
                        prop_assert!(
                            !was_executable || worth(&before, &held, 10) < alone(&draft, 10),
                            "{held:?} for one that is worth no more"
                        );
                    }
                    prop_assert!(world.pool.contains(&added.hash));
                    prop_assert_eq!(added.replaced, replaced.as_ref().map(tx));
                }
                Err(PoolError::Full { .. } | PoolError::AccountLimit { .. }) => {}
                Err(refusal) => {
                    let words = world.naive.add(&draft, SubmeshId(lane), world.now_s).unwrap_err();
                    prop_assert!(refusal.to_string().starts_with(words), "{refusal}, expected {words}");
                }
            }
            prop_assert_eq!(world.pool.audit(), Ok(()));
            prop_assert_eq!(world.pool.content(), world.content());
        }
    }
}
