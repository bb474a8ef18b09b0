//! Following the chain.

use crate::support::*;
use alloy_primitives::U256;
use qsdm_pool::{DropReason, Pool};
use qsdm_vm::block::SharedTx;

fn add(pool: &Pool, state: &qsdm_vm::state::State, drafts: &[Draft]) -> Vec<SharedTx> {
    let txs: Vec<_> = drafts.iter().map(Draft::tx).collect();
    for tx in &txs {
        pool.add(tx.clone(), state, &env()).unwrap();
    }
    txs
}

#[test]
fn a_gap_is_closed_by_the_missing_nonce() {
    let (pool, state) = (Pool::default(), state(&[(1, 0, ETHER)]));
    let queued = add(&pool, &state, &[draft(1, 2), draft(1, 1), draft(1, 4)]);
    assert_eq!(pool.status(), (0, 3));
    let added = pool.add(draft(1, 0).tx(), &state, &env()).unwrap();
    assert_eq!(added.promoted, [*queued[1].tx_hash(), *queued[0].tx_hash()]);
    assert_eq!((pool.status(), pool.next_nonce(&sender(1), &state)), ((3, 1), 3));
    let content = pool.content_from(&sender(1));
    assert_eq!(content.pending[&sender(1)].keys().copied().collect::<Vec<_>>(), [0, 1, 2]);
    assert_eq!(content.queued[&sender(1)].keys().copied().collect::<Vec<_>>(), [4]);
    assert_eq!(pool.content(), content);
    pool.audit().unwrap();
}

#[test]
fn a_block_takes_out_what_it_included_without_a_trace() {
    let (pool, before) = (Pool::default(), state(&[(1, 0, ETHER), (2, 0, ETHER)]));
    let txs = add(&pool, &before, &[draft(1, 0), draft(1, 1), draft(1, 2), draft(2, 0)]);
    pool.on_block(&state(&[(1, 2, ETHER), (2, 0, ETHER)]), &txs[..2], []);
    assert_eq!((pool.status(), pool.dropped(txs[0].tx_hash())), ((2, 0), None));
    assert_eq!(best_root(&pool), [(sender(1), 2), (sender(2), 0)]);
    pool.audit().unwrap();
}

#[test]
fn a_nonce_that_another_transaction_used_is_dropped_with_the_reason() {
    let (pool, before) = (Pool::default(), state(&[(1, 4, ETHER)]));
    let ours = add(&pool, &before, &[draft(1, 4), draft(1, 5)]);
    let theirs = draft(1, 4).value(77).tx();
    pool.on_block(&state(&[(1, 5, ETHER)]), &[theirs], []);
    let reason = pool.dropped(ours[0].tx_hash()).unwrap();
    assert_eq!(reason, DropReason::NonceUsed { nonce: 4, account_nonce: 5 });
    let words = "another transaction with nonce 4 was included; the account's nonce is 5";
    assert_eq!((reason.to_string().as_str(), pool.status()), (words, (1, 0)));
    pool.audit().unwrap();
}

#[test]
fn a_block_closes_a_gap_that_it_filled_itself() {
    let (pool, before) = (Pool::default(), state(&[(1, 0, ETHER)]));
    let queued = add(&pool, &before, &[draft(1, 1)]);
    let promoted = pool.on_block(&state(&[(1, 1, ETHER)]), &[draft(1, 0).tx()], []);
    assert_eq!((promoted, pool.status()), (vec![*queued[0].tx_hash()], (1, 0)));
    pool.audit().unwrap();
}

#[test]
fn what_a_sender_can_no_longer_pay_is_queued_and_returns_with_the_funds() {
    let (pool, before) = (Pool::default(), state(&[(1, 0, ETHER)]));
    let costly = |nonce| draft(1, nonce).value(ETHER / 4);
    let txs = add(&pool, &before, &[costly(0), costly(1), costly(2)]);
    let poor = state(&[(1, 0, ETHER / 2)]);
    assert!(pool.on_block(&poor, &[], [sender(1), sender(8)]).is_empty());
    assert_eq!((pool.status(), best_root(&pool).len()), ((1, 2), 1));
    pool.audit().unwrap();
    let promoted = pool.on_block(&before, &[], [sender(1)]);
    assert_eq!(promoted, [*txs[1].tx_hash(), *txs[2].tx_hash()]);
    assert_eq!(pool.status(), (3, 0));
    pool.audit().unwrap();
}

#[test]
fn accounts_that_are_not_touched_are_not_looked_at() {
    let (pool, before) = (Pool::default(), state(&[(1, 0, ETHER)]));
    add(&pool, &before, &[draft(1, 0)]);
    pool.on_block(&state(&[(1, 0, 0)]), &[], [sender(2)]);
    assert_eq!(pool.status(), (1, 0));
    pool.on_block(&state(&[(1, 0, 0)]), &[], [sender(1)]);
    assert_eq!(pool.status(), (0, 1));
}

#[test]
fn what_the_state_does_not_confirm_as_included_stays() {
    let (pool, state) = (Pool::default(), state(&[(1, 0, ETHER)]));
    let txs = add(&pool, &state, &[draft(1, 0)]);
    pool.on_block(&state, &txs, []);
    assert!(pool.contains(txs[0].tx_hash()));
    pool.audit().unwrap();
}

#[test]
fn a_rollback_reopens_the_nonces() {
    let (pool, late) = (Pool::default(), state(&[(1, 3, ETHER), (2, 0, ETHER)]));
    add(&pool, &late, &[draft(1, 3), draft(2, 0)]);
    let early = state(&[(1, 1, ETHER), (2, 0, ETHER)]);
    assert!(pool.reset(&early).is_empty());
    assert_eq!((pool.status(), pool.next_nonce(&sender(1), &early)), ((1, 1), 1));
    pool.audit().unwrap();
    add(&pool, &early, &[draft(1, 1), draft(1, 2)]);
    assert_eq!(pool.status(), (4, 0));
    let forward = pool.reset(&late);
    assert_eq!((forward.len(), pool.status()), (0, (2, 0)));
    pool.audit().unwrap();
}

#[test]
fn an_admission_with_the_state_before_the_block_does_not_bring_its_transactions_back() {
    let (pool, before, after) = (Pool::default(), state(&[(1, 0, ETHER)]), state(&[(1, 1, ETHER)]));
    let txs = add(&pool, &before, &[draft(1, 0)]);
    pool.on_block(&after, &txs, []);
    let refusal = pool.add(txs[0].clone(), &before, &env()).unwrap_err();
    assert!(refusal.to_string().starts_with("nonce too low: next nonce 1, tx nonce 0"), "{refusal}");
    assert!(pool.add(draft(1, 1).tx(), &before, &env()).unwrap().executable);
    assert_eq!(best_root(&pool), [(sender(1), 1)]);
    pool.audit().unwrap();
}

#[test]
fn a_sender_without_transactions_is_forgotten_after_one_more_block() {
    let (pool, before, after) = (Pool::default(), state(&[(1, 0, ETHER)]), state(&[(1, 1, ETHER)]));
    let txs = add(&pool, &before, &[draft(1, 0)]);
    pool.on_block(&after, &txs, []);
    pool.on_block(&after, &[], []);
    // nothing but the caller's state speaks about the sender now
    assert_eq!(pool.next_nonce(&sender(1), &before), 0);
    assert!(pool.add(txs[0].clone(), &before, &env()).unwrap().executable);
    pool.audit().unwrap();
}

#[test]
fn an_admission_with_a_newer_state_than_the_last_block_told_is_held_to_it() {
    let (pool, before, after) = (Pool::default(), state(&[(1, 0, ETHER)]), state(&[(1, 1, ETHER)]));
    let txs = add(&pool, &before, &[draft(1, 0)]);
    let dearer = draft(1, 0).fees(30 * GWEI, 3 * GWEI).tx();
    let refusal = pool.add(dearer, &after, &env()).unwrap_err();
    assert!(refusal.to_string().starts_with("nonce too low: next nonce 1, tx nonce 0"), "{refusal}");
    assert_eq!(pool.next_nonce(&sender(1), &after), 1);
    pool.on_block(&after, &txs, []);
    assert_eq!(pool.status(), (0, 0));
    pool.audit().unwrap();
}

#[test]
fn removals_leave_a_reason_and_queue_what_is_behind() {
    let (pool, state) = (Pool::default(), state(&[(1, 0, ETHER), (2, 0, ETHER)]));
    let txs = add(&pool, &state, &[draft(1, 0), draft(1, 1), draft(1, 2), draft(2, 0), draft(2, 1)]);
    assert_eq!(pool.remove(txs[1].tx_hash()), Some(txs[1].clone()));
    assert_eq!((pool.remove(txs[1].tx_hash()), pool.status()), (None, (3, 1)));
    assert_eq!(pool.dropped(txs[1].tx_hash()), Some(DropReason::Removed));
    pool.audit().unwrap();

    let why = "lack of funds: ß".repeat(40);
    pool.remove_invalid(txs[0].tx_hash(), &why).unwrap();
    let Some(DropReason::Invalid(kept)) = pool.dropped(txs[0].tx_hash()) else { panic!("no reason") };
    assert!(why.starts_with(&kept) && (253..=256).contains(&kept.len()));
    assert_eq!(pool.status(), (2, 1));
    pool.audit().unwrap();

    assert_eq!(pool.remove_sender(&sender(2)), &txs[3..]);
    assert_eq!((pool.remove_sender(&sender(2)), pool.remove_all()), (vec![], 1));
    assert_eq!((pool.status(), pool.bytes()), ((0, 0), 0));
    pool.audit().unwrap();
}

#[test]
fn a_dropped_transaction_that_comes_back_has_no_reason_any_more() {
    let (pool, state) = (Pool::default(), state(&[(1, 0, ETHER)]));
    let txs = add(&pool, &state, &[draft(1, 0)]);
    pool.remove(txs[0].tx_hash());
    pool.add(txs[0].clone(), &state, &env()).unwrap();
    assert_eq!(pool.dropped(txs[0].tx_hash()), None);
    pool.audit().unwrap();
}

#[test]
fn an_unknown_sender_has_the_nonce_of_its_account() {
    let pool = Pool::default();
    assert_eq!(pool.next_nonce(&sender(1), &state(&[(1, 9, 0)])), 9);
    assert_eq!(pool.next_nonce(&sender(2), &state(&[(1, 9, 0)])), 0);
    assert_eq!(pool.content_from(&sender(1)), Default::default());
    assert_eq!(draft(1, 0).cost(), U256::from(21_000 * 10 * GWEI + 1));
}
