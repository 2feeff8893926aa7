//! Whatever is done to stored entries behind the triggers' back is found, by both verifiers alike, and named by the
//! entry where it happened.

use std::collections::BTreeSet;
use std::fs::OpenOptions;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

use af_tests::database::{Database, connect, create_ledger, options};
use af_tests::ledger::{self, Finding, add_entries, add_tenant, disable_triggers, findings, whole_chains};
use af_tests::random::Random;
use af_tests::tools;
use af_tools::audit::verify;
use af_tools::throwaway::{Options, Server};
use af_tools::watch::Unwatched;
use postgres::{Client, GenericClient};
use uuid::Uuid;

const COLUMNS: &str = "tenant_id, seq, id, ts, actor_type, actor_id, action, resource_type, resource_id, details, \
                       hash_version, prev_hash, hash";
const ENTRIES: i32 = 120;

/// What an edit makes of a hashed column.
const EDITS: [(&str, &str); 13] = [
    ("id", "gen_random_uuid()"),
    ("ts", "ts + interval '1 microsecond'"),
    ("actor_type", "actor_type || ' '"),
    ("actor_id", "'someone else'"),
    ("action", "upper(action)"),
    ("resource_type", "''"),
    ("resource_id", "CASE WHEN resource_id IS NULL THEN '' END"),
    ("details", "jsonb_set(details, '{ratio}', to_jsonb((details->>'ratio')::numeric + 1e-16))"),
    ("details", "details - 'tags'"),
    ("details", "jsonb_set(details, '{tags, 2}', 'false')"),
    ("details", "jsonb_set(details, '{text}', to_jsonb(normalize(details->>'text', NFD)))"),
    ("hash_version", "2"),
    ("hash", "set_byte(hash, seq::int % 32, get_byte(hash, seq::int % 32) # 1)"),
];

/// A ledger whose owner has put the triggers and constraints out of the way, and a copy of what it was.
struct Ledger {
    database: Database,
    client: Client,
    tenants: Vec<Uuid>,
    random: Random,
}

impl Ledger {
    fn new() -> Self {
        let database = Database::new();
        let mut client = database.connect();
        let tenants: Vec<Uuid> = (0..4).map(|n| add_tenant(&mut client, &format!("tenant {n}"))).collect();
        for tenant in &tenants {
            add_entries(&mut client, *tenant, ENTRIES);
        }
        disable_triggers(&mut client);
        client
            .batch_execute(
                "CREATE TABLE pristine AS TABLE audits;
                 ALTER TABLE audits DROP CONSTRAINT audits_pkey, DROP CONSTRAINT audits_id_key,
                     DROP CONSTRAINT audits_tenant_id_fkey, DROP CONSTRAINT audits_seq_check,
                     DROP CONSTRAINT audits_prev_hash_check, DROP CONSTRAINT audits_hash_check;
                 -- Not unique any more, but verification should not have to sort.
                 CREATE INDEX ON audits (tenant_id, seq)",
            )
            .unwrap();
        for column in COLUMNS.split(", ") {
            client.batch_execute(&format!("ALTER TABLE audits ALTER COLUMN {column} DROP NOT NULL")).unwrap();
        }
        // Which of two entries at one position comes first, and is not the double, is what the index says to everybody.
        client.batch_execute(&format!("ALTER DATABASE {} SET enable_sort = off", database.name())).unwrap();
        let client = database.connect();
        Self { database, client, tenants, random: Random::from_environment() }
    }

    fn restore(&mut self) {
        self.client.batch_execute("DELETE FROM audits; INSERT INTO audits TABLE pristine").unwrap();
    }

    fn id(&mut self, tenant: Uuid, seq: i64) -> Uuid {
        let sql = "SELECT id FROM pristine WHERE tenant_id = $1 AND seq = $2";
        self.client.query_one(sql, &[&tenant, &seq]).unwrap().get(0)
    }

    /// The findings, on which SQL and af-tools agree, also in the verdict that they draw.
    fn findings(&mut self, what: &str) -> Vec<Finding> {
        let inside = findings(&mut self.client);
        let (code, outside) = tools::verify(&self.database.url());
        let as_set = |findings: &[Finding]| findings.iter().cloned().collect::<BTreeSet<_>>();
        assert_eq!(as_set(&inside), as_set(&outside), "{what}: SQL (left) and af-tools (right) disagree");
        assert_eq!(inside.len(), outside.len(), "{what}");
        self.same_by_several_jobs(what);
        let verified = ledger::verify(&mut self.client);
        let is = |status: &str| verified.iter().any(|chain| chain.status == status);
        let expected = if is("tampered") {
            3
        } else if is("partial") {
            4
        } else {
            0
        };
        assert_eq!(code, Some(expected), "{what}: {verified:?}");
        // The short form names the first finding of each chain.
        for chain in verified {
            let first = inside.iter().find(|finding| finding.tenant == chain.tenant);
            let short = chain.finding.map(|kind| (chain.first_bad_seq, chain.first_bad_id, kind));
            assert_eq!(short, first.map(|finding| (finding.seq, finding.id, finding.kind.clone())), "{what}");
        }
        inside
    }

    /// Ranges of any size, down to one entry, so that their borders fall on whatever was done.
    fn same_by_several_jobs(&mut self, what: &str) {
        let url = self.database.url();
        let entries = u64::try_from(1 + self.random.below(40)).unwrap();
        let divided = verify::Options { range_entries: Some(entries), ..verify::Options::new() };
        let one = tools::verify_by(&url, 0, &verify::Options::new(), &mut Unwatched);
        assert_eq!(tools::verify_by(&url, 3, &divided, &mut Unwatched), one, "{what}: ranges of {entries}");
    }

    /// Does something to the stored entries, gives the findings, and puts everything back.
    fn tamper(&mut self, sql: &str) -> Vec<Finding> {
        self.client.batch_execute(sql).unwrap_or_else(|error| panic!("{sql}: {error:?}"));
        let findings = self.findings(sql);
        self.restore();
        findings
    }
}

fn finding(tenant: Uuid, seq: i64, id: Option<Uuid>, kind: &str) -> Finding {
    Finding { tenant: Some(tenant), seq: Some(seq), id, kind: kind.to_owned() }
}

#[test]
fn an_untouched_ledger_is_fine_to_both() {
    let mut ledger = Ledger::new();
    assert_eq!(ledger.findings("nothing"), []);
    let expected = ledger.tenants.iter().map(|tenant| (*tenant, i64::from(ENTRIES))).collect();
    assert_eq!(whole_chains(&mut ledger.client), expected);
}

/// 100 entries, each edited in every hashed column by itself: SQL looks at every edit, af-tools at one for each entry.
#[test]
fn an_edit_of_any_hashed_column_is_named_by_its_entry() {
    let mut random = Random::from_environment();
    let mut ledger = Ledger::new();
    let mut chosen = BTreeSet::new();
    while chosen.len() < 100 {
        let tenant = *random.choose(&ledger.tenants);
        chosen.insert((tenant, 1 + i64::try_from(random.below(usize::try_from(ENTRIES).unwrap())).unwrap()));
    }
    for (round, (tenant, seq)) in chosen.into_iter().enumerate() {
        let id = ledger.id(tenant, seq);
        let edit = |(column, value): (&str, &str)| {
            format!("UPDATE audits SET {column} = {value} WHERE tenant_id = '{tenant}' AND seq = {seq}")
        };
        for (column, value) in EDITS {
            let mut transaction = ledger.client.transaction().unwrap();
            assert_eq!(transaction.execute(&edit((column, value)), &[]).unwrap(), 1);
            let verified = ledger::verify(&mut transaction);
            transaction.rollback().unwrap();
            for chain in verified {
                let found = (chain.status.as_str(), chain.first_bad_seq, chain.finding.as_deref());
                if chain.tenant == Some(tenant) {
                    assert_eq!(
                        found,
                        ("tampered", Some(seq), Some("altered")),
                        "{tenant} {seq}: {column} = {value}"
                    );
                    assert!(column == "id" || chain.first_bad_id == Some(id));
                } else {
                    assert_eq!(found, ("ok", None, None), "another chain was edited: {tenant} {seq}");
                }
            }
        }
        let edited = EDITS[round % EDITS.len()];
        let found = ledger.tamper(&edit(edited));
        assert_eq!(
            (found[0].tenant, found[0].seq, found[0].kind.as_str()),
            (Some(tenant), Some(seq), "altered")
        );
        if edited.0 != "hash" {
            assert_eq!(found.len(), 1, "one edit is one finding: {found:?}");
        }
    }
}

#[test]
fn an_entry_moved_elsewhere_is_missed_where_it_was() {
    let mut ledger = Ledger::new();
    let stranger = Uuid::new_v4();
    for seq in [1_i64, 60, i64::from(ENTRIES) - 1] {
        let tenant = ledger.tenants[1];
        for (column, value) in [
            ("seq", "seq + 1000".to_owned()),
            ("seq", "-seq".to_owned()),
            ("tenant_id", format!("'{stranger}'")),
            ("tenant_id", format!("'{}'", ledger.tenants[0])),
        ] {
            let sql =
                format!("UPDATE audits SET {column} = {value} WHERE tenant_id = '{tenant}' AND seq = {seq}");
            let found = ledger.tamper(&sql);
            assert!(found.contains(&finding(tenant, seq, None, "missing")), "{sql}: {found:?}");
            assert!(found.len() >= 2, "where it is now, it is wrong too: {sql}: {found:?}");
        }
    }
}

#[test]
fn removed_entries_are_missing_at_their_position() {
    let mut ledger = Ledger::new();
    let tenant = ledger.tenants[2];
    let last = i64::from(ENTRIES);
    for (condition, expected) in [
        ("seq = 60".to_owned(), vec![60]),
        ("seq = 1".to_owned(), vec![1]),
        ("seq < 5".to_owned(), vec![1]),
        ("seq BETWEEN 30 AND 50".to_owned(), vec![30]),
        ("seq IN (2, 3, 77, 100)".to_owned(), vec![2, 77, 100]),
        (format!("seq < {last}"), vec![1]),
        // The tail, and whole chains: the rows alone cannot show that. Checkpoints are for this.
        (format!("seq > {}", last - 3), vec![]),
        ("true".to_owned(), vec![]),
    ] {
        let found =
            ledger.tamper(&format!("DELETE FROM audits WHERE tenant_id = '{tenant}' AND {condition}"));
        let expected: Vec<_> =
            expected.into_iter().map(|seq| finding(tenant, seq, None, "missing")).collect();
        assert_eq!(found, expected, "{condition}");
    }
}

#[test]
fn an_entry_hashed_again_after_an_edit_is_relinked_at_the_next() {
    let mut ledger = Ledger::new();
    let tenant = ledger.tenants[0];
    for seq in [1_i64, 59, i64::from(ENTRIES) - 1] {
        let next = ledger.id(tenant, seq + 1);
        let found = ledger.tamper(&format!(
            "UPDATE audits SET actor_id = 'someone else' WHERE tenant_id = '{tenant}' AND seq = {seq};
             UPDATE audits SET hash = af_audit_hash(prev_hash, hash_version, tenant_id, seq, id, actor_type, actor_id,
                                                    action, resource_type, resource_id, details, ts)
             WHERE tenant_id = '{tenant}' AND seq = {seq}"
        ));
        assert_eq!(found, [finding(tenant, seq + 1, Some(next), "relinked")]);
    }
}

#[test]
fn swapped_entries_are_named_at_both_positions() {
    let mut ledger = Ledger::new();
    let tenant = ledger.tenants[3];
    for (first, second) in [(10_i64, 11_i64), (20, 25), (1, 2), (1, i64::from(ENTRIES)), (30, 90)] {
        let found = ledger.tamper(&format!(
            "UPDATE audits SET seq = CASE seq WHEN {first} THEN {second} ELSE {first} END
             WHERE tenant_id = '{tenant}' AND seq IN ({first}, {second})"
        ));
        let expected = [(first, ledger.id(tenant, second)), (second, ledger.id(tenant, first))];
        let at_entries: BTreeSet<_> =
            found.iter().filter_map(|found| Some((found.seq?, found.id?))).collect();
        assert_eq!(found[0].seq, Some(first), "{found:?}");
        assert!(at_entries.is_superset(&expected.into()), "{first} and {second}: {found:?}");
        if second - first <= 8 {
            assert_eq!(found[0].kind, "reordered", "{found:?}");
        }
    }
}

#[test]
fn a_second_entry_at_the_same_position_is_named() {
    let mut ledger = Ledger::new();
    let tenant = ledger.tenants[0];
    for seq in [1_i64, 60, i64::from(ENTRIES)] {
        let id = ledger.id(tenant, seq);
        let copy =
            format!("INSERT INTO audits SELECT * FROM pristine WHERE tenant_id = '{tenant}' AND seq = {seq}");
        assert_eq!(ledger.tamper(&copy), [finding(tenant, seq, Some(id), "duplicated")]);
        // Another entry, made to look right: whichever of the two comes first, the other one is one too many.
        let found = ledger.tamper(&format!(
            "{copy}; UPDATE audits SET actor_id = 'someone else' WHERE ctid = (SELECT max(ctid) FROM audits)"
        ));
        assert!(found.iter().all(|found| found.seq == Some(seq)), "{found:?}");
        assert!(found.iter().any(|found| found.kind == "duplicated"), "{found:?}");
    }
}

#[test]
fn an_entry_without_proper_hashes_is_unsealed() {
    let mut ledger = Ledger::new();
    let tenant = ledger.tenants[1];
    let zeros = |count: usize| format!("decode(repeat('00', {count}), 'hex')");
    for seq in [2_i64, 60] {
        for column in ["hash", "prev_hash"] {
            for value in ["NULL".to_owned(), zeros(0), zeros(31), zeros(33), zeros(1_000)] {
                let sql = format!(
                    "UPDATE audits SET {column} = {value} WHERE tenant_id = '{tenant}' AND seq = {seq}"
                );
                let found = ledger.tamper(&sql);
                let id = ledger.id(tenant, seq);
                assert_eq!(found[0], finding(tenant, seq, Some(id), "unsealed"), "{sql}: {found:?}");
            }
        }
    }
    // The first entry has no predecessor, whatever it says.
    let found = ledger
        .tamper(&format!("UPDATE audits SET prev_hash = hash WHERE tenant_id = '{tenant}' AND seq = 1"));
    assert_eq!(found[0].seq, Some(1), "{found:?}");
    let sql = format!("UPDATE audits SET seq = NULL WHERE tenant_id = '{tenant}' AND seq = {ENTRIES}");
    assert!(ledger.tamper(&sql).iter().any(|found| found.seq.is_none() && found.kind == "unsealed"));
}

/// What a later version of pg_af may have sealed is neither fine nor tampered with; an entry that this version sealed is not
/// hidden by calling it that (`EDITS` has this one).
#[test]
fn an_unknown_version_is_not_proven_rather_than_tampered() {
    let mut ledger = Ledger::new();
    let tenant = ledger.tenants[1];
    for version in [0, 2, -1, 32_767] {
        let sql = format!(
            "UPDATE audits SET hash_version = {version}, hash = sha256('of another format') \
             WHERE tenant_id = '{tenant}' AND seq = {ENTRIES}"
        );
        ledger.client.batch_execute(&sql).unwrap();
        // The exit code, which this checks too, is that of what is not provable.
        assert_eq!(ledger.findings(&sql), []);
        let chain = ledger::verify(&mut ledger.client)
            .into_iter()
            .find(|chain| chain.tenant == Some(tenant))
            .unwrap();
        assert_eq!(chain.status, "partial");
        ledger.restore();
    }
}

#[test]
fn a_null_or_a_time_that_cannot_be_is_altered() {
    let mut ledger = Ledger::new();
    let tenant = ledger.tenants[1];
    let nulls = ["id", "ts", "actor_type", "actor_id", "action", "resource_type", "details", "hash_version"];
    let nulls = nulls.map(|column| (column, "NULL"));
    let times = ["'infinity'", "'-infinity'", "'294276-12-31'", "'4713-01-01 BC'"].map(|time| ("ts", time));
    for (column, value) in nulls.into_iter().chain(times) {
        let sql = format!("UPDATE audits SET {column} = {value} WHERE tenant_id = '{tenant}' AND seq = 60");
        let found = ledger.tamper(&sql);
        let (seq, kind) = (found[0].seq, found[0].kind.as_str());
        assert_eq!((found.len(), seq, kind), (1, Some(60), "altered"), "{sql}: {found:?}");
    }
}

/// One to four random acts, of which the verifiers know nothing: they need not say the same as this test, but the same as
/// each other, and something.
#[test]
fn both_verifiers_agree_on_whatever_is_done() {
    let mut random = Random::from_environment();
    let mut ledger = Ledger::new();
    for _ in 0..60 {
        let mut acts = Vec::new();
        for _ in 0..=random.below(4) {
            let tenant = *random.choose(&ledger.tenants);
            // Not the last ones: what is done to them may leave a whole, shorter chain.
            let seq = 1 + random.below(usize::try_from(ENTRIES).unwrap() - 10);
            let entry = format!("tenant_id = '{tenant}' AND seq = {seq}");
            let (column, value) = *random.choose(&EDITS);
            acts.push(match random.below(8) {
                0 | 1 => format!("UPDATE audits SET {column} = {value} WHERE {entry}"),
                2 => format!("DELETE FROM audits WHERE {entry}"),
                3 => format!("UPDATE audits SET seq = seq + 3 WHERE {entry}"),
                4 => format!("UPDATE audits SET prev_hash = hash WHERE {entry}"),
                5 => format!("UPDATE audits SET hash = NULL WHERE {entry}"),
                6 => format!("INSERT INTO audits SELECT * FROM pristine WHERE {entry}"),
                _ => format!(
                    "UPDATE audits SET tenant_id = '{}' WHERE {entry}",
                    random.choose(&ledger.tenants)
                ),
            });
        }
        let changed = "SELECT EXISTS ((TABLE audits EXCEPT ALL TABLE pristine) UNION ALL \
                                      (TABLE pristine EXCEPT ALL TABLE audits))";
        let sql = acts.join("; ");
        ledger.client.batch_execute(&sql).unwrap();
        let is_changed: bool = ledger.client.query_one(changed, &[]).unwrap().get(0);
        assert_eq!(!ledger.findings(&sql).is_empty(), is_changed, "{sql}");
        ledger.restore();
    }
}

/// A server of the test's own, whose files are going to be damaged; its pages have no checksums, which would see that.
fn server_without_checksums() -> Server {
    let server = Server::start(&options()).unwrap();
    let checksums: String =
        connect(&server.url("postgres")).query_one("SHOW data_checksums", &[]).unwrap().get(0);
    if checksums == "off" {
        return server;
    }
    let initdb_args = vec!["--no-data-checksums".to_owned()];
    Server::start(&Options { initdb_args, ..options() }).unwrap()
}

fn file_of(server: &Server, client: &mut impl GenericClient, relation: &str) -> PathBuf {
    let sql = "SELECT pg_relation_filepath($1::text::regclass)";
    server.data_dir().join(client.query_one(sql, &[&relation]).unwrap().get::<_, String>(0))
}

/// Changes bytes of a stored file: each place is given by what stands there, and how far from its beginning.
fn damage(path: &PathBuf, places: &[(String, isize, u8)]) {
    let mut bytes = std::fs::read(path).unwrap();
    for (marker, offset, mask) in places {
        let found: Vec<_> = bytes
            .windows(marker.len())
            .enumerate()
            .filter(|(_, w)| *w == marker.as_bytes())
            .map(|(at, _)| at)
            .collect();
        assert_eq!(found.len(), 1, "{marker} occurs once in the file");
        let at = found[0].checked_add_signed(*offset).unwrap();
        assert_ne!(*mask, 0);
        bytes[at] ^= mask;
        OpenOptions::new().write(true).open(path).unwrap().write_all_at(&bytes[at..=at], at as u64).unwrap();
        // The next place is looked for in the original.
        bytes[at] ^= mask;
    }
}

/// Three entries for each tenant, the details being such that the test knows where their bytes are: the three keys stand
/// in front of the first value, and before them the header and one word for each key and value.
fn marked_ledger(server: &Server, tenant_count: usize) -> (Client, Vec<Uuid>) {
    server.create_database("ledger").unwrap();
    let mut client = connect(&server.url("ledger"));
    create_ledger(&mut client);
    let tenants: Vec<Uuid> =
        (0..tenant_count).map(|n| add_tenant(&mut client, &format!("tenant {n:04}"))).collect();
    client
        .batch_execute(
            "INSERT INTO audits (tenant_id, actor_type, actor_id, action, resource_type, details)
             SELECT id, 'user', 'actor-' || n || '-' || right(name, 4) || ';', 'read', 'document',
                    jsonb_build_object('aaaa', 'mark-' || n || '-' || right(name, 4) || ';', 'bbbb', 123.456,
                                       'cccc', jsonb_build_array(1, 'two', NULL, true, jsonb_build_object('x', -1e-7)))
             FROM tenants, generate_series(1, 3) AS n",
        )
        .unwrap();
    (client, tenants)
}

const HEADER: isize = 28;

#[test]
fn damaged_bytes_of_jsonb_on_disk_are_findings_and_no_crash() {
    let mut random = Random::from_environment();
    let mut server = server_without_checksums();
    let (mut client, tenants) = marked_ledger(&server, 300);
    // One byte for the short header of the stored value.
    let size: i32 = client.query_one("SELECT min(pg_column_size(details)) FROM audits", &[]).unwrap().get(0);
    let size = usize::try_from(size).unwrap() - 1;
    assert!(size < 126, "the value is stored with a short header");
    let canonical = "SELECT af_canonical_json(details) FROM audits WHERE tenant_id = $1 AND seq = 2";
    let before: Vec<String> =
        tenants.iter().map(|tenant| client.query_one(canonical, &[tenant]).unwrap().get(0)).collect();
    let path = file_of(&server, &mut client, "audits");
    drop(client);
    server.stop().unwrap();
    let places: Vec<_> = (0..tenants.len())
        .map(|n| {
            // The first ones: every byte of the header and of the first entries' words, all bits of it.
            let offset = if n < 40 { n } else { random.below(size) };
            let mask = if n < 40 { 0xFF } else { 1 << random.below(8) };
            (format!("aaaabbbbccccmark-2-{n:04};"), isize::try_from(offset).unwrap() - HEADER, mask)
        })
        .collect();
    damage(&path, &places);
    server.restart().unwrap();

    let mut client = connect(&server.url("ledger"));
    let mut unnamed = Vec::new();
    for chain in ledger::verify(&mut client) {
        let tenant = chain.tenant.unwrap();
        let n = tenants.iter().position(|other| *other == tenant).unwrap();
        assert_eq!(chain.entries, 3);
        if chain.status == "ok" {
            // Bytes that only align others carry no content: then the value must be what it was.
            let after: String = client.query_one(canonical, &[&tenant]).unwrap().get(0);
            assert_eq!(after, before[n], "{:?}", places[n]);
            unnamed.push(n);
        } else {
            let found = (chain.status.as_str(), chain.first_bad_seq, chain.finding.as_deref());
            assert_eq!(found, ("tampered", Some(2), Some("altered")), "{:?}", places[n]);
        }
    }
    assert!(unnamed.len() < tenants.len() / 4, "{} of {} were not noticed", unnamed.len(), tenants.len());
    let log = std::fs::read_to_string(server.log_file()).unwrap();
    for bad in ["terminated by signal", "PANIC", "panicked"] {
        assert!(!log.contains(bad), "the log says {bad}");
    }
}

#[test]
fn bytes_of_text_changed_on_disk_are_named_by_both() {
    let mut server = server_without_checksums();
    let (mut client, tenants) = marked_ledger(&server, 30);
    let path = file_of(&server, &mut client, "audits");
    drop(client);
    server.stop().unwrap();
    let places: Vec<_> = (0..tenants.len())
        .map(|n| match n % 3 {
            0 => (format!("aaaabbbbccccmark-2-{n:04};"), 12, 0x01),
            // No character in UTF-8 begins with this.
            1 => (format!("aaaabbbbccccmark-2-{n:04};"), 13, 0x80),
            _ => (format!("actor-2-{n:04};"), 2, 0x20),
        })
        .collect();
    damage(&path, &places);
    server.restart().unwrap();
    let mut client = connect(&server.url("ledger"));
    let found = findings(&mut client);
    let mut expected: Vec<_> =
        tenants.iter().map(|tenant| (Some(*tenant), Some(2), "altered".to_owned())).collect();
    expected.sort();
    let named: Vec<_> = found.iter().map(|found| (found.tenant, found.seq, found.kind.clone())).collect();
    assert_eq!(named, expected);
    assert_eq!(tools::verify(&server.url("ledger")), (Some(3), found));
}

#[test]
fn damage_to_a_value_stored_out_of_line_is_a_finding_too() {
    for storage in ["EXTERNAL", "EXTENDED"] {
        let mut server = server_without_checksums();
        server.create_database("ledger").unwrap();
        let mut client = connect(&server.url("ledger"));
        create_ledger(&mut client);
        let tenant = add_tenant(&mut client, "one");
        client
            .batch_execute(&format!(
                "ALTER TABLE audits ALTER COLUMN details SET STORAGE {storage};
                 INSERT INTO audits (tenant_id, actor_type, actor_id, action, resource_type, details)
                 SELECT '{tenant}', 'user', 'someone', 'read', 'document',
                        jsonb_build_object('head', 'unique-head-' || n, 'noise',
                            (SELECT string_agg(md5(m::text || n), '') FROM generate_series(1, 300) AS m))
                 FROM generate_series(1, 3) AS n"
            ))
            .unwrap();
        let toast: String = client
            .query_one("SELECT reltoastrelid::regclass::text FROM pg_class WHERE relname = 'audits'", &[])
            .unwrap()
            .get(0);
        let path = file_of(&server, &mut client, &toast);
        let size = client
            .query_one("SELECT pg_relation_size($1::text::regclass)", &[&toast])
            .unwrap()
            .get::<_, i64>(0);
        assert!(size > 0, "the values are stored out of line");
        drop(client);
        server.stop().unwrap();
        let marker = if storage == "EXTERNAL" { "unique-head-2" } else { "unique-head-" };
        let bytes = std::fs::read(&path).unwrap();
        // Compression keeps text that has not been seen before, so that the marker can be found in each.
        let places: Vec<_> = bytes
            .windows(marker.len())
            .enumerate()
            .filter(|(_, window)| *window == marker.as_bytes())
            .map(|(at, _)| at)
            .collect();
        let Some(at) = places.get(usize::from(storage == "EXTENDED")).or(places.first()).copied() else {
            panic!("{storage}: the marker is not in the file as it is")
        };
        let damaged = [0xFF_u8; 64];
        OpenOptions::new().write(true).open(&path).unwrap().write_all_at(&damaged, at as u64).unwrap();
        server.restart().unwrap();
        let mut client = connect(&server.url("ledger"));
        let found = findings(&mut client);
        assert_eq!(found.len(), 1, "{storage}: {found:?}");
        assert_eq!(found[0].kind, "altered", "{storage}: {found:?}");
        let log = std::fs::read_to_string(server.log_file()).unwrap();
        assert!(!log.contains("terminated by signal"), "{storage}: the server crashed");
    }
}
