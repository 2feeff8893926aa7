--: Budget(resource_id?)

--! create (resource_id?) : Budget
--- Adds a budget, of which nothing has been used. A null resource_id is for all things of the type.
INSERT INTO budgets (tenant_id, name, type, resource_id, limits, period)
VALUES (:tenant_id, :name, :type, :resource_id, :limits, :period)
RETURNING tenant_id, id, name, type, resource_id, limits, current_usage, period, created_at, updated_at;

--! get : Budget
SELECT tenant_id, id, name, type, resource_id, limits, current_usage, period, created_at, updated_at
FROM budgets
WHERE tenant_id = :tenant_id AND id = :id;

--! get_by_name : Budget
SELECT tenant_id, id, name, type, resource_id, limits, current_usage, period, created_at, updated_at
FROM budgets
WHERE tenant_id = :tenant_id AND name = :name;

--! list (after?) : Budget
--- A page of the tenant's budgets in order of id: `after` is the last id of the page before, null for the first page.
SELECT tenant_id, id, name, type, resource_id, limits, current_usage, period, created_at, updated_at
FROM budgets
WHERE tenant_id = :tenant_id AND (:after::uuid IS NULL OR id > :after)
ORDER BY id
LIMIT :max_rows;

--! list_by_resource : Budget
--- The budgets that a thing draws on: its own, and those for all things of its type.
SELECT tenant_id, id, name, type, resource_id, limits, current_usage, period, created_at, updated_at
FROM budgets
WHERE tenant_id = :tenant_id AND type = :type AND (resource_id = :resource_id OR resource_id IS NULL)
ORDER BY id;

--! update (resource_id?) : Budget
--- Changes what the budget is; what has been used stays.
UPDATE budgets
SET name = :name, type = :type, resource_id = :resource_id, limits = :limits, period = :period
WHERE tenant_id = :tenant_id AND id = :id
RETURNING tenant_id, id, name, type, resource_id, limits, current_usage, period, created_at, updated_at;

--! add_usage : Budget
--- Adds to each measure that `used` names: {"tokens": 120, "usd": 0.0042}. Decimal numbers are added exactly, and what
--- sessions add at the same time is all counted. JSON null adds nothing; what is no number is refused (22023).
UPDATE budgets
SET current_usage = current_usage || coalesce(
    (
        SELECT jsonb_object_agg(
            u.measure,
            coalesce(NULLIF(current_usage -> u.measure, 'null')::numeric, 0) + coalesce(NULLIF(u.amount, 'null')::numeric, 0)
        )
        FROM jsonb_each(:used) AS u (measure, amount)
    ),
    '{}'
)
WHERE tenant_id = :tenant_id AND id = :id
RETURNING tenant_id, id, name, type, resource_id, limits, current_usage, period, created_at, updated_at;

--! reset_usage : Budget
--- Begins a period: nothing has been used.
UPDATE budgets
SET current_usage = '{}'
WHERE tenant_id = :tenant_id AND id = :id
RETURNING tenant_id, id, name, type, resource_id, limits, current_usage, period, created_at, updated_at;

--! delete
DELETE FROM budgets
WHERE tenant_id = :tenant_id AND id = :id;
