//! Why a store did not do what was asked.

use std::error::Error as StdError;

use super::MAX_LIMIT;

/// Why a store did not do what was asked. Nothing has changed then.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Every entry has a name.
    #[error("the key is empty")]
    EmptyKey,
    /// Longer than the store takes.
    #[error("the key has {bytes} bytes, more than the {limit} that the store takes")]
    KeyTooLong {
        /// How long it is.
        bytes: usize,
        /// How long it may be.
        limit: usize,
    },
    /// Larger than the store takes.
    #[error("the value has {bytes} bytes as JSON, more than the {limit} that the store takes")]
    ValueTooLarge {
        /// How large it is.
        bytes: usize,
        /// How large it may be.
        limit: usize,
    },
    /// Larger than the store takes.
    #[error("the metadata has {bytes} bytes as JSON, more than the {limit} that the store takes")]
    MetadataTooLarge {
        /// How large it is.
        bytes: usize,
        /// How large it may be.
        limit: usize,
    },
    /// The namespace is full, and the store drops nothing.
    #[error("the memory of this tenant is full with {entries} entries")]
    Capacity {
        /// How many entries it takes.
        entries: usize,
    },
    /// A page has at least one entry and at most [`MAX_LIMIT`].
    #[error("the limit is {0}, which is not from 1 to {MAX_LIMIT}")]
    Limit(usize),
    /// Not what this store gave as `next`.
    #[error("the cursor is not one that this store gave")]
    Cursor,
    /// There is no memory.
    #[error("memory is disabled")]
    Disabled,
    /// What a store of another kind has to say.
    #[error("the store failed")]
    Store(#[source] Box<dyn StdError + Send + Sync>),
}

impl Error {
    /// Its name for programs.
    pub fn name(&self) -> &'static str {
        match self {
            Self::EmptyKey => "empty_key",
            Self::KeyTooLong { .. } => "key_too_long",
            Self::ValueTooLarge { .. } => "value_too_large",
            Self::MetadataTooLarge { .. } => "metadata_too_large",
            Self::Capacity { .. } => "capacity",
            Self::Limit(_) => "limit",
            Self::Cursor => "cursor",
            Self::Disabled => "disabled",
            Self::Store(_) => "store",
        }
    }
}
