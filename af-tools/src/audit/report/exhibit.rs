//! The entries that findings are about, with their neighbours, as they are stored.

use af_core::canonical::Json;
use af_core::chain::Entry;
use af_core::digest::Digest;
use af_core::record::RecordHasher;
use postgres::Transaction;
use serde::Serialize;
use uuid::Uuid;

use crate::audit::columns::AUDIT_COLUMNS;
use crate::audit::verify::{Error, Finding, Verification, doing, entry};
use crate::copy::TupleReader;
use crate::relation::Relation;

/// So many findings are shown with their entries.
const MOST_EXHIBITS: usize = 50;
/// Of duplicated positions, so many entries are shown.
const MOST_ENTRIES: usize = 9;
/// Longer values are cut.
const MOST_CHARS: usize = 2_000;

/// A finding, and what stands where it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Exhibit {
    /// What was found.
    pub finding: Finding,
    /// The entry, the one before and the one after, as far as they are there.
    pub entries: Vec<StoredEntry>,
}

/// An entry as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StoredEntry {
    /// Its position.
    pub seq: Option<i64>,
    /// Its identity.
    pub id: Option<Uuid>,
    /// Its columns, but for those two and the hashes.
    pub fields: Vec<Field>,
    /// The link to the entry before, in hexadecimal.
    pub prev_hash: Option<String>,
    /// Its hash as stored.
    pub hash: Option<String>,
    /// What its content hashes to, with its own link.
    pub computed_hash: Option<String>,
    /// Why that could not be computed.
    pub unreadable: Option<String>,
}

/// A column of an entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Field {
    /// The column.
    pub column: &'static str,
    /// Its value, shortened if it is long.
    pub value: Option<String>,
    /// How many characters it has, if it was shortened.
    pub full_length: Option<usize>,
}

/// The first findings with their entries.
pub(super) fn of(
    transaction: &mut Transaction<'_>,
    relation: &Relation,
    verification: &Verification,
) -> Result<Vec<Exhibit>, Error> {
    let findings = verification.findings.iter().take(MOST_EXHIBITS);
    let mut hasher = RecordHasher::default();
    findings
        .map(|finding| {
            let entries = match finding.seq {
                Some(seq) => around(transaction, relation, finding.tenant_id, seq, &mut hasher)?,
                None => Vec::new(),
            };
            Ok(Exhibit { finding: finding.clone(), entries })
        })
        .collect()
}

/// The entries at a position and next to it; where none is next to it, the nearest ones.
fn around(
    transaction: &mut Transaction<'_>,
    relation: &Relation,
    tenant_id: Option<Uuid>,
    seq: i64,
    hasher: &mut RecordHasher,
) -> Result<Vec<StoredEntry>, Error> {
    let columns = AUDIT_COLUMNS.map(|(column, _)| column).join(", ");
    let table = &relation.name;
    // COPY takes no parameters; a UUID holds nothing but hexadecimal digits and hyphens.
    let tenant = tenant_id.map_or("tenant_id IS NULL".to_owned(), |tenant| format!("tenant_id = '{tenant}'"));
    let (before, after) = (seq.saturating_sub(1), seq.saturating_add(1));
    let statement = format!(
        "COPY (SELECT {columns} FROM {table} WHERE {tenant} \
         AND seq <= coalesce((SELECT min(seq) FROM {table} WHERE {tenant} AND seq >= {after}), {after}) \
         AND seq >= coalesce((SELECT max(seq) FROM {table} WHERE {tenant} AND seq <= {before}), {before}) \
         ORDER BY seq LIMIT {MOST_ENTRIES}) TO STDOUT (FORMAT binary)"
    );
    let copy = transaction.copy_out(&statement).map_err(doing("read the entries that findings are about"))?;
    let mut rows = TupleReader::new(copy, &AUDIT_COLUMNS);
    let mut entries = Vec::new();
    while let Some(row) = rows.next()? {
        entries.push(stored(&entry(&row)?, hasher));
    }
    Ok(entries)
}

fn stored(entry: &Entry<'_>, hasher: &mut RecordHasher) -> StoredEntry {
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let mut unreadable = None;
    let mut fields = Vec::new();
    let mut computed = None;
    match &entry.record {
        Ok(record) => {
            let (Json::Text(details) | Json::Jsonb(details)) = record.details;
            let version = record.hash_version.to_string();
            let ts = record.ts.to_string();
            fields = [
                ("ts", Some(ts.as_bytes())),
                ("actor_type", Some(record.actor_type)),
                ("actor_id", Some(record.actor_id)),
                ("action", Some(record.action)),
                ("resource_type", Some(record.resource_type)),
                ("resource_id", record.resource_id),
                ("details", Some(details)),
                ("hash_version", Some(version.as_bytes())),
            ]
            .map(|(column, value)| field(column, value))
            .to_vec();
            match hasher.hash(entry.prev_hash, record) {
                Ok(hash) => computed = Some(hash),
                Err(error) => unreadable = Some(error.to_string()),
            }
        }
        Err(error) => unreadable = Some(error.to_string()),
    }
    StoredEntry {
        seq: entry.seq,
        id: entry.id,
        fields,
        prev_hash: entry.prev_hash.map(hex),
        hash: entry.hash.map(hex),
        computed_hash: computed.as_ref().map(Digest::to_string),
        unreadable,
    }
}

fn field(column: &'static str, value: Option<&[u8]>) -> Field {
    let Some(value) = value else { return Field { column, value: None, full_length: None } };
    let text = String::from_utf8_lossy(value);
    match text.char_indices().nth(MOST_CHARS) {
        Some((end, _)) => {
            Field { column, value: Some(text[..end].to_owned()), full_length: Some(text.chars().count()) }
        }
        None => Field { column, value: Some(text.into_owned()), full_length: None },
    }
}
