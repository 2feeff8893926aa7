use af_queries::client::{GenericClient, Params};
use af_queries::queries::plans::{
    self, CreateParams, ListByStateParams, ListByWorkflowParams, Plan, UpdateParams,
};
use af_tests::database::sqlstate;
use postgres::Error;
use serde_json::json;
use uuid::Uuid;

use crate::{PAGE_SIZES, World, pages, workflows};

fn create(
    client: &mut impl GenericClient,
    tenant_id: Uuid,
    workflow_id: Uuid,
    state: &str,
) -> Result<Plan, Error> {
    let (steps, assignments, cost) =
        (json!(["read", "write"]), json!({"read": "scout"}), json!({"usd": 0.25}));
    plans::create()
        .params(client, &CreateParams { tenant_id, workflow_id, state, steps, assignments, cost })
        .one()
}

fn update(client: &mut impl GenericClient, tenant_id: Uuid, id: Uuid) -> Result<Option<Plan>, Error> {
    let (steps, assignments, cost) = (json!([]), json!([]), json!({"usd": 0.5}));
    plans::update()
        .params(client, &UpdateParams { state: "done", steps, assignments, cost, tenant_id, id })
        .opt()
}

/// Workflows of both tenants.
fn world() -> (World, [Uuid; 2]) {
    let mut world = World::new();
    let workflows = [world.tenant, world.other]
        .map(|tenant| workflows::create(&mut world.client, tenant, "review", "1").unwrap().id);
    (world, workflows)
}

#[test]
fn a_plan_is_created_found_changed_and_deleted() {
    let (mut world, [workflow, others]) = world();
    let (tenant, client) = (world.tenant, &mut world.client);
    let plan = create(client, tenant, workflow, "new").unwrap();
    assert_eq!((plan.workflow_id, plan.state.as_str()), (workflow, "new"));
    assert_eq!((&plan.steps, &plan.cost), (&json!(["read", "write"]), &json!({"usd": 0.25})));
    assert_eq!(plans::get().bind(client, &tenant, &plan.id).one().unwrap(), plan);
    assert_eq!(sqlstate(create(client, tenant, others, "new")), "23503", "the workflow is another tenant's");

    let changed = update(client, tenant, plan.id).unwrap().expect("the plan");
    assert!(changed.updated_at > plan.updated_at);
    let expected = Plan {
        state: "done".to_owned(),
        steps: json!([]),
        assignments: json!([]),
        cost: json!({"usd": 0.5}),
        updated_at: changed.updated_at,
        ..plan
    };
    assert_eq!(changed, expected);

    assert_eq!(plans::delete().bind(client, &tenant, &changed.id).unwrap(), 1);
    assert_eq!(plans::get().bind(client, &tenant, &changed.id).opt().unwrap(), None);
}

#[test]
fn a_state_is_left_only_once() {
    let (mut world, [workflow, _]) = world();
    let (tenant, client) = (world.tenant, &mut world.client);
    let plan = create(client, tenant, workflow, "new").unwrap();
    let mut take =
        || plans::change_state().bind(client, &"running", &tenant, &plan.id, &"new").opt().unwrap();
    let taken = take().expect("the plan is new");
    assert_eq!((taken.state.as_str(), &taken.steps), ("running", &plan.steps));
    assert_eq!(take(), None, "it no longer is");
}

#[test]
fn pages_have_every_plan_once_in_each_order() {
    let (mut world, [workflow, others]) = world();
    let (tenant, other, client) = (world.tenant, world.other, &mut world.client);
    let second = workflows::create(client, tenant, "publish", "1").unwrap().id;
    // Of one transaction, and so of one time, by fours: then the id decides.
    for _ in 0..3 {
        let mut transaction = client.transaction().unwrap();
        for _ in 0..4 {
            create(&mut transaction, tenant, workflow, "new").unwrap();
            create(&mut transaction, tenant, second, "done").unwrap();
            create(&mut transaction, other, others, "new").unwrap();
        }
        transaction.commit().unwrap();
    }
    for size in PAGE_SIZES {
        let all = pages(size, |last: Option<&Plan>, max_rows| {
            plans::list().bind(client, &tenant, &last.map(|plan| plan.id), &max_rows).all().unwrap()
        });
        assert_eq!(all.len(), 24);
        assert!(all.iter().all(|plan| plan.tenant_id == tenant));
        assert!(all.is_sorted_by(|one, next| one.id < next.id), "{all:?}");

        let newest_first = pages(size, |last: Option<&Plan>, max_rows| {
            let params = ListByWorkflowParams {
                tenant_id: tenant,
                workflow_id: workflow,
                before_created_at: last.map(|plan| plan.created_at),
                before_id: last.map(|plan| plan.id),
                max_rows,
            };
            plans::list_by_workflow().params(client, &params).all().unwrap()
        });
        assert_eq!(newest_first.len(), 12);
        assert!(newest_first.iter().all(|plan| plan.workflow_id == workflow));
        let key = |plan: &Plan| (plan.created_at, plan.id);
        assert!(newest_first.is_sorted_by(|one, next| key(one) > key(next)), "{newest_first:?}");

        let longest_first = pages(size, |last: Option<&Plan>, max_rows| {
            let params = ListByStateParams {
                tenant_id: tenant,
                state: "new",
                after_updated_at: last.map(|plan| plan.updated_at),
                after_id: last.map(|plan| plan.id),
                max_rows,
            };
            plans::list_by_state().params(client, &params).all().unwrap()
        });
        assert_eq!(longest_first.len(), 12);
        assert!(longest_first.iter().all(|plan| (plan.tenant_id, plan.state.as_str()) == (tenant, "new")));
        let key = |plan: &Plan| (plan.updated_at, plan.id);
        assert!(longest_first.is_sorted_by(|one, next| key(one) < key(next)), "{longest_first:?}");
    }
}

#[test]
fn the_application_works_on_its_own_tenants_plans() {
    let (mut world, [workflow, others]) = world();
    let (tenant, other) = (world.tenant, world.other);
    let theirs = create(&mut world.client, other, others, "new").unwrap();
    let mut app = world.app(tenant);
    create(&mut app, tenant, workflow, "new").unwrap();
    assert_eq!(sqlstate(create(&mut app, other, others, "new")), "42501");
    assert_eq!(sqlstate(create(&mut app, tenant, others, "new")), "23503");
    assert_eq!(plans::get().bind(&mut app, &other, &theirs.id).opt().unwrap(), None);
    assert_eq!(
        plans::list_by_workflow().bind(&mut app, &other, &others, &None, &None, &9).all().unwrap(),
        []
    );
    assert_eq!(plans::list_by_state().bind(&mut app, &other, &"new", &None, &None, &9).all().unwrap(), []);
    assert_eq!(update(&mut app, other, theirs.id).unwrap(), None);
    assert_eq!(
        plans::change_state().bind(&mut app, &"mine", &other, &theirs.id, &"new").opt().unwrap(),
        None
    );
    assert_eq!(plans::delete().bind(&mut app, &other, &theirs.id).unwrap(), 0);
    assert_eq!(plans::get().bind(&mut world.client, &other, &theirs.id).one().unwrap(), theirs);
}
