//! When a synchronous standby takes over, no insert that was acknowledged is lost and no head that was told is taken back,
//! with either setting of early release.

use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use af_tests::crash::{
    DATABASE, ask_until_the_crash, durable_server, insert_until_the_crash, lost, taken_back,
};
use af_tests::database::{connect, options, wait_for_count};
use af_tests::ledger::{add_entries, add_tenant, verify, whole_chains};
use af_tests::random::Random;
use af_tools::throwaway::Options;
use uuid::Uuid;

const SESSIONS: usize = 16;

fn standby_takes_over(early_release: &str) {
    let mut random = Random::from_environment();
    let mut primary = durable_server(&[("pg_af.early_release", early_release)]);
    let mut client = connect(&primary.url(DATABASE));
    let tenants: Vec<Uuid> = (0..3).map(|n| add_tenant(&mut client, &format!("tenant {n}"))).collect();
    let standby = primary.standby(&Options { durable: true, ..options() }).unwrap();
    client.batch_execute("ALTER SYSTEM SET synchronous_standby_names = '*'").unwrap();
    client.batch_execute("SELECT pg_reload_conf()").unwrap();
    wait_for_count(&mut client, "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'", 1);

    let (acknowledged, told) = (Mutex::new(Vec::new()), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..SESSIONS {
            let (client, random) = (connect(&primary.url(DATABASE)), random.fork());
            let (tenants, acknowledged) = (tenants.as_slice(), &acknowledged);
            scope.spawn(move || insert_until_the_crash(client, tenants, random, acknowledged));
        }
        let (client, tenants, told) = (connect(&primary.url(DATABASE)), &tenants, &told);
        scope.spawn(move || ask_until_the_crash(client, tenants, told));
        thread::sleep(Duration::from_millis(1_500));
        primary.kill().unwrap();
    });
    let (acknowledged, told) = (acknowledged.into_inner().unwrap(), told.into_inner().unwrap());
    assert!(acknowledged.len() > SESSIONS && !told.is_empty(), "the primary was under load");

    let mut client = connect(&standby.url(DATABASE));
    // Still a standby: it has nothing to flush, and verifies what it has.
    let flushed: bool = client.query_one("SELECT af_wal_flush() IS NULL", &[]).unwrap().get(0);
    assert!(flushed, "there is nothing to flush on a standby");
    assert!(verify(&mut client).iter().all(|chain| chain.status == "ok"));
    assert!(client.query_one("SELECT pg_promote()", &[]).unwrap().get::<_, bool>(0));
    // It has copied the primary's settings, and has no standby of its own.
    client.batch_execute("ALTER SYSTEM RESET synchronous_standby_names").unwrap();
    assert_eq!(lost(&mut client, &acknowledged), 0, "of {} acknowledged", acknowledged.len());
    assert_eq!(taken_back(&mut client, &told), 0, "of {} heads", told.len());
    whole_chains(&mut client);
    add_entries(&mut client, tenants[0], 10);
    whole_chains(&mut client);
}

#[test]
fn a_standby_takes_over_from_a_primary_that_holds_locks_to_the_end() {
    // What `auto` comes to with synchronous standbys.
    standby_takes_over("auto");
}

#[test]
fn a_standby_takes_over_from_a_primary_that_releases_locks_early() {
    standby_takes_over("on");
}
