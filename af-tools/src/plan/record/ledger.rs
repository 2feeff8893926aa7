//! A run in the database: its plan, the messages between planner and agents, and entries of the audit ledger.
//!
//! Each step is one transaction, and the plan's end goes into that of its last step: what is stored is whole at any time.

use af_core::canonical::Json;
use af_core::envelope::{Envelope, EnvelopeError, EnvelopeHasher};
use af_core::timestamp::Timestamp;
use af_queries::client::Params;
use af_queries::queries::{audits, messages, plans, workflows};
use postgres::error::SqlState;
use postgres::{Client, Transaction};
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::{Recorded, Recorder};
use crate::connection::Connection;
use crate::memory::Sources;
use crate::plan::{Definition, Outcome, Plan, State, StepRun};
use crate::relation::{Relation, RelationError};
use crate::server::ServerError;
use crate::tenant;

/// Who sends requests to agents and gets their responses.
const PLANNER: &str = "planner";
/// 2000-01-01, from which [`Timestamp`] counts, in seconds since 1970.
const POSTGRES_EPOCH_SECONDS: i64 = 946_684_800;

/// Why a run cannot be recorded.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// There are no such tables.
    #[error(transparent)]
    Relation(#[from] RelationError),
    /// The tenant is not there, or this role cannot see it.
    #[error("there is no tenant \"{0}\"")]
    NoTenant(String),
    /// What is known by this name and version is something else.
    #[error("workflow \"{name}\" has a version {version} already, which is another than this file")]
    OtherDefinition {
        /// The plan's name.
        name: String,
        /// Its version.
        version: String,
    },
    /// A message has no canonical form.
    #[error("hash the message of step {number}")]
    Envelope {
        /// The step.
        number: usize,
        /// Why.
        source: EnvelopeError,
    },
    /// The server refused.
    #[error("{doing}")]
    Server {
        /// What was being done.
        doing: &'static str,
        /// What it said.
        source: ServerError,
    },
}

impl RecordError {
    /// What can be done about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Relation(error) => error.hint(),
            Self::NoTenant(_) => Some(tenant::MISSING_HINT.to_owned()),
            Self::OtherDefinition { .. } => Some("Give the file another version.".to_owned()),
            Self::Envelope { .. } => None,
            Self::Server { source, .. } => source.hint(),
        }
    }
}

fn doing<E: Into<ServerError>>(doing: &'static str) -> impl FnOnce(E) -> RecordError {
    move |error| RecordError::Server { doing, source: error.into() }
}

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

/// What is recorded.
#[derive(Debug, Clone, Copy, Default)]
struct Counts {
    steps: usize,
    messages: u64,
    audits: u64,
    last_seq: i64,
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

/// What one transaction adds; it counts once that is committed.
struct Draft<'a> {
    transaction: Transaction<'a>,
    tenant: Uuid,
    plan_id: Uuid,
    counts: Counts,
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

impl Draft<'_> {
    fn commit(self) -> Result<Counts, RecordError> {
        self.transaction.commit().map_err(doing("commit what was done"))?;
        Ok(self.counts)
    }

    /// A request to the agent, its response, and an entry of the ledger. The entry has no values: it can never be erased.
    fn step(&mut self, run: &StepRun, sources: &Sources) -> Result<(), RecordError> {
        let StepRun { number, step, outcome, began_at, ended_at } = run;
        let request = json!({"number": number, "name": step.name, "action": step.action});
        self.message(run, "request", [PLANNER, &step.agent], &request, *began_at, sources)?;
        self.message(run, "response", [&step.agent, PLANNER], &json!(outcome), *ended_at, sources)?;
        let mut details = json!({
            "plan_id": self.plan_id, "number": number, "step": step.name, "outcome": outcome.name(),
        });
        match outcome {
            Outcome::Saved { id, is_new, value_bytes, evicted } => {
                details["entry_id"] = json!(id);
                details["is_new"] = json!(is_new);
                details["value_bytes"] = json!(value_bytes);
                details["evicted"] = json!(evicted);
            }
            Outcome::Found { total, .. } => details["total"] = json!(total),
            Outcome::Cleared { entries } => details["entries"] = json!(entries),
            Outcome::Failed { error, .. } => details["error"] = json!(error),
            Outcome::Summarized { .. } | Outcome::WithoutMemory => {}
        }
        self.counts.steps += 1;
        self.audit(audits::CreateParams {
            tenant_id: self.tenant,
            ts: None,
            actor_type: "agent",
            actor_id: step.agent.as_str(),
            action: format!("memory.{}", step.action.name()).as_str(),
            resource_type: "memory",
            resource_id: step.action.subject(),
            details,
        })
    }

    fn message(
        &mut self,
        run: &StepRun,
        kind: &str,
        [from, to]: [&str; 2],
        payload: &Value,
        ts: Timestamp,
        sources: &Sources,
    ) -> Result<(), RecordError> {
        let (trace_id, span_id) = (self.plan_id.to_string(), run.number.to_string());
        let metadata = json!({"step": run.step.name});
        let (payload_text, metadata_text) = (payload.to_string(), metadata.to_string());
        let envelope = Envelope {
            id: sources.ids.next(),
            trace_id: Some(trace_id.as_bytes()),
            span_id: Some(span_id.as_bytes()),
            from_agent: from.as_bytes(),
            to_agent: to.as_bytes(),
            message_type: kind.as_bytes(),
            payload: Json::Text(payload_text.as_bytes()),
            metadata: Json::Text(metadata_text.as_bytes()),
            cost: Json::Text(b"{}"),
            ts,
        };
        let hash = EnvelopeHasher::default()
            .hash(&envelope)
            .map_err(|source| RecordError::Envelope { number: run.number, source })?;
        let row = messages::CreateParams {
            tenant_id: self.tenant,
            id: envelope.id,
            trace_id: Some(trace_id.as_str()),
            span_id: Some(span_id.as_str()),
            from_agent: from,
            to_agent: to,
            r#type: kind,
            payload: payload.clone(),
            metadata,
            cost: json!({}),
            ts: offset_date_time(ts),
            envelope_hash: hash.to_string(),
        };
        let stored = messages::create().params(&mut self.transaction, &row).one();
        stored.map_err(doing("insert a message"))?;
        self.counts.messages += 1;
        Ok(())
    }

    /// The plan with what came of its steps, and an entry of the ledger.
    fn end(
        &mut self,
        plan: &plans::Plan,
        steps: &[StepRun],
        state: State,
        actor: &str,
    ) -> Result<(), RecordError> {
        let begun = json!(steps);
        let not_begun = plan.steps.as_array().map_or(&[][..], Vec::as_slice).iter().skip(steps.len());
        let all: Vec<Value> = begun.as_array().into_iter().flatten().chain(not_begun).cloned().collect();
        let row = plans::UpdateParams {
            state: state.name(),
            steps: Value::Array(all),
            assignments: plan.assignments.clone(),
            cost: plan.cost.clone(),
            tenant_id: plan.tenant_id,
            id: plan.id,
        };
        let updated = plans::update().params(&mut self.transaction, &row).one();
        updated.map_err(doing("update the plan"))?;
        self.audit_plan(actor, &format!("plan.{}", state.name()), json!({"steps": steps.len()}))
    }

    fn audit_plan(&mut self, actor: &str, action: &str, details: Value) -> Result<(), RecordError> {
        let plan_id = self.plan_id.to_string();
        self.audit(audits::CreateParams {
            tenant_id: self.tenant,
            ts: None,
            actor_type: "user",
            actor_id: actor,
            action,
            resource_type: "plan",
            resource_id: Some(plan_id.as_str()),
            details,
        })
    }

    fn audit(
        &mut self,
        entry: audits::CreateParams<&str, &str, &str, &str, &str, Value>,
    ) -> Result<(), RecordError> {
        let created = audits::create().params(&mut self.transaction, &entry).one();
        self.counts.last_seq = created.map_err(doing("insert an entry into audits"))?.seq;
        self.counts.audits += 1;
        Ok(())
    }
}

/// For the driver. The years that a [`Timestamp`] can have are all within reach.
fn offset_date_time(ts: Timestamp) -> OffsetDateTime {
    OffsetDateTime::UNIX_EPOCH
        + Duration::seconds(POSTGRES_EPOCH_SECONDS)
        + Duration::microseconds(ts.postgres_micros())
}
