//! The vectors in `envelopes.json`, as tests of several crates include them.

use serde::Deserialize;
use serde_json::value::RawValue;

/// A message as its producer has it. JSON is kept as it is written there, with all digits.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Message {
    pub(crate) id: String,
    pub(crate) trace_id: Option<String>,
    pub(crate) span_id: Option<String>,
    pub(crate) from_agent: String,
    pub(crate) to_agent: String,
    #[serde(rename = "type")]
    pub(crate) message_type: String,
    pub(crate) payload: Box<RawValue>,
    pub(crate) metadata: Box<RawValue>,
    pub(crate) cost: Box<RawValue>,
    pub(crate) ts: String,
}

#[derive(Debug, Deserialize)]
struct Vector {
    name: String,
    message: Message,
    canonical: Option<String>,
    envelope_hash: Option<String>,
    sqlstate: Option<String>,
}

/// A message that is taken.
#[derive(Debug)]
pub(crate) struct Accepted {
    pub(crate) name: String,
    pub(crate) message: Message,
    pub(crate) canonical: String,
    pub(crate) envelope_hash: String,
}

/// A message that is refused because of its hash.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) name: String,
    pub(crate) message: Message,
    pub(crate) envelope_hash: Option<String>,
    pub(crate) sqlstate: String,
}

/// All of them.
pub(crate) fn read() -> (Vec<Accepted>, Vec<Refused>) {
    let vectors: Vec<Vector> =
        serde_json::from_str(include_str!("envelopes.json")).expect("they are vectors");
    let (mut accepted, mut refused) = (Vec::new(), Vec::new());
    for Vector { name, message, canonical, envelope_hash, sqlstate } in vectors {
        match (canonical, envelope_hash, sqlstate) {
            (Some(canonical), Some(envelope_hash), None) => {
                accepted.push(Accepted { name, message, canonical, envelope_hash });
            }
            (None, envelope_hash, Some(sqlstate)) => {
                refused.push(Refused { name, message, envelope_hash, sqlstate });
            }
            _ => panic!("{name}: neither accepted nor refused"),
        }
    }
    assert!(!accepted.is_empty() && !refused.is_empty(), "there are vectors of both kinds");
    (accepted, refused)
}
