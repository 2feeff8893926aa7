//! From YAML to a definition. What is wrong is named with its line and column.

use std::collections::BTreeSet;
use std::io::{self, Read};

use serde::Deserialize;
use serde_json::Value;
use serde_saphyr::{Location, MergeKeyPolicy, Spanned, UserMessageFormatter};

use super::definition::{Action, Clear, Definition, Expect, Lookup, Save, Step, SumUp};
use crate::memory::MAX_LIMIT;

/// The largest file.
pub const MAX_FILE_BYTES: u64 = 1 << 20;
/// The most steps.
pub const MAX_STEPS: usize = 1000;
/// The longest name.
const MAX_NAME_BYTES: usize = 255;
const DEFAULT_VERSION: &str = "1";
const DEFAULT_AGENT: &str = "worker";

/// Why a file defines no plan.
#[derive(Debug, thiserror::Error)]
pub enum DefinitionError {
    /// The file or pipe fails.
    #[error("it cannot be read")]
    Io(#[source] io::Error),
    /// More than [`MAX_FILE_BYTES`].
    #[error("it has more than {MAX_FILE_BYTES} bytes")]
    TooLarge,
    /// Not text.
    #[error("it is not UTF-8")]
    NotText,
    /// Something is wrong in it.
    #[error("line {line}, column {column}: {reason}")]
    Malformed {
        /// Where, counted from 1.
        line: u64,
        /// Where in the line, in characters from 1.
        column: u64,
        /// What.
        reason: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: Spanned<String>,
    version: Option<Spanned<String>>,
    agent: Option<Spanned<String>>,
    steps: Spanned<Vec<Spanned<FileStep>>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileStep {
    name: Spanned<String>,
    agent: Option<Spanned<String>>,
    save: Option<Save>,
    query: Option<Lookup>,
    summarize: Option<SumUp>,
    clear: Option<Clear>,
    expect: Option<Spanned<Expect>>,
}

impl Definition {
    /// Reads a file to its end.
    ///
    /// # Errors
    ///
    /// When it cannot be read, or is not what a plan is.
    pub fn read(input: impl Read) -> Result<Self, DefinitionError> {
        let mut bytes = Vec::new();
        input.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes).map_err(DefinitionError::Io)?;
        if bytes.len() as u64 > MAX_FILE_BYTES {
            return Err(DefinitionError::TooLarge);
        }
        Self::parse(String::from_utf8(bytes).map_err(|_| DefinitionError::NotText)?)
    }

    /// The same from text.
    ///
    /// # Errors
    ///
    /// When it is not what a plan is.
    pub fn parse(text: String) -> Result<Self, DefinitionError> {
        // YAML 1.2 without what surprises: `no` is a text, `<<` no merge, 007 no number.
        let options = serde_saphyr::options! {
            with_snippet: false,
            strict_booleans: true,
            leading_zero_numbers_as_strings: true,
            underscored_numbers_as_strings: true,
            merge_keys: MergeKeyPolicy::Error,
        };
        let file: File = serde_saphyr::from_str_with_options(&text, options).map_err(from_yaml)?;
        let name = checked_name(&file.name)?;
        let version = file.version.as_ref().map_or_else(|| Ok(DEFAULT_VERSION.to_owned()), checked_name)?;
        let agent = file.agent.as_ref().map_or_else(|| Ok(DEFAULT_AGENT.to_owned()), checked_name)?;
        let Spanned { value: file_steps, referenced, .. } = file.steps;
        if !(1..=MAX_STEPS).contains(&file_steps.len()) {
            return Err(malformed(
                referenced,
                format!("{} steps, 1 to {MAX_STEPS} expected", file_steps.len()),
            ));
        }
        let mut names = BTreeSet::new();
        let mut steps = Vec::with_capacity(file_steps.len());
        for step in file_steps {
            let place = step.value.name.referenced;
            let step = step.value.step(step.referenced, &agent)?;
            if !names.insert(step.name.clone()) {
                return Err(malformed(place, format!("there is a step \"{}\" already", step.name)));
            }
            steps.push(step);
        }
        Ok(Self { name, version, steps, text })
    }
}

impl FileStep {
    fn step(self, place: Location, default_agent: &str) -> Result<Step, DefinitionError> {
        let name = checked_name(&self.name)?;
        let agent = self.agent.as_ref().map_or_else(|| Ok(default_agent.to_owned()), checked_name)?;
        let actions = [
            self.save.map(Action::Save),
            self.query.map(Action::Query),
            self.summarize.map(Action::Summarize),
            self.clear.map(Action::Clear),
        ];
        let mut actions = actions.into_iter().flatten();
        let (Some(action), None) = (actions.next(), actions.next()) else {
            let reason =
                format!("step \"{name}\" has to have exactly one of save, query, summarize and clear");
            return Err(malformed(place, reason));
        };
        if let Some(reason) = fault(&action) {
            return Err(malformed(place, format!("step \"{name}\": {reason}")));
        }
        if let Some(expect) = self.expect.as_ref().filter(|_| !matches!(action, Action::Query(_))) {
            return Err(malformed(expect.referenced, "only a query can expect something"));
        }
        Ok(Step { name, agent, action, expect: self.expect.map(|expect| expect.value) })
    }
}

/// What would make no sense in any store, or could not be recorded in the database.
fn fault(action: &Action) -> Option<String> {
    let has_nul = match action {
        Action::Save(Save { key, value, metadata }) => {
            key.contains('\0')
                || holds_nul(value)
                || metadata.iter().any(|(key, value)| key.contains('\0') || holds_nul(value))
        }
        Action::Query(Lookup { filter, .. }) | Action::Summarize(SumUp { filter, .. }) => {
            action.subject().is_some_and(|subject| subject.contains('\0'))
                || filter.iter().any(|(key, value)| key.contains('\0') || holds_nul(value))
        }
        Action::Clear(_) => false,
    };
    if has_nul {
        return Some("PostgreSQL keeps no text with the character U+0000 in it".to_owned());
    }
    match action {
        Action::Query(Lookup { key: Some(_), prefix: Some(_), .. }) => {
            Some("key and prefix exclude each other".to_owned())
        }
        Action::Query(Lookup { limit, .. }) if !(1..=MAX_LIMIT).contains(limit) => {
            Some(format!("limit is {limit}, 1 to {MAX_LIMIT} expected"))
        }
        _ => None,
    }
}

fn holds_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(values) => values.iter().any(holds_nul),
        Value::Object(map) => map.iter().any(|(key, value)| key.contains('\0') || holds_nul(value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

fn checked_name(name: &Spanned<String>) -> Result<String, DefinitionError> {
    let Spanned { value, referenced, .. } = name;
    if value.is_empty() || value.len() > MAX_NAME_BYTES || value.contains(char::is_control) {
        let reason = format!("a name has 1 to {MAX_NAME_BYTES} bytes, and no control characters");
        return Err(malformed(*referenced, reason));
    }
    Ok(value.clone())
}

fn malformed(place: Location, reason: impl Into<String>) -> DefinitionError {
    DefinitionError::Malformed { line: place.line(), column: place.column(), reason: reason.into() }
}

fn from_yaml(error: serde_saphyr::Error) -> DefinitionError {
    let place = error.location().unwrap_or(Location::UNKNOWN);
    let text = error.render_with_formatter(&UserMessageFormatter);
    // The place is told in our own words.
    let suffix = format!(" at line {}, column {}", place.line(), place.column());
    malformed(place, text.strip_suffix(&suffix).unwrap_or(&text))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parse(text: &str) -> Result<Definition, String> {
        Definition::parse(text.to_owned()).map_err(|error| error.to_string())
    }

    fn with_step(step: &str) -> String {
        format!("name: x\nsteps:\n  - name: a\n    {step}\n")
    }

    #[test]
    fn a_file_says_what_is_to_be_done() {
        let text = "\
name: triage
version: 1.0
agent: scout
steps:
  - name: remember
    save: {key: user/1, value: {a: [1, 1.5, no, ~], b: 007}, metadata: {kind: user}}
  - name: recall
    agent: reader
    query: {prefix: user/, where: {kind: user}, limit: 5}
    expect: {total: 1}
  - {name: all, query: {}}
  - {name: sum up, summarize: {}}
  - {name: forget, clear: {}}
";
        let definition = parse(text).unwrap();
        assert_eq!((definition.name.as_str(), definition.version.as_str()), ("triage", "1.0"));
        assert_eq!(definition.text, text);
        let expected = json!([
            {"name": "remember", "agent": "scout", "action": {"save": {
                "key": "user/1", "value": {"a": [1, 1.5, "no", null], "b": "007"}, "metadata": {"kind": "user"}}}},
            {"name": "recall", "agent": "reader", "expect": {"total": 1}, "action": {"query": {
                "prefix": "user/", "where": {"kind": "user"}, "limit": 5}}},
            {"name": "all", "agent": "scout", "action": {"query": {"where": {}, "limit": 100}}},
            {"name": "sum up", "agent": "scout", "action": {"summarize": {"prefix": "", "where": {}}}},
            {"name": "forget", "agent": "scout", "action": {"clear": {}}},
        ]);
        assert_eq!(serde_json::to_value(&definition.steps).unwrap(), expected);
    }

    #[test]
    fn faults_are_named_with_their_place() {
        let two = format!("{}  - name: a\n    clear: {{}}\n", with_step("clear: {}"));
        for (text, expected) in [
            ("", "line 1, column 1: "),
            ("name: x\nstps: []\n", "line 2, column 1: unknown field `stps`"),
            ("name: x\nname: y\n", "line 2, column 1: duplicate mapping key"),
            ("name: x\nsteps: [\n", "line 2, column 8: "),
            ("name: x\n", "missing field `steps`"),
            ("name: x\nsteps: []\n", "line 2, column 8: 0 steps, 1 to 1000 expected"),
            ("name: ''\nsteps: []\n", "line 1, column 7: a name has 1 to 255 bytes"),
            ("name: x\nsteps: [{name: a, clear: {}}]\n---\nname: y\n", "line 4, column 1: "),
            (&with_step("clear: {all: true}"), "line 4, column 13: unknown field `all`"),
            (
                &with_step("save: {key: k, value: 1, metdata: {}}"),
                "line 4, column 30: unknown field `metdata`",
            ),
            (&with_step("save: {key: k}"), "missing field `value`"),
            (&with_step("save: {key: k, value: {a: 1, a: 2}}"), "duplicate mapping key"),
            (&with_step("save: {key: k, value: .inf}"), "line 4, column 27: value `.inf` is not a finite"),
            (&with_step("save: {key: k, value: \"\\0\"}"), "U+0000"),
            (&with_step("save: {key: k, value: {<<: {a: 1}}}"), "merge"),
            (&with_step("agent: b"), "line 3, column 5: step \"a\" has to have exactly one of"),
            (&with_step("clear: {}\n    query: {}"), "exactly one of"),
            (&with_step("query: {key: a, prefix: b}"), "exclude each other"),
            (&with_step("query: {limit: 0}"), "limit is 0, 1 to 1000 expected"),
            (&with_step("query: {limit: -1}"), "line 4, column 20: "),
            (&with_step("clear: {}\n    expect: {total: 1}"), "line 5, column 13: only a query"),
            (&two, "line 5, column 11: there is a step \"a\" already"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.starts_with("line ") && error.contains(expected), "{text}\n{error}");
        }
    }

    #[test]
    fn a_file_can_neither_be_endless_nor_explode() {
        assert!(matches!(Definition::read(io::repeat(b'#')), Err(DefinitionError::TooLarge)));
        assert!(matches!(Definition::read(&b"name: \xff"[..]), Err(DefinitionError::NotText)));
        let levels = (1..12).map(|level| {
            let below = format!("*a{},", level - 1).repeat(10);
            format!("    a{level}: &a{level} [{below}]\n")
        });
        let bomb = format!(
            "name: x\nsteps:\n - name: a\n   save:\n    key: k\n    value:\n    a0: &a0 [x]\n{}",
            levels.collect::<String>()
        );
        assert!(parse(&bomb.replace("    a", "     a")).is_err());
        let deep =
            with_step(&format!("save: {{key: k, value: {}1{}}}", "[".repeat(100_000), "]".repeat(100_000)));
        assert!(parse(&deep).is_err());
    }
}
