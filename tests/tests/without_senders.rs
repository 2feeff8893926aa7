//! Where synchronous standbys are named and there can be none, nobody waits for them: not commits, and so not readers.

use af_tests::database::{connect, create_ledger, options};
use af_tests::ledger::{INSERT, add_tenant, whole_chains};
use af_tools::throwaway::Server;
use uuid::Uuid;

#[test]
fn names_of_standbys_without_senders_hold_nobody_up() {
    let mut options = options();
    let settings = [("max_wal_senders", "0"), ("synchronous_standby_names", "nobody")];
    options.settings.extend(settings.map(|(name, value)| (name.to_owned(), value.to_owned())));
    let server = Server::start(&options).unwrap();
    server.create_database("ledger").unwrap();
    let mut client = connect(&server.url("ledger"));
    create_ledger(&mut client);
    let tenant = add_tenant(&mut client, "one");
    for (entries, early_release) in (1..).zip(["on", "auto", "off"]) {
        client.batch_execute(&format!("SET pg_af.early_release = {early_release}")).unwrap();
        client.execute(INSERT, &[&tenant, &Uuid::new_v4()]).unwrap();
        assert_eq!(whole_chains(&mut client), [(tenant, entries)].into(), "{early_release}");
        let head = client.query_one("SELECT seq FROM af_audit_head($1)", &[&tenant]);
        assert_eq!(head.unwrap().get::<_, i64>(0), entries, "{early_release}");
        assert!(client.query_one("SELECT af_wal_flush() IS NOT NULL", &[]).unwrap().get::<_, bool>(0));
    }
}
