//! Checkpoints: signed statements of how long each chain is and what it holds, kept outside of the database.
//!
//! With one at hand, verification sees what a chain by itself cannot show: that its tail was cut off, that it was rewritten
//! as a whole, that an older state of the database or another database has taken its place.

mod signed;

pub use signed::{OpenError, Signed};
