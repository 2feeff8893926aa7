//! When the power goes, what the operating system has written is gone too, but for what was flushed: no insert that was
//! acknowledged is lost, no head that was told is taken back, and every chain is whole.
//!
//! The power goes at a position up to which WAL is known to be flushed: the server is asked for it, killed, and what it has
//! written to WAL beyond is zeroed. What was acknowledged or told before it was asked must be there afterwards. Nothing
//! but WAL is written meanwhile, so that what is left is what the disk would have held.

use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use af_tests::crash::{
    DATABASE, Head, ask_until_the_crash, durable_server, flushed, insert_until_the_crash, lose_wal_after,
    lost, taken_back,
};
use af_tests::database::connect;
use af_tests::ledger::{add_entries, add_tenant, whole_chains};
use af_tests::random::Random;
use af_tools::throwaway::Server;
use uuid::Uuid;

const SESSIONS: usize = 16;
const ROUNDS: usize = 4;

/// All that is flushed is flushed by commits, and no page of a table is written.
const SETTINGS: [(&str, &str); 6] = [
    ("wal_writer_delay", "10s"),
    ("wal_writer_flush_after", "1GB"),
    ("shared_buffers", "256MB"),
    ("checkpoint_timeout", "1h"),
    ("bgwriter_lru_maxpages", "0"),
    ("autovacuum", "off"),
];

/// What the server had promised by the time that the power went.
struct Promised {
    acknowledged: Vec<Uuid>,
    told: Vec<Head>,
}

struct Ledger {
    server: Server,
    tenants: Vec<Uuid>,
    random: Random,
}

impl Ledger {
    fn new(tenants: usize, settings: &[(&str, &str)]) -> Self {
        let server = durable_server(&[&SETTINGS, settings].concat());
        let mut client = connect(&server.url(DATABASE));
        let tenants = (0..tenants).map(|n| add_tenant(&mut client, &format!("tenant {n}"))).collect();
        // What was done until here is to be there whatever is lost later.
        client.batch_execute("CHECKPOINT").unwrap();
        Self { server, tenants, random: Random::from_environment() }
    }

    /// Lets sessions insert, and one ask for heads if any does, until the power goes; starts the server again.
    fn lose_power_under_load(&mut self, asks_for_heads: bool) -> Promised {
        let (acknowledged, told) = (Mutex::new(Vec::new()), Mutex::new(Vec::new()));
        let mut observer = connect(&self.server.url(DATABASE));
        let promised = thread::scope(|scope| {
            for _ in 0..SESSIONS {
                let (client, random) = (connect(&self.server.url(DATABASE)), self.random.fork());
                let (tenants, acknowledged) = (self.tenants.as_slice(), &acknowledged);
                scope.spawn(move || insert_until_the_crash(client, tenants, random, acknowledged));
            }
            if asks_for_heads {
                let (client, tenants, told) = (connect(&self.server.url(DATABASE)), &self.tenants, &told);
                scope.spawn(move || ask_until_the_crash(client, tenants, told));
            }
            thread::sleep(Duration::from_millis(500 + u64::try_from(self.random.below(500)).unwrap()));
            // In this order: what is noted by now was promised before the server is asked.
            let promised = Promised {
                acknowledged: acknowledged.lock().unwrap().clone(),
                told: told.lock().unwrap().clone(),
            };
            let position = flushed(&mut observer);
            self.server.kill().unwrap();
            lose_wal_after(&self.server.data_dir(), position);
            promised
        });
        self.server.restart().unwrap();
        promised
    }
}

fn nothing_is_lost(tenants: usize) {
    let mut ledger = Ledger::new(tenants, &[("pg_af.early_release", "on")]);
    for round in 0..ROUNDS {
        let promised = ledger.lose_power_under_load(true);
        assert!(promised.acknowledged.len() > SESSIONS, "round {round}: the server was under load");
        assert!(!promised.told.is_empty(), "round {round}: it told heads");
        let mut client = connect(&ledger.server.url(DATABASE));
        let acknowledged = promised.acknowledged.len();
        assert_eq!(lost(&mut client, &promised.acknowledged), 0, "round {round}: of {acknowledged} entries");
        let told = promised.told.len();
        assert_eq!(taken_back(&mut client, &promised.told), 0, "round {round}: of {told} heads");
        whole_chains(&mut client);
        // The chains go on from where they are.
        add_entries(&mut client, ledger.tenants[0], 1);
        whole_chains(&mut client);
    }
}

#[test]
fn power_loss_under_load_on_one_tenant_loses_nothing() {
    nothing_is_lost(1);
}

#[test]
fn power_loss_under_load_on_eight_tenants_loses_nothing() {
    nothing_is_lost(8);
}

/// The test of the test: where commits are acknowledged before they are flushed, the loss is seen.
#[test]
fn a_loss_would_be_seen() {
    let mut ledger = Ledger::new(1, &[("synchronous_commit", "off")]);
    // Whoever asks for a head has everything flushed that was acknowledged until then.
    let promised = ledger.lose_power_under_load(false);
    let mut client = connect(&ledger.server.url(DATABASE));
    let lost = lost(&mut client, &promised.acknowledged);
    assert!(lost > 0, "the power went in the midst of asynchronous commits, and nothing was lost");
    whole_chains(&mut client);
}

/// Heads that were told are there even where commits are acknowledged before they are flushed, and what is left are whole
/// chains.
#[test]
fn heads_are_kept_where_entries_are_not() {
    let mut ledger = Ledger::new(1, &[("synchronous_commit", "off")]);
    for round in 0..ROUNDS {
        let promised = ledger.lose_power_under_load(true);
        assert!(!promised.told.is_empty(), "round {round}: it told heads");
        let mut client = connect(&ledger.server.url(DATABASE));
        assert_eq!(taken_back(&mut client, &promised.told), 0, "round {round}");
        whole_chains(&mut client);
    }
}
