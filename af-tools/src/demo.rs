//! The whole path on a PostgreSQL server of its own: chain, verify, tamper, catch.

mod events;
mod flow;

pub use events::generate;
pub use flow::{Caught, Demo, Edit, Error, Kept, Observer, Options, Step, run};
