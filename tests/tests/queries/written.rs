//! What is written in sql/queries, held against the tests and the tables.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use af_tests::database::Database;

/// A query as it is written.
struct Query {
    module: String,
    name: String,
    /// The columns that are said to be null sometimes.
    nullable: Vec<String>,
    sql: String,
}

fn source_tree(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn queries() -> Vec<Query> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../sql/queries");
    let files =
        fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let queries: Vec<_> = files.flat_map(|file| queries_in(&file)).collect();
    assert!(queries.len() >= 70, "only {} queries found", queries.len());
    queries
}

fn queries_in(file: &str) -> Vec<Query> {
    let module = file.strip_suffix(".sql").unwrap_or_else(|| panic!("{file} in sql/queries"));
    let mut rows = HashMap::new();
    let mut queries: Vec<Query> = Vec::new();
    for line in source_tree(&format!("sql/queries/{file}")).lines() {
        if let Some(row) = line.strip_prefix("--: ") {
            rows.insert(row.split('(').next().unwrap().trim().to_owned(), nullable(row));
        } else if let Some(query) = line.strip_prefix("--! ") {
            let row = query.split_once(" : ").map_or("", |(_, row)| row.trim());
            queries.push(Query {
                module: module.to_owned(),
                name: query.split_whitespace().next().unwrap().to_owned(),
                nullable: rows.get(row).cloned().unwrap_or_else(|| nullable(row)),
                sql: String::new(),
            });
        } else if !line.starts_with("--") && !line.is_empty() {
            let sql = &mut queries.last_mut().unwrap_or_else(|| panic!("{file}: a query without a name")).sql;
            sql.push_str(line);
            sql.push('\n');
        }
    }
    queries
}

/// The names with a question mark in parentheses.
fn nullable(row: &str) -> Vec<String> {
    let fields = row.split_once('(').map_or("", |(_, fields)| fields.trim_end_matches(')'));
    fields.split(',').filter_map(|field| field.trim().strip_suffix('?')).map(str::to_owned).collect()
}

/// With `$1`, `$2` … for parameters that have names.
fn numbered(sql: &str) -> String {
    let mut names = Vec::new();
    // The two colons of a cast are no parameter's.
    let sql = sql.replace("::", "\0");
    let mut parts = sql.split(':');
    let mut text = parts.next().unwrap().to_owned();
    for part in parts {
        let (name, rest) = part.split_at(part.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap());
        if !names.contains(&name) {
            names.push(name);
        }
        let number = 1 + names.iter().position(|known| *known == name).unwrap();
        text.push_str(&format!("${number}{rest}"));
    }
    text.replace('\0', "::")
}

#[test]
fn every_query_is_run_by_the_tests_of_its_file() {
    let is_run = |Query { module, name, .. }: &Query| {
        source_tree(&format!("tests/tests/queries/{module}.rs")).contains(&format!("{module}::{name}()"))
    };
    let missing = queries().into_iter().filter(|query| !is_run(query));
    let missing: Vec<_> = missing.map(|query| format!("{}::{}", query.module, query.name)).collect();
    assert!(missing.is_empty(), "not tested: {missing:?}");
}

/// Nothing else compares them: a null in a column that is not said to have any would be an error when it is read.
#[test]
fn the_columns_that_may_be_null_are_those_that_are_said_to_be() {
    let database = Database::migrated();
    let mut client = database.connect();
    for Query { module, name, nullable, sql } in queries() {
        let statement =
            client.prepare(&numbered(&sql)).unwrap_or_else(|error| panic!("{module}::{name}: {error:?}"));
        for column in statement.columns() {
            // What is computed comes from no table, and is null for reasons of its own.
            let (Some(table), Some(number)) = (column.table_oid(), column.column_id()) else { continue };
            let may_be_null: bool = client
                .query_one(
                    "SELECT NOT attnotnull FROM pg_attribute WHERE attrelid = $1 AND attnum = $2",
                    &[&table, &number],
                )
                .unwrap()
                .get(0);
            let is_said_to_be = nullable.iter().any(|name| name == column.name());
            assert_eq!(is_said_to_be, may_be_null, "{module}::{name}: {}", column.name());
        }
    }
}
