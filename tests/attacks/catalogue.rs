//! The attacks, with what is to be seen of each.

use crate::scene::{ENTRIES, IN_PLACE, Scene, Seen};

/// Whose rights the attacker has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Attacker {
    /// A member of af_app, with the tenant of its choice.
    Application,
    /// The table's owner, who is no superuser.
    Owner,
    /// A superuser.
    Superuser,
}

/// What is done.
#[derive(Clone, Copy)]
pub(crate) enum Deed {
    /// These statements, with the attacker's rights.
    Sql(&'static str),
    /// What takes more than that.
    Act(fn(&mut Scene) -> Result<(), postgres::Error>),
}

/// An attack.
pub(crate) struct Attack {
    pub(crate) name: &'static str,
    pub(crate) attacker: Attacker,
    pub(crate) deed: Deed,
    /// What is seen in the database, from outside, and with a checkpoint.
    expected: [&'static str; 3],
    /// What the guards look like afterwards.
    guards: &'static str,
}

impl Attack {
    pub(crate) fn expected(&self) -> Seen {
        let [in_database, from_outside, with_checkpoint] = self.expected.map(str::to_owned);
        Seen { in_database, from_outside, with_checkpoint, guards: self.guards.to_owned() }
    }

    const fn leaving(self, guards: &'static str) -> Self {
        Self { guards, ..self }
    }
}

const NOTHING: &str = "nothing";

const fn attack(name: &'static str, attacker: Attacker, deed: Deed, expected: [&'static str; 3]) -> Attack {
    // The owner switches off what is in the way: three triggers, and row-level security for itself.
    let guards = if matches!(attacker, Attacker::Owner) { "4 open" } else { IN_PLACE };
    Attack { name, attacker, deed, expected, guards }
}

/// What is seen alike by all.
const fn alike(what: &'static str) -> [&'static str; 3] {
    [what; 3]
}

/// What the chain cannot show.
const fn only_with_checkpoint(what: &'static str) -> [&'static str; 3] {
    [NOTHING, NOTHING, what]
}

/// An edit of entry 5 of the first tenant, behind the guards' back.
macro_rules! edit {
    ($set:literal) => {
        Deed::Sql(concat!(
            "ALTER TABLE audits NO FORCE ROW LEVEL SECURITY; ALTER TABLE audits DISABLE TRIGGER USER; ",
            "UPDATE audits SET ",
            $set,
            " WHERE tenant_id = :one AND seq = 5"
        ))
    };
}

/// Any statement, behind the guards' back.
macro_rules! unguarded {
    ($sql:literal) => {
        Deed::Sql(concat!(
            "ALTER TABLE audits NO FORCE ROW LEVEL SECURITY; ALTER TABLE audits DISABLE TRIGGER USER; ",
            $sql
        ))
    };
}

use Attacker::{Application, Owner, Superuser};

pub(crate) const ATTACKS: &[Attack] = &[
    // The application.
    attack(
        "edit an entry",
        Application,
        Deed::Sql("UPDATE audits SET action = 'x' WHERE seq = 5"),
        alike("refused (42501)"),
    ),
    attack(
        "delete an entry",
        Application,
        Deed::Sql("DELETE FROM audits WHERE seq = 5"),
        alike("refused (42501)"),
    ),
    attack("empty the table", Application, Deed::Sql("TRUNCATE audits"), alike("refused (42501)")),
    attack(
        "disable the triggers",
        Application,
        Deed::Sql("ALTER TABLE audits DISABLE TRIGGER USER"),
        alike("refused (42501)"),
    ),
    attack(
        "give an entry its place and hash itself",
        Application,
        Deed::Sql(
            "INSERT INTO audits (tenant_id, seq, hash, actor_type, actor_id, action, resource_type) \
             VALUES (:one, 13, '\\x00', 'user', 'x', 'x', 'x')",
        ),
        alike("refused (42501)"),
    ),
    attack(
        "write into another tenant's chain",
        Application,
        Deed::Sql(
            "INSERT INTO audits (tenant_id, actor_type, actor_id, action, resource_type) \
             VALUES (:two, 'user', 'x', 'x', 'x')",
        ),
        alike("refused (42501)"),
    ),
    // With the guards in place.
    attack(
        "edit an entry",
        Superuser,
        Deed::Sql("UPDATE audits SET action = 'x' WHERE seq = 5"),
        alike("refused (55000)"),
    ),
    attack(
        "delete all entries of a tenant",
        Superuser,
        Deed::Sql("DELETE FROM audits WHERE tenant_id = :one"),
        alike("refused (55000)"),
    ),
    attack("empty the table", Superuser, Deed::Sql("TRUNCATE audits"), alike("refused (55000)")),
    attack(
        "edit an entry as a replica's apply worker does",
        Superuser,
        Deed::Sql("SET session_replication_role = replica; UPDATE audits SET action = 'x' WHERE seq = 5"),
        alike("refused (55000)"),
    ),
    attack(
        "delete the tenant",
        Superuser,
        Deed::Sql("DELETE FROM tenants WHERE id = :one"),
        alike("refused (23503)"),
    ),
    attack(
        "append an entry that does not follow",
        Superuser,
        Deed::Sql(
            "INSERT INTO audits SELECT tenant_id, 13, gen_random_uuid(), ts, actor_type, actor_id, action, resource_type, \
             resource_id, details, hash_version, prev_hash, hash FROM audits WHERE tenant_id = :one AND seq = 12",
        ),
        alike("refused (23514)"),
    ),
    // Behind their back: each column.
    attack(
        "edit `tenant_id`",
        Owner,
        edit!("tenant_id = (SELECT id FROM tenants WHERE name = 'three')"),
        alike("`missing` at 5, `missing` at 1 of three and 1 more"),
    ),
    attack("edit `seq`", Owner, edit!("seq = 100"), alike("`missing` at 5, `missing` at 13 and 1 more")),
    attack("edit `id`", Owner, edit!("id = gen_random_uuid()"), alike("`altered` at 5")),
    attack("edit `ts`", Owner, edit!("ts = ts + interval '1 microsecond'"), alike("`altered` at 5")),
    attack("edit `actor_type`", Owner, edit!("actor_type = 'system'"), alike("`altered` at 5")),
    attack("edit `actor_id`", Owner, edit!("actor_id = 'somebody else'"), alike("`altered` at 5")),
    attack("edit `action`", Owner, edit!("action = 'read'"), alike("`altered` at 5")),
    attack("edit `resource_type`", Owner, edit!("resource_type = 'x'"), alike("`altered` at 5")),
    attack("edit `resource_id`", Owner, edit!("resource_id = NULL"), alike("`altered` at 5")),
    attack("edit `details`", Owner, edit!("details = details - 'n'"), alike("`altered` at 5")),
    attack("edit `hash_version`", Owner, edit!("hash_version = 2"), alike("`altered` at 5")),
    attack(
        "edit `prev_hash`",
        Owner,
        edit!("prev_hash = set_byte(prev_hash, 0, get_byte(prev_hash, 0) # 1)"),
        alike("`altered` at 5, `relinked` at 5"),
    ),
    attack(
        "edit `hash`",
        Owner,
        edit!("hash = set_byte(hash, 0, get_byte(hash, 0) # 1)"),
        ["`altered` at 5", "`altered` at 5", "`altered` at 5, `rewritten` at 12"],
    ),
    attack(
        "empty `hash`",
        Owner,
        unguarded!(
            "ALTER TABLE audits ALTER hash DROP NOT NULL, DROP CONSTRAINT audits_hash_check; \
                    UPDATE audits SET hash = NULL WHERE tenant_id = :one AND seq = 5"
        ),
        alike("`unsealed` at 5"),
    ).leaving("6 open"),
    // Values that look alike.
    attack("write 5 as 5.0", Owner, edit!("details = jsonb_set(details, '{n}', '5.0')"), alike(NOTHING)),
    attack(
        "write 9007199254740993 where 9007199254740992 stood, which are one double",
        Superuser,
        Deed::Act(collide_doubles),
        alike("`altered` at 13"),
    ).leaving("4 open"),
    attack(
        "write a key twice, the last time as it was",
        Owner,
        edit!("details = ('{\"n\": 7, ' || substr(details::text, 2))::jsonb"),
        alike(NOTHING),
    ),
    attack(
        "compose the same letters otherwise",
        Owner,
        edit!("details = jsonb_set(details, '{text}', to_jsonb(normalize(details->>'text', NFD)))"),
        alike("`altered` at 5"),
    ),
    attack(
        "write a Cyrillic letter that looks Latin",
        Owner,
        edit!("actor_id = translate(actor_id, 'e', 'е')"),
        alike("`altered` at 5"),
    ),
    attack(
        "move a space from one column to the next",
        Owner,
        edit!("action = action || ' ', resource_type = 'document'"),
        alike("`altered` at 5"),
    ),
    // Entries that go, move and come.
    attack(
        "delete one in the middle",
        Owner,
        unguarded!("DELETE FROM audits WHERE tenant_id = :one AND seq = 5"),
        alike("`missing` at 5"),
    ),
    attack(
        "delete the first",
        Owner,
        unguarded!("DELETE FROM audits WHERE tenant_id = :one AND seq = 1"),
        alike("`missing` at 1"),
    ),
    attack(
        "delete the last three",
        Owner,
        unguarded!("DELETE FROM audits WHERE tenant_id = :one AND seq > 9"),
        only_with_checkpoint("`truncated` at 10"),
    ),
    attack(
        "delete a tenant's whole chain",
        Owner,
        unguarded!("DELETE FROM audits WHERE tenant_id = :one"),
        only_with_checkpoint("`truncated` at 1"),
    ),
    attack(
        "delete everything",
        Owner,
        unguarded!("DELETE FROM audits"),
        [NOTHING, "not provable (exit 4)", "`truncated` at 1, `truncated` at 1 of two"],
    ),
    attack(
        "swap two",
        Owner,
        unguarded!(
            "UPDATE audits SET seq = 1011 - seq WHERE tenant_id = :one AND seq IN (5, 6); \
                    UPDATE audits SET seq = seq - 1000 WHERE tenant_id = :one AND seq > 1000"
        ),
        [
            "`relinked` at 5, `reordered` at 5 and 3 more",
            "`relinked` at 5, `reordered` at 5 and 3 more",
            "`relinked` at 5, `reordered` at 5 and 4 more",
        ],
    ),
    attack(
        "insert a forged one in the middle",
        Owner,
        unguarded!(
            "ALTER TABLE audits DROP CONSTRAINT audits_pkey; \
                    INSERT INTO audits SELECT tenant_id, seq, gen_random_uuid(), ts, 'user', 'forged', action, resource_type, \
                        resource_id, details, hash_version, prev_hash, hash FROM audits WHERE tenant_id = :one AND seq = 5"
        ),
        alike("`altered` at 5, `duplicated` at 5"),
    ).leaving("5 open"),
    attack("append a forged one, sealed as it must be", Superuser, Deed::Act(append_sealed), alike(NOTHING)),
    attack(
        "edit an entry and seal it anew",
        Owner,
        Deed::Act(|scene| rewrite(scene, 5, 5)),
        ["`relinked` at 6", "`relinked` at 6", "`relinked` at 6, `rewritten` at 12"],
    ),
    attack(
        "edit an entry and seal all from it on",
        Owner,
        Deed::Act(|scene| rewrite(scene, 5, ENTRIES)),
        only_with_checkpoint("`rewritten` at 12"),
    ),
    attack(
        "rewrite a whole chain",
        Owner,
        Deed::Act(|scene| rewrite(scene, 1, ENTRIES)),
        only_with_checkpoint("`rewritten` at 12"),
    ),
    attack(
        "clone another tenant's chain",
        Owner,
        unguarded!(
            "ALTER TABLE audits DROP CONSTRAINT audits_id_key; \
                    INSERT INTO audits SELECT (SELECT id FROM tenants WHERE name = 'three'), seq, id, ts, actor_type, actor_id, \
                        action, resource_type, resource_id, details, hash_version, prev_hash, hash \
                    FROM audits WHERE tenant_id = :two"
        ),
        alike("`altered` at 1 of three, `altered` at 2 of three and 6 more"),
    ).leaving("5 open"),
    attack(
        "make up a chain for a tenant that had none",
        Owner,
        Deed::Act(make_up_chain),
        only_with_checkpoint("not provable (exit 4)"),
    ).leaving(IN_PLACE),
    // The mechanism itself.
    attack(
        "disable the guard, edit, enable it again",
        Superuser,
        Deed::Act(edit_and_cover),
        alike("`altered` at 5"),
    ),
    attack(
        "have a trigger drop some entries before they are stored",
        Owner,
        Deed::Act(lose_entries),
        alike(NOTHING),
    ).leaving("1 open"),
    attack(
        "have another table's rows show among the entries",
        Owner,
        Deed::Sql(
            "CREATE TABLE forged () INHERITS (audits); INSERT INTO forged SELECT tenant_id, seq, gen_random_uuid(), ts, 'user', \
                 'forged', action, resource_type, resource_id, details, hash_version, prev_hash, hash FROM audits \
             WHERE tenant_id = :one AND seq = 5",
        ),
        alike("`altered` at 5, `duplicated` at 5"),
    ).leaving("1 open"),
    attack(
        "have a crash empty the table",
        Owner,
        Deed::Sql("ALTER TABLE audits SET UNLOGGED"),
        alike(NOTHING),
    ).leaving("1 open"),
    attack(
        "drop the table and create it again, shorter",
        Superuser,
        Deed::Act(recreate_table),
        only_with_checkpoint("`truncated` at 10"),
    ).leaving("8 open"),
    attack(
        "change the guard's function, and edit",
        Superuser,
        Deed::Sql(
            "CREATE OR REPLACE FUNCTION af_audit_guard() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; \
             UPDATE audits SET action = 'x' WHERE tenant_id = :one AND seq = 5",
        ),
        alike("`altered` at 5"),
    ).leaving("9 open"),
    attack(
        "change the verifier's function, and edit",
        Superuser,
        Deed::Act(blind_verifier),
        [NOTHING, "`altered` at 5", "`altered` at 5"],
    ).leaving("5 open"),
    attack(
        "restore an older backup in the database's place",
        Superuser,
        Deed::Act(restore_backup),
        only_with_checkpoint("`rolled_back` at 13"),
    ),
];

/// Seals entries `from` to `last` of the first tenant anew, the first of them with another action.
fn rewrite(scene: &mut Scene, from: i32, last: i32) -> Result<(), postgres::Error> {
    scene.run_as(
        Attacker::Owner,
        &format!(
            "ALTER TABLE audits NO FORCE ROW LEVEL SECURITY; ALTER TABLE audits DISABLE TRIGGER USER;
             UPDATE audits SET action = 'nothing' WHERE tenant_id = :one AND seq = {from};
             DO $$ BEGIN FOR n IN {from}..{last} LOOP
                 UPDATE audits AS a SET prev_hash = b.hash, hash = af_audit_hash(b.hash, a.hash_version, a.tenant_id, a.seq,
                     a.id, a.actor_type, a.actor_id, a.action, a.resource_type, a.resource_id, a.details, a.ts)
                 FROM (SELECT (SELECT hash FROM audits WHERE tenant_id = :one AND seq = n - 1)) AS b (hash)
                 WHERE a.tenant_id = :one AND a.seq = n;
             END LOOP; END $$"
        ),
    )
}

fn collide_doubles(scene: &mut Scene) -> Result<(), postgres::Error> {
    scene.run_as(
        Attacker::Superuser,
        "INSERT INTO audits (tenant_id, actor_type, actor_id, action, resource_type, details) \
         VALUES (:one, 'user', 'x', 'pay', 'account', '{\"cents\": 9007199254740992}')",
    )?;
    scene.run_as(
        Attacker::Owner,
        "ALTER TABLE audits NO FORCE ROW LEVEL SECURITY; ALTER TABLE audits DISABLE TRIGGER USER; \
         UPDATE audits SET details = '{\"cents\": 9007199254740993}' WHERE tenant_id = :one AND seq = 13",
    )
}

/// Whoever may insert may append: that an entry is true, no ledger can say.
fn append_sealed(scene: &mut Scene) -> Result<(), postgres::Error> {
    scene.run_as(
        Attacker::Superuser,
        "INSERT INTO audits SELECT tenant_id, 13, id, ts, 'user', 'forged', action, resource_type, resource_id, details, 1::int2, \
             hash, af_audit_hash(hash, 1::int2, tenant_id, 13, id, 'user', 'forged', action, resource_type, resource_id, details, ts) \
         FROM (SELECT tenant_id, gen_random_uuid() AS id, ts, action, resource_type, resource_id, details, hash \
               FROM audits WHERE tenant_id = :one AND seq = 12) AS last",
    )
}

fn make_up_chain(scene: &mut Scene) -> Result<(), postgres::Error> {
    scene.run_as(
        Attacker::Superuser,
        "INSERT INTO audits (tenant_id, actor_type, actor_id, action, resource_type) \
         SELECT id, 'user', 'forged', 'read', 'document' FROM tenants WHERE name = 'three'",
    )
}

fn edit_and_cover(scene: &mut Scene) -> Result<(), postgres::Error> {
    scene.run_as(
        Attacker::Superuser,
        "ALTER TABLE audits DISABLE TRIGGER USER; UPDATE audits SET action = 'x' WHERE tenant_id = :one AND seq = 5; \
         ALTER TABLE audits ENABLE ALWAYS TRIGGER zz_af_audit_chain, ENABLE ALWAYS TRIGGER af_audit_guard, \
             ENABLE ALWAYS TRIGGER af_audit_guard_truncate",
    )
}

fn lose_entries(scene: &mut Scene) -> Result<(), postgres::Error> {
    scene.run_as(
        Attacker::Owner,
        "CREATE FUNCTION lose() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'; \
         CREATE TRIGGER a_lose BEFORE INSERT ON audits FOR EACH ROW WHEN (NEW.action = 'embezzle') EXECUTE FUNCTION lose()",
    )?;
    scene.run_as(
        Attacker::Superuser,
        "INSERT INTO audits (tenant_id, actor_type, actor_id, action, resource_type) VALUES (:one, 'user', 'x', 'embezzle', 'money')",
    )
}

fn recreate_table(scene: &mut Scene) -> Result<(), postgres::Error> {
    scene.run_as(
        Attacker::Superuser,
        "CREATE TABLE forged (LIKE audits INCLUDING ALL); INSERT INTO forged SELECT * FROM audits WHERE tenant_id = :two OR seq < 10; \
         DROP TABLE audits; ALTER TABLE forged RENAME TO audits",
    )
}

fn blind_verifier(scene: &mut Scene) -> Result<(), postgres::Error> {
    scene.run_as(
        Attacker::Superuser,
        "ALTER TABLE audits DISABLE TRIGGER USER; UPDATE audits SET action = 'x' WHERE tenant_id = :one AND seq = 5;
         CREATE SCHEMA genuine; ALTER FUNCTION af_audit_verify(uuid, regclass) SET SCHEMA genuine;
         ALTER FUNCTION af_audit_findings(uuid, regclass, integer) SET SCHEMA genuine;
         CREATE FUNCTION af_audit_verify(tenant uuid DEFAULT NULL, relation regclass DEFAULT NULL)
             RETURNS TABLE (tenant_id uuid, status text) LANGUAGE sql AS 'SELECT DISTINCT tenant_id, ''ok'' FROM audits';
         CREATE FUNCTION af_audit_findings(tenant uuid DEFAULT NULL, relation regclass DEFAULT NULL)
             RETURNS TABLE (tenant_id uuid, seq bigint, finding text) LANGUAGE sql AS 'SELECT NULL::uuid, 1::bigint, '''' WHERE false'",
    )
}

/// The backup is from before the last entries, which were signed. The server is the same, and so is every chain in it.
fn restore_backup(scene: &mut Scene) -> Result<(), postgres::Error> {
    scene.back_up();
    scene.run_as(
        Attacker::Superuser,
        "INSERT INTO audits (tenant_id, actor_type, actor_id, action, resource_type) VALUES (:one, 'user', 'x', 'embezzle', 'money')",
    )?;
    scene.sign();
    scene.swap_in_backup();
    Ok(())
}
