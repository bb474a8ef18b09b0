//! A full pool, a full account, time.

use crate::support::*;
use alloy_primitives::{Bytes, U256};
use qsdm_pool::{DropReason, Pool, PoolConfig, PoolEnv, PoolError};
use qsdm_vm::{block::SharedTx, state::State};

fn pool(config: impl FnOnce(&mut PoolConfig)) -> Pool {
    let mut set = PoolConfig::default();
    config(&mut set);
    Pool::new(set)
}

fn rich() -> State {
    state_with((1..=9).map(|number| (sender(number), 0, U256::from(ETHER), Bytes::new())))
}

fn priced(number: u8, nonce: u64, gwei: u128) -> Draft {
    draft(number, nonce).fees(gwei * GWEI, gwei * GWEI)
}

fn evicted(pool: &Pool, tx: &SharedTx) -> bool {
    matches!(pool.dropped(tx.tx_hash()), Some(DropReason::Evicted { .. }))
}

#[test]
fn a_full_pool_refuses_what_is_no_better_with_its_numbers() {
    let (pool, state) = (pool(|set| set.txs_max = 2), rich());
    pool.add(priced(1, 0, 5).tx(), &state, &env()).unwrap();
    pool.add(priced(2, 0, 6).tx(), &state, &env()).unwrap();
    let refusal = pool.add(priced(3, 0, 5).tx(), &state, &env()).unwrap_err();
    let (bytes, bytes_limit) = (pool.bytes(), 256 * 1024 * 1024);
    assert_eq!(refusal, PoolError::Full { held: 2, limit: 2, bytes, bytes_limit });
    let words = format!("txpool is full: 2 of 2 transactions, {bytes} of 268435456 bytes,");
    assert!(refusal.to_string().starts_with(&words), "{refusal}");
    assert_eq!(pool.status(), (2, 0));
    pool.audit().unwrap();
}

#[test]
fn a_full_pool_gives_up_the_cheapest_for_a_better_one() {
    let (pool, state) = (pool(|set| set.txs_max = 3), rich());
    let txs = [priced(1, 0, 5).tx(), priced(2, 0, 4).tx(), priced(3, 0, 6).tx()];
    txs.iter().for_each(|tx| drop(pool.add(tx.clone(), &state, &env()).unwrap()));
    pool.add(priced(4, 0, 5).tx(), &state, &env()).unwrap();
    assert!(evicted(&pool, &txs[1]) && pool.contains(txs[0].tx_hash()) && pool.contains(txs[2].tx_hash()));
    let reason = pool.dropped(txs[1].tx_hash()).unwrap();
    assert_eq!(reason.to_string(), "the pool was full and others paid more than 4000000000 wei per gas");
    pool.audit().unwrap();
}

#[test]
fn a_sender_gives_up_its_last_nonce_first() {
    let (pool, state) = (pool(|set| set.txs_max = 3), rich());
    // the last one pays well, but can't get in before the first, which does not
    let txs = [priced(1, 0, 2).tx(), priced(1, 1, 50).tx(), priced(2, 0, 6).tx()];
    txs.iter().for_each(|tx| drop(pool.add(tx.clone(), &state, &env()).unwrap()));
    pool.add(priced(3, 0, 5).tx(), &state, &env()).unwrap();
    assert!(evicted(&pool, &txs[1]) && pool.contains(txs[0].tx_hash()));
    assert_eq!(pool.status(), (3, 0));
    pool.audit().unwrap();
}

#[test]
fn a_chain_that_pays_better_throughout_is_not_given_up() {
    let (pool, state) = (pool(|set| set.txs_max = 2), rich());
    pool.add(priced(1, 0, 7).tx(), &state, &env()).unwrap();
    pool.add(priced(1, 1, 6).tx(), &state, &env()).unwrap();
    assert!(matches!(pool.add(priced(2, 0, 6).tx(), &state, &env()), Err(PoolError::Full { .. })));
    pool.add(priced(2, 0, 7).tx(), &state, &env()).unwrap();
    assert_eq!(best_root(&pool), [(sender(1), 0), (sender(2), 0)]);
}

#[test]
fn what_the_base_fee_has_overtaken_is_given_up_before_what_can_be_mined() {
    let (pool, state) = (pool(|set| set.txs_max = 2), rich());
    let stale = draft(1, 0).fees(20 * GWEI, 20 * GWEI).tx();
    pool.add(stale.clone(), &state, &env()).unwrap();
    pool.add(draft(2, 0).fees(90 * GWEI, 2 * GWEI).tx(), &state, &env()).unwrap();
    let risen = PoolEnv { base_fee: 30 * BASE_FEE, ..env() };
    pool.add(draft(3, 0).fees(90 * GWEI, GWEI).tx(), &state, &risen).unwrap();
    assert!(evicted(&pool, &stale));
    pool.audit().unwrap();
}

#[test]
fn queued_transactions_go_first_and_never_displace_executable_ones() {
    let (pool, state) = (pool(|set| set.txs_max = 2), rich());
    let queued = priced(1, 3, 90).tx();
    pool.add(queued.clone(), &state, &env()).unwrap();
    pool.add(priced(2, 0, 2).tx(), &state, &env()).unwrap();
    pool.add(priced(3, 0, 1).tx(), &state, &env()).unwrap();
    assert!(evicted(&pool, &queued));
    assert!(matches!(pool.add(priced(1, 3, 95).tx(), &state, &env()), Err(PoolError::Full { .. })));
    assert_eq!(pool.status(), (2, 0));
    pool.audit().unwrap();
}

#[test]
fn a_queued_transaction_displaces_cheaper_queued_ones() {
    let (pool, state) = (pool(|set| set.txs_max = 2), rich());
    let cheap = priced(1, 3, 2).tx();
    pool.add(cheap.clone(), &state, &env()).unwrap();
    pool.add(priced(2, 0, 1).tx(), &state, &env()).unwrap();
    assert!(matches!(pool.add(priced(3, 5, 2).tx(), &state, &env()), Err(PoolError::Full { .. })));
    pool.add(priced(3, 5, 3).tx(), &state, &env()).unwrap();
    assert!(evicted(&pool, &cheap));
    assert_eq!(pool.status(), (1, 1));
}

#[test]
fn bytes_are_limited_and_a_large_one_displaces_several_or_none() {
    let size = {
        let probe = Pool::default();
        probe.add(priced(1, 0, 2).tx(), &rich(), &env()).unwrap();
        probe.bytes()
    };
    let (pool, state) = (pool(|set| set.bytes_max = 4 * size), rich());
    for number in 1..=4 {
        pool.add(priced(number, 0, 2).tx(), &state, &env()).unwrap();
    }
    let large = |gwei| priced(5, 0, gwei).input(vec![1; 2 * size]).gas(200_000).tx();
    let refusal = pool.add(large(2), &state, &env()).unwrap_err();
    assert_eq!(refusal, PoolError::Full { held: 4, limit: 65_536, bytes: 4 * size, bytes_limit: 4 * size });
    assert_eq!(pool.status(), (4, 0));
    pool.add(large(3), &state, &env()).unwrap();
    assert_eq!(pool.status(), (2, 0));
    pool.audit().unwrap();
}

#[test]
fn a_full_pool_takes_a_replacement_of_equal_size() {
    let (pool, state) = (pool(|set| set.txs_max = 1), rich());
    pool.add(priced(1, 0, 2).tx(), &state, &env()).unwrap();
    pool.add(priced(1, 0, 3).tx(), &state, &env()).unwrap();
    assert_eq!(pool.status(), (1, 0));
    pool.audit().unwrap();
}

#[test]
fn an_account_has_its_limit_and_a_replacement_does_not_count() {
    let (pool, state) = (pool(|set| set.account_txs_max = 2), rich());
    pool.add(priced(1, 0, 2).tx(), &state, &env()).unwrap();
    pool.add(priced(1, 1, 2).tx(), &state, &env()).unwrap();
    let refusal = pool.add(priced(1, 2, 2).tx(), &state, &env()).unwrap_err();
    assert_eq!(refusal, PoolError::AccountLimit { sender: sender(1), held: 2, limit: 2 });
    let words = format!("account limit exceeded: {} has 2 pooled transactions, limit 2;", sender(1));
    assert!(refusal.to_string().starts_with(&words), "{refusal}");
    pool.add(priced(1, 1, 3).tx(), &state, &env()).unwrap();
    pool.audit().unwrap();
}

#[test]
fn an_account_at_its_limit_gives_up_a_queued_one_to_fill_the_gap() {
    for limit in [1, 2] {
        let (pool, state) = (pool(|set| set.account_txs_max = limit), rich());
        let queued: Vec<_> = (1..=limit as u64).map(|nonce| priced(1, nonce + 1, 2).tx()).collect();
        queued.iter().for_each(|tx| drop(pool.add(tx.clone(), &state, &env()).unwrap()));
        assert!(pool.add(priced(1, 1, 2).tx(), &state, &env()).is_err());
        assert!(pool.add(priced(1, 0, 2).tx(), &state, &env()).unwrap().executable);
        assert!(evicted(&pool, &queued[limit - 1]));
        assert_eq!(pool.status(), (1, limit - 1));
        pool.audit().unwrap();
    }
}

#[test]
fn one_account_queues_eight_thousand_executable_transactions() {
    let (pool, state) = (Pool::default(), state(&[(1, 0, 1_000 * ETHER)]));
    for nonce in 0..8_192 {
        assert!(pool.add(draft(1, nonce).tx(), &state, &env()).unwrap().executable);
    }
    let refusal = pool.add(draft(1, 8_192).tx(), &state, &env()).unwrap_err();
    assert_eq!(refusal, PoolError::AccountLimit { sender: sender(1), held: 8_192, limit: 8_192 });
    assert_eq!(best_root(&pool).len(), 8_192);
    pool.audit().unwrap();
}

#[test]
fn queued_transactions_are_held_for_three_hours_and_executable_ones_for_ever() {
    let (pool, state) = (Pool::default(), rich());
    let at = |seconds: u64| PoolEnv { now_s: 1_000 + seconds, ..env() };
    let queued = draft(1, 1).tx();
    pool.add(queued.clone(), &state, &at(0)).unwrap();
    pool.add(draft(2, 0).tx(), &state, &at(0)).unwrap();
    pool.add(draft(3, 0).tx(), &state, &at(10_799)).unwrap();
    assert!(pool.contains(queued.tx_hash()));
    pool.expire(1_000 + 10_800);
    assert_eq!(pool.dropped(queued.tx_hash()), Some(DropReason::Expired { held_s: 10_800 }));
    let words = "not executable for 10800 s; send what it waited for first";
    assert_eq!(pool.dropped(queued.tx_hash()).unwrap().to_string(), words);
    pool.expire(u64::MAX);
    assert_eq!(pool.status(), (2, 0));
    pool.audit().unwrap();
}

#[test]
fn a_queued_transaction_whose_time_is_over_can_be_sent_again() {
    let (pool, state, queued) = (Pool::default(), rich(), draft(1, 1).tx());
    pool.add(queued.clone(), &state, &env()).unwrap();
    let later = PoolEnv { now_s: env().now_s + 10_800, ..env() };
    assert!(!pool.add(queued.clone(), &state, &later).unwrap().executable);
    assert_eq!((pool.status(), pool.dropped(queued.tx_hash())), ((0, 1), None));
    pool.audit().unwrap();
}

#[test]
fn a_full_pool_does_not_take_from_the_newcomers_own_sender() {
    let (pool, state) = (pool(|set| set.txs_max = 1), rich());
    let second = priced(1, 1, 2).tx();
    pool.add(second.clone(), &state, &env()).unwrap();
    // it would make the second one executable
    assert!(matches!(pool.add(priced(1, 0, 9).tx(), &state, &env()), Err(PoolError::Full { .. })));
    assert!(pool.contains(second.tx_hash()));
}

#[test]
fn only_the_newest_drops_are_remembered() {
    let (pool, state) = (pool(|set| set.dropped_max = 2), rich());
    let txs = [draft(1, 0).tx(), draft(2, 0).tx(), draft(3, 0).tx()];
    let drop_again = |tx: &SharedTx| {
        pool.add(tx.clone(), &state, &env()).unwrap();
        pool.remove(tx.tx_hash()).unwrap();
        pool.audit().unwrap();
    };
    let remembered = || [0, 1, 2].map(|index: usize| pool.dropped(txs[index].tx_hash()).is_some());
    drop_again(&txs[0]);
    drop_again(&txs[0]);
    // the first drop of the first one is forgotten, its second is not
    drop_again(&txs[1]);
    assert_eq!(remembered(), [true, true, false]);
    drop_again(&txs[2]);
    assert_eq!(remembered(), [false, true, true]);
}

#[test]
fn a_pool_is_shared_between_threads() {
    let (pool, state) = (Pool::default(), rich());
    std::thread::scope(|scope| {
        for number in 1..=4 {
            let (pool, state) = (&pool, &state);
            scope.spawn(move || (0..200).for_each(|nonce| drop(pool.add(draft(number, nonce).tx(), state, &env()))));
        }
        scope.spawn(|| (0..50).for_each(|_| drop(best_root(&pool))));
    });
    assert_eq!((pool.status(), best_root(&pool).len()), ((800, 0), 800));
    pool.audit().unwrap();
}
