//! The check of whole chains, and of messages, as SQL functions.
//!
//! The checking is `af-core`'s; here rows are fetched (`ordered`, `messages`) and findings handed out. Rows are
//! read by an ordinary query with the caller's own rights, so that privileges, row-level security,
//! partitions, cancellation and hot standbys are PostgreSQL's business, not ours.

mod messages;
mod ordered;
mod report;
mod target;
