//! How fast entries of any size are verified when nothing of them is in memory yet.

use std::fs;

use af_tools::throwaway::Server;

use crate::Error;
use crate::content::COLUMNS;
use crate::context::{Context, Ledger};
use crate::figure::{Figure, Sample};
use crate::rounds::Candidate;
use crate::verification::{INSIDE, OUTSIDE, run_af_tools};

const DETAILS_BYTES: [i32; 7] = [100, 300, 1_000, 3_000, 10_000, 100_000, 1_000_000];
const MOST_ENTRIES: i32 = 100_000;

/// Entry 1 to `$1` of one tenant: an array of as many strings of 22 characters as make `$2` bytes of text. Base64 of a hash
/// does not compress, so that PostgreSQL stores large ones outside of the row as they are.
const ENTRIES: &str = "
    SELECT t.id AS tenant_id, timestamptz '2026-01-01 00:00+00' + n * interval '1 s' AS ts, 'user' AS actor_type,
           'user-1' AS actor_id, 'document.update' AS action, 'document' AS resource_type, 'document-' || n AS resource_id,
           (SELECT jsonb_build_object('data', jsonb_agg(rtrim(encode(decode(md5(n || '-' || part), 'hex'), 'base64'), '=')))
            FROM generate_series(1, greatest(1, $2::int / 26)) AS part) AS details
    FROM generate_series(1, $1::int) AS n, tenants AS t";

/// What all entries of a size are, and where they are.
struct Sized {
    entries: u64,
    bytes: u64,
    ledger: Ledger,
}

struct Subject<'a> {
    server: &'a mut Server,
    sized: Vec<Sized>,
}

pub(crate) fn measure(context: &mut Context) -> Result<Vec<Figure>, Error> {
    let mut sized = Vec::new();
    for size in DETAILS_BYTES {
        // Of each size so many that there is as much to read, within limits.
        let total = i64::from(context.scale.entries) * 200;
        let entries = i32::try_from(total / i64::from(size))?.clamp(10, MOST_ENTRIES);
        let mut ledger = context.ledger(&database(size), 1)?;
        let insert =
            format!("INSERT INTO audits ({COLUMNS}) SELECT {COLUMNS} FROM ({ENTRIES} ORDER BY n) AS e");
        ledger.client.execute(&insert, &[&entries, &size])?;
        ledger.settle(&["audits"])?;
        let bytes: i64 = ledger
            .client
            .query_one("SELECT sum(octet_length(details::text))::bigint FROM audits", &[])?
            .get(0);
        sized.push(Sized { entries: u64::try_from(entries)?, bytes: u64::try_from(bytes)?, ledger });
    }
    let rounds = context.rounds().without_warm_up();
    let mut subject = Subject { server: &mut context.server, sized };
    let drops_os_cache = drop_os_cache();

    let mut candidates = Vec::new();
    for (index, size) in DETAILS_BYTES.into_iter().enumerate() {
        let x = f64::from(size);
        candidates
            .push(Candidate::new(INSIDE, move |subject: &mut Subject| subject.verify_inside(index)).at(x));
        candidates
            .push(Candidate::new(OUTSIDE, move |subject: &mut Subject| subject.verify_outside(index)).at(x));
    }
    let points = rounds.interleave(&mut subject, candidates)?;
    let sized = subject.sized;
    for (size, sized) in DETAILS_BYTES.into_iter().zip(sized) {
        context.drop_ledger(sized.ledger, &database(size))?;
    }

    let mut figure =
        Figure::new("size", "Verification of entries of any size, from a cold cache", "entry", points);
    figure.x_title = Some("bytes of details".to_owned());
    figure.notes.push(format!(
        "The server was restarted before each measurement, {}. MB/s are of details as text.",
        if drops_os_cache {
            "and the system's cache emptied"
        } else {
            "but the system's cache could not be emptied"
        }
    ));
    Ok(vec![figure])
}

fn database(size: i32) -> String {
    format!("size_{size}")
}

/// Has Linux forget what it read of files, all of which the stopped server has flushed; only root may.
fn drop_os_cache() -> bool {
    fs::write("/proc/sys/vm/drop_caches", "3").is_ok()
}

impl Subject<'_> {
    fn verify_inside(&mut self, index: usize) -> Result<Sample, Error> {
        self.forget(index)?;
        let Sized { entries, bytes, ledger } = &mut self.sized[index];
        Ok(Sample { bytes: Some(*bytes), ..ledger.verify("", *entries)? })
    }

    fn verify_outside(&mut self, index: usize) -> Result<Sample, Error> {
        self.forget(index)?;
        let Sized { entries, bytes, ledger } = &self.sized[index];
        let sample = run_af_tools(&ledger.url, &["audit", "verify"], "entries", *entries)?;
        Ok(Sample { bytes: Some(*bytes), ..sample })
    }

    /// A server that has read nothing of the table.
    fn forget(&mut self, index: usize) -> Result<(), Error> {
        self.server.stop()?;
        drop_os_cache();
        self.server.restart()?;
        self.sized[index].ledger.reconnect();
        Ok(())
    }
}
