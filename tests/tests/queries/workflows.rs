use af_queries::client::Params;
use af_queries::queries::plans;
use af_queries::queries::workflows::{self, CreateParams, UpdateParams, Workflow};
use af_tests::database::sqlstate;
use postgres::{Client, Error};
use serde_json::json;
use uuid::Uuid;

use crate::{PAGE_SIZES, World, pages};

pub(crate) fn create(
    client: &mut Client,
    tenant_id: Uuid,
    name: &str,
    version: &str,
) -> Result<Workflow, Error> {
    let params = CreateParams {
        tenant_id,
        name,
        version,
        config_yaml: "steps: [] # none yet\n",
        planner_type: "static",
        template_version_constraint: None::<&str>,
    };
    workflows::create().params(client, &params).one()
}

fn update(client: &mut Client, tenant_id: Uuid, id: Uuid) -> Result<Option<Workflow>, Error> {
    let (config_yaml, planner_type, template_version_constraint) = ("steps: [one]", "llm", Some("^2"));
    let params = UpdateParams { config_yaml, planner_type, template_version_constraint, tenant_id, id };
    workflows::update().params(client, &params).opt()
}

#[test]
fn a_workflow_is_created_found_changed_and_deleted() {
    let mut world = World::new();
    let (tenant, client) = (world.tenant, &mut world.client);
    let workflow = create(client, tenant, "review", "1.0.0").unwrap();
    assert_eq!(workflow.config_yaml, "steps: [] # none yet\n");
    assert_eq!((workflow.planner_type.as_str(), &workflow.template_version_constraint), ("static", &None));
    assert_eq!(workflows::get().bind(client, &tenant, &workflow.id).one().unwrap(), workflow);

    let changed = update(client, tenant, workflow.id).unwrap().expect("the workflow");
    assert!(changed.updated_at > workflow.updated_at);
    let expected = Workflow {
        config_yaml: "steps: [one]".to_owned(),
        planner_type: "llm".to_owned(),
        template_version_constraint: Some("^2".to_owned()),
        updated_at: changed.updated_at,
        ..workflow
    };
    assert_eq!(changed, expected);

    let plan = plans::create()
        .bind(client, &tenant, &changed.id, &"new", &json!([]), &json!({}), &json!({}))
        .one()
        .unwrap();
    assert_eq!(sqlstate(workflows::delete().bind(client, &tenant, &changed.id)), "23503");
    plans::delete().bind(client, &tenant, &plan.id).unwrap();
    assert_eq!(workflows::delete().bind(client, &tenant, &changed.id).unwrap(), 1);
    assert_eq!(workflows::get().bind(client, &tenant, &changed.id).opt().unwrap(), None);
}

#[test]
fn versions_stand_beside_each_other_the_last_added_first() {
    let mut world = World::new();
    let (tenant, other, client) = (world.tenant, world.other, &mut world.client);
    // In the order of no alphabet.
    let added =
        ["1.9.0", "1.10.0", "1.2.1"].map(|version| create(client, tenant, "review", version).unwrap());
    create(client, tenant, "publish", "3.0.0").unwrap();
    create(client, other, "review", "4.0.0").unwrap();
    assert_eq!(sqlstate(create(client, tenant, "review", "1.9.0")), "23505");
    for workflow in &added {
        let found =
            workflows::get_by_name_and_version().bind(client, &tenant, &"review", &workflow.version).one();
        assert_eq!(&found.unwrap(), workflow);
    }
    let missing = workflows::get_by_name_and_version().bind(client, &tenant, &"review", &"4.0.0").opt();
    assert_eq!(missing.unwrap(), None);
    let mut latest = |max_rows: i64| {
        let found = workflows::latest_versions().bind(client, &tenant, &"review", &max_rows).all().unwrap();
        found.into_iter().map(|workflow| workflow.version).collect::<Vec<_>>()
    };
    assert_eq!(latest(1), ["1.2.1"]);
    assert_eq!(latest(10), ["1.2.1", "1.10.0", "1.9.0"]);
}

#[test]
fn pages_have_every_workflow_of_the_tenant_once() {
    let mut world = World::new();
    let (tenant, other, client) = (world.tenant, world.other, &mut world.client);
    for number in 0..12 {
        create(client, tenant, "review", &number.to_string()).unwrap();
        create(client, other, "review", &number.to_string()).unwrap();
    }
    for size in PAGE_SIZES {
        let found = pages(size, |last: Option<&Workflow>, max_rows| {
            workflows::list()
                .bind(client, &tenant, &last.map(|workflow| workflow.id), &max_rows)
                .all()
                .unwrap()
        });
        assert_eq!(found.len(), 12);
        assert!(found.iter().all(|workflow| workflow.tenant_id == tenant));
        assert!(found.is_sorted_by(|one, next| one.id < next.id), "{found:?}");
    }
}

#[test]
fn the_application_works_on_its_own_tenants_workflows() {
    let mut world = World::new();
    let (tenant, other) = (world.tenant, world.other);
    let theirs = create(&mut world.client, other, "review", "1").unwrap();
    let mut app = world.app(tenant);
    create(&mut app, tenant, "review", "1").unwrap();
    assert_eq!(sqlstate(create(&mut app, other, "review", "2")), "42501");
    assert_eq!(workflows::get().bind(&mut app, &other, &theirs.id).opt().unwrap(), None);
    assert_eq!(workflows::latest_versions().bind(&mut app, &other, &"review", &10).all().unwrap(), []);
    assert_eq!(update(&mut app, other, theirs.id).unwrap(), None);
    assert_eq!(workflows::delete().bind(&mut app, &other, &theirs.id).unwrap(), 0);
    assert_eq!(workflows::get().bind(&mut world.client, &other, &theirs.id).one().unwrap(), theirs);
}
