//! Index advice and rewrites: from how a statement uses its tables come candidates, and a search asks a planner, or a copy of
//! the data, which set of them is worth its size.

pub mod candidate;
pub mod cost;
pub mod days;
pub mod edges;
pub mod estimate;
pub mod parameters;
pub mod rewrite;
pub mod scale;
pub mod scope;
pub mod search;
pub mod uses;

pub use candidate::{Abilities, Candidate, candidates, merged};
pub use search::{Search, Size, Trial};
