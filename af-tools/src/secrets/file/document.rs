//! What a file of secrets holds: `{"version": 1, "secrets": {"KEY": {"current": "…", "pending": "…", "previous": "…"}}}`,
//! where a string stands for an object with only its current version.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde::ser::{Serialize, Serializer};
use serde::{Deserialize as DeriveDeserialize, Serialize as DeriveSerialize};
use zeroize::Zeroizing;

use crate::secrets::versions::Versions;
use crate::secrets::{Key, Revealed, Secret, Version};

/// Of the format.
const VERSION: u32 = 1;

/// All secrets of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Document {
    pub(super) secrets: BTreeMap<Key, Versions>,
}

/// What such a file looks like, for whoever has written another.
const SHAPE: &str = r#"it looks like {"version": 1, "secrets": {"KEY": "VALUE"}}"#;

impl Document {
    /// Reads a file. What is wrong with it is told by its line alone: the parser's own message would quote what stands
    /// there.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, String> {
        let stored: Stored<Parsed> = serde_json::from_slice(bytes).map_err(|error| {
            let line = error.line();
            format!("line {line} is not what a JSON file of secrets has there: {SHAPE}")
        })?;
        match stored.version {
            VERSION => Ok(Self { secrets: stored.secrets.0 }),
            _ => Err(format!("its format has another version than {VERSION}, which this program knows")),
        }
    }

    /// Writes a file, into memory that is wiped and never moved meanwhile.
    pub(super) fn to_json(&self) -> serde_json::Result<Zeroizing<Vec<u8>>> {
        /// What one value takes at most beside itself: braces, names, spaces, line ends.
        const AROUND_BYTES: usize = 64;
        /// The longest escape of a byte: `\u0001`.
        const ESCAPE_BYTES: usize = 6;
        let secrets = self.secrets.iter().map(|(key, versions)| {
            let values = Version::ALL.iter().filter_map(|version| versions.get(*version));
            let values = values.map(|secret| secret.reveal().len() * ESCAPE_BYTES + AROUND_BYTES);
            key.as_str().len() + AROUND_BYTES + values.sum::<usize>()
        });
        let mut bytes = Zeroizing::new(Vec::with_capacity(AROUND_BYTES + secrets.sum::<usize>()));
        let stored = Stored { version: VERSION, secrets: Written(&self.secrets) };
        serde_json::to_writer_pretty(&mut *bytes, &stored)?;
        bytes.push(b'\n');
        Ok(bytes)
    }
}

#[derive(DeriveSerialize, DeriveDeserialize)]
#[serde(deny_unknown_fields)]
struct Stored<S> {
    version: u32,
    secrets: S,
}

struct Written<'a>(&'a BTreeMap<Key, Versions>);

impl Serialize for Written<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, versions)| (key, Values(versions))))
    }
}

struct Values<'a>(&'a Versions);

impl Serialize for Values<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let values = Version::ALL.into_iter();
        serializer
            .collect_map(values.filter_map(|version| Some((version.name(), Revealed(self.0.get(version)?)))))
    }
}

struct Parsed(BTreeMap<Key, Versions>);

impl<'de> Deserialize<'de> for Parsed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Secrets;

        impl<'de> Visitor<'de> for Secrets {
            type Value = Parsed;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object with secrets")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Parsed, A::Error> {
                let mut secrets = BTreeMap::new();
                while let Some(key) = map.next_key::<String>()? {
                    let key: Key = key.parse().map_err(A::Error::custom)?;
                    // Of two, the file would lose one when it is written.
                    if secrets.insert(key, map.next_value()?).is_some() {
                        return Err(A::Error::custom("a key is there twice"));
                    }
                }
                Ok(Parsed(secrets))
            }
        }

        deserializer.deserialize_map(Secrets)
    }
}

impl<'de> Deserialize<'de> for Versions {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneOrAll;

        #[derive(DeriveDeserialize)]
        #[serde(deny_unknown_fields)]
        struct All {
            #[serde(default)]
            current: Option<Text>,
            #[serde(default)]
            pending: Option<Text>,
            #[serde(default)]
            previous: Option<Text>,
        }

        impl<'de> Visitor<'de> for OneOrAll {
            type Value = Versions;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string, or an object with versions")
            }

            fn visit_str<E>(self, text: &str) -> Result<Versions, E> {
                Ok(Versions { current: Some(Secret::new(text.to_owned())), ..Versions::default() })
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Versions, A::Error> {
                let All { current, pending, previous } = All::deserialize(MapAccessDeserializer::new(map))?;
                let secret = |text: Option<Text>| text.map(|Text(secret)| secret);
                Ok(Versions {
                    current: secret(current),
                    pending: secret(pending),
                    previous: secret(previous),
                })
            }
        }

        deserializer.deserialize_any(OneOrAll)
    }
}

struct Text(Secret);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(Secret::new(text)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let secret = |text: &str| Some(Secret::new(text.to_owned()));
        let mut document = Document::default();
        assert_eq!(Document::parse(&document.to_json().unwrap()).unwrap(), document);
        let versions = Versions { current: secret("ü\"\\\n\u{1}x"), pending: None, previous: secret("y") };
        document.secrets.insert("a".parse().unwrap(), versions);
        document
            .secrets
            .insert("b".parse().unwrap(), Versions { pending: secret("z"), ..Versions::default() });
        let json = document.to_json().unwrap();
        assert_eq!(Document::parse(&json).unwrap(), document);
        assert_eq!(json.last(), Some(&b'\n'));
    }

    #[test]
    fn the_buffer_never_grows() {
        let mut document = Document::default();
        for version in 0..3 {
            let hard = Some(Secret::new("\u{1}".repeat(5_000 + version)));
            let versions = Versions { current: hard.clone(), pending: hard.clone(), previous: hard };
            document.secrets.insert("k".repeat(version + 1).parse().unwrap(), versions);
        }
        // Had it grown, it would have at least doubled.
        let before = document.to_json().unwrap().capacity();
        let needed: usize = document.secrets.len() * 3 * (5_002 * 6 + 64) + 1_024;
        assert!(before <= needed, "{before} {needed}");
    }

    #[test]
    fn a_string_is_the_current_version() {
        let document = Document::parse(br#"{"version": 1, "secrets": {"db": "topsecret"}}"#).unwrap();
        let versions = &document.secrets[&"db".parse::<Key>().unwrap()];
        assert_eq!(versions.get(Version::Current).map(Secret::reveal), Some("topsecret"));
        assert_eq!(versions.present(), [Version::Current]);
    }

    #[test]
    fn what_is_wrong_is_told_without_quoting_it() {
        for bad in [
            "",
            "topsecret",
            "\"topsecret\"",
            "{\"version\": 1, \"secrets\": \"topsecret\"}",
            "{\"version\": 1, \"secrets\": {\"db\": [\"topsecret\"]}}",
            "{\"version\": 1, \"secrets\": {\"db\": {\"topsecret\": \"x\"}}}",
            "{\"version\": 1, \"secrets\": {\"top secret\": \"x\"}}",
            "{\"version\": 1, \"secrets\": {\"db\": \"topsecret\", \"db\": \"topsecret\"}}",
            "{\"version\": 1, \"secrets\": {}, \"topsecret\": 1}",
            "{\"version\": \"topsecret\", \"secrets\": {}}",
            "{\"version\": 2, \"secrets\": {\"db\": \"topsecret\"}}",
            "{\"version\": 1, \"secrets\": {\"db\": \"topsecret\"",
        ] {
            let reason = Document::parse(bad.as_bytes()).unwrap_err();
            assert!(!reason.contains("secret\"") && !reason.contains("tops"), "{bad}: {reason}");
        }
    }
}
