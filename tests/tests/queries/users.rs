use af_queries::client::Params;
use af_queries::queries::users::{self, CreateParams, User};
use af_queries::queries::{rbac_bindings, rbac_roles};
use af_tests::database::sqlstate;
use postgres::GenericClient;
use serde_json::json;
use uuid::Uuid;

use crate::{PAGE_SIZES, World, pages};

pub(crate) fn create(client: &mut postgres::Client, tenant_id: Uuid, email: &str) -> User {
    let params = CreateParams { tenant_id, email, role: "viewer", hashed_secret: None::<&str> };
    users::create().params(client, &params).one().unwrap()
}

fn secret(client: &mut impl GenericClient, id: Uuid) -> Option<String> {
    client.query_one("SELECT hashed_secret FROM users WHERE id = $1", &[&id]).unwrap().get(0)
}

#[test]
fn a_user_is_created_found_changed_and_deleted() {
    let mut world = World::new();
    let (tenant, client) = (world.tenant, &mut world.client);
    let user = create(client, tenant, "ann@example.org");
    assert_eq!(
        (user.tenant_id, user.email.as_str(), user.role.as_str()),
        (tenant, "ann@example.org", "viewer")
    );
    assert_eq!(users::get().bind(client, &tenant, &user.id).one().unwrap(), user);
    assert_eq!(users::get_by_email().bind(client, &tenant, &"ann@example.org").one().unwrap(), user);
    assert_eq!(users::get_by_email().bind(client, &tenant, &"ann").opt().unwrap(), None);

    let changed =
        users::update().bind(client, &"ann@example.com", &"editor", &tenant, &user.id).one().unwrap();
    assert!(changed.updated_at > user.updated_at);
    assert_eq!((changed.email.as_str(), changed.role.as_str()), ("ann@example.com", "editor"));
    assert_eq!(users::get().bind(client, &tenant, &user.id).one().unwrap(), changed);

    // A binding goes with its user.
    let role = rbac_roles::create().bind(client, &tenant, &"editor", &json!([])).one().unwrap();
    let binding = rbac_bindings::create().bind(client, &tenant, &user.id, &role.id).one().unwrap();
    assert_eq!(users::delete().bind(client, &tenant, &user.id).unwrap(), 1);
    assert_eq!(users::get().bind(client, &tenant, &user.id).opt().unwrap(), None);
    assert_eq!(rbac_bindings::get().bind(client, &tenant, &binding.id).opt().unwrap(), None);
}

#[test]
fn a_secret_is_set_and_taken_back() {
    let mut world = World::new();
    let (tenant, client) = (world.tenant, &mut world.client);
    let (email, hash) = ("ann@example.org", "$argon2id$one");
    let params = CreateParams { tenant_id: tenant, email, role: "viewer", hashed_secret: Some(hash) };
    let user = users::create().params(client, &params).one().unwrap();
    let credentials = users::get_credentials().bind(client, &tenant, &email).one().unwrap();
    assert_eq!((credentials.id, credentials.role.as_str()), (user.id, "viewer"));
    assert_eq!(credentials.hashed_secret.as_deref(), Some(hash));

    assert_eq!(users::set_secret().bind(client, &Some("$argon2id$two"), &tenant, &user.id).unwrap(), 1);
    assert_eq!(secret(client, user.id).as_deref(), Some("$argon2id$two"));
    assert_eq!(users::set_secret().bind(client, &None::<&str>, &tenant, &user.id).unwrap(), 1);
    let credentials = users::get_credentials().bind(client, &tenant, &email).one().unwrap();
    assert_eq!(credentials.hashed_secret, None);
    assert_eq!(users::set_secret().bind(client, &Some("x"), &tenant, &Uuid::new_v4()).unwrap(), 0);
}

#[test]
fn pages_have_every_user_of_the_tenant_once() {
    let mut world = World::new();
    let (tenant, other, client) = (world.tenant, world.other, &mut world.client);
    for number in 0..12 {
        create(client, tenant, &format!("{number}@example.org"));
        create(client, other, &format!("{number}@example.org"));
    }
    for size in PAGE_SIZES {
        let found = pages(size, |last: Option<&User>, max_rows| {
            users::list().bind(client, &tenant, &last.map(|user| user.id), &max_rows).all().unwrap()
        });
        assert_eq!(found.len(), 12);
        assert!(found.iter().all(|user| user.tenant_id == tenant));
        assert!(found.is_sorted_by(|one, next| one.id < next.id), "{found:?}");
    }
}

#[test]
fn an_auditor_reads_users_but_no_secrets() {
    let mut world = World::new();
    let tenant = world.tenant;
    let user = create(&mut world.client, tenant, "ann@example.org");
    let mut auditor = world.connect_as("af_auditor", Uuid::nil());
    assert_eq!(users::get().bind(&mut auditor, &tenant, &user.id).one().unwrap(), user);
    assert_eq!(users::list().bind(&mut auditor, &tenant, &None, &10).all().unwrap(), [user]);
    let credentials = users::get_credentials().bind(&mut auditor, &tenant, &"ann@example.org").one();
    assert_eq!(sqlstate(credentials), "42501");
}

#[test]
fn the_application_sees_its_tenants_users_and_changes_none() {
    let mut world = World::new();
    let (tenant, other) = (world.tenant, world.other);
    let theirs = create(&mut world.client, other, "ann@example.org");
    let mut app = world.app(tenant);
    assert_eq!(users::get().bind(&mut app, &other, &theirs.id).opt().unwrap(), None);
    assert_eq!(users::get_credentials().bind(&mut app, &other, &theirs.email).opt().unwrap(), None);
    assert_eq!(users::list().bind(&mut app, &other, &None, &10).all().unwrap(), []);
    let change = users::set_secret().bind(&mut app, &Some("mine"), &other, &theirs.id);
    assert_eq!(sqlstate(change), "42501");
}
