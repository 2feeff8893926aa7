//! Where attacks take place: a ledger of two tenants, whose checkpoints were signed before, and those who look at it after.

use std::fs;
use std::path::{Path, PathBuf};

use af_tests::database::{Database, connect, server};
use af_tests::ledger::{add_entries, add_tenant};
use af_tests::tools::{self, Run};
use postgres::Client;
use serde_json::Value;
use tempfile::TempDir;
use uuid::Uuid;

use crate::catalogue::{Attack, Attacker, Deed};

/// All guards are as they should be.
pub(crate) const IN_PLACE: &str = "in place";
/// So many entries has the first tenant, the second one fewer.
pub(crate) const ENTRIES: i32 = 12;

/// The ledger before any attack, and the key that signs checkpoints.
pub(crate) struct Stage {
    original: Database,
    keys: TempDir,
}

/// A copy of it, for one attack.
pub(crate) struct Scene {
    pub(crate) database: Database,
    /// A superuser's session.
    pub(crate) client: Client,
    pub(crate) one: Uuid,
    pub(crate) two: Uuid,
    /// Where checkpoints are, out of the attacker's reach.
    pub(crate) checkpoints: TempDir,
    key: PathBuf,
}

/// What was seen of an attack: a cell of the table each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) in_database: String,
    pub(crate) from_outside: String,
    pub(crate) with_checkpoint: String,
    /// What the guards look like afterwards.
    pub(crate) guards: String,
}

impl Stage {
    pub(crate) fn new() -> Self {
        let original = Database::migrated();
        let mut client = original.connect();
        let one = add_tenant(&mut client, "one");
        let two = add_tenant(&mut client, "two");
        add_tenant(&mut client, "three");
        add_entries(&mut client, one, ENTRIES);
        add_entries(&mut client, two, ENTRIES - 4);
        client
            .batch_execute(
                "CREATE ROLE ledger_app LOGIN IN ROLE af_app; CREATE ROLE ledger_owner LOGIN IN ROLE af_auditor;
                 GRANT ALL ON SCHEMA public TO ledger_owner;
                 DO $$ DECLARE t text; BEGIN
                     FOR t IN SELECT oid::regclass FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace LOOP
                         EXECUTE 'ALTER TABLE ' || t || ' OWNER TO ledger_owner';
                     END LOOP;
                 END $$",
            )
            .unwrap();
        let keys = TempDir::new().unwrap();
        let made = tools::run(&["audit", "keygen", keys.path().join("key").to_str().unwrap()]);
        assert_eq!(made.code, Some(0), "{made:?}");
        Self { original, keys }
    }

    /// Lets an attack happen, and looks.
    pub(crate) fn play(&self, attack: &Attack) -> Seen {
        let mut scene = self.scene();
        let deed = match attack.deed {
            Deed::Sql(sql) => scene.run_as(attack.attacker, sql),
            Deed::Act(act) => act(&mut scene),
        };
        match deed {
            Ok(()) => scene.look(),
            Err(error) => {
                let code = error.code().unwrap_or_else(|| panic!("{}: {error:?}", attack.name)).code();
                let refused = format!("refused ({code})");
                // And indeed nothing has changed.
                assert_eq!(scene.look(), Seen::all("nothing"), "{}", attack.name);
                Seen::all(&refused)
            }
        }
    }

    fn scene(&self) -> Scene {
        let database = Database::clone_of(self.original.name());
        let mut client = database.connect();
        let tenant = |client: &mut Client, name: &str| {
            client.query_one("SELECT id FROM tenants WHERE name = $1", &[&name]).unwrap().get(0)
        };
        let (one, two) = (tenant(&mut client, "one"), tenant(&mut client, "two"));
        let checkpoints = TempDir::new().unwrap();
        let scene = Scene { database, client, one, two, checkpoints, key: self.keys.path().join("key") };
        scene.sign();
        scene
    }
}

impl Scene {
    /// Signs checkpoints of the chains as they are.
    pub(crate) fn sign(&self) {
        let url = self.database.url();
        let (key, out) = (text(&self.key), text(self.checkpoints.path()));
        let run = tools::run(&["--url", &url, "audit", "checkpoint", "--key", &key, "--out", &out]);
        assert_eq!(run.code, Some(0), "{run:?}");
    }

    /// Runs statements with the attacker's rights. `:one` and `:two` stand for tenants.
    pub(crate) fn run_as(&mut self, attacker: Attacker, sql: &str) -> Result<(), postgres::Error> {
        let sql = sql.replace(":one", &format!("'{}'", self.one)).replace(":two", &format!("'{}'", self.two));
        match attacker {
            Attacker::Application => {
                let mut client = self.database.connect_as("ledger_app");
                client.batch_execute(&format!("SET af.tenant_id = '{}'", self.one))?;
                client.batch_execute(&sql)
            }
            Attacker::Owner => self.database.connect_as("ledger_owner").batch_execute(&sql),
            Attacker::Superuser => self.client.batch_execute(&sql),
        }
    }

    /// Makes a backup beside the checkpoints.
    pub(crate) fn back_up(&self) {
        let (url, out) = (self.database.url(), text(&self.backups()));
        let run = tools::run(&["--url", &url, "backup", "create", "--out", &out]);
        assert_eq!(run.code, Some(0), "{run:?}");
    }

    /// Restores it, and gives it the database's name.
    pub(crate) fn swap_in_backup(&mut self) {
        let backups = self.backups();
        let name = fs::read_dir(&backups).unwrap().next().unwrap().unwrap().file_name();
        // Nobody may be connected to a database that is renamed.
        self.client = connect(&server().url("postgres"));
        let (url, dir) = (self.database.url(), text(&backups));
        let restore = ["backup", "restore", name.to_str().unwrap(), "--dir", &dir, "--swap", "--into"];
        let into = format!("{}_restored", self.database.name());
        let run = tools::run(&[&["--url", &url][..], &restore, &[into.as_str()]].concat());
        assert_eq!(run.code, Some(0), "{run:?}");
        self.client = self.database.connect();
    }

    fn backups(&self) -> PathBuf {
        self.checkpoints.path().join("backups")
    }

    /// What each of those who verify says.
    fn look(&mut self) -> Seen {
        let url = self.database.url();
        let (public_key, checkpoints) = (format!("{}.pub", text(&self.key)), text(self.checkpoints.path()));
        let outside = tools::run(&["--url", &url, "--json", "audit", "verify", "--no-guards"]);
        let guarded = tools::run(&["--url", &url, "--json", "audit", "verify"]);
        let anchored =
            ["audit", "verify", "--no-guards", "--checkpoint", &checkpoints, "--public-key", &public_key];
        let anchored = tools::run(&[&["--url", &url, "--json"][..], &anchored].concat());
        Seen {
            in_database: self.in_database(),
            from_outside: self.told(&outside),
            with_checkpoint: self.told(&anchored),
            guards: open_guards(&guarded),
        }
    }

    /// What `af_audit_findings()` says: more than `af_audit_verify()` does, and of the same.
    fn in_database(&mut self) -> String {
        let sql = "SELECT status FROM af_audit_verify() WHERE status <> 'ok'";
        let is_fine = match self.client.query(sql, &[]) {
            Ok(rows) => rows.is_empty(),
            Err(error) => return format!("error ({})", error.code().map_or("", |code| code.code())),
        };
        let sql = "SELECT tenant_id, seq, finding FROM af_audit_findings()";
        let rows = self.client.query(sql, &[]).unwrap();
        let findings: Vec<_> = rows.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect();
        assert_eq!(is_fine, findings.is_empty(), "{findings:?}");
        self.describe(findings)
    }

    fn told(&self, run: &Run) -> String {
        let document = run.json();
        if !matches!(run.code, Some(0 | 3)) {
            return format!("not provable (exit {})", run.code.unwrap_or(-1));
        }
        let findings =
            document["result"]["findings"].as_array().unwrap_or_else(|| panic!("{document}")).iter();
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let findings: Vec<_> = findings
            .map(|found| {
                let tenant = text(&found["tenant_id"]).map(|id| id.parse().unwrap());
                (tenant, found["seq"].as_i64(), text(&found["finding"]).unwrap())
            })
            .collect();
        assert_eq!(run.code, Some(if findings.is_empty() { 0 } else { 3 }), "{document}");
        self.describe(findings)
    }

    /// Findings in few words: where, and how many there are.
    fn describe(&self, findings: Vec<(Option<Uuid>, Option<i64>, String)>) -> String {
        let chain = |tenant| match tenant {
            Some(tenant) if tenant == self.one => "",
            Some(tenant) if tenant == self.two => " of two",
            Some(_) => " of three",
            None => "",
        };
        let mut findings: Vec<_> =
            findings.into_iter().map(|(tenant, seq, finding)| (chain(tenant), seq, finding)).collect();
        // The order of chains is that of random tenants, and two verifiers may tell of one entry in another order.
        findings.sort();
        let described: Vec<String> = findings
            .iter()
            .map(|(chain, seq, finding)| {
                let seq = seq.map(|seq| format!(" at {seq}")).unwrap_or_default();
                format!("`{finding}`{seq}{chain}")
            })
            .collect();
        match &described[..] {
            [] => "nothing".to_owned(),
            [one] => one.clone(),
            [one, two] => format!("{one}, {two}"),
            [one, two, rest @ ..] => format!("{one}, {two} and {} more", rest.len()),
        }
    }
}

impl Seen {
    pub(crate) fn all(what: &str) -> Self {
        let [in_database, from_outside, with_checkpoint] = [what; 3].map(str::to_owned);
        Self { in_database, from_outside, with_checkpoint, guards: IN_PLACE.to_owned() }
    }
}

/// How many guards `audit verify` finds open.
fn open_guards(run: &Run) -> String {
    let document = run.json();
    let weaknesses = document["result"]["guards"]["weaknesses"].as_array();
    let weaknesses = weaknesses.unwrap_or_else(|| panic!("the guards were not compared: {document}"));
    let open = weaknesses.iter().filter(|weakness| weakness["severity"] == "open").count();
    if open == 0 { IN_PLACE.to_owned() } else { format!("{open} open") }
}

fn text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}
