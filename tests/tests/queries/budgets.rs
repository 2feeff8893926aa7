use std::thread;

use af_queries::client::Params;
use af_queries::queries::budgets::{self, Budget, CreateParams, UpdateParams};
use af_tests::database::{backend_pid, sqlstate, wait_until_blocked};
use postgres::{Client, Error};
use serde_json::json;
use uuid::Uuid;

use crate::{PAGE_SIZES, World, pages};

fn create(
    client: &mut Client,
    tenant_id: Uuid,
    name: &str,
    resource_id: Option<&str>,
) -> Result<Budget, Error> {
    let limits = json!({"tokens": 1000});
    let params = CreateParams { tenant_id, name, r#type: "agent", resource_id, limits, period: "monthly" };
    budgets::create().params(client, &params).one()
}

fn update(client: &mut Client, tenant_id: Uuid, id: Uuid) -> Result<Option<Budget>, Error> {
    let params = UpdateParams {
        name: "search",
        r#type: "tool",
        resource_id: Some("search"),
        limits: json!({"usd": 5}),
        period: "daily",
        tenant_id,
        id,
    };
    budgets::update().params(client, &params).opt()
}

#[test]
fn a_budget_is_created_found_changed_and_deleted() {
    let mut world = World::new();
    let (tenant, client) = (world.tenant, &mut world.client);
    let budget = create(client, tenant, "tokens", None).unwrap();
    assert_eq!((&budget.resource_id, &budget.current_usage), (&None, &json!({})));
    assert_eq!(budgets::get().bind(client, &tenant, &budget.id).one().unwrap(), budget);
    assert_eq!(budgets::get_by_name().bind(client, &tenant, &"tokens").one().unwrap(), budget);
    assert_eq!(budgets::get_by_name().bind(client, &tenant, &"usd").opt().unwrap(), None);
    budgets::add_usage().bind(client, &json!({"tokens": 1}), &tenant, &budget.id).one().unwrap();

    let changed = update(client, tenant, budget.id).unwrap().expect("the budget");
    assert!(changed.updated_at > budget.updated_at);
    let expected = Budget {
        name: "search".to_owned(),
        r#type: "tool".to_owned(),
        resource_id: Some("search".to_owned()),
        limits: json!({"usd": 5}),
        current_usage: json!({"tokens": 1}),
        period: "daily".to_owned(),
        updated_at: changed.updated_at,
        ..budget
    };
    assert_eq!(changed, expected);

    assert_eq!(budgets::delete().bind(client, &tenant, &changed.id).unwrap(), 1);
    assert_eq!(budgets::get().bind(client, &tenant, &changed.id).opt().unwrap(), None);
}

#[test]
fn usage_is_added_up_exactly_and_begun_anew() {
    let mut world = World::new();
    let (tenant, client) = (world.tenant, &mut world.client);
    let id = create(client, tenant, "tokens", None).unwrap().id;
    let mut add = |used| {
        budgets::add_usage().bind(client, &used, &tenant, &id).one().map(|budget| budget.current_usage)
    };
    assert_eq!(add(json!({"tokens": 120, "usd": 0.1})).unwrap(), json!({"tokens": 120, "usd": 0.1}));
    // In binary, the sum would not be 0.3.
    assert_eq!(add(json!({"usd": 0.2})).unwrap(), json!({"tokens": 120, "usd": 0.3}));
    assert_eq!(add(json!({})).unwrap(), json!({"tokens": 120, "usd": 0.3}));
    assert_eq!(
        add(json!({"tokens": -20, "calls": null})).unwrap(),
        json!({"tokens": 100, "usd": 0.3, "calls": 0})
    );
    for refused in
        [json!({"tokens": "7"}), json!({"tokens": [7]}), json!({"tokens": true}), json!({"tokens": {}})]
    {
        assert_eq!(sqlstate(add(refused.clone())), "22023", "{refused}");
    }
    for refused in [json!([1]), json!(1), json!(null)] {
        assert_eq!(sqlstate(add(refused.clone())), "22023", "{refused}");
    }
    let budget = budgets::get().bind(client, &tenant, &id).one().unwrap();
    assert_eq!(budget.current_usage, json!({"tokens": 100, "usd": 0.3, "calls": 0}));
    let anew = budgets::reset_usage().bind(client, &tenant, &id).one().unwrap();
    assert_eq!((&anew.current_usage, &anew.limits), (&json!({}), &budget.limits));
    assert_eq!(budgets::add_usage().bind(client, &json!({}), &tenant, &Uuid::new_v4()).opt().unwrap(), None);
}

#[test]
fn what_two_sessions_add_is_all_counted() {
    let mut world = World::new();
    let tenant = world.tenant;
    let id = create(&mut world.client, tenant, "tokens", None).unwrap().id;
    let (mut first, mut second) = (world.app(tenant), world.app(tenant));
    let pid = backend_pid(&mut second);
    let mut transaction = first.transaction().unwrap();
    budgets::add_usage().bind(&mut transaction, &json!({"tokens": 1}), &tenant, &id).one().unwrap();
    let waiting = thread::spawn(move || {
        budgets::add_usage().bind(&mut second, &json!({"tokens": 2}), &tenant, &id).one().unwrap()
    });
    wait_until_blocked(&mut world.client, pid);
    transaction.commit().unwrap();
    assert_eq!(waiting.join().unwrap().current_usage, json!({"tokens": 3}));
}

#[test]
fn a_thing_draws_on_its_own_budgets_and_on_those_for_all() {
    let mut world = World::new();
    let (tenant, other, client) = (world.tenant, world.other, &mut world.client);
    for (name, resource) in [("all", None), ("scout", Some("scout")), ("writer", Some("writer"))] {
        create(client, tenant, name, resource).unwrap();
        create(client, other, name, resource).unwrap();
    }
    let mut names = |resource_type: &str, resource: &str| {
        let found =
            budgets::list_by_resource().bind(client, &tenant, &resource_type, &resource).all().unwrap();
        assert!(found.iter().all(|budget| budget.tenant_id == tenant));
        let mut names: Vec<_> = found.into_iter().map(|budget| budget.name).collect();
        names.sort_unstable();
        names
    };
    assert_eq!(names("agent", "scout"), ["all", "scout"]);
    assert_eq!(names("agent", "editor"), ["all"]);
    assert_eq!(names("tool", "scout"), Vec::<String>::new());
}

#[test]
fn pages_have_every_budget_of_the_tenant_once() {
    let mut world = World::new();
    let (tenant, other, client) = (world.tenant, world.other, &mut world.client);
    for number in 0..12 {
        create(client, tenant, &number.to_string(), None).unwrap();
        create(client, other, &number.to_string(), None).unwrap();
    }
    for size in PAGE_SIZES {
        let found = pages(size, |last: Option<&Budget>, max_rows| {
            budgets::list().bind(client, &tenant, &last.map(|budget| budget.id), &max_rows).all().unwrap()
        });
        assert_eq!(found.len(), 12);
        assert!(found.iter().all(|budget| budget.tenant_id == tenant));
        assert!(found.is_sorted_by(|one, next| one.id < next.id), "{found:?}");
    }
}

#[test]
fn the_application_adds_to_its_own_tenants_usage_and_changes_nothing_else() {
    let mut world = World::new();
    let (tenant, other) = (world.tenant, world.other);
    let own = create(&mut world.client, tenant, "tokens", None).unwrap();
    let theirs = create(&mut world.client, other, "tokens", None).unwrap();
    let mut app = world.app(tenant);
    budgets::add_usage().bind(&mut app, &json!({"tokens": 1}), &tenant, &own.id).one().unwrap();
    budgets::reset_usage().bind(&mut app, &tenant, &own.id).one().unwrap();
    assert_eq!(sqlstate(update(&mut app, tenant, own.id)), "42501");
    assert_eq!(sqlstate(create(&mut app, tenant, "more", None)), "42501");
    assert_eq!(sqlstate(budgets::delete().bind(&mut app, &tenant, &own.id)), "42501");

    assert_eq!(budgets::get().bind(&mut app, &other, &theirs.id).opt().unwrap(), None);
    assert_eq!(budgets::list_by_resource().bind(&mut app, &other, &"agent", &"scout").all().unwrap(), []);
    let added = budgets::add_usage().bind(&mut app, &json!({"tokens": 1}), &other, &theirs.id).opt();
    assert_eq!(added.unwrap(), None);
    assert_eq!(budgets::reset_usage().bind(&mut app, &other, &theirs.id).opt().unwrap(), None);
    assert_eq!(budgets::get().bind(&mut world.client, &other, &theirs.id).one().unwrap(), theirs);
}
