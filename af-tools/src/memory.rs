//! What agents remember: the interface, and a store that stands in for the subsystem to come.
//!
//! - [`MemoryStore`]: what every store can do, by [`Namespace`]: save, query, summarise, count, clear
//! - [`InMemoryStore`]: the stub, in this process alone, bounded if that is wanted
//! - [`DisabledStore`]: answers everything with [`Error::Disabled`], and is what callers get by default
//! - [`Logged`]: around any store, tells each operation and never a value
//! - [`Container`]: makes the store that the configuration asks for; callers hold an `Arc<dyn MemoryStore>`
//! - [`Clock`] and [`IdSource`]: where a store takes its times and ids from; made up ones make a run reproducible
//! - [`Inspector`]: shows a store over HTTP while it is in use
//! - [`conformance`]: what every store has to pass

pub mod conformance;
mod container;
mod disabled;
mod entry;
mod error;
mod in_memory;
mod inspect;
mod logged;
mod query;
mod sources;
mod store;

pub use container::{Config, ConfigError, Container};
pub use disabled::DisabledStore;
pub(crate) use entry::list;
pub use entry::{Entry, Metadata, Namespace, Saved, value_bytes};
pub use error::Error;
pub use in_memory::{Bound, InMemoryStore, Limits, Options, SUMMARY, WhenFull};
pub use inspect::Inspector;
pub use logged::Logged;
pub use query::{Cursor, DEFAULT_LIMIT, MAX_LIMIT, Page, Query, Select, Summary, SummaryRequest, matches};
pub use sources::{Clock, CountedIds, IdSource, RandomIds, Sources, SteppingClock, SystemClock};
pub use store::{MemoryStore, Stats, contents};

/// The documentation's example has to compile, and to pass.
#[cfg(doctest)]
#[doc = include_str!("../../docs/memory.md")]
struct Documentation;
