use af_queries::queries::rbac_bindings::{self, Binding};
use af_queries::queries::rbac_roles;
use af_tests::database::sqlstate;
use postgres::Client;
use serde_json::json;
use uuid::Uuid;

use crate::{PAGE_SIZES, World, pages, users};

fn role(client: &mut Client, tenant: Uuid, name: &str) -> Uuid {
    rbac_roles::create().bind(client, &tenant, &name, &json!([])).one().unwrap().id
}

#[test]
fn a_role_is_given_and_taken_back() {
    let mut world = World::new();
    let (tenant, other, client) = (world.tenant, world.other, &mut world.client);
    let user = users::create(client, tenant, "ann@example.org");
    let [editor, viewer] = ["editor", "viewer"].map(|name| role(client, tenant, name));
    let theirs = role(client, other, "editor");
    let binding = rbac_bindings::create().bind(client, &tenant, &user.id, &editor).one().unwrap();
    assert_eq!((binding.tenant_id, binding.user_id, binding.role_id), (tenant, user.id, editor));
    assert_eq!(rbac_bindings::get().bind(client, &tenant, &binding.id).one().unwrap(), binding);
    assert_eq!(sqlstate(rbac_bindings::create().bind(client, &tenant, &user.id, &editor).one()), "23505");
    assert_eq!(sqlstate(rbac_bindings::create().bind(client, &tenant, &user.id, &theirs).one()), "23503");

    let mut take =
        |role| rbac_bindings::delete_by_user_and_role().bind(client, &tenant, &user.id, &role).unwrap();
    assert_eq!((take(viewer), take(editor), take(editor)), (0, 1, 0));
    assert_eq!(rbac_bindings::get().bind(client, &tenant, &binding.id).opt().unwrap(), None);
    let again = rbac_bindings::create().bind(client, &tenant, &user.id, &editor).one().unwrap();
    assert_eq!(rbac_bindings::delete().bind(client, &tenant, &again.id).unwrap(), 1);
    assert_eq!(rbac_bindings::delete().bind(client, &tenant, &again.id).unwrap(), 0);
}

#[test]
fn pages_have_every_binding_of_the_tenant_once_and_a_role_its_users() {
    let mut world = World::new();
    let (tenant, other, client) = (world.tenant, world.other, &mut world.client);
    for tenant in [tenant, other] {
        let roles = ["editor", "viewer"].map(|name| role(client, tenant, name));
        for number in 0..6 {
            let user = users::create(client, tenant, &number.to_string());
            for role in roles {
                rbac_bindings::create().bind(client, &tenant, &user.id, &role).one().unwrap();
            }
        }
        users::create(client, tenant, "without a role");
    }
    for size in PAGE_SIZES {
        let found = pages(size, |last: Option<&Binding>, max_rows| {
            let after = last.map(|binding| binding.id);
            rbac_bindings::list().bind(client, &tenant, &after, &max_rows).all().unwrap()
        });
        assert_eq!(found.len(), 12);
        assert!(found.iter().all(|binding| binding.tenant_id == tenant));
        assert!(found.is_sorted_by(|one, next| one.id < next.id), "{found:?}");
    }
    let editor = rbac_roles::get_by_name().bind(client, &tenant, &"editor").one().unwrap().id;
    let editors = rbac_bindings::list_users_by_role().bind(client, &tenant, &editor).all().unwrap();
    assert!(editors.is_sorted_by(|one, next| one.id < next.id), "{editors:?}");
    let mut emails: Vec<_> = editors.into_iter().map(|user| user.email).collect();
    emails.sort_unstable();
    assert_eq!(emails, ["0", "1", "2", "3", "4", "5"]);
}

#[test]
fn the_application_sees_its_tenants_bindings_and_makes_none() {
    let mut world = World::new();
    let (tenant, other) = (world.tenant, world.other);
    let user = users::create(&mut world.client, other, "ann@example.org");
    let owner = role(&mut world.client, other, "owner");
    let theirs = rbac_bindings::create().bind(&mut world.client, &other, &user.id, &owner).one().unwrap();
    let mut app = world.app(tenant);
    assert_eq!(rbac_bindings::get().bind(&mut app, &other, &theirs.id).opt().unwrap(), None);
    assert!(rbac_bindings::list_users_by_role().bind(&mut app, &other, &owner).all().unwrap().is_empty());
    assert_eq!(sqlstate(rbac_bindings::create().bind(&mut app, &other, &user.id, &owner).one()), "42501");
    assert_eq!(sqlstate(rbac_bindings::delete().bind(&mut app, &other, &theirs.id)), "42501");
}
