//! What the guards should be: read from the schema that the migrations lead to.

use std::collections::{BTreeMap, BTreeSet};

use super::Expectations;
use crate::migrate::EXPECTED;

/// The schema that the tables are in there.
pub(super) const SCHEMA: &str = "public";

/// Guards, by what they are on.
#[derive(Debug, Default)]
pub(super) struct Expected {
    /// Tables under row-level security, all of them forced.
    pub(super) tables: BTreeSet<String>,
    /// By table and name: the definition.
    pub(super) triggers: BTreeMap<(String, String), String>,
    /// By table and name, those that fire whatever session_replication_role is.
    pub(super) always: BTreeSet<(String, String)>,
    /// By table and name: the definition.
    pub(super) policies: BTreeMap<(String, String), String>,
    pub(super) grants: BTreeSet<Grant>,
    /// The definition of `af_tenant_id()`, on which the policies stand, with single spaces.
    pub(super) tenant_function: String,
}

/// One privilege.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Grant {
    pub(super) table: String,
    pub(super) column: Option<String>,
    pub(super) privilege: String,
    pub(super) role: String,
}

impl Expected {
    /// Of the migrations of this build.
    pub(super) fn of_build() -> Self {
        let mut expected = Self::default();
        let mut rows_secured = BTreeSet::new();
        for line in EXPECTED.lines() {
            let Some(line) = line.strip_suffix(';') else { continue };
            let words: Vec<&str> = line.split(' ').collect();
            match words.as_slice() {
                ["ALTER", "TABLE", "ONLY", table, "FORCE", "ROW", ..] => {
                    expected.tables.insert(bare(table));
                }
                ["ALTER", "TABLE", table, "ENABLE", "ROW", ..] => {
                    rows_secured.insert(bare(table));
                }
                ["ALTER", "TABLE", table, "ENABLE", "ALWAYS", "TRIGGER", name] => {
                    expected.always.insert((bare(table), (*name).to_owned()));
                }
                ["CREATE", "TRIGGER", name, ..] => {
                    let table = words.iter().skip_while(|word| **word != "ON").nth(1);
                    let key = (table.map(|table| bare(table)).unwrap_or_default(), (*name).to_owned());
                    expected.triggers.insert(key, line.to_owned());
                }
                ["CREATE", "POLICY", name, "ON", table, ..] => {
                    expected.policies.insert((bare(table), (*name).to_owned()), line.to_owned());
                }
                ["GRANT", privileges, "ON", "TABLE", table, "TO", role] => {
                    expected.grants.extend(grants(privileges, &bare(table), role));
                }
                _ => {}
            }
        }
        // What is forced and not enabled is no security.
        expected.tables.retain(|table| rows_secured.contains(table));
        expected.tenant_function = tenant_function();
        expected
    }

    /// How many of each kind there are.
    pub(super) fn count(&self) -> Expectations {
        let Self { always, tables, policies, grants, .. } = self;
        Expectations {
            triggers: always.len(),
            tables: tables.len(),
            policies: policies.len(),
            grants: grants.len(),
        }
    }
}

/// A table's name without the schema.
fn bare(name: &str) -> String {
    name.strip_prefix(&format!("{SCHEMA}.")).unwrap_or(name).to_owned()
}

/// What `SELECT,INSERT` or `UPDATE(column)` stands for.
fn grants<'a>(privileges: &'a str, table: &'a str, role: &'a str) -> impl Iterator<Item = Grant> + use<'a> {
    privileges.split(',').map(move |one| {
        let (privilege, column) = match one.strip_suffix(')').and_then(|one| one.split_once('(')) {
            Some((privilege, column)) => (privilege, Some(column.to_owned())),
            None => (one, None),
        };
        Grant { table: table.to_owned(), column, privilege: privilege.to_owned(), role: role.to_owned() }
    })
}

fn tenant_function() -> String {
    let begin = format!("CREATE FUNCTION {SCHEMA}.af_tenant_id()");
    let definition = EXPECTED.find(&begin).map(|start| &EXPECTED[start..]).unwrap_or_default();
    single_spaced(definition.split_once(";\n").map_or(definition, |(definition, _)| definition))
}

/// A definition, wherever its lines are broken.
pub(super) fn single_spaced(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_guards_are_found() {
        let expected = Expected::of_build();
        assert_eq!(expected.tables.len(), 13, "{:?}", expected.tables);
        let always: Vec<String> =
            expected.always.iter().map(|(table, name)| format!("{table}.{name}")).collect();
        assert_eq!(
            always,
            [
                "audit_checkpoints.af_audit_guard",
                "audit_checkpoints.af_audit_guard_truncate",
                "audit_verifications.af_audit_guard",
                "audit_verifications.af_audit_guard_truncate",
                "audits.af_audit_guard",
                "audits.af_audit_guard_truncate",
                "audits.zz_af_audit_chain",
                "messages.af_audit_guard",
                "messages.af_audit_guard_truncate",
                "messages.zz_af_envelope_check"
            ]
        );
        assert!(expected.always.iter().all(|key| expected.triggers.contains_key(key)));
        // A verification is of no tenant.
        assert!(
            expected.tables.iter().filter(|table| *table != "audit_verifications").all(|table| {
                expected.policies.contains_key(&(table.clone(), "af_own_tenant".to_owned()))
            })
        );
        let grant = |column: Option<&str>, privilege: &str| Grant {
            table: "audits".to_owned(),
            column: column.map(str::to_owned),
            privilege: privilege.to_owned(),
            role: "af_app".to_owned(),
        };
        assert!(expected.grants.contains(&grant(Some("details"), "INSERT")));
        assert!(expected.grants.contains(&grant(None, "SELECT")));
        assert!(!expected.grants.contains(&grant(Some("hash"), "INSERT")));
        assert!(expected.tenant_function.contains("'af.tenant_id'"), "{}", expected.tenant_function);
    }
}
