--: Workflow(template_version_constraint?)

--! create (template_version_constraint?) : Workflow
--- Adds a version of a workflow beside those that there are.
INSERT INTO workflows (tenant_id, name, version, config_yaml, planner_type, template_version_constraint)
VALUES (:tenant_id, :name, :version, :config_yaml, :planner_type, :template_version_constraint)
RETURNING tenant_id, id, name, version, config_yaml, planner_type, template_version_constraint, created_at, updated_at;

--! get : Workflow
SELECT tenant_id, id, name, version, config_yaml, planner_type, template_version_constraint, created_at, updated_at
FROM workflows
WHERE tenant_id = :tenant_id AND id = :id;

--! get_by_name_and_version : Workflow
SELECT tenant_id, id, name, version, config_yaml, planner_type, template_version_constraint, created_at, updated_at
FROM workflows
WHERE tenant_id = :tenant_id AND name = :name AND version = :version;

--! latest_versions : Workflow
--- The versions of a workflow, the one that was added last first. By time and not by number: version is free text.
SELECT tenant_id, id, name, version, config_yaml, planner_type, template_version_constraint, created_at, updated_at
FROM workflows
WHERE tenant_id = :tenant_id AND name = :name
ORDER BY created_at DESC, id DESC
LIMIT :max_rows;

--! list (after?) : Workflow
--- A page of the tenant's workflows in order of id: `after` is the last id of the page before, null for the first page.
SELECT tenant_id, id, name, version, config_yaml, planner_type, template_version_constraint, created_at, updated_at
FROM workflows
WHERE tenant_id = :tenant_id AND (:after::uuid IS NULL OR id > :after)
ORDER BY id
LIMIT :max_rows;

--! update (template_version_constraint?) : Workflow
--- Changes a version in place. What it is called stays: a plan that refers to it would be one of something else.
UPDATE workflows
SET config_yaml = :config_yaml, planner_type = :planner_type, template_version_constraint = :template_version_constraint
WHERE tenant_id = :tenant_id AND id = :id
RETURNING tenant_id, id, name, version, config_yaml, planner_type, template_version_constraint, created_at, updated_at;

--! delete
--- Refused (23503) as long as there are plans of it.
DELETE FROM workflows
WHERE tenant_id = :tenant_id AND id = :id;
