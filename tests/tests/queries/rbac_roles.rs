use af_queries::queries::rbac_roles::{self, Role};
use af_queries::queries::{rbac_bindings, users as stored_users};
use af_tests::database::sqlstate;
use serde_json::json;

use crate::{PAGE_SIZES, World, pages, users};

#[test]
fn a_role_is_created_found_changed_and_deleted() {
    let mut world = World::new();
    let (tenant, client) = (world.tenant, &mut world.client);
    let role = rbac_roles::create().bind(client, &tenant, &"editor", &json!(["write"])).one().unwrap();
    assert_eq!((role.name.as_str(), &role.permissions), ("editor", &json!(["write"])));
    assert_eq!(rbac_roles::get().bind(client, &tenant, &role.id).one().unwrap(), role);
    assert_eq!(rbac_roles::get_by_name().bind(client, &tenant, &"editor").one().unwrap(), role);
    assert_eq!(rbac_roles::get_by_name().bind(client, &tenant, &"author").opt().unwrap(), None);

    let changed =
        rbac_roles::update().bind(client, &"author", &json!({"write": true}), &tenant, &role.id).one();
    let expected = Role { name: "author".to_owned(), permissions: json!({"write": true}), ..role };
    assert_eq!(changed.unwrap(), expected);
    assert_eq!(rbac_roles::get().bind(client, &tenant, &expected.id).one().unwrap(), expected);

    let user = users::create(client, tenant, "ann@example.org");
    rbac_bindings::create().bind(client, &tenant, &user.id, &expected.id).one().unwrap();
    assert_eq!(sqlstate(rbac_roles::delete().bind(client, &tenant, &expected.id)), "23503", "Ann has it");
    stored_users::delete().bind(client, &tenant, &user.id).unwrap();
    assert_eq!(rbac_roles::delete().bind(client, &tenant, &expected.id).unwrap(), 1);
    assert_eq!(rbac_roles::get().bind(client, &tenant, &expected.id).opt().unwrap(), None);
}

#[test]
fn a_user_has_the_roles_that_were_given() {
    let mut world = World::new();
    let (tenant, client) = (world.tenant, &mut world.client);
    let [ann, bob] = ["ann", "bob"].map(|name| users::create(client, tenant, name).id);
    let mut roles = ["editor", "viewer", "owner"]
        .map(|name| rbac_roles::create().bind(client, &tenant, &name, &json!([name])).one().unwrap());
    for role in &roles[..2] {
        rbac_bindings::create().bind(client, &tenant, &ann, &role.id).one().unwrap();
    }
    roles[..2].sort_by_key(|role| role.id);
    let mut roles_of = |user| rbac_roles::list_by_user().bind(client, &tenant, &user).all().unwrap();
    assert_eq!(roles_of(ann), roles[..2]);
    assert_eq!(roles_of(bob), []);
}

#[test]
fn pages_have_every_role_of_the_tenant_once() {
    let mut world = World::new();
    let (tenant, other, client) = (world.tenant, world.other, &mut world.client);
    for number in 0..12 {
        for tenant in [tenant, other] {
            rbac_roles::create().bind(client, &tenant, &number.to_string(), &json!([])).one().unwrap();
        }
    }
    for size in PAGE_SIZES {
        let found = pages(size, |last: Option<&Role>, max_rows| {
            rbac_roles::list().bind(client, &tenant, &last.map(|role| role.id), &max_rows).all().unwrap()
        });
        assert_eq!(found.len(), 12);
        assert!(found.iter().all(|role| role.tenant_id == tenant));
        assert!(found.is_sorted_by(|one, next| one.id < next.id), "{found:?}");
    }
}

#[test]
fn the_application_sees_its_tenants_roles_and_gives_itself_none() {
    let mut world = World::new();
    let (tenant, other) = (world.tenant, world.other);
    let user = users::create(&mut world.client, other, "ann@example.org");
    let theirs =
        rbac_roles::create().bind(&mut world.client, &other, &"owner", &json!(["all"])).one().unwrap();
    rbac_bindings::create().bind(&mut world.client, &other, &user.id, &theirs.id).one().unwrap();
    let mut app = world.app(tenant);
    assert_eq!(rbac_roles::get().bind(&mut app, &other, &theirs.id).opt().unwrap(), None);
    assert_eq!(rbac_roles::list_by_user().bind(&mut app, &other, &user.id).all().unwrap(), []);
    assert_eq!(
        sqlstate(rbac_roles::create().bind(&mut app, &tenant, &"owner", &json!(["all"])).one()),
        "42501"
    );
}
