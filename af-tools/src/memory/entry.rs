//! What is kept, and for whom.

use std::fmt;
use std::io::{self, Write};
use std::str::FromStr;
use std::sync::Arc;

use af_core::timestamp::Timestamp;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};
use uuid::Uuid;

/// What is said about an entry: JSON values by name, by which queries can filter.
pub type Metadata = Map<String, Value>;

/// Whose memory: a tenant, by its UUID or any other name. Never empty.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Namespace(String);

impl Namespace {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Namespace {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.is_empty() { Err("a name that is not empty expected") } else { Ok(Self(text.to_owned())) }
    }
}

impl From<Uuid> for Namespace {
    fn from(tenant: Uuid) -> Self {
        Self(tenant.to_string())
    }
}

impl fmt::Display for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Something that is remembered.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Entry {
    /// Its identity, given when it was first saved.
    pub id: Uuid,
    /// Its name within the namespace.
    pub key: String,
    /// What is remembered.
    pub value: Value,
    /// What is said about it.
    pub metadata: Metadata,
    /// When it was first saved.
    #[serde(serialize_with = "as_text")]
    pub created_at: Timestamp,
    /// When it was last saved.
    #[serde(serialize_with = "as_text")]
    pub updated_at: Timestamp,
}

fn as_text<S: Serializer>(ts: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(ts)
}

/// Entries as JSON.
pub(crate) fn list<S: Serializer>(entries: &[Arc<Entry>], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(entries.iter().map(Arc::as_ref))
}

/// What a save did.
#[derive(Debug, Clone, PartialEq)]
pub struct Saved {
    /// The entry as it is now.
    pub entry: Arc<Entry>,
    /// Whether it was not there before.
    pub is_new: bool,
    /// The key of the entry that was dropped to make room.
    pub evicted: Option<String>,
}

/// How many bytes a value has as compact JSON, by which limits and statistics go.
pub fn value_bytes(value: &impl Serialize) -> usize {
    struct Count(usize);
    impl Write for Count {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut count = Count(0);
    match serde_json::to_writer(&mut count, value) {
        Ok(()) => count.0,
        // Values and maps with names as keys always can be written; what could not would fit nowhere.
        Err(_) => usize::MAX,
    }
}
