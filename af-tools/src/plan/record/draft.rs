//! What one step adds to the database: messages with their envelope hashes, and entries of the ledger.

use af_core::canonical::Json;
use af_core::envelope::{Envelope, EnvelopeHasher};
use af_core::timestamp::Timestamp;
use af_queries::client::Params;
use af_queries::queries::{audits, messages, plans};
use postgres::Transaction;
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::error::{RecordError, doing};
use crate::memory::Sources;
use crate::plan::{Outcome, State, StepRun};

/// Who sends requests to agents and gets their responses.
pub(super) const PLANNER: &str = "planner";
/// 2000-01-01, from which [`Timestamp`] counts, in seconds since 1970.
const POSTGRES_EPOCH_SECONDS: i64 = 946_684_800;

/// What is recorded.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Counts {
    pub(super) steps: usize,
    pub(super) messages: u64,
    pub(super) audits: u64,
    pub(super) last_seq: i64,
}

/// What one transaction adds; it counts once that is committed.
pub(super) struct Draft<'a> {
    pub(super) transaction: Transaction<'a>,
    pub(super) tenant: Uuid,
    pub(super) plan_id: Uuid,
    pub(super) counts: Counts,
}

impl Draft<'_> {
    pub(super) fn commit(self) -> Result<Counts, RecordError> {
        self.transaction.commit().map_err(doing("commit what was done"))?;
        Ok(self.counts)
    }

    /// A request to the agent, its response, and an entry of the ledger. The entry has no values: it can never be erased.
    pub(super) fn step(&mut self, run: &StepRun, sources: &Sources) -> Result<(), RecordError> {
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
    pub(super) fn end(
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

    pub(super) fn audit_plan(
        &mut self,
        actor: &str,
        action: &str,
        details: Value,
    ) -> Result<(), RecordError> {
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
