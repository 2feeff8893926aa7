//! No insert that was acknowledged is lost in a crash, and every chain is whole after it.

use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use af_tests::crash::{DATABASE, durable_server, insert_until_the_crash, lost};
use af_tests::database::{connect, sqlstate};
use af_tests::ledger::{INSERT, add_entries, add_tenant, whole_chains};
use af_tests::random::Random;
use uuid::Uuid;

const SESSIONS: usize = 16;
const ROUNDS: usize = 4;

fn crash_under_load(tenant_count: usize) {
    let mut random = Random::from_environment();
    let mut server = durable_server(&[]);
    let mut client = connect(&server.url(DATABASE));
    let tenants: Vec<Uuid> =
        (0..tenant_count).map(|n| add_tenant(&mut client, &format!("tenant {n}"))).collect();
    drop(client);
    let noted = Mutex::new(Vec::new());
    for round in 0..ROUNDS {
        let before = noted.lock().unwrap().len();
        thread::scope(|scope| {
            for _ in 0..SESSIONS {
                let (client, random) = (connect(&server.url(DATABASE)), random.fork());
                let (tenants, noted) = (tenants.as_slice(), &noted);
                scope.spawn(move || insert_until_the_crash(client, tenants, random, noted));
            }
            thread::sleep(Duration::from_millis(1_000 + u64::try_from(random.below(1_000)).unwrap()));
            server.kill().unwrap();
        });
        let acknowledged = noted.lock().unwrap();
        assert!(acknowledged.len() > before + SESSIONS, "round {round}: the server was under load");
        server.restart().unwrap();
        let mut client = connect(&server.url(DATABASE));
        assert_eq!(
            lost(&mut client, &acknowledged),
            0,
            "round {round}: of {} acknowledged",
            acknowledged.len()
        );
        let entries: i64 = whole_chains(&mut client).values().sum();
        // A commit that was on its way when the server went may be stored without having been acknowledged.
        assert!(usize::try_from(entries).unwrap() >= acknowledged.len());
        // The chains go on from where they are.
        add_entries(&mut client, tenants[0], 1);
        whole_chains(&mut client);
    }
}

#[test]
fn a_crash_under_load_on_one_tenant_loses_nothing() {
    crash_under_load(1);
}

#[test]
fn a_crash_under_load_on_eight_tenants_loses_nothing() {
    crash_under_load(8);
}

/// The test of the test: where commits are acknowledged before they are durable, the loss is seen. And even so what is
/// left are whole chains.
#[test]
fn a_loss_would_be_seen() {
    let mut server = durable_server(&[("synchronous_commit", "off"), ("wal_writer_delay", "10s")]);
    let tenant = add_tenant(&mut connect(&server.url(DATABASE)), "one");
    let mut lost_in_all = 0;
    for _ in 0..5 {
        let mut client = connect(&server.url(DATABASE));
        let acknowledged: Vec<Uuid> = (0..20).map(|_| Uuid::new_v4()).collect();
        // The tenant has to survive for the chain to go on.
        client.batch_execute("SET synchronous_commit = on").unwrap();
        client.execute("UPDATE tenants SET updated_at = now() WHERE id = $1", &[&tenant]).unwrap();
        client.batch_execute("SET synchronous_commit = off").unwrap();
        for id in &acknowledged {
            client.execute(INSERT, &[&tenant, id]).unwrap();
        }
        server.kill().unwrap();
        server.restart().unwrap();
        let mut client = connect(&server.url(DATABASE));
        lost_in_all += lost(&mut client, &acknowledged);
        whole_chains(&mut client);
        if lost_in_all > 0 {
            return;
        }
    }
    panic!("five crashes right after asynchronous commits, and nothing was lost: the test is blind");
}

#[test]
fn a_prepared_transaction_holds_its_chain_across_a_crash() {
    let mut server = durable_server(&[]);
    let mut client = connect(&server.url(DATABASE));
    let tenant = add_tenant(&mut client, "one");
    for (end, expected) in [("COMMIT PREPARED 'p'", 6), ("ROLLBACK PREPARED 'p'", 7)] {
        let mut client = connect(&server.url(DATABASE));
        client.batch_execute("BEGIN").unwrap();
        add_entries(&mut client, tenant, 5);
        client.batch_execute("PREPARE TRANSACTION 'p'").unwrap();
        server.kill().unwrap();
        server.restart().unwrap();
        let mut client = connect(&server.url(DATABASE));
        client.batch_execute("SET lock_timeout = '200ms'").unwrap();
        assert_eq!(sqlstate(client.execute(INSERT, &[&tenant, &Uuid::new_v4()])), "55P03");
        client.batch_execute(end).unwrap();
        client.execute(INSERT, &[&tenant, &Uuid::new_v4()]).unwrap();
        assert_eq!(whole_chains(&mut client), [(tenant, expected)].into(), "{end}");
    }
}
