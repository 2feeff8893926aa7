use af_queries::client::Params;
use af_queries::queries::agents::{self, Agent, CreateParams, UpdateParams};
use af_tests::database::sqlstate;
use postgres::{Client, Error};
use serde_json::json;
use uuid::Uuid;

use crate::{PAGE_SIZES, World, pages};

fn create(client: &mut Client, tenant_id: Uuid, name: &str) -> Result<Agent, Error> {
    let params = CreateParams {
        tenant_id,
        name,
        r#type: "llm",
        role: "researcher",
        config_json: json!({"temperature": 0.5}),
        policies_json: json!(["no-network"]),
    };
    agents::create().params(client, &params).one()
}

fn update(client: &mut Client, tenant_id: Uuid, id: Uuid) -> Result<Option<Agent>, Error> {
    let params = UpdateParams {
        name: "writer",
        r#type: "script",
        role: "author",
        config_json: json!({}),
        policies_json: json!({"network": false}),
        tenant_id,
        id,
    };
    agents::update().params(client, &params).opt()
}

#[test]
fn an_agent_is_created_found_changed_and_deleted() {
    let mut world = World::new();
    let (tenant, client) = (world.tenant, &mut world.client);
    let agent = create(client, tenant, "scout").unwrap();
    assert_eq!(
        (agent.name.as_str(), agent.r#type.as_str(), agent.role.as_str()),
        ("scout", "llm", "researcher")
    );
    assert_eq!(
        (&agent.config_json, &agent.policies_json),
        (&json!({"temperature": 0.5}), &json!(["no-network"]))
    );
    assert_eq!(agents::get().bind(client, &tenant, &agent.id).one().unwrap(), agent);
    assert_eq!(agents::get_by_name().bind(client, &tenant, &"scout").one().unwrap(), agent);
    assert_eq!(sqlstate(create(client, tenant, "scout")), "23505");

    let changed = update(client, tenant, agent.id).unwrap().expect("the agent");
    assert!(changed.updated_at > agent.updated_at);
    let expected = Agent {
        name: "writer".to_owned(),
        r#type: "script".to_owned(),
        role: "author".to_owned(),
        config_json: json!({}),
        policies_json: json!({"network": false}),
        updated_at: changed.updated_at,
        ..agent
    };
    assert_eq!(changed, expected);
    assert_eq!(agents::get_by_name().bind(client, &tenant, &"scout").opt().unwrap(), None);
    assert_eq!(agents::get().bind(client, &tenant, &changed.id).one().unwrap(), changed);

    assert_eq!(agents::delete().bind(client, &tenant, &changed.id).unwrap(), 1);
    assert_eq!(agents::get().bind(client, &tenant, &changed.id).opt().unwrap(), None);
}

#[test]
fn pages_have_every_agent_of_the_tenant_once() {
    let mut world = World::new();
    let (tenant, other, client) = (world.tenant, world.other, &mut world.client);
    for number in 0..12 {
        create(client, tenant, &number.to_string()).unwrap();
        create(client, other, &number.to_string()).unwrap();
    }
    for size in PAGE_SIZES {
        let found = pages(size, |last: Option<&Agent>, max_rows| {
            agents::list().bind(client, &tenant, &last.map(|agent| agent.id), &max_rows).all().unwrap()
        });
        assert_eq!(found.len(), 12);
        assert!(found.iter().all(|agent| agent.tenant_id == tenant));
        assert!(found.is_sorted_by(|one, next| one.id < next.id), "{found:?}");
    }
}

#[test]
fn the_application_works_on_its_own_tenants_agents() {
    let mut world = World::new();
    let (tenant, other) = (world.tenant, world.other);
    let theirs = create(&mut world.client, other, "scout").unwrap();
    let mut app = world.app(tenant);
    let own = create(&mut app, tenant, "scout").unwrap();
    assert_eq!(sqlstate(create(&mut app, other, "spy")), "42501");
    assert_eq!(agents::get().bind(&mut app, &other, &theirs.id).opt().unwrap(), None);
    assert_eq!(agents::get_by_name().bind(&mut app, &other, &"scout").opt().unwrap(), None);
    assert_eq!(agents::list().bind(&mut app, &other, &None, &10).all().unwrap(), []);
    assert_eq!(update(&mut app, other, theirs.id).unwrap(), None);
    assert_eq!(agents::delete().bind(&mut app, &other, &theirs.id).unwrap(), 0);
    assert_eq!(agents::get().bind(&mut world.client, &other, &theirs.id).one().unwrap(), theirs);
    assert_eq!(agents::delete().bind(&mut app, &tenant, &own.id).unwrap(), 1);
}
