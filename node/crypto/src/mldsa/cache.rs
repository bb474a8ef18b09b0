//! Parsed public keys, the least recently used one dropped first.

use aws_lc_rs::signature::ParsedPublicKey;
use core::fmt;
use qsdm_primitives::PublicKey;
use std::{
    collections::HashMap,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
};

/// A bounded map. Found keys take only the read lock, so that the threads of a batch don't wait for one another. Looking
/// for the least recently used one walks over all: that happens only where a new key comes in and is no more than its
/// parsing costs.
pub(super) struct KeyCache {
    max: usize,
    slots: RwLock<HashMap<PublicKey, Slot>>,
    uses: AtomicU64,
}

struct Slot {
    parsed: Arc<ParsedPublicKey>,
    /// Number of the use that was this key's last one.
    used: AtomicU64,
}

impl KeyCache {
    pub(super) fn new(max: usize) -> Self {
        Self { max, slots: RwLock::default(), uses: AtomicU64::new(0) }
    }

    pub(super) fn len(&self) -> usize {
        self.slots.read().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// The parsed key. `None` where `parse` gives none; that is not remembered.
    pub(super) fn get_or_insert_with(
        &self,
        key: &PublicKey,
        parse: impl FnOnce() -> Option<ParsedPublicKey>,
    ) -> Option<Arc<ParsedPublicKey>> {
        let used = self.uses.fetch_add(1, Ordering::Relaxed);
        if let Some(slot) = self.slots.read().unwrap_or_else(PoisonError::into_inner).get(key) {
            slot.used.store(used, Ordering::Relaxed);
            return Some(slot.parsed.clone());
        }
        let parsed = Arc::new(parse()?);
        if self.max > 0 {
            let mut slots = self.slots.write().unwrap_or_else(PoisonError::into_inner);
            if slots.len() >= self.max && !slots.contains_key(key) {
                let oldest = slots.iter().min_by_key(|(_, slot)| slot.used.load(Ordering::Relaxed));
                if let Some(oldest) = oldest.map(|(key, _)| key.clone()) {
                    slots.remove(&oldest);
                }
            }
            slots.insert(key.clone(), Slot { parsed: parsed.clone(), used: AtomicU64::new(used) });
        }
        Some(parsed)
    }
}

impl fmt::Debug for KeyCache {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "KeyCache({} of {} keys)", self.len(), self.max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mldsa::parse;
    use qsdm_primitives::Algorithm;

    fn key(number: u8) -> PublicKey {
        PublicKey::new(Algorithm::MlDsa44, vec![number; Algorithm::MlDsa44.public_key_bytes()])
    }

    /// Whether the cache had the key.
    fn hit(cache: &KeyCache, number: u8) -> bool {
        let mut parsed = false;
        cache.get_or_insert_with(&key(number), || {
            parsed = true;
            parse(&key(number))
        });
        !parsed
    }

    #[test]
    fn the_least_recently_used_key_goes_first_and_the_bound_holds() {
        let cache = KeyCache::new(3);
        assert_eq!([1, 2, 3].map(|number| hit(&cache, number)), [false; 3]);
        assert!(hit(&cache, 1), "1 is now the newest");
        assert!(!hit(&cache, 4), "and 2 made room");
        assert_eq!([1, 3, 4].map(|number| hit(&cache, number)), [true; 3]);
        assert!(!hit(&cache, 2));
        for number in 0..50 {
            hit(&cache, number);
            assert!(cache.len() <= 3);
        }
    }

    #[test]
    fn without_room_nothing_is_kept() {
        let cache = KeyCache::new(0);
        assert_eq!([hit(&cache, 1), hit(&cache, 1)], [false; 2]);
        assert_eq!(cache.len(), 0);
    }
}
