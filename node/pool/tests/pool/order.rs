//! In which order transactions are offered to a block.

use crate::{naive::Naive, support::*};
use alloy_consensus::Transaction;
use alloy_primitives::{Bytes, U256};
use proptest::{collection::vec, prelude::*};
use qsdm_pool::{Pool, Submission};
use qsdm_primitives::SubmeshId;
use qsdm_vm::state::State;

fn rich(senders: u8) -> State {
    state_with((1..=senders).map(|number| (sender(number), 0, U256::from(ETHER), Bytes::new())))
}

fn pool_of(drafts: &[Draft]) -> Pool {
    let (pool, state) = (Pool::default(), rich(9));
    for draft in drafts {
        pool.add(draft.tx(), &state, &env()).unwrap();
    }
    pool.audit().unwrap();
    pool
}

#[test]
fn the_highest_effective_tip_goes_first_and_a_senders_nonces_stay_in_order() {
    let fees = |tip| (10 * GWEI, tip * GWEI);
    let priced = |number, nonce, tip| draft(number, nonce).fees(fees(tip).0, fees(tip).1);
    let pool = pool_of(&[priced(1, 0, 1), priced(1, 1, 9), priced(2, 0, 3), priced(2, 1, 2), priced(3, 0, 4)]);
    let order = [(3, 0), (2, 0), (2, 1), (1, 0), (1, 1)];
    assert_eq!(best_root(&pool), order.map(|(number, nonce)| (sender(number), nonce)));
}

#[test]
fn the_base_fee_decides_between_a_high_tip_and_a_high_fee_cap() {
    let pool = pool_of(&[draft(1, 0).fees(10 * GWEI, 9 * GWEI), draft(2, 0).fees(20 * GWEI, 5 * GWEI)]);
    let at = |gwei: u64| best(&pool, SubmeshId::ROOT, gwei * BASE_FEE).iter().map(|(a, _)| *a).collect::<Vec<_>>();
    assert_eq!(at(1), [sender(1), sender(2)]);
    assert_eq!(at(6), [sender(2), sender(1)]);
    assert_eq!(at(11), [sender(2)]);
    assert!(at(21).is_empty());
}

#[test]
fn equal_tips_go_by_arrival_whatever_the_type() {
    let (pool, state) = (Pool::default(), rich(4));
    // at a base fee of 1 gwei all tip 1 gwei
    for number in [3, 1, 4, 2] {
        let draft = draft(number, 0).fees(2 * GWEI, GWEI);
        pool.add(if number % 2 == 0 { draft.legacy() } else { draft.tx() }, &state, &env()).unwrap();
    }
    assert_eq!(best_root(&pool), [3, 1, 4, 2].map(|number| (sender(number), 0)));
}

#[test]
fn a_transaction_below_the_base_fee_holds_up_its_sender_and_nobody_else() {
    let pool = pool_of(&[draft(1, 0).fees(GWEI / 2, 0), draft(1, 1), draft(2, 0)]);
    assert_eq!((best_root(&pool), pool.status()), (vec![(sender(2), 0)], (3, 0)));
    assert_eq!(best(&pool, SubmeshId::ROOT, 0).len(), 3);
}

#[test]
fn queued_transactions_are_not_offered() {
    let pool = pool_of(&[draft(1, 1), draft(1, 2), draft(2, 0)]);
    assert_eq!((best_root(&pool), pool.status()), (vec![(sender(2), 0)], (1, 2)));
}

#[test]
fn a_skipped_sender_is_over_for_this_block_only() {
    let pool = pool_of(&[draft(1, 0), draft(1, 1), draft(2, 0), draft(2, 1)]);
    let (mut best, mut order) = (pool.best(SubmeshId::ROOT, BASE_FEE), Vec::new());
    while let Some(tx) = best.next() {
        order.push((tx.signer(), tx.nonce()));
        if tx.signer() == sender(1) {
            best.skip_sender();
        }
    }
    assert_eq!(order, [(sender(1), 0), (sender(2), 0), (sender(2), 1)]);
    assert_eq!(best_root(&pool).len(), 4);
}

#[test]
fn submeshes_have_their_own_order_and_wait_for_nonces_in_another() {
    let (pool, state, lane) = (Pool::default(), rich(2), SubmeshId(7));
    let into = |draft: Draft, submesh| Submission { submesh, ..Submission::from(draft.tx()) };
    for (number, nonce, submesh) in [(1, 0, SubmeshId::ROOT), (1, 1, lane), (1, 2, SubmeshId::ROOT), (2, 0, lane)] {
        pool.add(into(draft(number, nonce), submesh), &state, &env()).unwrap();
    }
    assert_eq!(best_root(&pool), [(sender(1), 0)]);
    assert_eq!(best(&pool, lane, 0), [(sender(2), 0)]);
    assert_eq!(best(&pool, SubmeshId(8), 0), []);
    let mined = draft(1, 0).tx();
    let after = state_with([(sender(1), 1, U256::from(ETHER), Bytes::new())]);
    pool.on_block(&after, &[mined], []);
    assert_eq!((best_root(&pool), best(&pool, lane, 0)), (vec![], vec![(sender(1), 1), (sender(2), 0)]));
    assert_eq!(pool.submesh_of(draft(2, 0).tx().tx_hash()), Some(lane));
    pool.audit().unwrap();
}

#[test]
fn a_replacement_may_change_the_submesh() {
    let (pool, state, lane) = (Pool::default(), rich(1), SubmeshId(7));
    pool.add(draft(1, 0).tx(), &state, &env()).unwrap();
    let dearer = draft(1, 0).fees(20 * GWEI, 2 * GWEI).tx();
    pool.add(Submission { submesh: lane, ..Submission::from(dearer) }, &state, &env()).unwrap();
    assert_eq!((best_root(&pool), best(&pool, lane, 0)), (vec![], vec![(sender(1), 0)]));
    pool.audit().unwrap();
}

#[test]
fn what_is_removed_or_replaced_meanwhile_is_not_offered() {
    // 1 and 2 promise more than they give at this base fee, so they are looked at before 3, and offered after it
    let promising = |number| draft(number, 0).fees(2 * GWEI, 2 * GWEI - 1);
    let (first, second, third) = (promising(1), promising(2), draft(3, 0).fees(9 * GWEI, GWEI + GWEI / 2));
    let (fourth, fifth) = (draft(4, 0).fees(9 * GWEI, GWEI / 2), draft(5, 0).fees(9 * GWEI, GWEI / 4));
    let pool = pool_of(&[first.clone(), second, third.clone(), fourth.clone(), fifth.clone()]);
    let mut best = pool.best(SubmeshId::ROOT, BASE_FEE);
    assert_eq!(best.next(), Some(third.tx()));
    pool.remove(first.tx().tx_hash()).unwrap();
    pool.add(draft(2, 0).fees(3 * GWEI, 3 * GWEI).tx(), &rich(9), &env()).unwrap();
    pool.remove(fourth.tx().tx_hash()).unwrap();
    // the replacement of the second arrived too late for this block
    assert_eq!(best.by_ref().filter(|tx| tx.signer() != sender(2)).collect::<Vec<_>>(), [fifth.tx()]);
}

#[test]
fn pending_hashes_are_in_order_of_arrival() {
    let drafts = [draft(3, 0), draft(1, 0), draft(1, 1), draft(2, 0).fees(30 * GWEI, 30 * GWEI)];
    let pool = pool_of(&drafts);
    assert_eq!(pool.pending_hashes(), drafts.clone().map(|draft| *draft.tx().tx_hash()));
    assert_eq!(pool.pending(), drafts.map(|draft| draft.tx()));
}

proptest! {
    #[test]
    fn looking_at_few_senders_gives_the_same_order_as_looking_at_all(
        drafts in vec((1u8..40, 0u128..30, 0u128..30, any::<bool>(), 0u32..2), 0..120),
        base_fee in 0u64..30,
    ) {
        let (pool, mut naive) = (Pool::default(), Naive::default());
        (0..40).for_each(|number| naive.set_account(sender(number), 0, U256::from(ETHER)));
        let state = state(&(0..40).map(|number| (number, 0, ETHER)).collect::<Vec<_>>());
        for (number, fee, tip, flat, lane) in drafts {
            let nonce = pool.next_nonce(&sender(number), &state);
            let draft = draft(number, nonce).fees(fee, if flat { fee } else { tip.min(fee) });
            let submesh = SubmeshId(lane);
            naive.add(&draft, submesh, 1_000).unwrap();
            pool.add(Submission { submesh, ..Submission::from(draft.tx()) }, &state, &env()).unwrap();
        }
        prop_assert_eq!(best(&pool, SubmeshId(0), base_fee), naive.best(SubmeshId(0), base_fee));
        prop_assert_eq!(best(&pool, SubmeshId(1), base_fee), naive.best(SubmeshId(1), base_fee));
    }
}
