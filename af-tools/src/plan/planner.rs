//! Makes plans of definitions, with what is remembered of earlier runs.

use std::sync::Arc;

use serde::Serialize;
use serde_json::{Map, Value, json};
use tracing::{info, warn};

use super::{Definition, State};
use crate::memory::{Error, MemoryStore, Metadata, Namespace, Query, Select};

/// Under which keys the planner remembers how plans went; the plan's name follows.
const KEY_PREFIX: &str = "planner/";

/// A plan: who does what in which order.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// What is to be done.
    pub definition: Definition,
    /// What was remembered of earlier runs.
    pub recalled: Recalled,
}

impl Plan {
    /// Who does which step.
    pub fn assignments(&self) -> Map<String, Value> {
        self.definition.steps.iter().map(|step| (step.name.clone(), json!(step.agent))).collect()
    }
}

/// What the planner remembers of earlier runs of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "recalled", rename_all = "snake_case")]
pub enum Recalled {
    /// There was none.
    Nothing,
    /// There were some.
    Runs {
        /// How many.
        runs: u64,
        /// How the last one ended.
        last_state: String,
    },
    /// Nobody knows.
    WithoutMemory,
}

/// Makes plans, with whatever memory it is given.
pub struct Planner {
    memory: Arc<dyn MemoryStore>,
}

impl Planner {
    /// One that works with this memory.
    pub fn new(memory: Arc<dyn MemoryStore>) -> Self {
        Self { memory }
    }

    /// A plan. Memory only helps: where there is none, or where it fails, the plan is made without, which it says.
    pub fn plan(&self, namespace: &Namespace, definition: Definition) -> Plan {
        let key = format!("{KEY_PREFIX}{}", definition.name);
        let recalled = match self.memory.query(namespace, &Query::new(Select::Key(key))) {
            Ok(page) => page.entries.first().map_or(Recalled::Nothing, |entry| recall(&entry.value)),
            Err(error) => {
                tell(&error, "plan");
                Recalled::WithoutMemory
            }
        };
        Plan { definition, recalled }
    }

    /// Remembers how a run of the plan ended.
    pub fn remember(&self, namespace: &Namespace, plan: &Plan, state: State) {
        let runs = match plan.recalled {
            Recalled::Runs { runs, .. } => runs + 1,
            Recalled::Nothing => 1,
            // It was said already.
            Recalled::WithoutMemory => return,
        };
        let key = format!("{KEY_PREFIX}{}", plan.definition.name);
        let value = json!({"runs": runs, "last_state": state, "last_version": plan.definition.version});
        let metadata = Metadata::from_iter([("kind".to_owned(), json!("plan"))]);
        if let Err(error) = self.memory.save(namespace, &key, value, metadata) {
            tell(&error, "remember the plan");
        }
    }
}

fn recall(value: &Value) -> Recalled {
    match (value["runs"].as_u64(), value["last_state"].as_str()) {
        (Some(runs), Some(state)) => Recalled::Runs { runs, last_state: state.to_owned() },
        // Somebody else wrote that.
        _ => Recalled::Nothing,
    }
}

fn tell(error: &Error, doing: &str) {
    match error {
        Error::Disabled => info!("memory is disabled: the plan is made and run without it"),
        error => warn!(error = %error, "{doing}: memory failed, going on without"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::{Config, Container, Sources};

    #[test]
    fn the_planner_remembers_how_a_plan_went() {
        let namespace: Namespace = "a".parse().unwrap();
        let definition = || Definition::parse("name: x\nsteps: [{name: a, clear: {}}]".to_owned()).unwrap();
        for (is_enabled, expected) in [
            (
                true,
                [
                    Recalled::Nothing,
                    Recalled::Runs { runs: 1, last_state: "failed".to_owned() },
                    Recalled::Runs { runs: 2, last_state: "failed".to_owned() },
                ],
            ),
            (false, [Recalled::WithoutMemory, Recalled::WithoutMemory, Recalled::WithoutMemory]),
        ] {
            let config = Config { is_enabled, ..Config::default() };
            let planner = Planner::new(Container::new(&config, Sources::seeded(1)).memory());
            for expected in expected {
                let plan = planner.plan(&namespace, definition());
                assert_eq!(plan.recalled, expected);
                planner.remember(&namespace, &plan, State::Failed);
            }
        }
    }
}
