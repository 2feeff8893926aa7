//! Records read back from their canonical text, as it leaves the database.

use uuid::Uuid;

use super::{KNOWN_VERSIONS, Record, RecordError, RecordHasher};
use crate::canonical::{Json, read_string};
use crate::timestamp::Timestamp;

/// Why a text is no canonical record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// A part of it is missing, or is not what stands there in a record.
    #[error("it is no canonical record: {0} expected")]
    Expected(&'static str),
    /// The same record is written otherwise.
    #[error("it is a record, but not in its canonical form")]
    NotCanonical,
    /// What is to be hashed cannot be.
    #[error(transparent)]
    Record(#[from] RecordError),
}

/// The fields of a record's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordText<'a> {
    /// Which of the record formats this is.
    pub hash_version: i16,
    /// Whose chain the entry is in.
    pub tenant_id: Uuid,
    /// Position in the chain, from 1.
    pub seq: i64,
    /// Identity of the entry.
    pub id: Uuid,
    /// What kind of party acted.
    pub actor_type: String,
    /// Who acted.
    pub actor_id: String,
    /// What was done.
    pub action: String,
    /// What kind of thing it was done to.
    pub resource_type: String,
    /// What it was done to, if that has a name.
    pub resource_id: Option<String>,
    /// Anything else, as JSON.
    pub details: &'a str,
    /// When it was done.
    pub ts: Timestamp,
}

impl<'a> RecordText<'a> {
    /// Reads a record.
    ///
    /// # Errors
    ///
    /// Unless `text` is byte for byte what the fields are written as: the text that is hashed has one meaning.
    pub fn parse(text: &'a str) -> Result<Self, ReadError> {
        let version = text.rsplit_once(r#","v":"#).and_then(|(_, rest)| rest.strip_suffix('}')?.parse().ok());
        let hash_version = version.ok_or(ReadError::Expected("v"))?;
        if !KNOWN_VERSIONS.contains(&hash_version) {
            return Err(RecordError::UnknownVersion(hash_version).into());
        }
        let mut rest = Rest(text);
        let record = Self {
            action: rest.string(r#"{"action":"#)?,
            actor_id: rest.string(r#","actor_id":"#)?,
            actor_type: rest.string(r#","actor_type":"#)?,
            details: rest.value(r#","details":"#)?,
            id: rest.parsed(r#","id":"#)?,
            resource_id: rest.string_or_null(r#","resource_id":"#)?,
            resource_type: rest.string(r#","resource_type":"#)?,
            seq: rest.value(r#","seq":"#)?.parse().map_err(|_| ReadError::Expected(r#","seq":"#))?,
            tenant_id: rest.parsed(r#","tenant_id":"#)?,
            ts: rest.parsed(r#","ts":"#)?,
            hash_version,
        };
        let mut written = Vec::with_capacity(text.len());
        RecordHasher::default().write(&record.as_record(), &mut written)?;
        if written == text.as_bytes() { Ok(record) } else { Err(ReadError::NotCanonical) }
    }

    /// The fields as they are hashed.
    pub fn as_record(&self) -> Record<'_> {
        Record {
            hash_version: self.hash_version,
            tenant_id: self.tenant_id,
            seq: self.seq,
            id: self.id,
            actor_type: self.actor_type.as_bytes(),
            actor_id: self.actor_id.as_bytes(),
            action: self.action.as_bytes(),
            resource_type: self.resource_type.as_bytes(),
            resource_id: self.resource_id.as_deref().map(str::as_bytes),
            details: Json::Text(self.details.as_bytes()),
            ts: self.ts,
        }
    }
}

/// What has not been read yet. It is only looked at as closely as is needed in order to go on: the fields are written again
/// and compared.
struct Rest<'a>(&'a str);

impl<'a> Rest<'a> {
    /// Takes what stands before a field's value.
    fn key(&mut self, key: &'static str) -> Result<(), ReadError> {
        self.0 = self.0.strip_prefix(key).ok_or(ReadError::Expected(key))?;
        Ok(())
    }

    fn string(&mut self, key: &'static str) -> Result<String, ReadError> {
        self.key(key)?;
        let (string, length) = read_string(self.0.as_bytes()).map_err(|_| ReadError::Expected(key))?;
        self.0 = &self.0[length..];
        String::from_utf8(string).map_err(|_| ReadError::Expected(key))
    }

    fn string_or_null(&mut self, key: &'static str) -> Result<Option<String>, ReadError> {
        let value = self.0.strip_prefix(key).ok_or(ReadError::Expected(key))?;
        match value.strip_prefix("null") {
            Some(rest) => {
                self.0 = rest;
                Ok(None)
            }
            None => self.string(key).map(Some),
        }
    }

    fn parsed<T: std::str::FromStr>(&mut self, key: &'static str) -> Result<T, ReadError> {
        self.string(key)?.parse().map_err(|_| ReadError::Expected(key))
    }

    /// Takes a value of any kind, up to the comma or bracket behind it.
    fn value(&mut self, key: &'static str) -> Result<&'a str, ReadError> {
        self.key(key)?;
        let (mut depth, mut is_string, mut is_escaped) = (0_u64, false, false);
        let end = self.0.bytes().position(|byte| match byte {
            _ if is_string => {
                is_string = is_escaped || byte != b'"';
                is_escaped = !is_escaped && byte == b'\\';
                false
            }
            b'"' => {
                is_string = true;
                false
            }
            b'{' | b'[' => {
                depth += 1;
                false
            }
            b'}' | b']' if depth > 0 => {
                depth -= 1;
                false
            }
            b'}' | b']' | b',' => depth == 0,
            _ => false,
        });
        let (value, rest) = self.0.split_at(end.ok_or(ReadError::Expected(key))?);
        self.0 = rest;
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(record: &Record<'_>) -> String {
        let mut text = Vec::new();
        RecordHasher::default().write(record, &mut text).unwrap();
        String::from_utf8(text).unwrap()
    }

    fn record<'a>(texts: &'a [String; 4], resource_id: Option<&'a str>, details: &'a str) -> Record<'a> {
        Record {
            hash_version: 1,
            tenant_id: Uuid::from_u128(0x10),
            seq: 7,
            id: Uuid::from_u128(0xab),
            actor_type: texts[0].as_bytes(),
            actor_id: texts[1].as_bytes(),
            action: texts[2].as_bytes(),
            resource_type: texts[3].as_bytes(),
            resource_id: resource_id.map(str::as_bytes),
            details: Json::Text(details.as_bytes()),
            ts: Timestamp::from_postgres_micros(120_000).unwrap(),
        }
    }

    fn plain() -> String {
        record_of(r#"{"a":[1,{"b":"}\"],"}],"c":"\\"}"#)
    }

    fn record_of(details: &str) -> String {
        let texts = ["user", "Zoë", "read", "document"].map(str::to_owned);
        text(&record(&texts, None, details))
    }

    #[test]
    fn what_is_no_record_is_refused() {
        let plain = plain();
        assert!(RecordText::parse(&plain).is_ok());
        for (from, to, error) in [
            ("{\"action\"", "{ \"action\"", ReadError::Expected("{\"action\":")),
            ("\"read\"", "\"r\\u0065ad\"", ReadError::NotCanonical),
            ("\"read\"", "5", ReadError::Expected("{\"action\":")),
            ("\"seq\":7", "\"seq\":07", ReadError::NotCanonical),
            ("\"seq\":7", "\"seq\":7.0", ReadError::Expected(",\"seq\":")),
            ("\"seq\":7", "\"seq\":\"7\"", ReadError::Expected(",\"seq\":")),
            ("[1,", "[1.0,", ReadError::NotCanonical),
            ("00ab\"", "00AB\"", ReadError::NotCanonical),
            ("00.12Z", "00.120Z", ReadError::NotCanonical),
            ("00.12Z", "00.12+00:00", ReadError::NotCanonical),
            ("\"resource_id\":null", "\"resource_id\":nil", ReadError::Expected(",\"resource_id\":")),
            (",\"resource_id\":null", "", ReadError::Expected(",\"resource_id\":")),
            ("\"v\":1}", "\"v\":1,\"w\":1}", ReadError::Expected("v")),
            ("\"v\":1}", "\"v\":01}", ReadError::NotCanonical),
            ("\"v\":1}", "\"v\":2}", ReadError::Record(RecordError::UnknownVersion(2))),
        ] {
            let edited = plain.replacen(from, to, 1);
            assert_ne!(edited, plain, "{from}");
            assert_eq!(RecordText::parse(&edited), Err(error), "{edited}");
        }
        for cut in 0..plain.len() {
            assert!(plain.get(..cut).is_none_or(|part| RecordText::parse(part).is_err()), "{cut} bytes");
        }
        let invalid = plain.replacen("[1,", "[1,,", 1);
        assert!(matches!(RecordText::parse(&invalid), Err(ReadError::Record(RecordError::Details(_)))));
    }

    proptest! {
        /// Whatever is written is read back, and means the same.
        #[test]
        fn what_is_written_is_read(
            texts in any::<[String; 4]>(),
            resource_id in any::<Option<String>>(),
            details in any::<[String; 3]>(),
        ) {
            let [a, b, c] = details.map(|text| serde_json::Value::from(text).to_string());
            let details = format!("{{{a}:[{b},{{}},1e2,-0.5],\"zz\":{{\"k\":{c}}}}}");
            prop_assume!(!details.starts_with("{\"zz\":"));
            let record = record(&texts, resource_id.as_deref(), &details);
            let text = text(&record);
            let read = RecordText::parse(&text).unwrap();
            prop_assert_eq!((&read.actor_type, &read.actor_id), (&texts[0], &texts[1]));
            prop_assert_eq!((&read.action, &read.resource_type), (&texts[2], &texts[3]));
            prop_assert_eq!((&read.resource_id, read.seq, read.ts), (&resource_id, 7, record.ts));
            let mut hasher = RecordHasher::default();
            let hashes = (hasher.hash(None, &read.as_record()), hasher.hash(None, &record));
            prop_assert_eq!(hashes.0, hashes.1);
        }

        #[test]
        fn nothing_makes_it_panic(text in "\\PC*", cut in 0_usize..300, with in "[\"\\\\{}\\[\\],:a0]{0,3}") {
            let _ = RecordText::parse(&text);
            let plain = plain();
            if let (Some(before), Some(behind)) = (plain.get(..cut), plain.get(cut..)) {
                let edited = format!("{before}{with}{behind}");
                if let Ok(read) = RecordText::parse(&edited) {
                    prop_assert_eq!(super::tests::text(&read.as_record()), edited);
                }
            }
        }
    }
}
