use af_queries::client::Params;
use af_queries::queries::audits::{self, Audit, CreateParams, ListByTimeParams};
use af_tests::database::sqlstate;
use af_tests::ledger::whole_chains;
use postgres::{Client, Error};
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use crate::{PAGE_SIZES, World, pages};

fn at(second: i64) -> OffsetDateTime {
    OffsetDateTime::UNIX_EPOCH + Duration::seconds(second)
}

fn create(client: &mut Client, tenant_id: Uuid, ts: Option<OffsetDateTime>) -> Result<Audit, Error> {
    let params = CreateParams {
        tenant_id,
        ts,
        actor_type: "user",
        actor_id: "ann",
        action: "invoice.approve",
        resource_type: "invoice",
        resource_id: ts.map(|_| "INV-7"),
        details: json!({"amount": 1200.5}),
    };
    audits::create().params(client, &params).one()
}

/// Twelve entries, three of each second from 0 to 3, in another order than that of time.
fn twelve(client: &mut Client, tenant: Uuid) -> Vec<Audit> {
    (0..12).map(|number| create(client, tenant, Some(at((number * 7 % 12) / 3))).unwrap()).collect()
}

fn seqs(entries: &[Audit]) -> Vec<i64> {
    entries.iter().map(|entry| entry.seq).collect()
}

fn key(entry: &Audit) -> (OffsetDateTime, i64) {
    (entry.ts, entry.seq)
}

#[test]
fn an_entry_gets_its_place_in_the_chain() {
    let mut world = World::new();
    let (tenant, other, client) = (world.tenant, world.other, &mut world.client);
    assert_eq!(audits::latest().bind(client, &tenant).opt().unwrap(), None);
    let first = create(client, tenant, Some(at(5))).unwrap();
    assert_eq!((first.seq, &first.prev_hash, first.hash.len(), first.ts), (1, &None, 32, at(5)));
    assert_eq!(first.resource_id.as_deref(), Some("INV-7"));
    create(client, other, None).unwrap();
    let second = create(client, tenant, None).unwrap();
    assert_eq!((second.seq, second.prev_hash.as_ref()), (2, Some(&first.hash)));
    assert!(second.ts > at(5), "the server's clock");
    assert_eq!((&second.resource_id, &second.details), (&None, &json!({"amount": 1200.5})));

    assert_eq!(audits::get().bind(client, &tenant, &1).one().unwrap(), first);
    assert_eq!(audits::get_by_id().bind(client, &tenant, &second.id).one().unwrap(), second);
    assert_eq!(audits::get_by_id().bind(client, &other, &second.id).opt().unwrap(), None);
    assert_eq!(audits::latest().bind(client, &tenant).one().unwrap(), second);
    assert_eq!(whole_chains(client).into_values().sum::<i64>(), 3);
}

#[test]
fn the_chain_is_read_by_range_and_by_page() {
    let mut world = World::new();
    let (tenant, other, client) = (world.tenant, world.other, &mut world.client);
    let entries = twelve(client, tenant);
    twelve(client, other);
    let mut range =
        |first: i64, last: i64| audits::range().bind(client, &tenant, &first, &last).all().unwrap();
    assert_eq!(range(3, 5), entries[2..5]);
    assert_eq!(range(-5, 1), entries[..1]);
    assert_eq!(range(12, i64::MAX), entries[11..]);
    assert_eq!(range(5, 3), []);
    for size in PAGE_SIZES {
        let found = pages(size, |last: Option<&Audit>, max_rows| {
            audits::list().bind(client, &tenant, &last.map_or(0, |entry| entry.seq), &max_rows).all().unwrap()
        });
        assert_eq!(found, entries);
    }
}

#[test]
fn entries_are_read_by_time_from_either_end() {
    let mut world = World::new();
    let (tenant, other, client) = (world.tenant, world.other, &mut world.client);
    let mut by_time = twelve(client, tenant);
    by_time.sort_by_key(key);
    twelve(client, other);
    for size in PAGE_SIZES {
        let mut between = |from_ts, until_ts| {
            pages(size, |last: Option<&Audit>, max_rows| {
                let (after_ts, after_seq) = last.map(key).unzip();
                let params =
                    ListByTimeParams { tenant_id: tenant, from_ts, until_ts, after_ts, after_seq, max_rows };
                audits::list_by_time().params(client, &params).all().unwrap()
            })
        };
        assert_eq!(seqs(&between(at(0), at(100))), seqs(&by_time));
        assert_eq!(between(at(1), at(3)), by_time[3..9], "from the first second to before the third");
        assert_eq!(between(at(3), at(3)), []);
        let mut latest = pages(size, |last: Option<&Audit>, max_rows| {
            let (ts, seq) = last.map(key).unzip();
            audits::list_latest().bind(client, &tenant, &ts, &seq, &max_rows).all().unwrap()
        });
        latest.reverse();
        assert_eq!(latest, by_time);
    }
}

#[test]
fn what_no_value_holds_is_an_error_and_can_be_read_as_text() {
    let mut world = World::new();
    let (tenant, client) = (world.tenant, &mut world.client);
    let insert = "INSERT INTO audits (tenant_id, actor_type, actor_id, action, resource_type, details) \
                  VALUES ($1, 'user', 'eve', 'note', 'x', $2::text::jsonb)";
    let [just_deep_enough, deep] =
        [127, 128].map(|levels| format!("{}{}", "[".repeat(levels), "]".repeat(levels)));
    for details in ["{\"n\": 9007199254740993.5}", &just_deep_enough, "{\"n\": 1e400}", &deep] {
        client.execute(insert, &[&tenant, &details]).unwrap();
    }
    let mut text = |seq: i64| audits::details_as_text().bind(client, &tenant, &seq).one().unwrap();
    assert_eq!(text(1), "{\"n\": 9007199254740993.5}");
    assert_eq!(text(3), format!("{{\"n\": 1{}}}", "0".repeat(400)));
    assert_eq!(text(4), deep);
    let mut value = |seq: i64| audits::get().bind(client, &tenant, &seq).one().map(|entry| entry.details);
    assert_eq!(value(1).unwrap(), json!({"n": 9007199254740994.0}), "the nearest double");
    assert_eq!(value(2).unwrap().to_string(), just_deep_enough);
    for seq in [3, 4] {
        let error = value(seq).unwrap_err();
        assert!(error.code().is_none() && !error.is_closed(), "not the server's: {error:?}");
    }
    // It is each entry's alone.
    let page: Vec<_> = audits::list().bind(client, &tenant, &0, &10).iter().unwrap().collect();
    assert_eq!(page.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, true, false, false]);
}

#[test]
fn the_application_adds_and_reads_its_own_tenants_entries() {
    let mut world = World::new();
    let (tenant, other) = (world.tenant, world.other);
    let theirs = create(&mut world.client, other, Some(at(1))).unwrap();
    let mut app = world.app(tenant);
    let own = create(&mut app, tenant, Some(at(1))).unwrap();
    assert_eq!(sqlstate(create(&mut app, other, None)), "42501");
    assert_eq!(audits::get().bind(&mut app, &other, &1).opt().unwrap(), None);
    assert_eq!(audits::get_by_id().bind(&mut app, &other, &theirs.id).opt().unwrap(), None);
    assert_eq!(audits::details_as_text().bind(&mut app, &other, &1).opt().unwrap(), None);
    assert_eq!(audits::latest().bind(&mut app, &other).opt().unwrap(), None);
    assert_eq!(audits::range().bind(&mut app, &other, &1, &9).all().unwrap(), []);
    assert_eq!(audits::list().bind(&mut app, &other, &0, &9).all().unwrap(), []);
    let by_time = audits::list_by_time().bind(&mut app, &other, &at(0), &at(9), &None, &None, &9).all();
    assert_eq!(by_time.unwrap(), []);
    assert_eq!(audits::list_latest().bind(&mut app, &other, &None, &None, &9).all().unwrap(), []);
    assert_eq!(audits::latest().bind(&mut app, &tenant).one().unwrap(), own);
    assert_eq!(own.details, Value::from_iter([("amount", 1200.5)]));
}
