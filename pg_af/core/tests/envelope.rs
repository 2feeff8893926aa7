//! Envelopes against fixed vectors, which were worked out without this crate.

#[path = "../../../tests/vectors/envelopes.rs"]
mod vectors;

use af_core::canonical::Json;
use af_core::chain::FindingKind;
use af_core::envelope::{Envelope, EnvelopeHasher};
use af_core::timestamp::TimestampError;
use vectors::{Accepted, Message, Refused};

fn envelope(message: &Message) -> Result<Envelope<'_>, TimestampError> {
    Ok(Envelope {
        id: message.id.parse().unwrap(),
        trace_id: message.trace_id.as_deref().map(str::as_bytes),
        span_id: message.span_id.as_deref().map(str::as_bytes),
        from_agent: message.from_agent.as_bytes(),
        to_agent: message.to_agent.as_bytes(),
        message_type: message.message_type.as_bytes(),
        payload: Json::Text(message.payload.get().as_bytes()),
        metadata: Json::Text(message.metadata.get().as_bytes()),
        cost: Json::Text(message.cost.get().as_bytes()),
        ts: message.ts.parse()?,
    })
}

#[test]
fn every_accepted_vector_has_its_envelope_and_hash() {
    let mut hasher = EnvelopeHasher::default();
    for Accepted { name, message, canonical, envelope_hash } in vectors::read().0 {
        let envelope = envelope(&message).unwrap();
        let mut text = Vec::new();
        hasher.write(&envelope, &mut text).unwrap();
        assert_eq!(String::from_utf8(text).unwrap(), canonical, "{name}");
        assert_eq!(hasher.hash(&envelope).unwrap().to_string(), envelope_hash, "{name}");
        assert!(hasher.check(Ok(&envelope), Some(envelope_hash.as_bytes())).is_ok(), "{name}");
    }
}

#[test]
fn no_refused_vector_passes_the_check() {
    let mut hasher = EnvelopeHasher::default();
    for Refused { name, message, envelope_hash, sqlstate } in vectors::read().1 {
        let found = match envelope(&message) {
            Ok(envelope) => hasher
                .check(Ok(&envelope), envelope_hash.as_deref().map(str::as_bytes))
                .err()
                .map(|(kind, _)| kind),
            // PostgreSQL rounds it; here it is no time that could be stored.
            Err(TimestampError::TooFine) => Some(FindingKind::Altered),
            Err(error) => panic!("{name}: {error}"),
        };
        let wanted = if sqlstate == "23514" { FindingKind::Altered } else { FindingKind::Unsealed };
        assert_eq!(found, Some(wanted), "{name}");
    }
}
