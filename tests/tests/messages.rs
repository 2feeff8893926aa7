//! Messages: stored only if they are what their producer vouched for, found when they are edited behind the guard, and
//! passed on only as they were sent.

use std::fs;
use std::io::Read;
use std::process::Stdio;

use af_core::canonical::Json;
use af_core::envelope::{Envelope, EnvelopeHasher, MESSAGE_TYPES};
use af_core::timestamp::Timestamp;
use af_tests::database::{Database, sqlstate};
use af_tests::ledger::add_tenant;
use af_tests::random::Random;
use af_tests::tools::{self, Run};
use postgres::{Client, GenericClient};
use serde_json::{Value, json};
use uuid::Uuid;

/// A message as its producer has it; JSON as text.
#[derive(Debug, Clone)]
struct Message {
    id: Uuid,
    trace_id: Option<String>,
    span_id: Option<String>,
    from_agent: String,
    to_agent: String,
    message_type: String,
    payload: String,
    metadata: String,
    cost: String,
    /// Microseconds since 2000.
    ts: i64,
}

impl Message {
    fn random(random: &mut Random) -> Self {
        let texts = ["scout", "", "Zoë \"Z\"", "a\u{1}\t\\/", "e\u{301}é", "𝒳😀\u{ffff}", "<b>&amp;"];
        let numbers =
            ["0", "-0", "1.50", "1e2", "9007199254740993", "-1.5e-7", "123456789.000000001", "1e21"];
        let text = |random: &mut Random| (*random.choose(&texts)).to_owned();
        let json = |random: &mut Random| {
            let (one, two) = (text(random), text(random));
            let (number, other) = (*random.choose(&numbers), *random.choose(&numbers));
            let inner = format!("{{\"b\": {number}, \"a\": [{other}, null, {}]}}", json!(one));
            match random.below(4) {
                0 => "{}".to_owned(),
                1 => inner,
                2 => format!(
                    "{{{}: [], \"z\": {inner}, \"\u{fffd}\": true, \"😀\": {{}}}}",
                    json!(format!("k{two}"))
                ),
                _ => format!("{{\"deep\": [[{inner}], [[{}]]]}}", json!(two)),
            }
        };
        let id = |random: &mut Random| random.percent(70).then(|| text(random));
        Self {
            id: Uuid::from_u64_pair(random.next_u64(), random.next_u64()),
            trace_id: id(random),
            span_id: id(random),
            from_agent: text(random),
            to_agent: text(random),
            message_type: (*random.choose(&MESSAGE_TYPES)).to_owned(),
            payload: json(random),
            metadata: json(random),
            cost: json(random),
            ts: i64::try_from(random.next_u64() % 900_000_000_000_000).unwrap(),
        }
    }

    fn hash(&self) -> String {
        let envelope = Envelope {
            id: self.id,
            trace_id: self.trace_id.as_deref().map(str::as_bytes),
            span_id: self.span_id.as_deref().map(str::as_bytes),
            from_agent: self.from_agent.as_bytes(),
            to_agent: self.to_agent.as_bytes(),
            message_type: self.message_type.as_bytes(),
            payload: Json::Text(self.payload.as_bytes()),
            metadata: Json::Text(self.metadata.as_bytes()),
            cost: Json::Text(self.cost.as_bytes()),
            ts: Timestamp::from_postgres_micros(self.ts).unwrap(),
        };
        EnvelopeHasher::default().hash(&envelope).unwrap().to_string()
    }

    fn insert(
        &self,
        client: &mut impl GenericClient,
        tenant: Uuid,
        hash: &str,
    ) -> Result<u64, postgres::Error> {
        const INSERT: &str = "INSERT INTO messages (tenant_id, id, trace_id, span_id, from_agent, to_agent, type, payload, metadata, cost, ts, envelope_hash) \
             SELECT $1, $2, $3, $4, $5, $6, $7, $8::text::jsonb, $9::text::jsonb, $10::text::jsonb, \
                    timestamptz '2000-01-01 00:00+00' + $11 * interval '1 microsecond', $12";
        let ts = self.ts as f64;
        client.execute(
            INSERT,
            &[
                &tenant,
                &self.id,
                &self.trace_id,
                &self.span_id,
                &self.from_agent,
                &self.to_agent,
                &self.message_type,
                &self.payload,
                &self.metadata,
                &self.cost,
                &ts,
                &hash,
            ],
        )
    }

    /// The same message with each field, one at a time, being another one.
    fn variations(&self) -> Vec<Self> {
        let other_type = MESSAGE_TYPES.iter().find(|known| **known != self.message_type).unwrap();
        let id = |id: &Option<String>| Some(format!("{}!", id.as_deref().unwrap_or_default()));
        vec![
            Self { id: Uuid::new_v4(), ..self.clone() },
            Self { trace_id: id(&self.trace_id), ..self.clone() },
            Self { span_id: id(&self.span_id), ..self.clone() },
            Self { from_agent: format!("{} ", self.from_agent), ..self.clone() },
            Self { to_agent: format!("{}\u{200b}", self.to_agent), ..self.clone() },
            Self { message_type: (*other_type).to_owned(), ..self.clone() },
            Self { payload: format!("[{}]", self.payload), ..self.clone() },
            Self { metadata: r#"{"other": 1}"#.to_owned(), ..self.clone() },
            Self { cost: r#"{"other": 1.0000000000000000001}"#.to_owned(), ..self.clone() },
            Self { ts: self.ts + 1, ..self.clone() },
        ]
    }
}

fn with_one_tenant() -> (Database, Client, Uuid) {
    let database = Database::migrated();
    let mut client = database.connect();
    let tenant = add_tenant(&mut client, "one");
    (database, client, tenant)
}

fn count(client: &mut impl GenericClient) -> i64 {
    client.query_one("SELECT count(*) FROM messages", &[]).unwrap().get(0)
}

/// Runs a command of `message` with `--json`.
fn message(database: &Database, arguments: &[&str], code: i32) -> Value {
    let run = tools::run(&[&["--json", "--url", &database.url(), "message"], arguments].concat());
    let document = run.json();
    assert_eq!((run.code, &document["exit_code"]), (Some(code), &json!(code)), "{arguments:?}: {run:?}");
    document
}

fn replay(database: &Database, tenant: Uuid, trace: &str, more: &[&str]) -> Run {
    let tenant = tenant.to_string();
    let arguments = ["--url", &database.url(), "message", "replay", "--tenant", &tenant, "--trace", trace];
    tools::run(&[&arguments, more].concat())
}

#[test]
fn a_message_gets_in_with_the_hash_of_its_envelope_and_with_no_other() {
    let (database, mut client, tenant) = with_one_tenant();
    let mut random = Random::from_environment();
    for round in 0..100 {
        let sent = Message::random(&mut random);
        let hash = sent.hash();
        // What was sent is refused under any other name, time or content, each with its hash.
        for other in sent.variations() {
            assert_eq!(sqlstate(other.insert(&mut client, tenant, &hash)), "23514", "{sent:?}\n{other:?}");
            assert_ne!(other.hash(), hash, "{other:?}");
        }
        assert_eq!(count(&mut client), round);
        sent.insert(&mut client, tenant, &hash).unwrap_or_else(|error| panic!("{sent:?}: {error:?}"));
    }
    // Both verifiers agree with the trigger about all of them.
    assert!(client.query("SELECT * FROM af_message_verify()", &[]).unwrap().is_empty());
    let document = message(&database, &["verify"], 0);
    assert_eq!(document["result"]["messages"], 100, "{document}");
    assert!(document["result"]["messages_per_second"].as_f64().unwrap() > 0.0, "{document}");
}

#[test]
fn a_batch_with_one_bad_message_stores_nothing() {
    let (_database, mut client, tenant) = with_one_tenant();
    let mut random = Random::from_environment();
    let messages: Vec<Message> = (0..50).map(|_| Message::random(&mut random)).collect();
    let mut transaction = client.transaction().unwrap();
    for sent in &messages[..10] {
        sent.insert(&mut transaction, tenant, &sent.hash()).unwrap();
    }
    transaction.commit().unwrap();
    let copied = "INSERT INTO messages SELECT tenant_id, md5(id::text)::uuid, trace_id, span_id, from_agent, to_agent, type, payload, metadata, cost, ts, \
         CASE WHEN id = $1 THEN envelope_hash ELSE af_envelope_hash(md5(id::text)::uuid, trace_id, span_id, from_agent, to_agent, type, payload, metadata, cost, ts) END \
         FROM messages";
    assert_eq!(sqlstate(client.execute(copied, &[&messages[7].id])), "23514");
    assert_eq!(count(&mut client), 10);
    assert_eq!(client.execute(copied, &[&Uuid::nil()]).unwrap(), 10);
    assert_eq!(count(&mut client), 20);
}

#[test]
fn an_edit_behind_the_guard_is_found_by_both_verifiers() {
    let (database, mut client, tenant) = with_one_tenant();
    let mut random = Random::from_environment();
    let mut messages: Vec<Message> = (0..60).map(|_| Message::random(&mut random)).collect();
    for sent in &mut messages {
        // Each edit below must change it.
        sent.trace_id = Some("trace".to_owned());
        sent.insert(&mut client, tenant, &sent.hash()).unwrap();
    }
    assert_eq!(sqlstate(client.execute("UPDATE messages SET to_agent = 'eve'", &[])), "55000");
    client.batch_execute("ALTER TABLE messages DISABLE TRIGGER USER; ALTER TABLE messages ALTER envelope_hash DROP NOT NULL; \
                          ALTER TABLE messages DROP CONSTRAINT messages_envelope_hash_check, DROP CONSTRAINT messages_type_check").unwrap();
    let edits = [
        ("id = gen_random_uuid()", "altered"),
        ("trace_id = 'other'", "altered"),
        ("trace_id = NULL", "altered"),
        ("span_id = coalesce(span_id, '') || 'x'", "altered"),
        ("from_agent = from_agent || 'x'", "altered"),
        ("to_agent = to_agent || 'x'", "altered"),
        ("type = type || 'x'", "altered"),
        ("payload = jsonb_build_array(payload)", "altered"),
        ("metadata = jsonb_build_object('k', metadata)", "altered"),
        ("cost = jsonb_build_object('k', cost)", "altered"),
        ("ts = ts + interval '1 microsecond'", "altered"),
        ("ts = '-infinity'", "altered"),
        ("envelope_hash = repeat('0a', 32)", "altered"),
        ("envelope_hash = upper(envelope_hash)", "unsealed"),
        ("envelope_hash = left(envelope_hash, 63)", "unsealed"),
        ("envelope_hash = NULL", "unsealed"),
    ];
    for (edit, kind) in edits {
        let victim = random.choose(&messages).id;
        let mut transaction = client.transaction().unwrap();
        let id = transaction
            .query_one(&format!("UPDATE messages SET {edit} WHERE id = $1 RETURNING id"), &[&victim])
            .unwrap()
            .get::<_, Uuid>(0);
        let found = transaction.query("SELECT id, finding FROM af_message_verify()", &[]).unwrap();
        let found: Vec<(Uuid, String)> = found.iter().map(|row| (row.get(0), row.get(1))).collect();
        assert_eq!(found, [(id, kind.to_owned())], "{edit}");
        transaction.commit().unwrap();
        let document = message(&database, &["verify"], 3);
        let findings = document["result"]["findings"].as_array().unwrap();
        let found = findings.iter().any(|one| one["id"] == id.to_string() && one["finding"] == kind);
        assert!(found && document["result"]["status"] == "tampered", "{edit}: {document}");
        let restored = messages.iter().find(|sent| sent.id == victim).unwrap();
        client.execute("DELETE FROM messages WHERE id = $1", &[&id]).unwrap();
        restored.insert(&mut client, tenant, &restored.hash()).unwrap();
        message(&database, &["verify"], 0);
    }
}

#[test]
fn a_replay_gives_what_was_sent_in_order() {
    let (database, mut client, tenant) = with_one_tenant();
    let other = add_tenant(&mut client, "other");
    let mut random = Random::from_environment();
    let mut sent: Vec<Message> = (0..40).map(|_| Message::random(&mut random)).collect();
    for (index, message) in sent.iter_mut().enumerate() {
        message.trace_id = Some("it's a \\ trace".to_owned());
        // Four at each time: there the id decides.
        message.ts = i64::try_from(index / 4).unwrap() * 1_000_000;
        message.insert(&mut client, tenant, &message.hash()).unwrap();
        let stranger = Message { id: Uuid::new_v4(), ..message.clone() };
        stranger.insert(&mut client, other, &stranger.hash()).unwrap();
        let aside = Message { id: Uuid::new_v4(), trace_id: Some("aside".to_owned()), ..message.clone() };
        aside.insert(&mut client, tenant, &aside.hash()).unwrap();
    }
    sent.sort_by_key(|message| (message.ts, message.id));
    let ids = |run: &Run| -> Vec<Uuid> {
        let lines = run.stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines.map(|line| line["id"].as_str().unwrap().parse().unwrap()).collect()
    };
    let trace = "it's a \\ trace";
    let run = replay(&database, tenant, trace, &[]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(ids(&run), sent.iter().map(|message| message.id).collect::<Vec<_>>());
    assert_eq!(run.stderr, "40 messages\n");
    // Each line holds the envelope that was hashed: without envelope_hash it is that, to the byte.
    for (line, message) in run.stdout.lines().zip(&sent) {
        let hash = message.hash();
        let envelope = line.replacen(&format!("\"envelope_hash\":\"{hash}\","), "", 1);
        let again = "SELECT encode(sha256(convert_to($1, 'UTF8')), 'hex')";
        assert_eq!(client.query_one(again, &[&envelope]).unwrap().get::<_, String>(0), hash, "{line}");
    }
    // From a time on, and to before another.
    let run =
        replay(&database, tenant, trace, &["--from", "2000-01-01T00:00:02Z", "--to", "2000-01-01T00:00:04Z"]);
    assert_eq!(ids(&run), sent[8..16].iter().map(|message| message.id).collect::<Vec<_>>());
    // Nothing is said to be fine that is not there.
    let run = replay(&database, tenant, "no such", &[]);
    assert_eq!((run.code, run.stdout.as_str()), (Some(4), ""), "{run:?}");
    assert_eq!(replay(&database, tenant, "no such", &["--allow-empty"]).code, Some(0));
    assert_eq!(replay(&database, tenant, trace, &["--from", "yesterday"]).code, Some(2));

    // To a file, which is there when it is whole.
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("replay.ndjson");
    let tenant_id = tenant.to_string();
    let arguments = ["replay", "--tenant", &tenant_id, "--trace", trace, "--output", file.to_str().unwrap()];
    let document = message(&database, &arguments, 0);
    assert_eq!(
        (&document["result"]["messages"], &document["result"]["is_complete"]),
        (&json!(40), &json!(true))
    );
    assert_eq!(fs::read_to_string(&file).unwrap(), replay(&database, tenant, trace, &[]).stdout);
    message(&database, &arguments[..5], 2);
}

#[test]
fn a_message_that_is_not_as_it_was_sent_is_not_passed_on() {
    let (database, mut client, tenant) = with_one_tenant();
    let mut random = Random::from_environment();
    let sent: Vec<Message> = (0..10)
        .map(|index| Message { trace_id: Some("t".to_owned()), ts: index, ..Message::random(&mut random) })
        .collect();
    for message in &sent {
        message.insert(&mut client, tenant, &message.hash()).unwrap();
    }
    client.batch_execute("ALTER TABLE messages DISABLE TRIGGER USER").unwrap();
    let bad = sent[6].id;
    client.execute("UPDATE messages SET to_agent = to_agent || 'x' WHERE id = $1", &[&bad]).unwrap();

    let run = replay(&database, tenant, "t", &[]);
    assert_eq!((run.code, run.stdout.lines().count()), (Some(3), 6), "{run:?}");
    assert!(run.stderr.contains(&format!("message {bad}")) && run.stderr.contains("altered"), "{run:?}");
    let run = replay(&database, tenant, "t", &["--keep-going"]);
    assert_eq!((run.code, run.stdout.lines().count()), (Some(3), 9), "{run:?}");
    assert!(!run.stdout.contains(&bad.to_string()) && run.stderr.contains(&bad.to_string()), "{run:?}");

    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("replay.ndjson");
    fs::write(&file, "what was there").unwrap();
    let (tenant_id, path) = (tenant.to_string(), file.to_str().unwrap());
    let arguments = ["replay", "--tenant", &tenant_id, "--trace", "t", "--output", path];
    let document = message(&database, &arguments, 3);
    assert_eq!(document["result"]["findings"][0]["id"], bad.to_string(), "{document}");
    assert_eq!(
        (&document["result"]["output"], &document["result"]["is_complete"]),
        (&Value::Null, &json!(false))
    );
    assert_eq!(fs::read_to_string(&file).unwrap(), "what was there");
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    message(&database, &[&arguments[..], &["--keep-going"]].concat(), 3);
    assert_eq!(fs::read_to_string(&file).unwrap().lines().count(), 9);
}

#[test]
fn what_a_role_cannot_see_is_not_said_to_be_fine() {
    let (database, mut client, tenant) = with_one_tenant();
    let sent = Message { trace_id: Some("t".to_owned()), ..Message::random(&mut Random::from_environment()) };
    sent.insert(&mut client, tenant, &sent.hash()).unwrap();
    for (role, code) in [("af_app", 4), ("af_auditor", 0)] {
        let login = format!("{}_{role}", database.name());
        client
            .batch_execute(&format!(
                "CREATE ROLE {login} LOGIN IN ROLE {role}; ALTER ROLE {login} SET af.tenant_id = '{tenant}'"
            ))
            .unwrap();
        let url = database.url_as(&login);
        let run = tools::run(&["--url", &url, "message", "verify"]);
        assert_eq!(run.code, Some(code), "{run:?}");
        let tenant = tenant.to_string();
        let run = tools::run(&["--url", &url, "message", "replay", "--tenant", &tenant, "--trace", "t"]);
        assert_eq!((run.code, run.stdout.lines().count()), (Some(code), 1), "{run:?}");
    }
    message(&database, &["verify", "--tenant", &Uuid::new_v4().to_string()], 4);
    message(&database, &["verify", "--tenant", &Uuid::new_v4().to_string(), "--allow-empty"], 0);
    let document = message(&Database::new(), &["verify"], 1);
    assert!(document["error"]["hint"].as_str().unwrap().contains("migrate up"), "{document}");
}

/// Stores so many messages of one trace, one a millisecond.
fn add_messages(client: &mut Client, tenant: Uuid, count: i32) {
    let many = "INSERT INTO messages (tenant_id, id, trace_id, from_agent, to_agent, type, payload, ts, envelope_hash) \
         SELECT $1, id, 't', 'a', 'b', 'event', payload, ts, af_envelope_hash(id, 't', NULL, 'a', 'b', 'event', payload, '{}', '{}', ts) \
         FROM (SELECT gen_random_uuid() AS id, jsonb_build_object('text', repeat(md5(n::text), 30)) AS payload, \
                      timestamptz '2026-01-01 00:00+00' + n * interval '1 ms' AS ts FROM generate_series(1, $2) AS n) AS m";
    client.execute(many, &[&tenant, &count]).unwrap();
}

#[test]
fn many_findings_are_all_counted_and_as_many_described_as_wanted() {
    let (database, mut client, tenant) = with_one_tenant();
    add_messages(&mut client, tenant, 1_000);
    client.batch_execute("ALTER TABLE messages DISABLE TRIGGER USER").unwrap();
    client
        .batch_execute(
            "UPDATE messages SET to_agent = 'eve' WHERE extract(milliseconds FROM ts)::int % 10 < 7",
        )
        .unwrap();
    let found =
        client.query_one("SELECT count(*), count(DISTINCT id) FROM af_message_verify()", &[]).unwrap();
    assert_eq!((found.get::<_, i64>(0), found.get::<_, i64>(1)), (700, 700));
    let result = &message(&database, &["verify", "--max-findings", "5"], 3)["result"];
    assert_eq!((&result["findings_total"], result["findings"].as_array().unwrap().len()), (&json!(700), 5));
    let run = tools::run(&["--url", &database.url(), "message", "verify"]);
    assert!(
        run.stdout.contains("… and 680 more findings") && run.stdout.contains("tampered: 700 of 1,000"),
        "{run:?}"
    );
}

/// A reader that has seen enough ends the replay, and memory does not grow with it.
#[test]
fn a_long_replay_streams_and_ends_with_its_reader() {
    let (database, mut client, tenant) = with_one_tenant();
    add_messages(&mut client, tenant, 100_000);
    let tenant = tenant.to_string();
    let url = database.url();
    let start = || {
        let arguments = ["--url", &url, "message", "replay", "--tenant", &tenant, "--trace", "t"];
        tools::command(&arguments).stdin(Stdio::null()).spawn().unwrap()
    };
    let mut whole = start();
    let mut out = whole.stdout.take().unwrap();
    let mut buffer = vec![0; 1 << 20];
    let (mut bytes, mut most) = (0, 0);
    loop {
        match out.read(&mut buffer).unwrap() {
            0 => break,
            read => bytes += read,
        }
        most = most.max(tools::peak_memory_kb(whole.id()));
    }
    assert_eq!(whole.wait().unwrap().code(), Some(0));
    assert!(bytes > 100_000_000 && most < 60_000, "{bytes} bytes, {most} kB");

    let mut cut_off = start();
    let mut first = vec![0; 1000];
    cut_off.stdout.take().unwrap().read_exact(&mut first).unwrap();
    assert!(first.starts_with(b"{\"cost\":{},\"envelope_hash\":"));
    assert_eq!(cut_off.wait().unwrap().code(), Some(0));
}
