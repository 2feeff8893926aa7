//! What bounds a verifier: reading the rows, and hashing the bytes.

use std::io::BufRead;
use std::thread;
use std::time::Instant;

use af_tests::database::connect;
use postgres::Client;
use postgres::binary_copy::BinaryCopyOutIter;
use postgres::fallible_iterator::FallibleIterator;
use postgres::types::Type;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::Error;
use crate::figure::Sample;

/// Queries over the `$1` rows of audits, as PostgreSQL runs them: on a large table, by parallel workers.
pub(crate) const QUERIES: [(&str, &str); 3] = [
    ("SQL: count(*)", "SELECT count(*) = $1 FROM audits"),
    ("SQL: sum(length(details::text))", "SELECT sum(length(details::text)) > $1 FROM audits"),
    (
        "SQL: sha256() of the columns' text",
        "SELECT count(sha256(coalesce(prev_hash, '') || convert_to(concat_ws('|', tenant_id, seq, id, ts, actor_type, actor_id, \
         action, resource_type, resource_id, details::text), 'UTF8'))) = $1 FROM audits",
    ),
];

/// The bytes that a verifier hashes, one record after the other.
pub(crate) struct Records {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Records {
    /// Of all of audits.
    pub(crate) fn read(client: &mut Client) -> Result<Self, Error> {
        let copy = client.copy_out(
            "COPY (SELECT coalesce(prev_hash, '') || convert_to(af_audit_record(hash_version, tenant_id, seq, id, actor_type, \
             actor_id, action, resource_type, resource_id, details, ts), 'UTF8') FROM audits) TO STDOUT (FORMAT binary)",
        )?;
        let (mut bytes, mut ends) = (Vec::new(), Vec::new());
        let mut rows = BinaryCopyOutIter::new(copy, &[Type::BYTEA]);
        while let Some(row) = rows.next()? {
            bytes.extend_from_slice(row.try_get::<&[u8]>(0)?);
            ends.push(bytes.len());
        }
        Ok(Self { bytes, ends })
    }

    /// SHA-256 of each record, by so many threads.
    pub(crate) fn hash(&self, threads: usize) -> Result<Sample, Error> {
        let records = self.ends.len();
        let begun = Instant::now();
        thread::scope(|scope| {
            for part in 0..threads {
                let (first, last) = (records * part / threads, records * (part + 1) / threads);
                scope.spawn(move || self.hash_part(first, last));
            }
        });
        let seconds = begun.elapsed().as_secs_f64();
        let bytes = Some(u64::try_from(self.bytes.len())?);
        Ok(Sample { bytes, ..Sample::new(u64::try_from(records)?, seconds) })
    }

    fn hash_part(&self, first: usize, last: usize) {
        let mut start = if first == 0 { 0 } else { self.ends[first - 1] };
        for end in &self.ends[first..last] {
            std::hint::black_box(Sha256::digest(&self.bytes[start..*end]));
            start = *end;
        }
    }
}

/// Reads all rows as `af-tools` does and drops them, over so many connections, each with its share of the tenants.
pub(crate) fn drain(url: &str, tenants: &[Uuid], connections: usize, items: u64) -> Result<Sample, Error> {
    let mut clients: Vec<Client> = (0..connections).map(|_| connect(url)).collect();
    let begun = Instant::now();
    let bytes = thread::scope(|scope| {
        let shares = tenants.chunks(tenants.len().div_ceil(connections));
        let threads =
            clients.iter_mut().zip(shares).map(|(client, share)| scope.spawn(|| drain_share(client, share)));
        let threads: Vec<_> = threads.collect();
        threads.into_iter().map(|thread| thread.join().expect("it does not panic")).sum::<Result<u64, _>>()
    })?;
    let seconds = begun.elapsed().as_secs_f64();
    Ok(Sample { bytes: Some(bytes), ..Sample::new(items, seconds) })
}

/// Reads all rows of these tenants, or of all if there are none, and drops them; how many bytes they were.
pub(crate) fn drain_share(client: &mut Client, tenants: &[Uuid]) -> Result<u64, postgres::Error> {
    let tenants: Vec<String> = tenants.iter().map(|tenant| format!("'{tenant}'")).collect();
    let condition = match tenants.as_slice() {
        [] => String::new(),
        tenants => format!(" WHERE tenant_id IN ({})", tenants.join(", ")),
    };
    let mut copy = client.copy_out(&format!(
        "COPY (SELECT tenant_id, seq, id, ts, actor_type, actor_id, action, resource_type, resource_id, details, \
         hash_version, prev_hash, hash FROM audits{condition} ORDER BY tenant_id, seq) TO STDOUT (FORMAT binary)"
    ))?;
    let mut bytes = 0;
    loop {
        // What the connection cannot read is a postgres::Error inside of an I/O error.
        let length = copy
            .fill_buf()
            .map_err(|error| match error.downcast() {
                Ok(error) => error,
                Err(error) => panic!("read a COPY: {error}"),
            })?
            .len();
        if length == 0 {
            return Ok(bytes);
        }
        bytes += length as u64;
        copy.consume(length);
    }
}
