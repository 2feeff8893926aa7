--: Plan()

--! create : Plan
INSERT INTO plans (tenant_id, workflow_id, state, steps, assignments, cost)
VALUES (:tenant_id, :workflow_id, :state, :steps, :assignments, :cost)
RETURNING tenant_id, id, workflow_id, state, steps, assignments, cost, created_at, updated_at;

--! get : Plan
SELECT tenant_id, id, workflow_id, state, steps, assignments, cost, created_at, updated_at
FROM plans
WHERE tenant_id = :tenant_id AND id = :id;

--! list (after?) : Plan
--- A page of the tenant's plans in order of id: `after` is the last id of the page before, null for the first page.
SELECT tenant_id, id, workflow_id, state, steps, assignments, cost, created_at, updated_at
FROM plans
WHERE tenant_id = :tenant_id AND (:after::uuid IS NULL OR id > :after)
ORDER BY id
LIMIT :max_rows;

--! list_by_workflow (before_created_at?, before_id?) : Plan
--- A page of a workflow's plans, the newest first: `before_…` are those of the last plan of the page before, null for
--- the first page.
SELECT tenant_id, id, workflow_id, state, steps, assignments, cost, created_at, updated_at
FROM plans
WHERE tenant_id = :tenant_id AND workflow_id = :workflow_id
    AND (:before_created_at::timestamptz IS NULL OR (created_at, id) < (:before_created_at, :before_id::uuid))
ORDER BY created_at DESC, id DESC
LIMIT :max_rows;

--! list_by_state (after_updated_at?, after_id?) : Plan
--- A page of the plans in a state, the one that has been in it unchanged for longest first: what is to be run next, and
--- what hangs. `after_…` are those of the last plan of the page before, null for the first page.
SELECT tenant_id, id, workflow_id, state, steps, assignments, cost, created_at, updated_at
FROM plans
WHERE tenant_id = :tenant_id AND state = :state
    AND (:after_updated_at::timestamptz IS NULL OR (updated_at, id) > (:after_updated_at, :after_id::uuid))
ORDER BY updated_at, id
LIMIT :max_rows;

--! update : Plan
UPDATE plans
SET state = :state, steps = :steps, assignments = :assignments, cost = :cost
WHERE tenant_id = :tenant_id AND id = :id
RETURNING tenant_id, id, workflow_id, state, steps, assignments, cost, created_at, updated_at;

--! change_state : Plan
--- From one state to another. No row if the plan is no longer in the first: somebody else was quicker.
UPDATE plans
SET state = :new_state
WHERE tenant_id = :tenant_id AND id = :id AND state = :old_state
RETURNING tenant_id, id, workflow_id, state, steps, assignments, cost, created_at, updated_at;

--! delete
DELETE FROM plans
WHERE tenant_id = :tenant_id AND id = :id;
