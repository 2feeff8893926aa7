//! What is to be done.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::memory::{DEFAULT_LIMIT, Metadata, Query, Select, SummaryRequest};

/// A plan before it is run.
#[derive(Debug, Clone, PartialEq)]
pub struct Definition {
    /// What it is called.
    pub name: String,
    /// Which version of it this is.
    pub version: String,
    /// What is done, one after the other; each step has a name of its own.
    pub steps: Vec<Step>,
    /// The file's text, with its comments.
    pub text: String,
}

/// One step.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Step {
    /// What it is called.
    pub name: String,
    /// Who does it.
    pub agent: String,
    /// What is done.
    pub action: Action,
    /// What has to come of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expect: Option<Expect>,
}

/// What can be done with memory.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Keep something.
    Save(Save),
    /// Look something up.
    Query(Lookup),
    /// Sum up.
    Summarize(SumUp),
    /// Forget everything of this tenant.
    Clear(Clear),
}

/// What is to be kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Save {
    /// Under this key.
    pub key: String,
    /// Any JSON.
    pub value: Value,
    /// What is said about it.
    #[serde(default)]
    pub metadata: Metadata,
}

/// What is to be looked up.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lookup {
    /// Under this key …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// … or under all that begin so; under all at all, where neither is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// Only what has these metadata.
    #[serde(default, rename = "where")]
    pub filter: Metadata,
    /// How much at most.
    #[serde(default = "default_limit")]
    pub limit: usize,
}

fn default_limit() -> usize {
    DEFAULT_LIMIT
}

/// What is to be summed up.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SumUp {
    /// What has keys that begin so.
    #[serde(default)]
    pub prefix: String,
    /// Only what has these metadata.
    #[serde(default, rename = "where")]
    pub filter: Metadata,
}

/// Nothing more needs to be said.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Clear {}

/// What has to come of a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    /// So many entries match, whatever the limit.
    pub total: u64,
}

impl Action {
    /// Its name.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Save(_) => "save",
            Self::Query(_) => "query",
            Self::Summarize(_) => "summarize",
            Self::Clear(_) => "clear",
        }
    }

    /// The key, or the beginning of keys, that it is about; nothing where it is about all.
    pub fn subject(&self) -> Option<&str> {
        let subject = match self {
            Self::Save(save) => Some(save.key.as_str()),
            Self::Query(lookup) => lookup.key.as_deref().or(lookup.prefix.as_deref()),
            Self::Summarize(sum_up) => Some(sum_up.prefix.as_str()),
            Self::Clear(_) => None,
        };
        subject.filter(|subject| !subject.is_empty())
    }
}

impl Lookup {
    /// As a store is asked.
    pub(super) fn query(&self) -> Query {
        let select = match &self.key {
            Some(key) => Select::Key(key.clone()),
            None => Select::Prefix(self.prefix.clone().unwrap_or_default()),
        };
        Query { select, filter: self.filter.clone(), limit: self.limit, cursor: None }
    }
}

impl SumUp {
    /// As a store is asked.
    pub(super) fn request(&self) -> SummaryRequest {
        SummaryRequest { prefix: self.prefix.clone(), filter: self.filter.clone() }
    }
}
