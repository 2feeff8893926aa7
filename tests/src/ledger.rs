//! Writing entries, and checking chains. [`whole_chains`] asks PostgreSQL's own `sha256()` and window functions first, so that
//! a fault which both verifiers share would still be seen.

use std::collections::BTreeMap;

use af_tools::throwaway::Server;
use postgres::{Client, GenericClient, Row};
use uuid::Uuid;

use crate::database::{Database, connect, migrate};

/// Inserts one entry with an id of the test's choosing: `$1` tenant, `$2` id.
pub const INSERT: &str = "INSERT INTO audits (tenant_id, id, actor_type, actor_id, action, resource_type, details) \
                          VALUES ($1, $2, 'user', 'someone', 'read', 'document', '{\"pages\": [1, 2.5, null]}')";

/// Seals an entry anew, as whoever rewrites a chain must.
const RESEAL: &str = "UPDATE audits AS a SET prev_hash = b.hash, hash = af_audit_hash(b.hash, a.hash_version, a.tenant_id, a.seq, \
     a.id, a.actor_type, a.actor_id, a.action, a.resource_type, a.resource_id, a.details, a.ts) \
     FROM audits AS b WHERE b.tenant_id = a.tenant_id AND b.seq = a.seq - 1 AND a.seq = n";

/// Adds a tenant.
///
/// # Panics
///
/// When that fails.
pub fn add_tenant(client: &mut impl GenericClient, name: &str) -> Uuid {
    client
        .query_one("INSERT INTO tenants (name) VALUES ($1) RETURNING id", &[&name])
        .expect("a new tenant")
        .get(0)
}

/// Adds so many entries to a tenant in one statement, each with its number in the details.
///
/// # Panics
///
/// When that fails.
pub fn add_entries(client: &mut impl GenericClient, tenant: Uuid, count: i32) {
    let inserted = client.execute(
        "INSERT INTO audits (tenant_id, actor_type, actor_id, action, resource_type, resource_id, details, ts) \
         SELECT $1, 'user', 'user-' || n % 7, 'update', 'document', CASE WHEN n % 3 > 0 THEN 'doc-' || n END, \
                jsonb_build_object('n', n, 'text', 'Übergröße \"' || n || '\" 🙂', 'ratio', n / 7.0, \
                                   'tags', jsonb_build_array('a', n % 2 = 0, NULL, 1e3)), \
                timestamptz '2026-01-01 00:00:00.000001+00' + n * interval '1.000001 s' \
         FROM generate_series(1, $2) AS n",
        &[&tenant, &count],
    );
    assert_eq!(inserted.expect("entries can be inserted"), u64::try_from(count).expect("a count"));
}

/// Lets whoever owns the table change what is stored, as nobody should.
///
/// # Panics
///
/// When that fails.
pub fn disable_triggers(client: &mut impl GenericClient) {
    client.batch_execute("ALTER TABLE audits DISABLE TRIGGER USER").expect("the owner may");
}

/// Rewrites a chain from a position on, so that nothing of it shows in the chain itself.
///
/// # Panics
///
/// When that fails.
pub fn rewrite(client: &mut Client, tenant: Uuid, from: i64) {
    disable_triggers(client);
    client
        .execute("UPDATE audits SET action = 'nothing' WHERE tenant_id = $1 AND seq = $2", &[&tenant, &from])
        .unwrap();
    let last: i64 =
        client.query_one("SELECT max(seq) FROM audits WHERE tenant_id = $1", &[&tenant]).unwrap().get(0);
    let own = format!("AND a.tenant_id = '{tenant}'");
    client
        .batch_execute(&format!("DO $$ BEGIN FOR n IN {from}..{last} LOOP {RESEAL} {own}; END LOOP; END $$"))
        .unwrap();
}

/// Puts the guards up again, as the migration does.
///
/// # Panics
///
/// When that fails.
pub fn enable_triggers(client: &mut impl GenericClient) {
    client
        .batch_execute(
            "ALTER TABLE audits ENABLE ALWAYS TRIGGER zz_af_audit_chain, ENABLE ALWAYS TRIGGER af_audit_guard, \
             ENABLE ALWAYS TRIGGER af_audit_guard_truncate",
        )
        .expect("the owner may");
}

/// How many entries each tenant has, once every chain has been found whole: seq 1, 2, 3 …, each prev_hash the hash
/// before and none twice, each hash the SHA-256 that PostgreSQL's own `sha256()` gives for the record, and
/// `af_audit_verify()` of the same opinion.
///
/// # Panics
///
/// When a chain is not whole.
pub fn whole_chains(client: &mut Client) -> BTreeMap<Uuid, i64> {
    let chains = client
        .query(
            "SELECT tenant_id, count(*), min(seq), max(seq), count(DISTINCT prev_hash), \
                    count(*) FILTER (WHERE prev_hash IS DISTINCT FROM hash_before), \
                    count(*) FILTER (WHERE hash IS DISTINCT FROM sha256(coalesce(prev_hash, '') || convert_to( \
                        af_audit_record(hash_version, tenant_id, seq, id, actor_type, actor_id, action, \
                                        resource_type, resource_id, details, ts), 'UTF8'))) \
             FROM (SELECT *, lag(hash) OVER (PARTITION BY tenant_id ORDER BY seq) AS hash_before FROM audits) AS a \
             GROUP BY tenant_id ORDER BY tenant_id",
            &[],
        )
        .expect("the ledger can be read");
    let mut counts = BTreeMap::new();
    for row in chains {
        let tenant: Uuid = row.get(0);
        let [entries, first, last, links, broken, wrong] =
            [1, 2, 3, 4, 5, 6].map(|column| row.get::<_, i64>(column));
        assert_eq!((first, last), (1, entries), "tenant {tenant}: {entries} entries, seq {first} to {last}");
        assert_eq!(links, entries - 1, "tenant {tenant}: a prev_hash occurs twice");
        assert_eq!(broken, 0, "tenant {tenant}: prev_hash is not the hash before");
        assert_eq!(wrong, 0, "tenant {tenant}: hash is not the SHA-256 of its record");
        counts.insert(tenant, entries);
    }
    let verified = verify(client);
    // Of an empty ledger it says so, in a row without tenant.
    let agreed =
        verified.iter().filter_map(|chain| Some((chain.tenant?, chain.entries))).collect::<BTreeMap<_, _>>();
    assert!(verified.iter().all(|chain| chain.status == "ok"), "{verified:?}");
    assert_eq!(agreed, counts, "af_audit_verify() counts other entries");
    counts
}

/// What `af_audit_verify()` says of one chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    /// Whose chain.
    pub tenant: Option<Uuid>,
    /// `ok`, `tampered` or `partial`.
    pub status: String,
    /// How many entries were read.
    pub entries: i64,
    /// The number of the first bad entry.
    pub first_bad_seq: Option<i64>,
    /// Its id.
    pub first_bad_id: Option<Uuid>,
    /// What is wrong with it.
    pub finding: Option<String>,
}

/// The two ways in which the extension reads a ledger, of which it takes one by the size of the table: every way that a
/// test asks for findings must give the same. Each is forced upon it by settings of the session.
const WAYS: [(&str, &str); 2] = [
    ("in order", "SET min_parallel_table_scan_size = '1TB'"),
    (
        "in any order, by parallel workers",
        "SET min_parallel_table_scan_size = 0; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; \
         SET max_parallel_workers_per_gather = 2",
    ),
];

/// What a query answers, which must be the same whichever way the ledger is read. Its first column is the whole of each
/// row as text, by which answers are compared.
///
/// # Panics
///
/// When it fails, or when the answers differ.
pub fn both_ways<T>(client: &mut impl GenericClient, sql: &str, take: impl FnMut(&Row) -> T) -> Vec<T> {
    let mut ask = |(way, settings): (&str, &str)| {
        client.batch_execute(settings).expect("anybody may set it");
        let rows = client.query(sql, &[]).unwrap_or_else(|error| panic!("{way}: {sql}: {error:?}"));
        client
            .batch_execute(
                "RESET min_parallel_table_scan_size; RESET parallel_setup_cost; RESET parallel_tuple_cost; \
                 RESET max_parallel_workers_per_gather",
            )
            .expect("anybody may reset it");
        rows
    };
    let whole = |rows: &[Row]| rows.iter().map(|row| row.get(0)).collect::<Vec<String>>();
    let (in_order, in_any_order) = (ask(WAYS[0]), ask(WAYS[1]));
    assert_eq!(
        whole(&in_order),
        whole(&in_any_order),
        "{sql}: read in order (left) and in any order (right)"
    );
    in_order.iter().map(take).collect()
}

/// `af_audit_verify()` of all tenants.
///
/// # Panics
///
/// When it fails.
pub fn verify(client: &mut impl GenericClient) -> Vec<Chain> {
    let sql = "SELECT v::text, tenant_id, status, entries, first_bad_seq, first_bad_id, finding \
               FROM af_audit_verify() AS v";
    both_ways(client, sql, |row| Chain {
        tenant: row.get(1),
        status: row.get(2),
        entries: row.get(3),
        first_bad_seq: row.get(4),
        first_bad_id: row.get(5),
        finding: row.get(6),
    })
}

/// One row of `af_audit_findings()`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// Whose chain.
    pub tenant: Option<Uuid>,
    /// The entry's number.
    pub seq: Option<i64>,
    /// The entry's id.
    pub id: Option<Uuid>,
    /// What is wrong with it.
    pub kind: String,
}

/// `af_audit_findings()` of all tenants.
///
/// # Panics
///
/// When it fails.
pub fn findings(client: &mut impl GenericClient) -> Vec<Finding> {
    let sql = "SELECT f::text, tenant_id, seq, id, finding FROM af_audit_findings() AS f";
    both_ways(client, sql, |row| Finding {
        tenant: row.get(1),
        seq: row.get(2),
        id: row.get(3),
        kind: row.get(4),
    })
}

/// A ledger with one tenant, a session on it, and the tenant.
///
/// # Panics
///
/// When that fails.
pub fn with_one_tenant() -> (Database, Client, Uuid) {
    let database = Database::new();
    let mut client = database.connect();
    let tenant = add_tenant(&mut client, "one");
    (database, client, tenant)
}

/// A session on a new database `ledger` of `server`, made by the migrations, with one tenant and ten entries.
///
/// # Panics
///
/// When that fails.
pub fn small_ledger(server: &Server) -> Client {
    server.create_database("ledger").expect("a database can be created");
    let url = server.url("ledger");
    migrate(&url);
    let mut client = connect(&url);
    let tenant = add_tenant(&mut client, "one");
    add_entries(&mut client, tenant, 10);
    client
}

/// Inserts an entry like any other.
///
/// # Panics
///
/// When that fails.
pub fn insert(client: &mut impl GenericClient, tenant: Uuid) {
    assert_eq!(client.execute(INSERT, &[&tenant, &Uuid::new_v4()]).expect("an entry can be inserted"), 1);
}

/// How many entries there are.
///
/// # Panics
///
/// When that fails.
pub fn entries(client: &mut impl GenericClient) -> i64 {
    client.query_one("SELECT count(*) FROM audits", &[]).expect("entries can be counted").get(0)
}

/// All columns of all entries, as text.
///
/// # Panics
///
/// When that fails.
pub fn contents(client: &mut impl GenericClient) -> Vec<String> {
    let rows = client.query("SELECT a::text FROM audits AS a ORDER BY tenant_id, seq", &[]);
    rows.expect("entries can be read").iter().map(|row| row.get(0)).collect()
}
