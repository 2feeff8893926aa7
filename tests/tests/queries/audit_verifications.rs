//! `sql/queries/audit_verifications.sql`.

use af_queries::client::Params;
use af_queries::queries::audit_verifications::{self, RecordParams, Verification};
use af_tests::database::sqlstate;
use postgres::{Client, Error};
use uuid::Uuid;

use crate::World;

/// Keeps a verification of so many entries, of these chains or of all, from a recorded entry on or from the beginning.
fn record(
    client: &mut Client,
    entries: i64,
    tenants: Option<&[Uuid]>,
    since: Option<&str>,
) -> Result<Uuid, Error> {
    let params = RecordParams {
        seconds: 2.5,
        method: "outside",
        version: "0.1.0",
        relation: "public.audits",
        tenants,
        chains: 2,
        entries,
        findings: 0,
        status: "ok",
        guards: "in_place",
        checkpoint: Some("checkpoints"),
        since,
    };
    audit_verifications::record().params(client, &params).one()
}

fn last(client: &mut Client) -> Option<Verification> {
    audit_verifications::last().bind(client).opt().unwrap()
}

#[test]
fn the_last_verification_of_everything_is_told() {
    let mut world = World::new();
    let tenant = world.tenant;
    assert_eq!(last(&mut world.client), None);
    let mut admin = world.connect_as("af_admin", Uuid::new_v4());
    record(&mut admin, 1, None, None).unwrap();
    let id = record(&mut admin, 2, None, None).unwrap();
    // What did not read everything does not count.
    record(&mut admin, 3, Some(&[tenant]), None).unwrap();
    record(&mut admin, 4, None, Some("heads.json")).unwrap();
    let found = last(&mut admin).unwrap();
    assert_eq!((found.id, found.entries, found.chains), (id, 2, 2));
    assert_eq!(
        (found.method.as_str(), found.status.as_str(), found.guards.as_str()),
        ("outside", "ok", "in_place")
    );
    assert_eq!((found.tenants, found.since), (None, None));
    assert_eq!(found.checkpoint.as_deref(), Some("checkpoints"));
    let seconds = (found.finished_at - found.started_at).as_seconds_f64();
    assert!((2.5..60.0).contains(&seconds), "{seconds}");
    let mut auditor = world.connect_as("af_auditor", Uuid::new_v4());
    assert_eq!(last(&mut auditor).map(|found| found.id), Some(id));
}

#[test]
fn the_last_verification_that_found_something_is_told() {
    let mut world = World::new();
    let mut admin = world.connect_as("af_admin", Uuid::new_v4());
    let mut finding = |status: &str, guards: &str| {
        let sql = format!(
            "INSERT INTO audit_verifications (started_at, method, version, relation, tenants, chains, entries, findings, status, guards) \
             VALUES (now(), 'outside', '0.1.0', 'public.audits', '{{{}}}', 1, 1, 0, '{status}', '{guards}')",
            world.tenant
        );
        admin.batch_execute(&sql).unwrap();
        let found = audit_verifications::last_finding().bind(&mut admin).opt().unwrap();
        found.map(|found| (found.status, found.guards))
    };
    let found = |status: &str, guards: &str| Some((status.to_owned(), guards.to_owned()));
    assert_eq!(finding("ok", "differ"), None);
    assert_eq!(finding("partial", "not_looked_at"), None);
    assert_eq!(finding("ok", "open"), found("ok", "open"));
    assert_eq!(finding("tampered", "in_place"), found("tampered", "in_place"));
    assert_eq!(finding("ok", "in_place"), found("tampered", "in_place"));
}

#[test]
fn only_who_administers_records() {
    let mut world = World::new();
    let tenant = world.tenant;
    for role in ["af_app", "af_auditor"] {
        let mut client = world.connect_as(role, tenant);
        assert_eq!(sqlstate(record(&mut client, 1, None, None)), "42501", "{role}");
    }
    let mut app = world.connect_as("af_app", tenant);
    assert_eq!(sqlstate(audit_verifications::last().bind(&mut app).opt()), "42501");
    assert_eq!(last(&mut world.client), None);
}
