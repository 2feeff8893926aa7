use af_queries::queries::tenants::{self, Tenant};
use af_tests::database::{Database, sqlstate};
use serde_json::json;
use uuid::Uuid;

use crate::{PAGE_SIZES, World, pages};

#[test]
fn a_tenant_is_created_found_changed_and_deleted() {
    let database = Database::migrated();
    let mut client = database.connect();
    let settings = json!({"language": "de"});
    let tenant = tenants::create().bind(&mut client, &"acme", &"pro", &settings).one().unwrap();
    assert_eq!((tenant.name.as_str(), tenant.tier.as_str(), &tenant.settings), ("acme", "pro", &settings));
    assert_eq!(tenants::get().bind(&mut client, &tenant.id).one().unwrap(), tenant);
    assert_eq!(tenants::get_by_name().bind(&mut client, &"acme").one().unwrap(), tenant);
    assert_eq!(tenants::get_id_by_name().bind(&mut client, &"acme").one().unwrap(), tenant.id);
    assert_eq!(tenants::get_id_by_name().bind(&mut client, &"Acme").opt().unwrap(), None);
    assert!(tenants::exists().bind(&mut client, &tenant.id).one().unwrap());
    assert!(!tenants::exists().bind(&mut client, &Uuid::new_v4()).one().unwrap());

    let changed =
        tenants::update().bind(&mut client, &"acme inc", &"free", &json!({}), &tenant.id).one().unwrap();
    assert!(changed.updated_at > tenant.updated_at);
    let expected = Tenant {
        name: "acme inc".to_owned(),
        tier: "free".to_owned(),
        settings: json!({}),
        updated_at: changed.updated_at,
        ..tenant
    };
    assert_eq!(changed, expected);
    assert_eq!(tenants::get().bind(&mut client, &tenant.id).one().unwrap(), changed);

    assert_eq!(tenants::delete().bind(&mut client, &tenant.id).unwrap(), 1);
    assert_eq!(tenants::get().bind(&mut client, &tenant.id).opt().unwrap(), None);
    assert_eq!(tenants::delete().bind(&mut client, &tenant.id).unwrap(), 0);
}

#[test]
fn a_name_is_taken_once() {
    let mut world = World::new();
    let client = &mut world.client;
    let id = tenants::create_if_new().bind(client, &"acme").opt().unwrap().expect("a new tenant");
    assert_eq!(tenants::create_if_new().bind(client, &"acme").opt().unwrap(), None);
    let again = tenants::create().bind(client, &"acme", &"free", &json!({})).one();
    assert_eq!(sqlstate(again), "23505");
    let mut ids = [world.tenant, id];
    ids.sort_unstable();
    let names = tenants::names().bind(client, &[ids[1], Uuid::new_v4(), ids[0]].as_slice()).all().unwrap();
    let names: Vec<_> = names.into_iter().map(|row| (row.id, row.name)).collect();
    let name = |id| if id == world.tenant { "one".to_owned() } else { "acme".to_owned() };
    assert_eq!(names, ids.map(|id| (id, name(id))));
}

#[test]
fn a_tenant_that_owns_something_is_not_deleted() {
    let mut world = World::new();
    af_tests::ledger::insert(&mut world.client, world.tenant);
    assert_eq!(sqlstate(tenants::delete().bind(&mut world.client, &world.tenant)), "23503");
}

#[test]
fn pages_have_every_tenant_once() {
    let database = Database::migrated();
    let mut client = database.connect();
    // The nil UUID is an id like any other: no page may leave it out.
    let insert = "INSERT INTO tenants (id, name) VALUES ('00000000-0000-0000-0000-000000000000', 'nil')";
    client.batch_execute(insert).unwrap();
    for number in 0..11 {
        tenants::create().bind(&mut client, &format!("tenant {number}"), &"free", &json!({})).one().unwrap();
    }
    for size in PAGE_SIZES {
        let found = pages(size, |last: Option<&Tenant>, max_rows| {
            tenants::list().bind(&mut client, &last.map(|tenant| tenant.id), &max_rows).all().unwrap()
        });
        assert_eq!(found.len(), 12);
        assert!(found.is_sorted_by(|one, next| one.id < next.id), "{found:?}");
        assert_eq!(found[0].id, Uuid::nil());
    }
}

#[test]
fn the_application_sees_its_own_tenant_and_changes_none() {
    let mut world = World::new();
    let (tenant, other) = (world.tenant, world.other);
    let mut app = world.app(tenant);
    assert_eq!(tenants::get().bind(&mut app, &other).opt().unwrap(), None);
    assert_eq!(tenants::get_by_name().bind(&mut app, &"other").opt().unwrap(), None);
    let seen = tenants::list().bind(&mut app, &None, &10).all().unwrap();
    assert_eq!(seen.iter().map(|tenant| tenant.id).collect::<Vec<_>>(), [tenant]);
    assert_eq!(sqlstate(tenants::create().bind(&mut app, &"new", &"free", &json!({})).one()), "42501");
    assert_eq!(sqlstate(tenants::delete().bind(&mut app, &tenant)), "42501");
}
