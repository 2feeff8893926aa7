//! What the tests of canonical JSON share: values, shared data.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::PathBuf;

use af_core::canonical::{Canonicalizer, Json, JsonError};
use proptest::prelude::*;

mod jsonb;
pub(crate) mod reference;

pub(crate) use jsonb::{Decimal, Value};

/// Values with awkward keys, strings and numbers; no object has a key twice.
pub(crate) fn values() -> impl Strategy<Value = Value> {
    let number = (any::<bool>(), prop_oneof![0..20_u64, any::<u64>()], -30..30)
        .prop_map(|(negative, digits, exponent)| Value::Number(Decimal { negative, digits, exponent }));
    let scalar = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        number,
        text().prop_map(Value::String),
    ];
    scalar.prop_recursive(6, 200, 40, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..40).prop_map(Value::Array),
            prop::collection::btree_map(text(), inner, 0..40)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// Strings that mix what must be escaped, what must not be, and both sides of the surrogates.
fn text() -> impl Strategy<Value = String> {
    "[a-c\"\\\\/\u{1}-\u{1f}\u{7f}é\u{301}\u{2028}\u{d7ff}\u{e000}\u{ffff}\u{10000}😀]{0,8}"
}

impl Value {
    /// JSON text with needless spaces and escapes.
    pub(crate) fn text(&self) -> String {
        let mut out = String::new();
        self.write_text(&mut out);
        out
    }

    fn write_text(&self, out: &mut String) {
        match self {
            Self::Null => out.push_str("null"),
            Self::Bool(value) => write!(out, "{value}").unwrap(),
            Self::Number(Decimal { negative, digits, exponent }) => {
                let sign = if *negative { "-" } else { "" };
                write!(out, "{sign}{digits}E{exponent}").unwrap();
            }
            Self::String(text) => write_escaped(text, out),
            Self::Array(items) => {
                out.push_str("[ ");
                for (position, item) in items.iter().enumerate() {
                    if position > 0 {
                        out.push_str(" ,\n");
                    }
                    item.write_text(out);
                }
                out.push(']');
            }
            Self::Object(members) => {
                out.push('{');
                for (position, (key, value)) in members.iter().enumerate() {
                    if position > 0 {
                        out.push(',');
                    }
                    out.push('\t');
                    write_escaped(key, out);
                    out.push_str(" : ");
                    value.write_text(out);
                }
                out.push_str(" }");
            }
        }
    }
}

impl Value {
    /// The text that PostgreSQL prints: keys ordered by length first, a space behind each comma and colon, numbers without
    /// exponents but with all their zeros, the shortest escapes.
    pub(crate) fn postgres_text(&self) -> String {
        match self {
            Self::Null | Self::Bool(_) | Self::String(_) => reference::canonical(self),
            Self::Number(Decimal { digits: 0, .. }) => "0".to_owned(),
            Self::Number(Decimal { negative, digits, exponent }) => {
                let sign = if *negative { "-" } else { "" };
                format!("{sign}{}", reference::plain(&digits.to_string(), *exponent))
            }
            Self::Array(items) => {
                format!("[{}]", items.iter().map(Self::postgres_text).collect::<Vec<_>>().join(", "))
            }
            Self::Object(members) => {
                let mut members: Vec<_> = members.iter().collect();
                members.sort_by_key(|(key, _)| (key.len(), key));
                let key = |key: &String| Self::String(key.clone()).postgres_text();
                let members =
                    members.iter().map(|(name, value)| format!("{}: {}", key(name), value.postgres_text()));
                format!("{{{}}}", members.collect::<Vec<_>>().join(", "))
            }
        }
    }
}

/// Every second character as `\uXXXX`, the others as short as can be.
fn write_escaped(text: &str, out: &mut String) {
    out.push('"');
    for (position, character) in text.chars().enumerate() {
        if position % 2 == 0 || character < ' ' {
            for unit in character.encode_utf16(&mut [0; 2]) {
                write!(out, "\\u{unit:04X}").unwrap();
            }
        } else if matches!(character, '"' | '\\') {
            out.push('\\');
            out.push(character);
        } else {
            out.push(character);
        }
    }
    out.push('"');
}

/// The canonical text of a value.
pub(crate) fn canonical(value: Json<'_>) -> Result<String, JsonError> {
    let mut out = Vec::new();
    Canonicalizer::default().write(value, &mut out)?;
    Ok(String::from_utf8(out).expect("canonical text is UTF-8"))
}

/// A file of the shared test data, unless it is absent, which is then said out loud.
#[expect(clippy::explicit_write, reason = "the test runner keeps back what the print macros write")]
pub(crate) fn shared_data(name: &str) -> Option<PathBuf> {
    let path = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data")).join(name);
    if path.exists() {
        return Some(path);
    }
    writeln!(std::io::stderr(), "SKIPPED: {name} is not among the shared test data").unwrap();
    None
}
