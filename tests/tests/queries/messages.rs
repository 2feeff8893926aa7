use af_queries::client::Params;
use af_queries::queries::messages::{self, CreateParams, ListByTraceParams, Message};
use af_tests::database::sqlstate;
use postgres::types::ToSql;
use postgres::{Client, Error};
use serde_json::json;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use crate::{PAGE_SIZES, World, pages};

/// A message that its producer sent so many seconds after the epoch.
fn message(tenant_id: Uuid, trace_id: Option<&str>, second: i64) -> Message {
    Message {
        tenant_id,
        id: Uuid::new_v4(),
        trace_id: trace_id.map(str::to_owned),
        span_id: trace_id.map(|_| "span".to_owned()),
        from_agent: "scout".to_owned(),
        to_agent: "writer".to_owned(),
        r#type: "request".to_owned(),
        payload: json!({"question": "why?"}),
        metadata: json!(null),
        cost: json!({"tokens": 12}),
        ts: OffsetDateTime::UNIX_EPOCH + Duration::seconds(second),
        envelope_hash: String::new(),
    }
}

/// Gives it the hash of its envelope, which is its producer's to compute.
fn seal(client: &mut Client, mut message: Message) -> Message {
    let Message { id, trace_id, span_id, from_agent, to_agent, r#type, payload, metadata, cost, ts, .. } =
        &message;
    let hash = "SELECT af_envelope_hash($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
    let envelope: [&(dyn ToSql + Sync); 10] =
        [id, trace_id, span_id, from_agent, to_agent, r#type, payload, metadata, cost, ts];
    message.envelope_hash = client.query_one(hash, &envelope).unwrap().get(0);
    message
}

fn store(client: &mut Client, message: Message) -> Result<Message, Error> {
    let Message { tenant_id, id, trace_id, span_id, from_agent, to_agent, .. } = message;
    let Message { r#type, payload, metadata, cost, ts, envelope_hash, .. } = message;
    let params = CreateParams {
        tenant_id,
        id,
        trace_id,
        span_id,
        from_agent,
        to_agent,
        r#type,
        payload,
        metadata,
        cost,
        ts,
        envelope_hash,
    };
    messages::create().params(client, &params).one()
}

fn create(
    client: &mut Client,
    tenant_id: Uuid,
    trace_id: Option<&str>,
    second: i64,
) -> Result<Message, Error> {
    let sealed = seal(client, message(tenant_id, trace_id, second));
    store(client, sealed)
}

/// Twelve messages in the trace and twelve without, three of each second; as many of another tenant's.
fn twenty_four(client: &mut Client, tenant: Uuid, other: Uuid) {
    // Not in the order of their times.
    for number in (0..12).rev() {
        for (tenant, trace) in
            [(tenant, Some("trace")), (tenant, None), (other, Some("trace")), (other, None)]
        {
            create(client, tenant, trace, number / 3).unwrap();
        }
    }
}

fn key(message: &Message) -> (OffsetDateTime, Uuid) {
    (message.ts, message.id)
}

#[test]
fn a_message_is_stored_as_its_producer_made_it() {
    let mut world = World::new();
    let (tenant, client) = (world.tenant, &mut world.client);
    let sealed = seal(client, message(tenant, Some("trace"), 1));
    let stored = store(client, sealed.clone()).unwrap();
    assert_eq!(stored, sealed);
    assert_eq!(messages::get().bind(client, &tenant, &sealed.id).one().unwrap(), sealed);
    let forged = Message { id: Uuid::new_v4(), ..sealed };
    assert_eq!(sqlstate(store(client, forged)), "23514", "the hash is another message's");
    let without = create(client, tenant, None, 1).unwrap();
    assert_eq!((&without.trace_id, &without.span_id), (&None, &None));
    assert_eq!(messages::get().bind(client, &tenant, &without.id).one().unwrap(), without);
    assert_eq!(messages::get().bind(client, &tenant, &Uuid::new_v4()).opt().unwrap(), None);
}

#[test]
fn pages_have_every_message_once_from_either_end() {
    let mut world = World::new();
    let (tenant, other, client) = (world.tenant, world.other, &mut world.client);
    twenty_four(client, tenant, other);
    for size in PAGE_SIZES {
        let found = pages(size, |last: Option<&Message>, max_rows| {
            let (ts, id) = last.map(key).unzip();
            messages::list().bind(client, &tenant, &ts, &id, &max_rows).all().unwrap()
        });
        assert_eq!(found.len(), 24);
        assert!(found.iter().all(|message| message.tenant_id == tenant));
        assert!(found.is_sorted_by(|one, next| key(one) < key(next)), "{found:?}");
        let mut latest = pages(size, |last: Option<&Message>, max_rows| {
            let (ts, id) = last.map(key).unzip();
            messages::list_latest().bind(client, &tenant, &ts, &id, &max_rows).all().unwrap()
        });
        latest.reverse();
        assert_eq!(latest, found);
    }
}

#[test]
fn a_trace_is_read_in_order() {
    let mut world = World::new();
    let (tenant, other, client) = (world.tenant, world.other, &mut world.client);
    twenty_four(client, tenant, other);
    create(client, tenant, Some("another"), 1).unwrap();
    for size in PAGE_SIZES {
        let found = pages(size, |last: Option<&Message>, max_rows| {
            let (after_ts, after_id) = last.map(key).unzip();
            let params =
                ListByTraceParams { tenant_id: tenant, trace_id: "trace", after_ts, after_id, max_rows };
            messages::list_by_trace().params(client, &params).all().unwrap()
        });
        assert_eq!(found.len(), 12);
        assert!(found.iter().all(|message| message.trace_id.as_deref() == Some("trace")));
        assert!(found.iter().all(|message| message.tenant_id == tenant));
        assert!(found.is_sorted_by(|one, next| key(one) < key(next)), "{found:?}");
    }
}

#[test]
fn the_application_adds_and_reads_its_own_tenants_messages() {
    let mut world = World::new();
    let (tenant, other) = (world.tenant, world.other);
    let theirs = create(&mut world.client, other, Some("trace"), 1).unwrap();
    let mut app = world.app(tenant);
    let own = create(&mut app, tenant, Some("trace"), 1).unwrap();
    assert_eq!(sqlstate(create(&mut app, other, Some("trace"), 2)), "42501");
    assert_eq!(messages::get().bind(&mut app, &other, &theirs.id).opt().unwrap(), None);
    assert_eq!(messages::list().bind(&mut app, &other, &None, &None, &10).all().unwrap(), []);
    assert_eq!(messages::list_latest().bind(&mut app, &other, &None, &None, &10).all().unwrap(), []);
    let trace = messages::list_by_trace().bind(&mut app, &other, &"trace", &None, &None, &10).all();
    assert_eq!(trace.unwrap(), []);
    assert_eq!(messages::list().bind(&mut app, &tenant, &None, &None, &10).all().unwrap(), [own]);
}
