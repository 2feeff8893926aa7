//! Who may do what: row-level security, policies, grants, roles, owners, and the schema itself.

use std::collections::BTreeSet;

use super::expected::{Grant, single_spaced};
use super::{APPEND_ONLY, Catalog, Weakness};
use crate::server::{ServerError, quote_ident};

/// The group roles, which no row-level security must pass over.
const ROLES: [&str; 3] = ["af_app", "af_auditor", "af_admin"];

pub(super) fn inspect(catalog: &mut Catalog<'_>) -> Result<Vec<Weakness>, ServerError> {
    let mut weaknesses = row_security(catalog)?;
    weaknesses.extend(policies(catalog)?);
    weaknesses.extend(tenant_function(catalog)?);
    weaknesses.extend(grants(catalog)?);
    weaknesses.extend(roles(catalog)?);
    weaknesses.extend(owners(catalog)?);
    weaknesses.extend(schema(catalog)?);
    Ok(weaknesses)
}

/// How many of the expected tables are there.
pub(super) fn tables_found(catalog: &mut Catalog<'_>) -> Result<usize, ServerError> {
    const TABLES: &str = "
        SELECT c.relname::text
        FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
        WHERE n.nspname = $1 AND c.relkind IN ('r', 'p')";
    let rows = catalog.transaction.query(TABLES, &[&catalog.schema])?;
    Ok(rows.iter().filter(|row| catalog.expected.tables.contains(row.get::<_, &str>(0))).count())
}

fn row_security(catalog: &mut Catalog<'_>) -> Result<Vec<Weakness>, ServerError> {
    const SECURED: &str = "
        SELECT c.relname::text, c.relrowsecurity, c.relforcerowsecurity
        FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
        WHERE n.nspname = $1 AND c.relkind IN ('r', 'p')";
    let rows = catalog.transaction.query(SECURED, &[&catalog.schema])?;
    let mut weaknesses = Vec::new();
    for table in &catalog.expected.tables {
        let found = rows.iter().find(|row| row.get::<_, &str>(0) == table);
        let name = catalog.name(table);
        match found.map(|row| (row.get::<_, bool>(1), row.get::<_, bool>(2))) {
            Some((true, true)) => {}
            Some((false, _)) => weaknesses.push(Weakness::open(
                format!("row-level security is off on {table}: every tenant sees all rows"),
                format!("ALTER TABLE {name} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;"),
            )),
            Some((true, false)) => weaknesses.push(Weakness::open(
                format!("row-level security is not forced on {table}: its owner sees all rows"),
                format!("ALTER TABLE {name} FORCE ROW LEVEL SECURITY;"),
            )),
            None => weaknesses.push(Weakness::open(
                format!("table {table} is missing"),
                "`af-tools migrate status` tells how schema and migrations stand; restore it from a backup.",
            )),
        }
    }
    Ok(weaknesses)
}

/// The definitions in pg_dump's words, which are those of the expected schema.
fn policies(catalog: &mut Catalog<'_>) -> Result<Vec<Weakness>, ServerError> {
    const POLICIES: &str = "
        SELECT c.relname::text, p.polname::text,
               pg_catalog.format('CREATE POLICY %I ON %I.%I%s%s%s%s%s', p.polname, n.nspname, c.relname,
                   CASE WHEN NOT p.polpermissive THEN ' AS RESTRICTIVE' END,
                   CASE p.polcmd WHEN 'r' THEN ' FOR SELECT' WHEN 'a' THEN ' FOR INSERT' WHEN 'w' THEN ' FOR UPDATE'
                                 WHEN 'd' THEN ' FOR DELETE' END,
                   CASE WHEN p.polroles <> '{0}' THEN ' TO ' || (
                       SELECT pg_catalog.string_agg(pg_catalog.quote_ident(r.rolname), ', ' ORDER BY r.rolname)
                       FROM pg_catalog.pg_roles AS r WHERE r.oid = ANY (p.polroles)) END,
                   ' USING (' || pg_catalog.pg_get_expr(p.polqual, p.polrelid) || ')',
                   ' WITH CHECK (' || pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid) || ')'),
               p.polpermissive
        FROM pg_catalog.pg_policy AS p
        JOIN pg_catalog.pg_class AS c ON c.oid = p.polrelid
        JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
        WHERE n.nspname = $1 ORDER BY 1, 2";
    let mut weaknesses = Vec::new();
    let mut seen = BTreeSet::new();
    for row in catalog.transaction.query(POLICIES, &[&catalog.schema])? {
        let (table, name, definition, is_permissive): (String, String, String, bool) =
            (row.get(0), row.get(1), row.get(2), row.get(3));
        if !catalog.expected.tables.contains(&table) {
            continue;
        }
        let key = (table, name);
        let drop = || format!("DROP POLICY {} ON {};", quote_ident(&key.1), catalog.name(&key.0));
        match catalog.expected.policies.get(&key) {
            Some(wanted) if catalog.is_as_expected(&definition, wanted) => {}
            Some(wanted) => weaknesses.push(Weakness::open(
                format!("policy {} on {} is another one: {definition}", key.1, key.0),
                format!("{} {};", drop(), Catalog::unqualified(wanted)),
            )),
            None if is_permissive => weaknesses.push(Weakness::open(
                format!(
                    "policy {} on {} shows rows beyond what the migrations allow: {definition}",
                    key.1, key.0
                ),
                drop(),
            )),
            None => weaknesses.push(Weakness::differs(
                format!("policy {} on {} hides rows that the migrations show: {definition}", key.1, key.0),
                drop(),
            )),
        }
        seen.insert(key);
    }
    let missing = catalog.expected.policies.iter().filter(|(key, _)| !seen.contains(key));
    weaknesses.extend(missing.map(|((table, name), wanted)| {
        Weakness::differs(
            format!("policy {name} on {table} is missing: rows are hidden that should be seen"),
            format!("{};", Catalog::unqualified(wanted)),
        )
    }));
    Ok(weaknesses)
}

fn tenant_function(catalog: &mut Catalog<'_>) -> Result<Option<Weakness>, ServerError> {
    const FUNCTION: &str = "
        SELECT pg_catalog.pg_get_functiondef(p.oid)
        FROM pg_catalog.pg_proc AS p JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace
        WHERE n.nspname = $1 AND p.proname = 'af_tenant_id' AND p.pronargs = 0";
    let row = catalog.transaction.query_opt(FUNCTION, &[&catalog.schema])?;
    let found = row.map(|row| single_spaced(row.get(0)).replacen("CREATE OR REPLACE ", "CREATE ", 1));
    let wanted = &catalog.expected.tenant_function;
    let remedy = || format!("{};", Catalog::unqualified(wanted).replacen("CREATE ", "CREATE OR REPLACE ", 1));
    Ok(match found {
        Some(found) if catalog.is_as_expected(&found, wanted) => None,
        Some(found) => Some(Weakness::open(
            format!("function af_tenant_id(), on which all policies stand, is another one: {found}"),
            remedy(),
        )),
        None => {
            Some(Weakness::open("function af_tenant_id(), on which all policies stand, is missing", remedy()))
        }
    })
}

fn grants(catalog: &mut Catalog<'_>) -> Result<Vec<Weakness>, ServerError> {
    const GRANTS: &str = "
        SELECT g.relname::text, g.attname::text, x.privilege_type, coalesce(r.rolname::text, 'PUBLIC')
        FROM (
            SELECT c.relnamespace, c.relname, c.relowner, NULL AS attname, c.relacl AS acl
            FROM pg_catalog.pg_class AS c WHERE c.relkind IN ('r', 'p')
            UNION ALL
            SELECT c.relnamespace, c.relname, c.relowner, a.attname, a.attacl
            FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND NOT a.attisdropped
            WHERE c.relkind IN ('r', 'p')
        ) AS g
        JOIN pg_catalog.pg_namespace AS n ON n.oid = g.relnamespace
        CROSS JOIN LATERAL pg_catalog.aclexplode(g.acl) AS x
        LEFT JOIN pg_catalog.pg_roles AS r ON r.oid = x.grantee
        WHERE n.nspname = $1 AND x.grantee <> g.relowner";
    let rows = catalog.transaction.query(GRANTS, &[&catalog.schema])?;
    let found: BTreeSet<Grant> = rows
        .iter()
        .map(|row| Grant { table: row.get(0), column: row.get(1), privilege: row.get(2), role: row.get(3) })
        .filter(|grant| catalog.expected.tables.contains(&grant.table))
        .collect();
    let told = |grant: &Grant| match &grant.column {
        Some(column) => format!("{} ({column}) on {}", grant.privilege, grant.table),
        None => format!("{} on {}", grant.privilege, grant.table),
    };
    let sql = |verb: &str, to: &str, grant: &Grant| {
        let column =
            grant.column.as_ref().map_or_else(String::new, |column| format!(" ({})", quote_ident(column)));
        let role = if grant.role == "PUBLIC" { grant.role.clone() } else { quote_ident(&grant.role) };
        format!("{verb} {}{column} ON {} {to} {role};", grant.privilege, catalog.name(&grant.table))
    };
    let extra = found.difference(&catalog.expected.grants).map(|grant| {
        let problem = format!("{} has {}, which the migrations do not grant", grant.role, told(grant));
        let remedy = sql("REVOKE", "FROM", grant);
        let is_harmless = matches!(grant.privilege.as_str(), "SELECT" | "MAINTAIN");
        if APPEND_ONLY.contains(&grant.table.as_str()) && !is_harmless {
            Weakness::open(problem, remedy)
        } else {
            Weakness::differs(problem, remedy)
        }
    });
    let missing = catalog.expected.grants.difference(&found).map(|grant| {
        Weakness::differs(format!("{} lacks {}", grant.role, told(grant)), sql("GRANT", "TO", grant))
    });
    Ok(extra.chain(missing).collect())
}

fn roles(catalog: &mut Catalog<'_>) -> Result<Vec<Weakness>, ServerError> {
    const MIGHTY: &str = "SELECT rolname::text FROM pg_catalog.pg_roles \
         WHERE rolname = ANY ($1) AND (rolsuper OR rolbypassrls) ORDER BY 1";
    let rows = catalog.transaction.query(MIGHTY, &[&ROLES.as_slice()])?;
    let weakness = |role: String| {
        Weakness::open(
            format!("role {role} bypasses row-level security"),
            format!("ALTER ROLE {} NOSUPERUSER NOBYPASSRLS;", quote_ident(&role)),
        )
    };
    Ok(rows.iter().map(|row| weakness(row.get(0))).collect())
}

/// Who owns a table can switch its guards off: that must be nobody whom the application logs in as.
fn owners(catalog: &mut Catalog<'_>) -> Result<Vec<Weakness>, ServerError> {
    const OWNERS: &str = "
        SELECT c.relname::text, r.rolname::text
        FROM pg_catalog.pg_class AS c
        JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
        JOIN pg_catalog.pg_roles AS r ON pg_catalog.pg_has_role(r.oid, c.relowner, 'MEMBER')
        JOIN pg_catalog.pg_roles AS app ON app.rolname = 'af_app' AND pg_catalog.pg_has_role(r.oid, app.oid, 'MEMBER')
        WHERE n.nspname = $1 AND c.relname = ANY ($2) AND NOT r.rolsuper
        ORDER BY 1, 2";
    const APART: &str = "
        SELECT c.relname::text, r.rolname::text, o.rolname::text
        FROM pg_catalog.pg_class AS c
        JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
        JOIN pg_catalog.pg_roles AS r ON r.oid = c.relowner
        JOIN pg_catalog.pg_class AS t ON t.relnamespace = n.oid AND t.relname = 'tenants'
        JOIN pg_catalog.pg_roles AS o ON o.oid = t.relowner
        WHERE n.nspname = $1 AND c.relname = ANY ($2) AND c.relowner <> t.relowner
        ORDER BY 1";
    let mut apart = Vec::new();
    for row in catalog.transaction.query(APART, &[&catalog.schema, &APPEND_ONLY.as_slice()])? {
        let (table, owner, others): (String, String, String) = (row.get(0), row.get(1), row.get(2));
        apart.push(Weakness::open(
            format!("{table} is owned by {owner}, who can switch its guards off, and not by {others} as the other tables are"),
            format!("ALTER TABLE {} OWNER TO {};", catalog.name(&table), quote_ident(&others)),
        ));
    }
    let rows = catalog.transaction.query(OWNERS, &[&catalog.schema, &APPEND_ONLY.as_slice()])?;
    let weakness = |table: String, role: String| {
        Weakness::open(
            format!(
                "role {role} is a member of af_app and can act as the owner of {table}, and so switch its guards off"
            ),
            "Let the application log in as a member of af_app that owns nothing, and somebody else own the tables.",
        )
    };
    Ok(rows.iter().map(|row| weakness(row.get(0), row.get(1))).chain(apart).collect())
}

/// Up to PostgreSQL 14, everybody may create things in schema public, such as a function that is found before another.
fn schema(catalog: &mut Catalog<'_>) -> Result<Option<Weakness>, ServerError> {
    const OPEN: &str = "
        SELECT EXISTS (SELECT FROM pg_catalog.aclexplode(n.nspacl) AS x WHERE x.grantee = 0 AND x.privilege_type = 'CREATE')
        FROM pg_catalog.pg_namespace AS n WHERE n.nspname = $1";
    let is_open: bool = catalog.transaction.query_one(OPEN, &[&catalog.schema])?.get(0);
    Ok(is_open.then(|| {
        Weakness::differs(
            format!(
                "everybody may create objects in schema {}, as is usual up to PostgreSQL 14",
                catalog.schema
            ),
            format!("REVOKE CREATE ON SCHEMA {} FROM PUBLIC;", catalog.quoted),
        )
    }))
}
