//! Tests of calls: one file a subject.

mod errors;
mod estimate;
pub(crate) mod fixture;
mod lists;
mod overrides;
mod stop;
