use af_queries::client::Params;
use af_queries::queries::tools::{self, CreateParams, Tool, UpdateParams};
use af_tests::database::sqlstate;
use postgres::{Client, Error};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{PAGE_SIZES, World, pages};

fn create(client: &mut Client, tenant_id: Uuid, name: &str, permissions: Value) -> Result<Tool, Error> {
    let params = CreateParams {
        tenant_id,
        name,
        schema: json!({"type": "object"}),
        permissions,
        cost_model: json!({"per_call": 0.01}),
    };
    tools::create().params(client, &params).one()
}

fn update(client: &mut Client, tenant_id: Uuid, id: Uuid) -> Result<Option<Tool>, Error> {
    let (name, permissions) = ("find", json!({"net": "read"}));
    let params = UpdateParams {
        name,
        schema: json!({}),
        permissions,
        cost_model: json!({"per_call": 0}),
        tenant_id,
        id,
    };
    tools::update().params(client, &params).opt()
}

#[test]
fn a_tool_is_created_found_changed_and_deleted() {
    let mut world = World::new();
    let (tenant, client) = (world.tenant, &mut world.client);
    let tool = create(client, tenant, "search", json!(["net"])).unwrap();
    assert_eq!((tool.name.as_str(), &tool.schema), ("search", &json!({"type": "object"})));
    assert_eq!((&tool.permissions, &tool.cost_model), (&json!(["net"]), &json!({"per_call": 0.01})));
    assert_eq!(tools::get().bind(client, &tenant, &tool.id).one().unwrap(), tool);
    assert_eq!(tools::get_by_name().bind(client, &tenant, &"search").one().unwrap(), tool);

    let changed = update(client, tenant, tool.id).unwrap().expect("the tool");
    assert!(changed.updated_at > tool.updated_at);
    let expected = Tool {
        name: "find".to_owned(),
        schema: json!({}),
        permissions: json!({"net": "read"}),
        cost_model: json!({"per_call": 0}),
        updated_at: changed.updated_at,
        ..tool
    };
    assert_eq!(changed, expected);
    assert_eq!(tools::get().bind(client, &tenant, &changed.id).one().unwrap(), changed);

    assert_eq!(tools::delete().bind(client, &tenant, &changed.id).unwrap(), 1);
    assert_eq!(tools::get().bind(client, &tenant, &changed.id).opt().unwrap(), None);
}

#[test]
fn tools_are_found_by_the_permissions_that_they_need() {
    let mut world = World::new();
    let (tenant, other, client) = (world.tenant, world.other, &mut world.client);
    for (name, permissions) in
        [("search", json!(["net"])), ("upload", json!(["net", "disk"])), ("add", json!([]))]
    {
        create(client, tenant, name, permissions.clone()).unwrap();
        create(client, other, name, permissions).unwrap();
    }
    let mut app = world.app(tenant);
    let mut find = |permissions: Value| {
        let found = tools::list_by_permissions().bind(&mut app, &tenant, &permissions).all().unwrap();
        assert!(found.iter().all(|tool| tool.tenant_id == tenant));
        let mut names: Vec<_> = found.into_iter().map(|tool| tool.name).collect();
        names.sort_unstable();
        names
    };
    assert_eq!(find(json!(["net"])), ["search", "upload"]);
    assert_eq!(find(json!(["disk", "net"])), ["upload"]);
    assert_eq!(find(json!([])), ["add", "search", "upload"]);
    assert_eq!(find(json!(["camera"])), Vec::<String>::new());
}

#[test]
fn pages_have_every_tool_of_the_tenant_once() {
    let mut world = World::new();
    let (tenant, other, client) = (world.tenant, world.other, &mut world.client);
    for number in 0..12 {
        create(client, tenant, &number.to_string(), json!([])).unwrap();
        create(client, other, &number.to_string(), json!([])).unwrap();
    }
    for size in PAGE_SIZES {
        let found = pages(size, |last: Option<&Tool>, max_rows| {
            tools::list().bind(client, &tenant, &last.map(|tool| tool.id), &max_rows).all().unwrap()
        });
        assert_eq!(found.len(), 12);
        assert!(found.iter().all(|tool| tool.tenant_id == tenant));
        assert!(found.is_sorted_by(|one, next| one.id < next.id), "{found:?}");
    }
}

#[test]
fn the_application_works_on_its_own_tenants_tools() {
    let mut world = World::new();
    let (tenant, other) = (world.tenant, world.other);
    let theirs = create(&mut world.client, other, "search", json!([])).unwrap();
    let mut app = world.app(tenant);
    assert_eq!(sqlstate(create(&mut app, other, "spy", json!([]))), "42501");
    assert_eq!(tools::get().bind(&mut app, &other, &theirs.id).opt().unwrap(), None);
    assert_eq!(tools::list_by_permissions().bind(&mut app, &other, &json!([])).all().unwrap(), []);
    assert_eq!(update(&mut app, other, theirs.id).unwrap(), None);
    assert_eq!(tools::delete().bind(&mut app, &other, &theirs.id).unwrap(), 0);
    assert_eq!(tools::get().bind(&mut world.client, &other, &theirs.id).one().unwrap(), theirs);
}
