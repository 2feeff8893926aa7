//! A run in the database: its plan, the messages between planner and agents, and entries of the audit ledger.
//!
//! Each step is one transaction, and the plan's end goes into that of its last step: what is stored is whole at any time.

use af_queries::client::Params;
use af_queries::queries::{plans, workflows};
use postgres::Client;
use postgres::error::SqlState;
use serde_json::{Value, json};
use uuid::Uuid;

use super::draft::{Counts, Draft, PLANNER};
use super::error::{RecordError, doing};
use super::{Recorded, Recorder};
use crate::connection::Connection;
use crate::memory::Sources;
use crate::plan::{Definition, Plan, State, StepRun};
use crate::relation::Relation;
use crate::tenant;

/// Records runs in the rows of one tenant.
pub struct Ledger {
    connection: Connection,
    tenant: Uuid,
    actor: String,
    sources: Sources,
    /// The row of `plans`, with the steps as they were planned.
    plan: Option<plans::Plan>,
    counts: Counts,
}

impl Ledger {
    /// For a tenant, given by its name or UUID, and in the name of whoever runs the plan.
    ///
    /// # Errors
    ///
    /// When there is no such tenant, or when there are not the tables.
    pub fn open(
        mut connection: Connection,
        tenant: &str,
        actor: String,
        sources: Sources,
    ) -> Result<Self, RecordError> {
        let client = &mut connection.client;
        for table in ["tenants", "workflows", "plans", "messages", "audits"] {
            Relation::find(client, table)?;
        }
        let found = tenant::work_for(client, tenant).map_err(doing("find the tenant"))?;
        let tenant = found.ok_or_else(|| RecordError::NoTenant(tenant.to_owned()))?;
        Ok(Self { connection, tenant, actor, sources, plan: None, counts: Counts::default() })
    }

    /// Whose rows they are.
    pub fn tenant(&self) -> Uuid {
        self.tenant
    }
}

impl Recorder for Ledger {
    fn begin(&mut self, plan: &Plan) -> Result<(), RecordError> {
        let Plan { definition, .. } = plan;
        let workflow_id = workflow(&mut self.connection.client, self.tenant, definition)?;
        let mut transaction = self.connection.client.transaction().map_err(doing("begin a transaction"))?;
        let row = plans::CreateParams {
            tenant_id: self.tenant,
            workflow_id,
            state: State::Running.name(),
            steps: json!(definition.steps),
            assignments: Value::Object(plan.assignments()),
            cost: json!({}),
        };
        let row = plans::create().params(&mut transaction, &row).one().map_err(doing("insert the plan"))?;
        let counts = Counts::default();
        let mut draft = Draft { transaction, tenant: self.tenant, plan_id: row.id, counts };
        let details = json!({
            "name": definition.name, "version": definition.version, "workflow_id": workflow_id,
            "steps": definition.steps.len(),
        });
        draft.audit_plan(&self.actor, "plan.start", details)?;
        self.counts = draft.commit()?;
        self.plan = Some(row);
        Ok(())
    }

    fn record(&mut self, steps: &[StepRun], state: State) -> Result<(), RecordError> {
        let Some(plan) = &self.plan else { return Ok(()) };
        let transaction = self.connection.client.transaction().map_err(doing("begin a transaction"))?;
        let mut draft = Draft { transaction, tenant: self.tenant, plan_id: plan.id, counts: self.counts };
        for step in steps.iter().skip(self.counts.steps) {
            draft.step(step, &self.sources)?;
        }
        if state != State::Running {
            draft.end(plan, steps, state, &self.actor)?;
        }
        self.counts = draft.commit()?;
        Ok(())
    }

    fn recorded(&self) -> Option<Recorded> {
        let plan_id = self.plan.as_ref()?.id;
        let Counts { messages, audits, last_seq, .. } = self.counts;
        Some(Recorded { plan_id, trace_id: plan_id.to_string(), messages, audits, last_seq })
    }
}

/// The workflow of which the plan is a run: what is there by that name and version must be this very text.
fn workflow(client: &mut Client, tenant: Uuid, definition: &Definition) -> Result<Uuid, RecordError> {
    let Definition { name, version, text, .. } = definition;
    let find = |client: &mut Client| {
        let found = workflows::get_by_name_and_version().bind(client, &tenant, name, version).opt();
        found.map_err(doing("look up the workflow"))
    };
    let row = workflows::CreateParams {
        tenant_id: tenant,
        name: name.as_str(),
        version: version.as_str(),
        config_yaml: text.as_str(),
        planner_type: PLANNER,
        template_version_constraint: None::<&str>,
    };
    let found = match find(client)? {
        Some(found) => found,
        None => match workflows::create().params(client, &row).one() {
            Ok(created) => created,
            // Somebody else was quicker.
            Err(error) if error.code() == Some(&SqlState::UNIQUE_VIOLATION) => {
                find(client)?.ok_or_else(|| doing("insert the workflow")(error))?
            }
            Err(error) => return Err(doing("insert the workflow")(error)),
        },
    };
    if found.config_yaml == *text {
        Ok(found.id)
    } else {
        Err(RecordError::OtherDefinition { name: name.clone(), version: version.clone() })
    }
}
