//! Identifier of a submesh.

use core::fmt;
use serde::{Deserialize, Serialize};

/// The number under which `SubmeshRegistry` knows a submesh. Id 0 is `root` and always open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SubmeshId(pub u32);

impl SubmeshId {
    /// The submesh that always exists.
    pub const ROOT: Self = Self(0);
}

impl fmt::Display for SubmeshId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}
