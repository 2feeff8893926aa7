//! What can be asked, and how answers are cut into pages.

use std::borrow::Cow;
use std::sync::Arc;

use af_core::canonical::{Canonicalizer, Json};
use serde::Serialize;
use serde_json::{Number, Value};

use super::entry::list;
use super::{Entry, Error, Metadata};

/// How many entries a page has where nothing else is said.
pub const DEFAULT_LIMIT: usize = 100;
/// How many entries a page can have.
pub const MAX_LIMIT: usize = 1000;

/// Which keys are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Select {
    /// This one. An entry that is found so counts as used.
    Key(String),
    /// All that begin so. Looking through them is no use of any.
    Prefix(String),
}

impl Select {
    /// All keys.
    pub fn all() -> Self {
        Self::Prefix(String::new())
    }
}

/// What is asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    /// Which keys.
    pub select: Select,
    /// Only entries whose metadata have all of these pairs ([`matches()`]). Empty, all match.
    pub filter: Metadata,
    /// How many entries at most, from 1 to [`MAX_LIMIT`].
    pub limit: usize,
    /// Where the page before ended.
    pub cursor: Option<Cursor>,
}

impl Query {
    /// The first page of what is selected, unfiltered.
    pub fn new(select: Select) -> Self {
        Self { select, filter: Metadata::new(), limit: DEFAULT_LIMIT, cursor: None }
    }

    /// Checks what makes no sense for any store, and returns the key after which the page begins, for stores that use
    /// [`Cursor::after`].
    ///
    /// # Errors
    ///
    /// [`Error::EmptyKey`], [`Error::Limit`], [`Error::Cursor`].
    pub fn check(&self) -> Result<Option<String>, Error> {
        if matches!(&self.select, Select::Key(key) if key.is_empty()) {
            return Err(Error::EmptyKey);
        }
        if !(1..=MAX_LIMIT).contains(&self.limit) {
            return Err(Error::Limit(self.limit));
        }
        self.cursor.as_ref().map(Cursor::key).transpose()
    }
}

/// Where a page ended, in words that only the store understands. It stays valid whatever is saved or dropped meanwhile:
/// the next page has what is then there beyond.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Cursor(String);

impl Cursor {
    /// As text came in, perhaps from a store.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// As text, to be handed out.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// After a key. In hexadecimal digits, so that nobody takes it for a key, and any URL takes it.
    pub fn after(key: &str) -> Self {
        Self(key.bytes().map(|byte| format!("{byte:02x}")).collect())
    }

    /// The key that it is after.
    ///
    /// # Errors
    ///
    /// [`Error::Cursor`] if it is not one of [`Cursor::after`]'s.
    pub fn key(&self) -> Result<String, Error> {
        let is_hexadecimal = self.0.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if !is_hexadecimal || self.0.is_empty() || !self.0.len().is_multiple_of(2) {
            return Err(Error::Cursor);
        }
        let bytes = (0..self.0.len()).step_by(2).map(|at| u8::from_str_radix(&self.0[at..at + 2], 16));
        let bytes = bytes.collect::<Result<Vec<u8>, _>>().map_err(|_| Error::Cursor)?;
        String::from_utf8(bytes).map_err(|_| Error::Cursor)
    }
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Page {
    /// How many entries match, whatever limit and cursor say.
    pub total: u64,
    /// Those of this page, in the order of their keys' bytes.
    #[serde(serialize_with = "list")]
    pub entries: Vec<Arc<Entry>>,
    /// Where the next page begins, if there is one.
    pub next: Option<Cursor>,
}

/// What is to be summed up.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SummaryRequest {
    /// Keys that begin so; empty, all.
    pub prefix: String,
    /// As in a [`Query`].
    pub filter: Metadata,
}

/// A summary.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Summary(pub Cow<'static, str>);

/// Whether metadata have all pairs of a filter: each name is there, and its value is the same JSON value.
///
/// Numbers are compared by what they are worth, as the ledger's canonical form does: 1 is 1.0 and 1e0, and 9007199254740993
/// is not 9007199254740992. Strings are compared by their code points, arrays in order, and objects whole: `{"a": 1}` is not
/// `{"a": 1, "b": 2}`. `null` matches `null`, and not a name that is missing.
pub fn matches(filter: &Metadata, metadata: &Metadata) -> bool {
    filter.iter().all(|(name, wanted)| metadata.get(name).is_some_and(|found| same(wanted, found)))
}

fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => {
            a == b || worth(a).is_some_and(|worth_a| worth(b) == Some(worth_a))
        }
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Value::Object(b)) => a.len() == b.len() && matches(a, b),
        _ => a == b,
    }
}

/// A number's canonical form, by which two of them are the same or not.
fn worth(number: &Number) -> Option<Vec<u8>> {
    let mut text = Vec::new();
    Canonicalizer::default().write(Json::Text(number.to_string().as_bytes()), &mut text).ok()?;
    Some(text)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn metadata(value: Value) -> Metadata {
        let Value::Object(map) = value else { panic!("no object: {value}") };
        map
    }

    #[test]
    fn values_are_compared_as_json() {
        for (filter, found, expected) in [
            (json!({}), json!({"a": 1}), true),
            (json!({"a": 1}), json!({"a": 1, "b": 2}), true),
            (json!({"a": 1, "b": 3}), json!({"a": 1, "b": 2}), false),
            (json!({"a": null}), json!({}), false),
            (json!({"a": null}), json!({"a": null}), true),
            (json!({"a": 1}), json!({"a": 1.0}), true),
            (json!({"a": 1}), json!({"a": "1"}), false),
            (json!({"a": 1}), json!({"a": true}), false),
            (json!({"a": -0.0}), json!({"a": 0}), true),
            (json!({"a": 9_007_199_254_740_993_u64}), json!({"a": 9_007_199_254_740_992_u64}), false),
            (json!({"a": 9_007_199_254_740_992_u64}), json!({"a": 9_007_199_254_740_992.0}), true),
            (json!({"a": [1, {"b": 2.0}]}), json!({"a": [1.0, {"b": 2}]}), true),
            (json!({"a": [1, 2]}), json!({"a": [2, 1]}), false),
            (json!({"a": {"b": 1}}), json!({"a": {"b": 1, "c": 2}}), false),
            (json!({"a": "é"}), json!({"a": "e\u{301}"}), false),
        ] {
            assert_eq!(
                matches(&metadata(filter.clone()), &metadata(found.clone())),
                expected,
                "{filter} {found}"
            );
        }
    }

    #[test]
    fn a_cursor_is_read_back_or_refused() {
        for key in ["a", "ключ/🙂", "\u{0}"] {
            assert_eq!(Cursor::after(key).key().unwrap(), key);
        }
        for text in ["", "6", "zz", "6A", "ff", "+1", "é1"] {
            assert!(matches!(Cursor::new(text).key(), Err(Error::Cursor)), "{text}");
        }
    }
}
