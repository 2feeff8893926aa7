//! Which entries are read together, and the statements that read them.

use std::ops::Bound;

use af_core::chain::Anchor;
use uuid::Uuid;

use crate::audit::columns::AUDIT_COLUMNS;
use crate::relation::{Relation, tenants_condition};

/// Whose chains.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Tenants {
    /// Those between two; the rows without tenant, which belong to no interval, if it is open to both sides.
    Between(Bound<Uuid>, Bound<Uuid>),
    /// These.
    Listed(Vec<Uuid>),
    /// That of the rows which have no tenant.
    None,
}

impl Tenants {
    /// All there are.
    pub(super) const ALL: Self = Self::Between(Bound::Unbounded, Bound::Unbounded);

    /// UUIDs hold nothing but hexadecimal digits and hyphens.
    fn condition(&self) -> Option<String> {
        let (lower, upper) = match self {
            Self::Listed(tenants) => return tenants_condition(tenants),
            Self::None => return Some("tenant_id IS NULL".to_owned()),
            Self::Between(lower, upper) => (lower, upper),
        };
        let lower = match lower {
            Bound::Included(tenant) => Some(format!("tenant_id >= '{tenant}'")),
            Bound::Excluded(tenant) => Some(format!("tenant_id > '{tenant}'")),
            Bound::Unbounded => None,
        };
        let upper = match upper {
            Bound::Included(tenant) => Some(format!("tenant_id <= '{tenant}'")),
            Bound::Excluded(tenant) => Some(format!("tenant_id < '{tenant}'")),
            Bound::Unbounded => None,
        };
        let conditions: Vec<String> = lower.into_iter().chain(upper).collect();
        (!conditions.is_empty()).then(|| conditions.join(" AND "))
    }
}

/// Where the entries of a range begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum From {
    /// With the first of each chain.
    First,
    /// With one that was recorded before.
    Anchor(Anchor),
    /// With the first one from this position on; the one before it is read too.
    Position(i64),
    /// With the first one from this position on, and nothing before it is read.
    Exactly(i64),
}

/// Entries that follow each other in the order of tenants and positions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Range {
    pub(super) tenants: Tenants,
    pub(super) from: From,
    /// Up to, and without, this position. Entries without position count as the last ones.
    pub(super) before: Option<i64>,
}

impl Range {
    /// Whole chains.
    pub(super) fn of(tenants: Tenants) -> Self {
        Self { tenants, from: From::First, before: None }
    }

    /// The same without what is read before it.
    pub(super) fn alone(&self) -> Self {
        let from = match self.from {
            From::Position(position) => From::Exactly(position),
            other => other,
        };
        Self { from, ..self.clone() }
    }

    /// What to send, one after the other. COPY takes no parameters; the table's name was quoted by the server.
    pub(super) fn statements(&self, relation: &Relation) -> Vec<String> {
        let table = &relation.name;
        let tenants = self.tenants.condition();
        let copy = |conditions: &[String]| {
            let columns = AUDIT_COLUMNS.map(|(column, _)| column).join(", ");
            let conditions: Vec<&str> = tenants.iter().chain(conditions).map(String::as_str).collect();
            let condition = if conditions.is_empty() {
                String::new()
            } else {
                format!(" WHERE {}", conditions.join(" AND "))
            };
            format!(
                "COPY (SELECT {columns} FROM {table}{condition} ORDER BY tenant_id, seq) TO STDOUT (FORMAT binary)"
            )
        };
        let from = match self.from {
            From::First => None,
            From::Anchor(Anchor { seq, .. }) | From::Exactly(seq) => Some(format!("seq >= {seq}")),
            From::Position(seq) => {
                let same = tenants.as_ref().map_or_else(String::new, |tenants| format!("{tenants} AND "));
                Some(format!(
                    "seq >= coalesce((SELECT max(seq) FROM {table} WHERE {same}seq < {seq}), {seq})"
                ))
            }
        };
        let before = self.before.map(|seq| format!("seq < {seq}"));
        let is_open = before.is_none();
        let conditions: Vec<String> = from.into_iter().chain(before).collect();
        if conditions.is_empty() || !is_open {
            return vec![copy(&conditions)];
        }
        // A condition on seq leaves out the entries that have none.
        vec![copy(&conditions), copy(&["seq IS NULL".to_owned()])]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: Uuid = Uuid::from_u128(1);

    fn statements(range: &Range) -> Vec<String> {
        let relation = Relation { oid: 1, name: "public.audits".to_owned() };
        let statements = range.statements(&relation);
        let tail = |statement: &str| statement.split_once(" FROM ").map(|(_, tail)| tail.to_owned());
        assert!(statements.iter().all(|one| one.starts_with("COPY (SELECT tenant_id, seq, id, ts, ")));
        statements
            .iter()
            .map(|one| {
                tail(one.strip_suffix(" ORDER BY tenant_id, seq) TO STDOUT (FORMAT binary)").unwrap())
                    .unwrap()
            })
            .collect()
    }

    #[test]
    fn statements_name_the_chains() {
        let two = Uuid::from_u128(2);
        for (tenants, expected) in [
            (Tenants::ALL, ""),
            (Tenants::None, " WHERE tenant_id IS NULL"),
            (
                Tenants::Listed(vec![ONE, two]),
                " WHERE tenant_id IN ('00000000-0000-0000-0000-000000000001', '00000000-0000-0000-0000-000000000002')",
            ),
            (
                Tenants::Between(Bound::Excluded(ONE), Bound::Included(two)),
                " WHERE tenant_id > '00000000-0000-0000-0000-000000000001' AND tenant_id <= '00000000-0000-0000-0000-000000000002'",
            ),
            (
                Tenants::Between(Bound::Unbounded, Bound::Excluded(two)),
                " WHERE tenant_id < '00000000-0000-0000-0000-000000000002'",
            ),
        ] {
            assert_eq!(statements(&Range::of(tenants)), [format!("public.audits{expected}")]);
        }
    }

    #[test]
    fn statements_name_the_positions() {
        let tenants = Tenants::Listed(vec![ONE]);
        let one = "public.audits WHERE tenant_id IN ('00000000-0000-0000-0000-000000000001') AND";
        let before = "SELECT max(seq) FROM public.audits WHERE tenant_id IN ('00000000-0000-0000-0000-000000000001') AND";
        let range = |from, before| Range { tenants: tenants.clone(), from, before };
        assert_eq!(statements(&range(From::First, Some(9))), [format!("{one} seq < 9")]);
        assert_eq!(
            statements(&range(From::Position(5), Some(9))),
            [format!("{one} seq >= coalesce(({before} seq < 5), 5) AND seq < 9")]
        );
        assert_eq!(
            statements(&range(From::Position(5), Some(9)).alone()),
            [format!("{one} seq >= 5 AND seq < 9")]
        );
        // What has no position is in the last range of its chain.
        assert_eq!(
            statements(&range(From::Exactly(5), None)),
            [format!("{one} seq >= 5"), format!("{one} seq IS NULL")]
        );
    }
}
