//! A node without a key, or whose key is in no set, follows and signs nothing.

use crate::support::{
    actions,
    committee::{Committee, Parent, START_MS, bogus, cell, result},
    node::Node,
};
use qsdm_consensus::{Event, TimerId};
use qsdm_crypto::{Signer, testing::HashSigner};
use qsdm_primitives::{Algorithm, Height, Round};

#[test]
fn an_observer_commits_and_never_signs() {
    let committee = Committee::new(4);
    let strange = HashSigner::new(Algorithm::MlDsa65, 77).public_key().clone();
    for key in [None, Some(strange)] {
        let mut node = Node::with(&committee, None, |config| config.key = key);
        let mut done = Vec::new();
        let mut parent = Parent::genesis();
        for round in 1..=6 {
            let block = node.block_of(&parent, round, &[cell(0, round - 1)]);
            let (next, grown) = node.grow(&block);
            parent = next;
            done.extend(grown);
        }
        assert_eq!((node.status().height, node.status().me), (Height(5), None));
        assert_eq!(actions::commits(&done).len(), 5);
        done.extend(node.time_out(7, &[0, 1, 2], parent.qc));
        assert_eq!(node.status().round, Round(8));
        done.extend(node.time_out(9, &[0, 1], parent.qc));
        done.extend(node.acknowledge(&cell(1, 0)));
        for timer in [TimerId::Round(Round(8), 0), TimerId::Heartbeat(Round(8)), TimerId::Sync] {
            done.extend(node.run(Event::Timer(timer)));
        }
        done.extend(node.time_out(20, &[0], bogus(&committee, 19)));
        done.extend(node.restart().expect("nothing to contradict"));
        assert!(actions::signatures(&done).is_empty());
        assert!(actions::timers(&done).iter().all(|(timer, _)| *timer == TimerId::Sync), "nor waits for rounds");
    }
}

#[test]
fn an_observer_tells_what_is_final() {
    let mut node = Node::with(&Committee::new(4), None, |_| {});
    let block = node.block_of(&Parent::genesis(), 1, &[cell(0, 0)]);
    let (parent, _) = node.grow(&block);
    let block = node.committee.block(&parent, 2);
    let (parent, _) = node.grow(&block);
    let block = node.committee.block_with(&parent, 3, |header, _| {
        header.executed = result(1);
        // an observer's clock decides nothing
        header.time_ms = START_MS + 1_000_000;
    });
    let (_, done) = node.grow(&block);
    assert_eq!(actions::finalized(&done), [result(1)]);
}
