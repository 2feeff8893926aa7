//! docs/attacks.md, from what was seen.

use std::fmt::Write;

use crate::catalogue::{ATTACKS, Attacker};
use crate::scene::Seen;

const BEFORE: &str = "# Attacks

What attackers can do to a ledger, and who sees it. `make test` carries out each of these attacks against a real server
(tests/attacks/), and fails unless this table says what was seen. A finding is followed by the position (`seq`) of the entry, in
a chain of 12 entries whose checkpoint was signed before the attack.

| the attacker | may |
|---|---|
| application | what `af_app` may: read and insert one tenant's rows |
| owner | do what it wants with the table of entries; not a superuser |
| superuser | do what it wants with the server |

The columns: `af_audit_verify()` in the database; `af-tools audit verify`, which trusts nothing that the server computes;
and the same with `--checkpoint`, the checkpoints being kept where the attacker has no access. The last one is what `audit verify`
says of the guards afterwards, unless the attacker sets them right again: an open one is a finding by itself (exit code 3).

";

const AFTER: &str = "
Where nothing is seen although something was done:

- `5.0` equals `5` to PostgreSQL, and of a key given twice it stores the last value alone: no value was changed.
- Whoever may insert can append an entry that is not true. A ledger keeps what was said, and who can have said it is for
  the database's roles.
- What a chain cannot show (its end, and what it was as a whole) takes a [checkpoint](checkpoints.md). What came after the
  last one and was cut off again, nothing shows: sign often.
- Entries that a trigger kept from the table, and a table that a crash will empty, show in the guards alone.
";

pub(crate) fn write(seen: &[Seen]) -> String {
    let mut page = BEFORE.to_owned();
    page += "| attacker | attack | in the database | from outside | with a checkpoint | guards |\n|---|---|---|---|---|---|\n";
    for (attack, seen) in ATTACKS.iter().zip(seen) {
        let attacker = match attack.attacker {
            Attacker::Application => "application",
            Attacker::Owner => "owner",
            Attacker::Superuser => "superuser",
        };
        let Seen { in_database, from_outside, with_checkpoint, guards } = seen;
        // Writing to a text cannot fail.
        let _ = writeln!(
            page,
            "| {attacker} | {} | {in_database} | {from_outside} | {with_checkpoint} | {guards} |",
            attack.name
        );
    }
    page + AFTER
}
