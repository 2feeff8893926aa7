//! On a clone of a database with rows in every table: each version back and forward again leaves the schema as it was, and
//! every row of the tables that were not dropped. What was dropped was told before.

use std::collections::BTreeMap;

use af_tests::database::{Database, dumped_schema};
use af_tests::ledger::whole_chains;
use af_tests::platform::{KEPT, OVERALL, TABLES};
use af_tests::tools;
use postgres::Client;
use serde_json::Value;

const SEED: &str = include_str!("../../sql/seed/platform.sql");

/// The rows of each table, as text and in order, but for sqlx's own.
fn contents(client: &mut Client) -> BTreeMap<String, Vec<String>> {
    let tables = "SELECT tablename::text FROM pg_tables WHERE schemaname = 'public' AND tablename <> '_sqlx_migrations'";
    let tables: Vec<String> = client.query(tables, &[]).unwrap().iter().map(|row| row.get(0)).collect();
    let mut contents = BTreeMap::new();
    for table in tables {
        let rows = client.query(&format!("SELECT t::text FROM {table} AS t ORDER BY 1"), &[]).unwrap();
        contents.insert(table, rows.iter().map(|row| row.get(0)).collect());
    }
    contents
}

fn seeded() -> Database {
    let database = Database::migrated();
    database.connect().batch_execute(SEED).unwrap();
    database
}

fn down(url: &str, version: i64, more: &[&str]) -> (Option<i32>, Value) {
    let version = version.to_string();
    let run = tools::run(&[&["--json", "--url", url, "migrate", "down", "--to", &version], more].concat());
    (run.code, run.json())
}

#[test]
fn the_seed_fills_every_table_with_what_belongs_there() {
    let database = seeded();
    let mut client = database.connect();
    let contents = contents(&mut client);
    assert_eq!(contents.len(), TABLES.len() + KEPT.len() + OVERALL.len() + 1);
    assert!(contents.values().all(|rows| !rows.is_empty()), "{contents:?}");
    let chains = whole_chains(&mut client);
    assert_eq!(chains.values().copied().collect::<Vec<_>>(), [30, 10]);
    // What is in it can be told apart by tenant.
    for (table, _) in TABLES.iter().filter(|(table, _)| *table != "audits") {
        let tenants = format!("SELECT count(DISTINCT tenant_id) FROM {table}");
        assert!(client.query_one(&tenants, &[]).unwrap().get::<_, i64>(0) > 1, "{table}");
    }
}

#[test]
fn back_and_forward_again_leaves_schema_and_surviving_rows_as_they_were() {
    let original = seeded();
    let schema = dumped_schema(&original.url());
    let rows = contents(&mut original.connect());
    let before_newest = "SELECT version FROM _sqlx_migrations UNION SELECT 0 ORDER BY 1 DESC OFFSET 1";
    let versions = original.connect().query(before_newest, &[]).unwrap();
    for version in versions.iter().map(|row| row.get::<_, i64>(0)) {
        let clone = Database::clone_of(original.name());
        let url = clone.url();
        let (code, refusal) = down(&url, version, &[]);
        let (forced, document) = down(&url, version, &["--allow-data-loss"]);
        assert_eq!(forced, Some(0), "{document}");

        // What is gone is what was told, to the row.
        let mut survivors = contents(&mut clone.connect());
        let gone: BTreeMap<&str, u64> = rows
            .iter()
            .filter(|(table, _)| !survivors.contains_key(*table))
            .map(|(table, rows)| (table.as_str(), rows.len() as u64))
            .collect();
        let told: BTreeMap<&str, u64> = match &document["result"]["losses"] {
            Value::Null => BTreeMap::new(),
            losses => losses
                .as_array()
                .unwrap()
                .iter()
                .map(|loss| (loss["table"].as_str().unwrap(), loss["rows"].as_u64().unwrap()))
                .collect(),
        };
        assert_eq!(told, gone, "down to {version}");
        assert_eq!(code, Some(if gone.is_empty() { 0 } else { 1 }), "{refusal}");

        let up = tools::run(&["--url", &url, "migrate", "up"]);
        assert_eq!(up.code, Some(0), "{up:?}");
        assert_eq!(dumped_schema(&url), schema, "down to {version} and up again");
        let after = contents(&mut clone.connect());
        survivors.extend(gone.keys().map(|table| ((*table).to_owned(), Vec::new())));
        assert_eq!(after, survivors, "down to {version} and up again");
        for (table, rows) in rows.iter().filter(|(table, _)| !gone.contains_key(table.as_str())) {
            assert_eq!(&after[table], rows, "down to {version}: {table}");
        }
        let entries: i64 = whole_chains(&mut clone.connect()).values().sum();
        assert_eq!(entries, after["audits"].len() as i64);
    }
}
