//! How badly peers behave, and who is banned for it.

use libp2p::PeerId as NodeId;
use qsdm_primitives::limits::BANS_MAX;
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

/// Points of nodes, whether they are connected or not.
#[derive(Debug)]
pub(crate) struct Scores {
    ban_points: f64,
    ban: Duration,
    half_life: Duration,
    nodes: BTreeMap<NodeId, Score>,
}

#[derive(Clone, Copy, Debug)]
struct Score {
    points: f64,
    at: Instant,
    banned_until: Option<Instant>,
}

impl Scores {
    pub(crate) fn new(limits: &crate::config::Limits) -> Self {
        Self {
            ban_points: f64::from(limits.ban_points),
            ban: limits.ban,
            half_life: limits.points_half_life.max(Duration::from_millis(1)),
            nodes: BTreeMap::new(),
        }
    }

    /// Adds points; true where they lead to a ban.
    pub(crate) fn penalise(&mut self, node: NodeId, points: u32, now: Instant) -> bool {
        let before = self.points(&node, now);
        if before == 0.0 && !self.nodes.contains_key(&node) && self.nodes.len() >= BANS_MAX {
            self.forget_oldest();
        }
        let score = self.nodes.entry(node).or_insert(Score { points: 0.0, at: now, banned_until: None });
        *score = Score { points: before + f64::from(points), at: now, ..*score };
        if score.points < self.ban_points {
            return false;
        }
        // a ban settles the account: who comes back starts anew
        *score = Score { points: 0.0, at: now, banned_until: Some(now + self.ban) };
        true
    }

    /// For how long a node is still banned.
    pub(crate) fn banned(&self, node: &NodeId, now: Instant) -> Option<Duration> {
        let left = self.nodes.get(node)?.banned_until?.saturating_duration_since(now);
        (!left.is_zero()).then_some(left)
    }

    /// The points that are left of a node's.
    pub(crate) fn points(&self, node: &NodeId, now: Instant) -> f64 {
        self.nodes.get(node).map_or(0.0, |score| {
            let halves = now.saturating_duration_since(score.at).as_secs_f64() / self.half_life.as_secs_f64();
            score.points * 0.5_f64.powf(halves)
        })
    }

    /// Nodes that are banned.
    pub(crate) fn bans(&self, now: Instant) -> usize {
        self.nodes.values().filter(|score| score.banned_until.is_some_and(|until| until > now)).count()
    }

    fn forget_oldest(&mut self) {
        let oldest = self.nodes.iter().min_by_key(|(_, score)| score.at).map(|(node, _)| *node);
        oldest.and_then(|node| self.nodes.remove(&node));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Limits;

    #[test]
    fn points_fade_and_enough_of_them_ban_for_a_time() {
        let limits = Limits::default();
        let mut scores = Scores::new(&limits);
        let (node, start) = (NodeId::random(), Instant::now());
        assert!(!scores.penalise(node, 99, start));
        assert!(!scores.penalise(node, 50, start + limits.points_half_life), "half of 99 and 50 are less than 100");
        assert!(scores.penalise(node, 1, start + limits.points_half_life));
        let banned = start + limits.points_half_life;
        assert_eq!(scores.banned(&node, banned), Some(limits.ban));
        assert_eq!(scores.bans(banned), 1);
        assert_eq!(scores.banned(&node, banned + limits.ban), None);
        assert_eq!(scores.banned(&NodeId::random(), banned), None);
    }

    #[test]
    fn as_many_nodes_as_the_limit_are_remembered() {
        let mut scores = Scores::new(&Limits::default());
        let start = Instant::now();
        for step in 0..BANS_MAX as u64 + 10 {
            scores.penalise(NodeId::random(), 1, start + Duration::from_millis(step));
        }
        assert_eq!(scores.nodes.len(), BANS_MAX);
    }
}
