//! What is left after a server has gone: a server that can be crashed, writers until it is, and what they were promised.

use std::fs::{self, OpenOptions};
use std::path::Path;
use std::sync::Mutex;

use af_tools::throwaway::{Options, Server};
use postgres::Client;
use uuid::Uuid;

use crate::database::{connect, create_ledger, options};
use crate::ledger::INSERT;
use crate::random::Random;

/// The database with the ledger on a [`durable_server`].
pub const DATABASE: &str = "ledger";

/// A server of the test's own, since it is going to be crashed, with an empty ledger.
///
/// # Panics
///
/// When it cannot be started.
#[must_use]
pub fn durable_server(settings: &[(&str, &str)]) -> Server {
    let mut options = Options { durable: true, ..options() };
    options.settings.extend(settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    let server = Server::start(&options).expect("a throw-away server starts");
    server.create_database(DATABASE).expect("a database can be created");
    create_ledger(&mut connect(&server.url(DATABASE)));
    server
}

/// How many of these entries are not there.
///
/// # Panics
///
/// When the ledger cannot be read.
pub fn lost(client: &mut Client, acknowledged: &[Uuid]) -> i64 {
    let sql = "SELECT count(*) FROM unnest($1::uuid[]) AS wanted WHERE NOT EXISTS (SELECT FROM audits WHERE id = wanted)";
    client.query_one(sql, &[&acknowledged]).expect("the ledger can be read").get(0)
}

/// Inserts, up to three entries of a tenant a transaction, until the server is gone. Notes the ids of what was
/// acknowledged.
///
/// # Panics
///
/// When the server refuses while it runs.
pub fn insert_until_the_crash(
    mut client: Client,
    tenants: &[Uuid],
    mut random: Random,
    acknowledged: &Mutex<Vec<Uuid>>,
) {
    let insert = client.prepare(INSERT).expect("the ledger is there");
    loop {
        let mut ids = Vec::new();
        let result = (|| {
            let mut transaction = client.transaction()?;
            let tenant = *random.choose(tenants);
            for _ in 0..=random.below(3) {
                let id = Uuid::from_u64_pair(random.next_u64(), random.next_u64());
                transaction.execute(&insert, &[&tenant, &id])?;
                ids.push(id);
            }
            transaction.commit()
        })();
        match result {
            Ok(()) => acknowledged.lock().expect("nobody panicked").append(&mut ids),
            Err(_) if client.is_closed() => return,
            Err(error) => panic!("the server refused while it ran: {error:?}"),
        }
    }
}

/// A head as `af_audit_head()` told it.
#[derive(Debug, Clone)]
pub struct Head {
    /// Whose chain.
    pub tenant: Uuid,
    /// The position.
    pub seq: i64,
    /// The entry's hash.
    pub hash: Vec<u8>,
}

/// Asks for heads until the server is gone. Notes what it was told.
pub fn ask_until_the_crash(mut client: Client, tenants: &[Uuid], told: &Mutex<Vec<Head>>) {
    for tenant in tenants.iter().cycle() {
        match client.query_opt("SELECT seq, hash FROM af_audit_head($1)", &[tenant]) {
            Ok(None) => (),
            Ok(Some(row)) => {
                let head = Head { tenant: *tenant, seq: row.get(0), hash: row.get(1) };
                told.lock().expect("nobody panicked").push(head);
            }
            Err(_) => return,
        }
    }
}

/// How many heads that were told are not in the ledger.
///
/// # Panics
///
/// When the ledger cannot be read.
pub fn taken_back(client: &mut Client, told: &[Head]) -> i64 {
    let tenants: Vec<Uuid> = told.iter().map(|head| head.tenant).collect();
    let positions: Vec<i64> = told.iter().map(|head| head.seq).collect();
    let hashes: Vec<&[u8]> = told.iter().map(|head| head.hash.as_slice()).collect();
    let sql = "SELECT count(*) FROM unnest($1::uuid[], $2::bigint[], $3::bytea[]) AS told (tenant_id, seq, hash) \
               WHERE NOT EXISTS (SELECT FROM audits AS a WHERE a.tenant_id = told.tenant_id AND a.seq = told.seq \
                                 AND a.hash = told.hash)";
    client.query_one(sql, &[&tenants, &positions, &hashes]).expect("the ledger can be read").get(0)
}

/// How far the server has flushed its WAL, in bytes.
///
/// # Panics
///
/// When the server does not say.
pub fn flushed(client: &mut Client) -> u64 {
    let row = client.query_one("SELECT (pg_current_wal_flush_lsn() - '0/0')::bigint", &[]);
    row.expect("not a standby").get::<_, i64>(0).cast_unsigned()
}

/// Takes away what a stopped server has written to its WAL beyond a position, as if the power had gone when it had been
/// flushed that far: the operating system may have written more of it, and need not have.
///
/// # Panics
///
/// When the files cannot be changed.
pub fn lose_wal_after(data_dir: &Path, position: u64) {
    const SEGMENT_BYTES: u64 = 16 << 20;
    const SEGMENTS_PER_XLOGID: u64 = (1 << 32) / SEGMENT_BYTES;
    let mut cut = 0;
    for file in fs::read_dir(data_dir.join("pg_wal")).expect("there is WAL") {
        let file = file.expect("the directory can be read");
        // TTTTTTTTXXXXXXXXYYYYYYYY: timeline, and the segment's number in two parts.
        let name = file.file_name().into_string().unwrap_or_default();
        let part = |range| name.get(range).and_then(|digits| u64::from_str_radix(digits, 16).ok());
        let (24, Some(high), Some(low)) = (name.len(), part(8..16), part(16..24)) else { continue };
        let start = (high * SEGMENTS_PER_XLOGID + low) * SEGMENT_BYTES;
        if start + SEGMENT_BYTES > position {
            let segment = OpenOptions::new().write(true).open(file.path()).expect("it can be written");
            assert_eq!(segment.metadata().expect("it is a file").len(), SEGMENT_BYTES);
            // What is cut off and added again reads as zeros.
            segment.set_len(position.saturating_sub(start)).expect("it can be cut");
            segment.set_len(SEGMENT_BYTES).expect("it can be extended");
            cut += 1;
        }
    }
    assert!(cut > 0, "no segment holds position {position}");
}
