//! The tracks of governance and how long their steps take.

use crate::addresses;
use alloy_primitives::Address;
use core::{fmt, str::FromStr};

const HOUR: u64 = 3_600;
const DAY: u64 = 24 * HOUR;
/// Governance rule 10: what no time scale shortens, in seconds.
const VOTING_PERIOD_MIN: u64 = 30;
const EXECUTION_WINDOW_MIN: u64 = HOUR;
const EPOCH_MIN: u64 = 10;
/// Every timelock leaves a day to react, whatever Root sets.
const TIMELOCK_FLOOR: u64 = DAY;
const EXECUTION_WINDOW: u64 = 14 * DAY;

/// A way for a proposal to take, with powers and hurdles of its own: one governor and one timelock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Track {
    /// Everything: roles, settings of all tracks, forced retirement.
    Root,
    /// Submeshes: create, set up, retire, release.
    Submesh,
}

/// What a track starts with. Times in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrackSettings {
    /// From a proposal to the start of its vote.
    pub voting_delay: u64,
    /// From the start of a vote to its end.
    pub voting_period: u64,
    /// Time that remains after a late quorum.
    pub late_extension: u64,
    /// From queue to execute.
    pub timelock_delay: u64,
    /// Below this Root can't set the timelock's delay.
    pub timelock_floor: u64,
    /// How long a proposal that passed can be queued, and a queued one executed.
    pub execution_window: u64,
    /// Share of the past supply that proposing takes, in basis points.
    pub threshold_bps: u16,
    /// Share of the supply at the snapshot that For and Abstain must reach, in percent.
    pub quorum_percent: u8,
}

impl Track {
    /// All tracks, by ascending governor address.
    pub const ALL: [Self; 2] = [Self::Root, Self::Submesh];

    /// Lower-case name for commands and displays.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Root => "root",
            Self::Submesh => "submesh",
        }
    }

    /// Where proposals are made and voted on.
    pub const fn governor(self) -> Address {
        match self {
            Self::Root => addresses::ROOT_GOVERNOR,
            Self::Submesh => addresses::SUBMESH_GOVERNOR,
        }
    }

    /// Who acts for the track once a proposal is executed.
    pub const fn timelock(self) -> Address {
        match self {
            Self::Root => addresses::ROOT_TIMELOCK,
            Self::Submesh => addresses::SUBMESH_TIMELOCK,
        }
    }

    /// The name of the governor in its EIP-712 domain: what a wallet shows to a voter.
    pub const fn governor_name(self) -> &'static str {
        match self {
            Self::Root => "QSDM Root track",
            Self::Submesh => "QSDM Submesh track",
        }
    }

    /// The track whose governor or timelock lives at `address`.
    pub fn at(address: Address) -> Option<Self> {
        Self::ALL.into_iter().find(|track| track.governor() == address || track.timelock() == address)
    }

    /// What the track starts with on a chain of this time scale (0 counts as 1).
    pub fn settings(self, time_scale: u64) -> TrackSettings {
        let (delay, period, extension, timelock, quorum_percent) = match self {
            Self::Root => (2 * DAY, 7 * DAY, DAY, 3 * DAY, 30),
            Self::Submesh => (DAY, 3 * DAY, 6 * HOUR, DAY, 10),
        };
        TrackSettings {
            voting_delay: scaled(delay, time_scale, 1),
            voting_period: scaled(period, time_scale, VOTING_PERIOD_MIN),
            late_extension: scaled(extension, time_scale, 1),
            timelock_delay: scaled(timelock, time_scale, 1),
            timelock_floor: scaled(TIMELOCK_FLOOR, time_scale, 1),
            execution_window: scaled(EXECUTION_WINDOW, time_scale, EXECUTION_WINDOW_MIN),
            threshold_bps: 10,
            quorum_percent,
        }
    }
}

/// Length of an epoch in seconds on a chain of this time scale: an hour, scaled, at least ten seconds.
pub fn epoch_seconds(time_scale: u64) -> u64 {
    scaled(HOUR, time_scale, EPOCH_MIN)
}

fn scaled(seconds: u64, time_scale: u64, floor: u64) -> u64 {
    (seconds / time_scale.max(1)).max(floor)
}

impl fmt::Display for Track {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// No track has this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no track is called {0:?}: use root or submesh")]
pub struct UnknownTrack(pub String);

impl FromStr for Track {
    type Err = UnknownTrack;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|track| track.name().eq_ignore_ascii_case(name))
            .ok_or_else(|| UnknownTrack(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn production_takes_the_days_that_were_decided() {
        let root = Track::Root.settings(1);
        assert_eq!((root.voting_delay, root.voting_period, root.timelock_delay), (2 * DAY, 7 * DAY, 3 * DAY));
        let submesh = Track::Submesh.settings(1);
        assert_eq!((submesh.voting_delay, submesh.voting_period, submesh.timelock_delay), (DAY, 3 * DAY, DAY));
        assert_eq!((submesh.threshold_bps, submesh.quorum_percent, root.quorum_percent), (10, 10, 30));
    }

    #[test]
    fn a_submesh_proposal_passes_in_two_minutes_at_the_development_scale() {
        let settings = Track::Submesh.settings(3_600);
        assert_eq!(settings.voting_delay + settings.voting_period + settings.timelock_delay, 120);
    }

    #[test]
    fn no_scale_goes_below_the_floors() {
        for track in Track::ALL {
            let settings = track.settings(u64::MAX);
            assert_eq!((settings.voting_delay, settings.voting_period, settings.execution_window), (1, 30, 3_600));
            assert!(settings.late_extension <= settings.voting_period);
            assert!(settings.timelock_floor <= settings.timelock_delay);
        }
        assert_eq!((epoch_seconds(1), epoch_seconds(u64::MAX)), (3_600, 10));
    }

    #[test]
    fn tracks_are_found_by_name_and_by_address() {
        assert_eq!("Submesh".parse(), Ok(Track::Submesh));
        assert_eq!("treasury".parse::<Track>(), Err(UnknownTrack("treasury".to_owned())));
        assert_eq!(Track::at(addresses::ROOT_TIMELOCK), Some(Track::Root));
        assert_eq!(Track::at(addresses::REPUTATION), None);
    }
}
