//! What must not come in is refused with the SQLSTATE of the contract, and leaves nothing behind.

use af_tests::database::sqlstate;
use af_tests::ledger::{
    INSERT, add_entries, contents, disable_triggers, enable_triggers, insert, whole_chains, with_one_tenant,
};
use postgres::Client;
use uuid::Uuid;

#[test]
fn the_clock_fills_in_a_time_that_is_not_given() {
    let (_database, mut client, tenant) = with_one_tenant();
    let sql = |ts: &str| {
        format!(
            "INSERT INTO audits (tenant_id, ts, actor_type, actor_id, action, resource_type) \
             VALUES ('{tenant}', {ts}, 'user', 'someone', 'read', 'document') \
             RETURNING ts BETWEEN now() AND clock_timestamp(), ts = '2026-01-02 03:04:05.123456+00'"
        )
    };
    assert!(client.query_one(&sql("NULL"), &[]).unwrap().get::<_, bool>(0));
    assert!(client.query_one(&sql("'2026-01-02 04:04:05.123456+01'"), &[]).unwrap().get::<_, bool>(1));
    for edge in ["0001-01-01 00:00:00+00", "9999-12-31 23:59:59.999999+00"] {
        client.query_one(&sql(&format!("'{edge}'")), &[]).unwrap();
    }
    assert_eq!(whole_chains(&mut client), [(tenant, 4)].into());
    for bad in ["infinity", "-infinity", "10000-01-01 00:00:00+00", "0001-12-31 23:59:59.999999+00 BC"] {
        assert_eq!(sqlstate(client.query_one(&sql(&format!("'{bad}'")), &[])), "22023", "{bad}");
    }
    assert_eq!(whole_chains(&mut client), [(tenant, 4)].into());
}

#[test]
fn a_null_where_none_may_be_is_refused() {
    let (_database, mut client, tenant) = with_one_tenant();
    insert(&mut client, tenant);
    let columns = ["tenant_id", "id", "actor_type", "actor_id", "action", "resource_type", "details"];
    for null in columns {
        let values = columns.map(|column| match column {
            _ if column == null => "NULL".to_owned(),
            "tenant_id" => format!("'{tenant}'"),
            "id" => format!("'{}'", Uuid::new_v4()),
            "details" => "'{}'".to_owned(),
            _ => "'x'".to_owned(),
        });
        let sql = format!("INSERT INTO audits ({}) VALUES ({})", columns.join(", "), values.join(", "));
        assert_eq!(sqlstate(client.batch_execute(&sql)), "23502", "{null}");
    }
    // Several at once, and all of them.
    let all = "INSERT INTO audits (tenant_id, id, details) VALUES (NULL, NULL, NULL)";
    assert_eq!(sqlstate(client.batch_execute(all)), "23502");
    assert_eq!(whole_chains(&mut client), [(tenant, 1)].into());
}

#[test]
fn an_unknown_tenant_is_refused() {
    let (_database, mut client, tenant) = with_one_tenant();
    let unknown = Uuid::new_v4();
    assert_eq!(sqlstate(client.execute(INSERT, &[&unknown, &Uuid::new_v4()])), "23503");
    insert(&mut client, tenant);
    assert_eq!(whole_chains(&mut client), [(tenant, 1)].into());
}

/// Inserts an entry with these chain columns, the rest being as in the other ledger's entry of that seq.
fn insert_link(
    client: &mut Client,
    original: &str,
    seq: i64,
    columns: &[(&str, &str)],
) -> Result<u64, postgres::Error> {
    let names = columns.iter().map(|(name, _)| format!(", {name}")).collect::<String>();
    let values = columns.iter().map(|(_, value)| format!(", {value}")).collect::<String>();
    let content =
        "tenant_id, id, ts, actor_type, actor_id, action, resource_type, resource_id, details, hash_version";
    client.execute(
        &format!(
            "INSERT INTO audits ({content}{names}) SELECT {content}{values} FROM {original} AS o WHERE seq = $1"
        ),
        &[&seq],
    )
}

#[test]
fn only_the_exact_next_link_is_taken_as_it_is() {
    let (_database, mut client, tenant) = with_one_tenant();
    add_entries(&mut client, tenant, 10);
    let expected = contents(&mut client);
    disable_triggers(&mut client);
    client.batch_execute("CREATE TABLE original AS TABLE audits; DELETE FROM audits").unwrap();
    enable_triggers(&mut client);
    let wrong = "sha256('wrong')";
    let all = |seq, prev_hash, hash| [("seq", seq), ("prev_hash", prev_hash), ("hash", hash)];
    let exact = all("seq", "prev_hash", "hash");

    // In place of the first link.
    let mut refused = |seq: i64, columns: &[(&str, &str)], code: &str| {
        assert_eq!(sqlstate(insert_link(&mut client, "original", seq, columns)), code, "{seq}: {columns:?}");
    };
    refused(2, &exact, "23514");
    refused(1, &all("1", "NULL", wrong), "23514");
    refused(1, &all("1", wrong, "hash"), "23514");
    refused(1, &all("0", wrong, "hash"), "23514");
    for seq in 1..=5 {
        assert_eq!(insert_link(&mut client, "original", seq, &exact).unwrap(), 1);
    }
    let mut refused = |seq: i64, columns: &[(&str, &str)], code: &str| {
        assert_eq!(sqlstate(insert_link(&mut client, "original", seq, columns)), code, "{seq}: {columns:?}");
    };
    // A gap, a repetition, a wrong predecessor, a wrong hash, a hash over other content.
    refused(7, &exact, "23514");
    refused(5, &exact, "23514");
    refused(6, &all("6", wrong, "hash"), "23514");
    refused(6, &all("6", "prev_hash", wrong), "23514");
    refused(7, &all("6", "o.prev_hash", "hash"), "23514");
    // Hashes that are none.
    refused(6, &all("6", "prev_hash", "'\\x00'"), "22023");
    refused(6, &all("6", "'\\x00'", "hash"), "22023");
    // Only some of the three.
    for partial in [
        vec![("seq", "6")],
        vec![("hash", "hash")],
        vec![("prev_hash", "prev_hash")],
        vec![("seq", "6"), ("prev_hash", "prev_hash")],
        vec![("prev_hash", "prev_hash"), ("hash", "hash")],
    ] {
        refused(6, &partial, "22023");
    }
    for seq in 6..=10 {
        assert_eq!(insert_link(&mut client, "original", seq, &exact).unwrap(), 1);
    }
    assert_eq!(contents(&mut client), expected);
    insert(&mut client, tenant);
    assert_eq!(whole_chains(&mut client), [(tenant, 11)].into());
}

#[test]
fn an_unknown_version_of_the_record_format_is_refused() {
    let (_database, mut client, tenant) = with_one_tenant();
    for version in ["0", "2", "-1", "32767"] {
        let sql = format!(
            "INSERT INTO audits (tenant_id, actor_type, actor_id, action, resource_type, hash_version) \
             VALUES ('{tenant}', 'user', 'someone', 'read', 'document', {version})"
        );
        assert_eq!(sqlstate(client.batch_execute(&sql)), "22023", "{version}");
    }
    assert_eq!(whole_chains(&mut client), [].into());
}

#[test]
fn a_replication_role_does_not_bypass_the_triggers() {
    let (_database, mut client, tenant) = with_one_tenant();
    client.batch_execute("SET session_replication_role = replica").unwrap();
    insert(&mut client, tenant);
    insert(&mut client, tenant);
    for change in ["UPDATE audits SET action = 'edited'", "DELETE FROM audits", "TRUNCATE audits"] {
        assert_eq!(sqlstate(client.batch_execute(change)), "55000", "{change}");
    }
    assert_eq!(whole_chains(&mut client), [(tenant, 2)].into());
}

#[test]
fn what_postgresql_cannot_store_is_refused_as_it_refuses_it() {
    let (_database, mut client, tenant) = with_one_tenant();
    insert(&mut client, tenant);
    client.batch_execute("CREATE TABLE plain AS TABLE audits WITH NO DATA").unwrap();
    for (actor, details, codes) in [
        // Two texts that fit, in a row that does not: an internal error up to 15.19 and the releases of its day.
        ("repeat('x', 600000000)", "'{}'", &["54000", "XX000"][..]),
        // A string that is too long for jsonb.
        ("'someone'", "jsonb_build_object('text', repeat('x', 300000000))", &["54000"]),
    ] {
        let [plain, audits] = ["plain", "audits"].map(|table| {
            format!(
                "INSERT INTO {table} (tenant_id, actor_type, actor_id, action, resource_type, details) \
                 SELECT '{tenant}', 'user', text, text, 'document', {details} FROM (SELECT {actor} AS text) AS t"
            )
        });
        let code = sqlstate(client.batch_execute(&plain));
        assert!(codes.contains(&code.as_str()), "{code}: {plain}");
        assert_eq!(sqlstate(client.batch_execute(&audits)), code, "{audits}");
    }
    insert(&mut client, tenant);
    assert_eq!(whole_chains(&mut client), [(tenant, 2)].into());
}

/// Short in the table, too long for anybody to read: nobody could dump or verify the table any more.
#[test]
fn an_entry_that_could_not_be_written_as_text_is_refused() {
    let (_database, mut client, tenant) = with_one_tenant();
    insert(&mut client, tenant);
    let mut refused = |details: &str| {
        let sql = format!(
            "INSERT INTO audits (tenant_id, actor_type, actor_id, action, resource_type, details) \
             SELECT '{tenant}', 'u', 'a', 'x', 'r', {details}"
        );
        assert_eq!(sqlstate(client.batch_execute(&sql)), "54000", "{details}");
    };
    // Digits before the point, numbers that are short only in canonical form, zeros behind the point, escapes.
    refused("jsonb_agg(1e131071) FROM generate_series(1, 5000)");
    refused("jsonb_agg(1e300) FROM generate_series(1, 2000000)");
    refused("jsonb_agg(('1.' || repeat('0', 16383))::numeric) FROM generate_series(1, 40000)");
    refused("to_jsonb(repeat(E'\\x01', 100000000))");
    // What is just long, and could be read, is taken.
    let long = "to_jsonb(repeat('x', 250000000))";
    client
        .batch_execute(&format!(
            "INSERT INTO audits (tenant_id, actor_type, actor_id, action, resource_type, details) \
             SELECT '{tenant}', 'u', 'a', 'x', 'r', {long}"
        ))
        .unwrap();
    assert_eq!(whole_chains(&mut client), [(tenant, 2)].into());
}
