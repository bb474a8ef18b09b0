//! The next executable transaction of every sender, by submesh and fee: where picking the best ones starts.

use crate::entry::Entry;
use qsdm_primitives::SubmeshId;
use std::{
    cmp::Reverse,
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

/// Order of yielding: higher fee first, then earlier arrival.
pub(crate) type HeadKey = (Reverse<u128>, u64);

/// The heads of one submesh.
///
/// The effective tip, min(tip, fee cap − base fee), depends on the base fee, so no single order serves all blocks. Two
/// do: where tip and fee cap are equal (types 0 and 1), fee cap − base fee decides and its order is the fee cap's; for
/// the others the tip is an upper bound that is nearly always met.
#[derive(Debug, Default)]
pub(crate) struct Lane {
    /// Heads whose tip equals their fee cap, by fee cap.
    pub(crate) flat: BTreeMap<HeadKey, Arc<Entry>>,
    /// The others, by tip.
    pub(crate) dynamic: BTreeMap<HeadKey, Arc<Entry>>,
}

/// All heads.
#[derive(Debug, Default)]
pub(crate) struct Heads {
    lanes: HashMap<SubmeshId, Lane>,
}

impl Heads {
    pub(crate) fn lane(&self, submesh: SubmeshId) -> Option<&Lane> {
        self.lanes.get(&submesh)
    }

    pub(crate) fn insert(&mut self, entry: &Arc<Entry>) {
        let lane = self.lanes.entry(entry.submesh).or_default();
        let side = if entry.tip == entry.fee { &mut lane.flat } else { &mut lane.dynamic };
        side.insert(key(entry), Arc::clone(entry));
    }

    pub(crate) fn remove(&mut self, entry: &Entry) {
        if let Some(lane) = self.lanes.get_mut(&entry.submesh) {
            let side = if entry.tip == entry.fee { &mut lane.flat } else { &mut lane.dynamic };
            side.remove(&key(entry));
            if lane.flat.is_empty() && lane.dynamic.is_empty() {
                self.lanes.remove(&entry.submesh);
            }
        }
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Arc<Entry>> {
        self.lanes.values().flat_map(|lane| lane.flat.values().chain(lane.dynamic.values()))
    }
}

fn key(entry: &Entry) -> HeadKey {
    (Reverse(entry.tip), entry.sequence)
}
