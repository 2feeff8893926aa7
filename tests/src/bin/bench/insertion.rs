//! Bulk insertion: the ledger against the same table without triggers, and against a chain in PL/pgSQL.

use std::io::{Read, Write};
use std::time::Instant;

use crate::Error;
use crate::content::{CHAIN_COLUMNS, COLUMNS};
use crate::context::{Context, Ledger};
use crate::figure::{Baseline, Figure, Ratio, Sample, Target};
use crate::number::count;
use crate::pgcrypto;
use crate::rounds::Candidate;

const DATABASE: &str = "insertion";
const ROWS_PER_STATEMENT: i32 = 1000;

/// A table to insert into, and the columns that `INSERT … SELECT` gives. A client always sends the same.
#[derive(Clone, Copy)]
struct Table {
    label: &'static str,
    name: &'static str,
    selected: &'static [&'static str],
}

const TABLES: [Table; 3] = [
    Table { label: "plain table", name: "plain", selected: &[COLUMNS, CHAIN_COLUMNS] },
    Table { label: "pg_af", name: "audits", selected: &[COLUMNS] },
    Table { label: "PL/pgSQL and pgcrypto", name: pgcrypto::TABLE, selected: &[COLUMNS] },
];

/// Sent by a client: ready before the time runs.
struct Prepared {
    statements: Vec<String>,
    copy: Vec<u8>,
}

pub(crate) fn measure(context: &mut Context) -> Result<Vec<Figure>, Error> {
    let mut figures = Vec::new();
    for tenants in [1, 100] {
        figures.push(measure_tenants(context, tenants)?);
    }
    Ok(figures)
}

fn measure_tenants(context: &mut Context, tenants: i32) -> Result<Figure, Error> {
    let rows = context.scale.rows;
    let mut ledger = context.ledger(DATABASE, tenants)?;
    pgcrypto::create(&mut ledger)?;
    // Of an empty table the planner thinks that it may as well be sorted, and would do so for each row.
    ledger.client.batch_execute("SET enable_sort = off")?;
    ledger.create_content(rows, tenants)?;

    let items = u64::try_from(rows)?;
    let mut candidates = Vec::new();
    for table in TABLES {
        let selected = table.selected.join(", ");
        let select = format!("INSERT INTO {} ({selected}) SELECT {selected} FROM content", table.name);
        candidates
            .push(candidate(table, "INSERT … SELECT", items, move |ledger| ledger.time(items, &select)));
        let Prepared { statements, copy } = prepare(&mut ledger, table.name)?;
        candidates.push(candidate(table, "INSERT of 1000 rows each", items, move |ledger| {
            let begun = Instant::now();
            for statement in &statements {
                ledger.client.batch_execute(statement)?;
            }
            Ok(Sample::new(items, begun.elapsed().as_secs_f64()))
        }));
        let copy_in = format!("COPY {} ({COLUMNS}) FROM STDIN", table.name);
        candidates.push(candidate(table, "COPY", items, move |ledger| {
            let begun = Instant::now();
            let mut writer = ledger.client.copy_in(&copy_in)?;
            writer.write_all(&copy)?;
            writer.finish()?;
            Ok(Sample::new(items, begun.elapsed().as_secs_f64()))
        }));
    }
    let points = context.rounds().interleave(&mut ledger, candidates)?;
    // What was fast but wrong would not count.
    ledger.verify("", items)?;
    context.drop_ledger(ledger, DATABASE)?;

    let (plural, plain) = (if tenants == 1 { "tenant" } else { "tenants" }, TABLES[0].label.to_owned());
    let name = format!("insertion-{tenants}-{plural}");
    let mut figure = Figure::new(
        name,
        format!("Bulk insertion of {} rows, {tenants} {plural}", count(rows)),
        "row",
        points,
    );
    let to = plain.clone();
    figure.targets =
        vec![Target { group: None, of: TABLES[1].label.to_owned(), to, by: Ratio::Time, wanted: 1.5 }];
    figure.baseline = Some(Baseline { label: plain, by: Ratio::Time });
    figure.notes.push(
        "Tables begin empty, and a checkpoint precedes each measurement. INSERT … SELECT and COPY are one transaction, \
         INSERT of 1000 rows one each. The plain table's chain columns are ready values with INSERT … SELECT, and defaults \
         where a client sends the rows."
            .to_owned(),
    );
    Ok(figure)
}

/// Empties the table, inserts, and looks whether all is there.
fn candidate<'a>(
    table: Table,
    group: &str,
    items: u64,
    mut insert: impl FnMut(&mut Ledger) -> Result<Sample, Error> + 'a,
) -> Candidate<'a, Ledger> {
    let run = move |ledger: &mut Ledger| {
        ledger.client.batch_execute(&format!("TRUNCATE {}", table.name))?;
        ledger.settle(&[table.name])?;
        let sample = insert(ledger)?;
        let stored: i64 =
            ledger.client.query_one(&format!("SELECT count(*) FROM {}", table.name), &[])?.get(0);
        if u64::try_from(stored)? != items {
            return Err(format!("{stored} rows were stored of {items}").into());
        }
        Ok(sample)
    };
    Candidate::new(table.label, run).within(group)
}

/// The content as a client sends it.
fn prepare(ledger: &mut Ledger, table: &str) -> Result<Prepared, Error> {
    let literals = COLUMNS.split(", ").map(|column| format!("quote_nullable({column})")).collect::<Vec<_>>();
    let sql = format!(
        "SELECT 'INSERT INTO {table} ({COLUMNS}) VALUES ' || string_agg('(' || concat_ws(',', {}) || ')', ',' ORDER BY number) \
         FROM (SELECT *, row_number() OVER (ORDER BY ts) AS number FROM content) AS c GROUP BY (number - 1) / $1 ORDER BY 1",
        literals.join(", ")
    );
    let statements = ledger.client.query(&sql, &[&i64::from(ROWS_PER_STATEMENT)])?;
    let mut copy = Vec::new();
    ledger
        .client
        .copy_out(&format!("COPY (SELECT {COLUMNS} FROM content ORDER BY ts) TO STDOUT"))?
        .read_to_end(&mut copy)?;
    Ok(Prepared { statements: statements.iter().map(|row| row.get(0)).collect(), copy })
}
