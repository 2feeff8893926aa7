//! One line of the input: a JSON object with the keys of an event.

use std::borrow::Cow;
use std::fmt;

use af_core::canonical::{Canonicalizer, Json, JsonError, Sink};
use af_core::timestamp::{Timestamp, TimestampError};
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::value::RawValue;
use uuid::Uuid;

use super::input::MAX_LINE_BYTES;

const KEYS: &str = "tenant, actor_type, actor_id, action, resource_type, resource_id, ts and details";

/// Why a line is no event that can be stored.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum LineError {
    /// Longer than anything that could be stored.
    #[error("longer than {} MiB", MAX_LINE_BYTES >> 20)]
    TooLong,
    /// Not UTF-8.
    #[error("invalid UTF-8 at byte {0}")]
    NotUtf8(usize),
    /// Not a JSON object.
    #[error("not a JSON object: {0}")]
    NotAnObject(String),
    /// A key that means nothing here.
    #[error("unknown key \"{0}\"; the keys are {KEYS}")]
    UnknownKey(String),
    /// A key that is there twice.
    #[error("key \"{0}\" is there twice")]
    DuplicateKey(String),
    /// A key that must be there is not.
    #[error("key \"{0}\" is missing")]
    MissingKey(&'static str),
    /// A value of another type.
    #[error("{key}: a string is expected, not {found}")]
    WrongType {
        /// Its key.
        key: &'static str,
        /// What is there.
        found: &'static str,
    },
    /// A string that stands for no text.
    #[error("{key}: {reason}")]
    BadString {
        /// Its key.
        key: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// An empty tenant.
    #[error("tenant: must not be empty")]
    EmptyTenant,
    /// A character that PostgreSQL cannot store.
    #[error("{0}: the character U+0000 (\\u0000) cannot be stored by PostgreSQL")]
    Nul(&'static str),
    /// A time that cannot be stored as it is given.
    #[error("ts: {0}")]
    Timestamp(#[from] TimestampError),
    /// Short here, but PostgreSQL writes numbers without exponents, and could not give the value out again.
    #[error("details: longer than {} MiB with its numbers written out", MAX_LINE_BYTES >> 20)]
    TooLongWrittenOut,
    /// A value that `jsonb` cannot hold, or not without losing some of it.
    #[error("details: {0}")]
    Details(#[from] JsonError),
}

/// Whose chain an event goes to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Tenant {
    Id(Uuid),
    Name(String),
}

impl Tenant {
    /// About how much memory it takes.
    pub(super) fn size_bytes(&self) -> usize {
        match self {
            Self::Id(_) => size_of::<Self>(),
            Self::Name(name) => size_of::<Self>() + name.len(),
        }
    }
}

/// An event as it is stored.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Event {
    pub(super) tenant: Tenant,
    pub(super) actor_type: String,
    pub(super) actor_id: String,
    pub(super) action: String,
    pub(super) resource_type: String,
    pub(super) resource_id: Option<String>,
    /// In its canonical form; the server's clock where there is none.
    pub(super) ts: Option<String>,
    /// The text of the input, byte by byte: no number passes through a float.
    pub(super) details: String,
}

impl Event {
    /// About how much memory it takes.
    pub(super) fn size_bytes(&self) -> usize {
        let texts = [&self.actor_type, &self.actor_id, &self.action, &self.resource_type, &self.details];
        texts.iter().map(|text| text.len()).sum::<usize>()
            + self.resource_id.as_ref().map_or(0, String::len)
            + self.tenant.size_bytes()
    }
}

/// Reads lines, keeping its scratch space from one to the next.
#[derive(Default)]
pub(super) struct Parser {
    canonicalizer: Canonicalizer,
}

impl Parser {
    pub(super) fn parse(&mut self, line: &[u8]) -> Result<Event, LineError> {
        let text = str::from_utf8(line).map_err(|error| LineError::NotUtf8(error.valid_up_to() + 1))?;
        let fields: Fields<'_> =
            serde_json::from_str(text).map_err(|error| LineError::NotAnObject(describe(&error)))?;
        let [tenant, actor_type, actor_id, action, resource_type, resource_id, ts, details] =
            fields.take()?;

        let event = Event {
            tenant: tenant_of(required("tenant", tenant)?)?,
            actor_type: required("actor_type", actor_type)?.into_owned(),
            actor_id: required("actor_id", actor_id)?.into_owned(),
            action: required("action", action)?.into_owned(),
            resource_type: required("resource_type", resource_type)?.into_owned(),
            resource_id: optional("resource_id", resource_id)?.map(Cow::into_owned),
            ts: match optional("ts", ts)? {
                Some(text) => Some(text.parse::<Timestamp>()?.to_string()),
                None => None,
            },
            details: details.map_or("{}", RawValue::get).to_owned(),
        };
        self.check_details(&event.details)?;
        Ok(event)
    }

    /// What `jsonb` would refuse, or would silently drop (all but the last of equal keys).
    fn check_details(&mut self, details: &str) -> Result<(), LineError> {
        if written_out_bytes(details) > MAX_LINE_BYTES {
            return Err(LineError::TooLongWrittenOut);
        }
        self.canonicalizer.write(Json::Text(details.as_bytes()), &mut Nowhere)?;
        if has_nul_escape(details) { Err(LineError::Nul("details")) } else { Ok(()) }
    }
}

/// A sink for what is only checked.
struct Nowhere;

impl Sink for Nowhere {
    fn write(&mut self, _bytes: &[u8]) {}
}

/// A UUID in its usual form is an identity, everything else a name.
fn tenant_of(text: Cow<'_, str>) -> Result<Tenant, LineError> {
    if text.is_empty() {
        return Err(LineError::EmptyTenant);
    }
    const HYPHENATED_LENGTH: usize = 36;
    match Uuid::try_parse(&text) {
        Ok(id) if text.len() == HYPHENATED_LENGTH => Ok(Tenant::Id(id)),
        _ => Ok(Tenant::Name(text.into_owned())),
    }
}

fn required<'a>(key: &'static str, raw: Option<&'a RawValue>) -> Result<Cow<'a, str>, LineError> {
    string(key, raw.ok_or(LineError::MissingKey(key))?)
}

fn optional<'a>(key: &'static str, raw: Option<&'a RawValue>) -> Result<Option<Cow<'a, str>>, LineError> {
    match raw {
        Some(raw) if raw.get() != "null" => string(key, raw).map(Some),
        _ => Ok(None),
    }
}

fn string<'a>(key: &'static str, raw: &'a RawValue) -> Result<Cow<'a, str>, LineError> {
    let found = match raw.get().as_bytes().first() {
        Some(b'"') => {
            let text: Text<'a> = serde_json::from_str(raw.get())
                .map_err(|error| LineError::BadString { key, reason: describe(&error) })?;
            return if text.0.contains('\0') { Err(LineError::Nul(key)) } else { Ok(text.0) };
        }
        Some(b'{') => "an object",
        Some(b'[') => "an array",
        Some(b't' | b'f') => "a boolean",
        Some(b'n') => "null",
        _ => "a number",
    };
    Err(LineError::WrongType { key, found })
}

/// Whether a string of this valid JSON text holds the escape `\u0000`.
fn has_nul_escape(json: &str) -> bool {
    let mut rest = json.as_bytes();
    while let Some(at) = rest.iter().position(|byte| *byte == b'\\') {
        if rest[at..].starts_with(b"\\u0000") {
            return true;
        }
        rest = rest.get(at + 2..).unwrap_or_default();
    }
    false
}

/// At least as many bytes as this valid JSON text has once no number has an exponent.
fn written_out_bytes(json: &str) -> usize {
    let mut total = json.len();
    let mut rest = json.as_bytes();
    let mut is_in_string = false;
    let mut before = 0_u8;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match byte {
            b'\\' if is_in_string => rest = rest.get(1..).unwrap_or_default(),
            b'"' => is_in_string = !is_in_string,
            // In true and false a letter stands before the e.
            b'e' | b'E' if !is_in_string && before.is_ascii_digit() => {
                let digits = rest.iter().skip_while(|byte| matches!(byte, b'+' | b'-'));
                let digits = digits.take_while(|byte| byte.is_ascii_digit());
                let exponent = digits.fold(0_usize, |exponent, digit| {
                    exponent.saturating_mul(10).saturating_add(usize::from(digit - b'0'))
                });
                total = total.saturating_add(exponent);
            }
            _ => {}
        }
        before = byte;
    }
    total
}

/// serde_json's message; the line it names is always the first, ours is the number of the line.
fn describe(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rsplit_once(" at line ") {
        Some((what, _)) if error.column() > 0 => format!("{what} at column {}", error.column()),
        Some((what, _)) => what.to_owned(),
        None => text,
    }
}

/// A JSON string, borrowed where it has no escapes.
struct Text<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor;

        impl<'de> Visitor<'de> for TextVisitor {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
        }

        deserializer.deserialize_str(TextVisitor)
    }
}

const FIELDS: [&str; 8] =
    ["tenant", "actor_type", "actor_id", "action", "resource_type", "resource_id", "ts", "details"];

/// The values by position in `FIELDS`, and the first key that should not be there.
struct Fields<'a> {
    values: [Option<&'a RawValue>; FIELDS.len()],
    fault: Option<LineError>,
}

impl<'a> Fields<'a> {
    fn take(self) -> Result<[Option<&'a RawValue>; FIELDS.len()], LineError> {
        self.fault.map_or(Ok(self.values), Err)
    }
}

impl<'de> Deserialize<'de> for Fields<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct FieldsVisitor;

        impl<'de> Visitor<'de> for FieldsVisitor {
            type Value = Fields<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields = Fields { values: [None; FIELDS.len()], fault: None };
                while let Some(Text(key)) = map.next_key::<Text<'de>>()? {
                    let value = map.next_value::<&RawValue>().map_err(A::Error::custom)?;
                    let fault = match FIELDS.iter().position(|known| *known == key) {
                        Some(index) => match fields.values[index].replace(value) {
                            None => continue,
                            Some(_) => LineError::DuplicateKey(key.into_owned()),
                        },
                        None => LineError::UnknownKey(key.into_owned()),
                    };
                    fields.fault.get_or_insert(fault);
                }
                Ok(fields)
            }
        }

        deserializer.deserialize_map(FieldsVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Event, LineError> {
        Parser::default().parse(line.as_bytes())
    }

    /// A good line with something added or changed.
    fn with(members: &str) -> String {
        format!(
            r#"{{"tenant":"t","actor_type":"a","actor_id":"b","action":"c","resource_type":"d"{members}}}"#
        )
    }

    #[test]
    fn reads_the_least_and_the_most() {
        let least = parse(&with("")).unwrap();
        assert_eq!((least.ts, least.resource_id, least.details.as_str()), (None, None, "{}"));
        let most = parse(&with(
            r#","resource_id":"z\u00e9\ud83d\ude42","ts":"2026-01-02T04:04:05.120+01:00","details":[1.50, 9007199254740993,1e400]"#,
        ));
        let most = most.unwrap();
        assert_eq!(most.resource_id.as_deref(), Some("zé🙂"));
        assert_eq!(most.ts.as_deref(), Some("2026-01-02T03:04:05.12Z"));
        assert_eq!(most.details, "[1.50, 9007199254740993,1e400]");
        let nulls = parse(&with(r#","resource_id":null,"ts":null,"details":null"#)).unwrap();
        assert_eq!((nulls.ts, nulls.resource_id, nulls.details.as_str()), (None, None, "null"));
    }

    #[test]
    fn a_uuid_is_an_identity_in_its_usual_form_only() {
        let tenant = |text: &str| parse(&with("").replace("\"t\"", &format!("\"{text}\""))).unwrap().tenant;
        let id = "6f1c1f0e-0000-4000-8000-00000000ABCD";
        assert_eq!(tenant(id), Tenant::Id(id.parse().unwrap()));
        let simple = id.replace('-', "");
        assert_eq!(tenant(&simple), Tenant::Name(simple));
    }

    #[test]
    fn numbers_that_postgresql_could_not_write_out_are_refused() {
        for (json, bytes) in
            [("1", 1), ("[1e10,-2.5E-3]", 14 + 13), (r#"{"1e9":"\"1e9","a":true}"#, 24), ("0e", 2)]
        {
            assert_eq!(written_out_bytes(json), bytes, "{json}");
        }
        let details = |count: usize| vec!["1e131071"; count].join(",");
        assert!(parse(&with(&format!(r#","details":[{}]"#, details(100)))).is_ok());
        let error = parse(&with(&format!(r#","details":[{}]"#, details(3_000)))).unwrap_err();
        assert_eq!(error.to_string(), "details: longer than 256 MiB with its numbers written out");
    }

    #[test]
    fn names_what_is_wrong() {
        for (line, error) in [
            (String::new(), "not a JSON object: EOF while parsing a value"),
            ("[]".to_owned(), "not a JSON object: invalid type: sequence, expected an object"),
            (with("") + "x", "not a JSON object: trailing characters at column 80"),
            (
                with(r#","tenat":1"#),
                "unknown key \"tenat\"; the keys are tenant, actor_type, actor_id, action, resource_type, resource_id, ts and details",
            ),
            (with(r#","action":"again""#), "key \"action\" is there twice"),
            (with(r#","details":{},"details":{}"#), "key \"details\" is there twice"),
            (with("").replace(r#""actor_id":"b","#, ""), "key \"actor_id\" is missing"),
            (with("").replace(r#""b""#, "5"), "actor_id: a string is expected, not a number"),
            (with("").replace(r#""b""#, "null"), "actor_id: a string is expected, not null"),
            (with(r#","resource_id":{}"#), "resource_id: a string is expected, not an object"),
            (
                with("").replace(r#""b""#, r#""\u0000""#),
                "actor_id: the character U+0000 (\\u0000) cannot be stored by PostgreSQL",
            ),
            (with("").replace(r#""t""#, r#""""#), "tenant: must not be empty"),
            (with(r#","ts":"yesterday""#), "ts: not an RFC 3339 timestamp such as 2026-01-02T03:04:05.12Z"),
            (with(r#","ts":"0000-01-01T00:00:00Z""#), "ts: timestamp is outside the years 0001 to 9999"),
            (with(r#","details":{"a":1,"a":2}"#), "details: an object has the same key twice"),
            (
                with(r#","details":"\\u0000 \u0000""#),
                "details: the character U+0000 (\\u0000) cannot be stored by PostgreSQL",
            ),
        ] {
            assert_eq!(parse(&line).unwrap_err().to_string(), error, "{line}");
        }
        assert!(parse(&with(r#","details":"\\u0000""#)).is_ok());
        assert!(parse(&with(r#","details":"\ud800""#)).is_err());
        assert!(parse(&with(r#","actor_id":"\ud800""#).replace(r#""actor_id":"b","#, "")).is_err());
        let invalid = [b"{\"tenant\":\"".as_slice(), &[0xff], b"\"}"].concat();
        assert_eq!(Parser::default().parse(&invalid), Err(LineError::NotUtf8(12)));
    }
}
