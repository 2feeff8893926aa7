//! The triggers of the append-only tables, the functions that they call, and rules that would bypass both.

use super::{APPEND_ONLY, Catalog, Weakness};
use crate::server::{ServerError, quote_ident};

/// A trigger as the catalog has it.
struct Trigger {
    table: String,
    name: String,
    definition: String,
    /// `A`: always; `O`: but for replication; `R`: only there; `D`: never.
    enabled: String,
    /// Whether it comes before a row is stored, which it can then change or drop.
    is_before_row: bool,
    /// Whether its function is the extension's own, in C, from its library, and by the symbol of its name.
    is_genuine: bool,
}

const TRIGGERS: &str = "
    SELECT c.relname::text, t.tgname::text, pg_catalog.pg_get_triggerdef(t.oid), t.tgenabled::text,
           e.oid IS NOT NULL AND l.lanname = 'c' AND p.prosrc = p.proname AND p.probin = $3
               AND NOT p.prosecdef AND p.proconfig IS NULL,
           (t.tgtype & 3) = 3
    FROM pg_catalog.pg_trigger AS t
    JOIN pg_catalog.pg_class AS c ON c.oid = t.tgrelid
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    JOIN pg_catalog.pg_proc AS p ON p.oid = t.tgfoid
    JOIN pg_catalog.pg_language AS l ON l.oid = p.prolang
    LEFT JOIN pg_catalog.pg_depend AS d ON d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND d.objid = p.oid
        AND d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass AND d.deptype = 'e'
    LEFT JOIN pg_catalog.pg_extension AS e ON e.oid = d.refobjid AND e.extname = 'pg_af'
    WHERE n.nspname = $1 AND c.relname = ANY ($2) AND NOT t.tgisinternal
    ORDER BY 1, 2";

/// What the extension's control file says of its library.
const LIBRARY: &str = "pg_af";

const RULES: &str = "
    SELECT c.relname::text, r.rulename::text
    FROM pg_catalog.pg_rewrite AS r
    JOIN pg_catalog.pg_class AS c ON c.oid = r.ev_class
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname = $1 AND c.relname = ANY ($2)
    ORDER BY 1, 2";

pub(super) fn inspect(catalog: &mut Catalog<'_>) -> Result<Vec<Weakness>, ServerError> {
    let tables = APPEND_ONLY.as_slice();
    let rows = catalog.transaction.query(TRIGGERS, &[&catalog.schema, &tables, &LIBRARY])?;
    let found: Vec<Trigger> = rows
        .iter()
        .map(|row| Trigger {
            table: row.get(0),
            name: row.get(1),
            definition: row.get(2),
            enabled: row.get(3),
            is_genuine: row.get(4),
            is_before_row: row.get(5),
        })
        .collect();
    let mut weaknesses = missing(catalog, &found);
    for trigger in &found {
        weaknesses.extend(judge(catalog, trigger));
    }
    for row in catalog.transaction.query(RULES, &[&catalog.schema, &tables])? {
        let (table, rule): (String, String) = (row.get(0), row.get(1));
        weaknesses.push(Weakness::open(
            format!("rule {rule} on {table} rewrites statements before any trigger sees them"),
            format!("DROP RULE {} ON {};", quote_ident(&rule), catalog.name(&table)),
        ));
    }
    Ok(weaknesses)
}

fn missing(catalog: &Catalog<'_>, found: &[Trigger]) -> Vec<Weakness> {
    let is_missing = |(table, name): &&(String, String)| {
        !found.iter().any(|trigger| trigger.table == *table && trigger.name == *name)
    };
    let always = catalog.expected.always.iter().filter(is_missing);
    always
        .map(|key| {
            let (table, name) = key;
            let create =
                catalog.expected.triggers.get(key).map(|text| Catalog::unqualified(text)).unwrap_or_default();
            let enable = format!("ALTER TABLE {} ENABLE ALWAYS TRIGGER {name};", catalog.name(table));
            Weakness::open(format!("trigger {name} on {table} is missing"), format!("{create}; {enable}"))
        })
        .collect()
}

fn judge(catalog: &Catalog<'_>, trigger: &Trigger) -> Option<Weakness> {
    let Trigger { table, name, definition, enabled, is_before_row, is_genuine } = trigger;
    let key = (table.clone(), name.clone());
    let on = format!("trigger {name} on {table}");
    if !catalog.expected.always.contains(&key) {
        let drop = format!(
            "Know why it is there, or DROP TRIGGER {} ON {};",
            quote_ident(name),
            catalog.name(table)
        );
        let problem = format!("{on} is none that the migrations make");
        return Some(if *is_before_row {
            Weakness::open(
                format!("{problem}, and can change a row before it is stored, or keep it from being stored"),
                drop,
            )
        } else {
            Weakness::differs(problem, drop)
        });
    }
    let wanted = catalog.expected.triggers.get(&key).map(String::as_str).unwrap_or_default();
    if !catalog.is_as_expected(definition, wanted) {
        return Some(Weakness::open(
            format!("{on} is another one: {definition}"),
            format!("Drop it and make it again: {};", Catalog::unqualified(wanted)),
        ));
    }
    if !is_genuine {
        return Some(Weakness::open(
            format!("{on} calls a function that is not as the extension pg_af declares it"),
            "Find out who replaced it; then DROP EXTENSION pg_af CASCADE, CREATE EXTENSION pg_af, and the triggers anew (docs/forensics.md says what to keep before).",
        ));
    }
    if enabled != "A" {
        let state = match enabled.as_str() {
            "D" => "disabled",
            "R" => "enabled for replicas only",
            _ => "not enabled ALWAYS, so that session_replication_role = replica switches it off",
        };
        return Some(Weakness::open(
            format!("{on} is {state}"),
            format!("ALTER TABLE {} ENABLE ALWAYS TRIGGER {};", catalog.name(table), quote_ident(name)),
        ));
    }
    None
}
