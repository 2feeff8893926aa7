//! The diagram of entities and relations in docs/schema.md, in the language of Mermaid, from the catalog.

use std::error::Error;
use std::fmt::Write;

use af_tests::database::connect;
use af_tests::generated::Files;
use postgres::{Client, Row};

const DOCUMENT: &str = "docs/schema.md";
const SECTION: &str = "diagram";

/// The tables, in the order in which the migrations create them, but for the one in which migrations are noted.
const COLUMNS: &str = "\
    SELECT t.relname::text, a.attname::text, format_type(a.atttypid, a.atttypmod), a.attnotnull, \
           coalesce(bool_or(i.indisprimary), false), \
           EXISTS (SELECT FROM pg_constraint AS k WHERE k.conrelid = t.oid AND k.contype = 'f' AND a.attnum = ANY (k.conkey)), \
           coalesce(bool_or(i.indisunique), false) \
    FROM pg_class AS t \
    JOIN pg_attribute AS a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped \
    LEFT JOIN pg_index AS i ON i.indrelid = t.oid AND i.indpred IS NULL \
         AND a.attnum = ANY ((i.indkey::int2[])[0:i.indnkeyatts - 1]) \
    WHERE t.relnamespace = current_schema()::regnamespace AND t.relkind IN ('r', 'p') AND NOT t.relispartition \
      AND t.relname <> '_sqlx_migrations' \
    GROUP BY t.oid, t.relname, a.attnum, a.attname, a.atttypid, a.atttypmod, a.attnotnull \
    ORDER BY t.oid, a.attnum";

/// The foreign keys: from which table to which, by which columns, whether each row has to refer to one, whether it is
/// a part of the row's own identity, whether at most one row can refer to the same, and whether it goes with it.
const RELATIONS: &str = "\
    WITH keys AS ( \
        SELECT indrelid, indisprimary, indisunique AND indpred IS NULL AS is_unique, \
               (indkey::int2[])[0:indnkeyatts - 1] AS columns \
        FROM pg_index \
    ) \
    SELECT k.confrelid::regclass::text, k.conrelid::regclass::text, \
           (SELECT string_agg(a.attname, ', ' ORDER BY o.place) \
            FROM unnest(k.conkey) WITH ORDINALITY AS o (attnum, place) \
            JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = o.attnum), \
           NOT EXISTS (SELECT FROM pg_attribute AS a \
                       WHERE a.attrelid = k.conrelid AND a.attnum = ANY (k.conkey) AND NOT a.attnotnull), \
           EXISTS (SELECT FROM keys WHERE indrelid = k.conrelid AND indisprimary AND k.conkey <@ columns), \
           EXISTS (SELECT FROM keys WHERE indrelid = k.conrelid AND is_unique AND columns <@ k.conkey), \
           k.confdeltype = 'c' \
    FROM pg_constraint AS k \
    WHERE k.contype = 'f' AND k.conparentid = 0 AND k.connamespace = current_schema()::regnamespace \
    ORDER BY k.conrelid, k.confrelid, k.conkey";

pub(crate) fn generate(url: &str, files: &mut Files) -> Result<(), Box<dyn Error>> {
    Ok(files.add_section(DOCUMENT, SECTION, &diagram(&mut connect(url))?)?)
}

fn diagram(client: &mut Client) -> Result<String, Box<dyn Error>> {
    let mut text = String::from("```mermaid\nerDiagram\n");
    let columns = client.query(COLUMNS, &[])?;
    for table in columns.chunk_by(|one, next| one.get::<_, &str>(0) == next.get::<_, &str>(0)) {
        writeln!(text, "    {} {{", table[0].get::<_, &str>(0))?;
        for column in table {
            writeln!(text, "        {}", attribute(column))?;
        }
        text.push_str("    }\n");
    }
    for row in client.query(RELATIONS, &[])? {
        writeln!(text, "    {}", relation(&row))?;
    }
    text.push_str("```\n");
    Ok(text)
}

/// `type name keys "comment"`.
fn attribute(column: &Row) -> String {
    let data_type = match column.get(2) {
        "timestamp with time zone" => "timestamptz".to_owned(),
        // Mermaid takes no spaces.
        other => str::replace(other, "character varying", "varchar").replace(' ', "_"),
    };
    let [is_required, is_primary, is_foreign, is_unique] =
        [3, 4, 5, 6].map(|index| column.get::<_, bool>(index));
    let keys = [(is_primary, "PK"), (is_foreign, "FK"), (is_unique && !is_primary, "UK")];
    let keys: Vec<_> = keys.into_iter().filter_map(|(is_key, mark)| is_key.then_some(mark)).collect();
    let mut text = format!("{data_type} {}", column.get::<_, &str>(1));
    if !keys.is_empty() {
        text = format!("{text} {}", keys.join(", "));
    }
    if is_required { text } else { format!("{text} \"may be null\"") }
}

/// `parent ||--o{ child : "columns"`: a solid line where the key is a part of the child's own.
fn relation(key: &Row) -> String {
    let (parent, child, columns): (&str, &str, &str) = (key.get(0), key.get(1), key.get(2));
    let parents = if key.get(3) { "||" } else { "|o" };
    let line = if key.get(4) { "--" } else { ".." };
    let children = if key.get(5) { "o|" } else { "o{" };
    let cascade = if key.get(6) { " (cascades)" } else { "" };
    format!("{parent} {parents}{line}{children} {child} : \"{columns}{cascade}\"")
}
