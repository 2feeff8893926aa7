//! What a database said of itself when it was backed up, against what the restored one says.

use std::collections::BTreeMap;

use super::{Judged, Verdict};
use crate::backup::facts::{Facts, Sequence, Table};
use crate::backup::select::Part;

/// Differences, or none.
fn judged(differences: Vec<String>) -> Judged {
    (if differences.is_empty() { Verdict::Ok } else { Verdict::Differs }, differences)
}

/// The tables of both by name, where there is one.
fn paired<'a>(before: &'a Facts, after: &'a Facts) -> Vec<(&'a str, Option<&'a Table>, Option<&'a Table>)> {
    let mut pairs: BTreeMap<&str, (Option<&Table>, Option<&Table>)> = BTreeMap::new();
    for table in &before.tables {
        pairs.entry(&table.name).or_default().0 = Some(table);
    }
    for table in &after.tables {
        pairs.entry(&table.name).or_default().1 = Some(table);
    }
    pairs.into_iter().map(|(name, (before, after))| (name, before, after)).collect()
}

pub(super) fn rows(before: &Facts, after: &Facts) -> Judged {
    let differences =
        paired(before, after).into_iter().filter_map(|(name, before, after)| match (before, after) {
            (Some(_), None) => Some(format!("{name} is not there")),
            (None, Some(_)) => Some(format!("{name} was not in the database")),
            (Some(before), Some(after)) => {
                let (before, after) = (before.rows.unwrap_or_default(), after.rows.unwrap_or_default());
                (before != after).then(|| format!("{name} has {after} rows, and should have {before}"))
            }
            (None, None) => None,
        });
    judged(differences.collect())
}

pub(super) fn not_valid(before: &Facts, after: &Facts) -> Judged {
    let new = after.not_valid.iter().filter(|name| !before.not_valid.contains(name));
    judged(new.map(|name| format!("{name} is not valid")).collect())
}

pub(super) fn sequences(before: &Facts, after: &Facts) -> Judged {
    let is_behind = |sequence: &Sequence| {
        let restored = after.sequences.iter().find(|other| other.name == sequence.name);
        let last = sequence.last_value?;
        match restored {
            None => Some(format!("{} is not there", sequence.name)),
            Some(restored) => match restored.last_value {
                Some(value) if (value >= last) == sequence.is_ascending || value == last => None,
                value => Some(format!(
                    "{} is at {}, and was at {last}",
                    sequence.name,
                    value.map_or_else(|| "its beginning".to_owned(), |value| value.to_string())
                )),
            },
        }
    };
    match before.sequences.as_slice() {
        [] => (Verdict::NotApplicable, Vec::new()),
        sequences => judged(sequences.iter().filter_map(is_behind).collect()),
    }
}

/// What differs in one respect between the tables that are in both.
fn compared(before: &Facts, after: &Facts, differs: impl Fn(&Table, &Table) -> Vec<String>) -> Judged {
    let both =
        paired(before, after).into_iter().filter_map(|(name, before, after)| Some((name, before?, after?)));
    let differences = both.flat_map(|(name, before, after)| {
        differs(before, after).into_iter().map(move |difference| format!("{name}: {difference}"))
    });
    judged(differences.collect())
}

pub(super) fn owners_and_grants(before: &Facts, after: &Facts) -> Judged {
    compared(before, after, |before, after| {
        let mut differences = Vec::new();
        if before.owner != after.owner {
            differences.push(format!("it belongs to {}, and belonged to {}", after.owner, before.owner));
        }
        let missing = before.grants.iter().filter(|grant| !after.grants.contains(grant));
        differences.extend(missing.map(|grant| format!("not granted: {grant}")));
        let new = after.grants.iter().filter(|grant| !before.grants.contains(grant));
        differences.extend(new.map(|grant| format!("granted: {grant}")));
        differences
    })
}

pub(super) fn row_security(before: &Facts, after: &Facts) -> Judged {
    compared(before, after, |before, after| {
        let (was, is) = (&before.row_security, &after.row_security);
        if was == is { Vec::new() } else { vec![format!("row-level security is {is}, and was {was}")] }
    })
}

pub(super) fn triggers(before: &Facts, after: &Facts) -> Judged {
    compared(before, after, |before, after| {
        let mut differences = Vec::new();
        for (name, was) in &before.triggers {
            match after.triggers.get(name) {
                None => differences.push(format!("trigger {name} is not there")),
                Some(is) if is != was => differences.push(format!("trigger {name} is {is}, and was {was}")),
                Some(_) => {}
            }
        }
        let new = after.triggers.keys().filter(|name| !before.triggers.contains_key(*name));
        differences.extend(new.map(|name| format!("trigger {name} was not there")));
        differences
    })
}

/// Of a part: the tables that are in it as a whole.
pub(super) fn part_rows(before: &Facts, part: &Part) -> Judged {
    let differences = before.tables.iter().filter_map(|table| {
        let (restored, was) = (part.rows.get(&table.name)?, table.rows?);
        (*restored != was).then(|| format!("{} has {restored} rows, and should have {was}", table.name))
    });
    judged(differences.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> Facts {
        let table = Table {
            name: "public.audits".to_owned(),
            rows: Some(3),
            owner: "owner".to_owned(),
            row_security: "forced".to_owned(),
            triggers: [("guard".to_owned(), "A public.guard".to_owned())].into(),
            grants: vec!["SELECT to reader".to_owned()],
        };
        let sequence = |name: &str, last_value, is_ascending| Sequence {
            name: name.to_owned(),
            last_value,
            is_ascending,
        };
        Facts {
            tables: vec![table],
            sequences: vec![
                sequence("up", Some(5), true),
                sequence("down", Some(-5), false),
                sequence("new", None, true),
            ],
            not_valid: vec!["constraint old".to_owned()],
            heads: Vec::new(),
        }
    }

    #[test]
    fn each_check_sees_its_own_difference() {
        type Judge = fn(&Facts, &Facts) -> Judged;
        type Change = fn(&mut Facts);
        let judges: [(Judge, Change); 13] = [
            (rows, |facts| facts.tables[0].rows = Some(2)),
            (rows, |facts| facts.tables.clear()),
            (rows, |facts| facts.tables.push(Table { name: "more".to_owned(), ..facts.tables[0].clone() })),
            (not_valid, |facts| facts.not_valid.push("index new".to_owned())),
            (sequences, |facts| facts.sequences[0].last_value = Some(4)),
            (sequences, |facts| facts.sequences[0].last_value = None),
            (sequences, |facts| facts.sequences[1].last_value = Some(-4)),
            (owners_and_grants, |facts| facts.tables[0].owner = "thief".to_owned()),
            (owners_and_grants, |facts| facts.tables[0].grants.clear()),
            (owners_and_grants, |facts| facts.tables[0].grants.push("DELETE to reader".to_owned())),
            (row_security, |facts| facts.tables[0].row_security = "on".to_owned()),
            (triggers, |facts| facts.tables[0].triggers.clear()),
            (triggers, |facts| {
                facts.tables[0].triggers.insert("guard".to_owned(), "O public.guard".to_owned());
            }),
        ];
        for (index, (judge, change)) in judges.into_iter().enumerate() {
            assert_eq!(judge(&facts(), &facts()).0, Verdict::Ok, "{index}");
            let mut changed = facts();
            change(&mut changed);
            let (verdict, details) = judge(&facts(), &changed);
            assert_eq!((verdict, details.len()), (Verdict::Differs, 1), "{index}: {details:?}");
        }
        // A sequence may have gone on while the dump was made.
        let mut ahead = facts();
        ahead.sequences[0].last_value = Some(6);
        ahead.sequences[1].last_value = Some(-6);
        assert_eq!(sequences(&facts(), &ahead).0, Verdict::Ok);
    }
}
