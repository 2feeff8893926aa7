//! The fixed vectors of `tests/vectors`, through PostgreSQL.

#[path = "../vectors/envelopes.rs"]
mod vectors;

use af_tests::database::{Database, sqlstate};
use af_tests::ledger::add_tenant;
use af_tests::tools;
use postgres::types::ToSql;
use postgres::{Client, Error};
use uuid::Uuid;
use vectors::{Accepted, Message, Refused};

/// A message's columns as [`parameters`] has them: ids, JSON and times as they are written in the vector.
const ENVELOPE: &str = "$1::text::uuid, $2, $3, $4, $5, $6, \
                        $7::text::jsonb, $8::text::jsonb, $9::text::jsonb, $10::text::timestamptz";

fn parameters(message: &Message) -> Vec<Box<dyn ToSql + Sync>> {
    let Message { id, trace_id, span_id, from_agent, to_agent, message_type, ts, .. } = message;
    let json = [&message.payload, &message.metadata, &message.cost].map(|json| Some(json.get().to_owned()));
    let ids = [Some(id.clone()), trace_id.clone(), span_id.clone()];
    let names = [from_agent, to_agent, message_type].map(|name| Some(name.clone()));
    let texts = ids.into_iter().chain(names).chain(json).chain([Some(ts.clone())]);
    texts.map(|text| Box::new(text) as Box<dyn ToSql + Sync>).collect()
}

/// Stores it as a message of a tenant of its own: some vectors have the same id.
fn insert(client: &mut Client, message: &Message, envelope_hash: Option<&str>) -> Result<u64, Error> {
    let tenant = add_tenant(client, &Uuid::new_v4().to_string());
    let sql = format!(
        "INSERT INTO messages (id, trace_id, span_id, from_agent, to_agent, type, payload, metadata, cost, ts, \
                               envelope_hash, tenant_id) VALUES ({ENVELOPE}, $11, $12)"
    );
    let mut parameters = parameters(message);
    parameters.push(Box::new(envelope_hash.map(str::to_owned)));
    parameters.push(Box::new(tenant));
    let parameters: Vec<_> = parameters.iter().map(|parameter| &**parameter).collect();
    client.execute(&sql, &parameters)
}

#[test]
fn accepted_vectors_are_stored_and_verify() {
    let database = Database::migrated();
    let mut client = database.connect();
    // Of no influence on an envelope: the session's time zone.
    client.batch_execute("SET TimeZone = 'Asia/Kathmandu'").unwrap();
    let accepted = vectors::read().0;
    for Accepted { name, message, canonical, envelope_hash } in &accepted {
        let sql = format!(
            "SELECT af_envelope({ENVELOPE}), af_envelope_hash({ENVELOPE}), \
                    encode(sha256(convert_to(af_envelope({ENVELOPE}), 'UTF8')), 'hex')"
        );
        let parameters = parameters(message);
        let parameters: Vec<_> = parameters.iter().map(|parameter| &**parameter).collect();
        let row = client.query_one(&sql, &parameters).unwrap_or_else(|error| panic!("{name}: {error:?}"));
        let [text, hash, by_postgresql] = [0, 1, 2].map(|column| row.get::<_, String>(column));
        assert_eq!(text, *canonical, "{name}");
        assert_eq!([hash, by_postgresql], [envelope_hash.clone(), envelope_hash.clone()], "{name}");
        insert(&mut client, message, Some(envelope_hash)).unwrap_or_else(|error| panic!("{name}: {error:?}"));
    }
    // As they are stored, and not only as they were given, they are what their hashes vouch for.
    let findings = client.query("SELECT * FROM af_message_verify()", &[]).unwrap();
    assert!(findings.is_empty(), "{findings:?}");
    let run = tools::run(&["--url", &database.url(), "--json", "message", "verify"]);
    assert_eq!(
        (run.code, run.json()["result"]["messages"].as_u64()),
        (Some(0), Some(accepted.len() as u64)),
        "{run:?}"
    );
}

#[test]
fn refused_vectors_are_refused() {
    let database = Database::migrated();
    let mut client = database.connect();
    for Refused { name, message, envelope_hash, sqlstate: wanted } in vectors::read().1 {
        assert_eq!(sqlstate(insert(&mut client, &message, envelope_hash.as_deref())), wanted, "{name}");
    }
    let stored: i64 = client.query_one("SELECT count(*) FROM messages", &[]).unwrap().get(0);
    assert_eq!(stored, 0);
}
