//! The findings, each with the entries that it is about.

use std::fmt::{self, Write};

use super::super::{AuditReport, Exhibit, StoredEntry};
use super::text::Shown;
use crate::numbers::counted;

/// Writes the section, if there is anything to show.
pub(super) fn write(report: &AuditReport, out: &mut String) -> fmt::Result {
    if report.exhibits.is_empty() {
        return Ok(());
    }
    out.push_str("<section id=\"findings\"><h2>Findings</h2>\n");
    report.exhibits.iter().try_for_each(|exhibit| write_exhibit(report, exhibit, out))?;
    if report.findings_without_exhibit > 0 {
        let rest = counted(report.findings_without_exhibit, "finding", "findings");
        write!(
            out,
            "<p>{rest} more are not shown here; <code>af-tools audit verify --json</code> lists them.</p>"
        )?;
    }
    out.push_str("</section>\n");
    Ok(())
}

fn write_exhibit(report: &AuditReport, exhibit: &Exhibit, out: &mut String) -> fmt::Result {
    let finding = &exhibit.finding;
    let chain = report.verification.chains.iter().find(|chain| chain.tenant_id == finding.tenant_id);
    let tenant = finding.tenant_id.map_or_else(|| "no tenant".to_owned(), |id| id.to_string());
    let name = chain.and_then(|chain| chain.tenant.as_deref()).unwrap_or(&tenant);
    writeln!(
        out,
        "<article class=\"exhibit\"><header><span class=\"badge tampered\">{}</span><h3 class=\"wrap\">{}{}</h3></header>\n<p class=\"wrap\">{}</p>",
        Shown(&finding.finding),
        Shown(name),
        finding.seq.map(|seq| format!(", seq {seq}")).unwrap_or_default(),
        Shown(&finding.detail)
    )?;
    if !exhibit.entries.is_empty() {
        write_entries(&exhibit.entries, finding.seq, out)?;
    }
    out.push_str("</article>\n");
    Ok(())
}

/// A row for each column, an entry beside the other, as they follow each other in the chain.
fn write_entries(entries: &[StoredEntry], at: Option<i64>, out: &mut String) -> fmt::Result {
    out.push_str("<div class=\"scroll\"><table><thead><tr><th>seq</th>");
    for entry in entries {
        let class = if entry.seq == at { " class=\"differs\"" } else { "" };
        write!(
            out,
            "<th{class}>{}</th>",
            entry.seq.map_or_else(|| "none".to_owned(), |seq| seq.to_string())
        )?;
    }
    out.push_str("</tr></thead><tbody>\n");
    row("id", entries, out, |entry| Cell::Plain(entry.id.map(|id| id.to_string())))?;
    let columns: Vec<&str> = entries
        .iter()
        .find(|entry| !entry.fields.is_empty())
        .map_or_else(Vec::new, |entry| entry.fields.iter().map(|field| field.column).collect());
    for column in columns {
        row(column, entries, out, |entry| match entry.fields.iter().find(|field| field.column == column) {
            Some(field) => match field.full_length {
                Some(length) => Cell::Cut(field.value.clone().unwrap_or_default(), length),
                None => Cell::Plain(field.value.clone()),
            },
            None => Cell::Unreadable(entry.unreadable.clone().unwrap_or_default()),
        })?;
    }
    // A link is compared with the entry before only where that is the one right before.
    let follows = |number: usize| {
        let before = entries.get(number.checked_sub(1)?)?;
        (before.seq?.checked_add(1) == entries[number].seq).then_some(before.hash.clone()?)
    };
    let mut number = 0;
    row("prev_hash", entries, out, |entry| {
        let differs = follows(number).is_some_and(|hash| entry.prev_hash.as_ref() != Some(&hash));
        number += 1;
        Cell::Hash(entry.prev_hash.clone(), differs)
    })?;
    let differs = |entry: &StoredEntry| entry.computed_hash.is_some() && entry.computed_hash != entry.hash;
    row("stored hash", entries, out, |entry| Cell::Hash(entry.hash.clone(), differs(entry)))?;
    row("expected hash", entries, out, |entry| match &entry.unreadable {
        Some(why) => Cell::Unreadable(why.clone()),
        None => Cell::Hash(entry.computed_hash.clone(), differs(entry)),
    })?;
    out.push_str("</tbody></table></div>\n");
    Ok(())
}

enum Cell {
    Plain(Option<String>),
    /// Shortened, with the length of the whole.
    Cut(String, usize),
    /// And whether it is another than it should be.
    Hash(Option<String>, bool),
    Unreadable(String),
}

fn row(
    heading: &str,
    entries: &[StoredEntry],
    out: &mut String,
    mut cell: impl FnMut(&StoredEntry) -> Cell,
) -> fmt::Result {
    const NULL: &str = "<td class=\"null\">null</td>";
    write!(out, "<tr><th>{heading}</th>")?;
    for entry in entries {
        match cell(entry) {
            Cell::Plain(None) | Cell::Hash(None, _) => out.push_str(NULL),
            Cell::Plain(Some(text)) => write!(out, "<td>{}</td>", Shown(&text))?,
            Cell::Cut(text, length) => {
                write!(
                    out,
                    "<td>{}… <span class=\"soft\">({length} characters in all)</span></td>",
                    Shown(&text)
                )?;
            }
            Cell::Hash(Some(hash), differs) => {
                let class = if differs { "hash differs" } else { "hash" };
                write!(out, "<td class=\"{class}\">{}</td>", Shown(&hash))?;
            }
            Cell::Unreadable(why) => write!(out, "<td class=\"differs\">{}</td>", Shown(&why))?,
        }
    }
    out.push_str("</tr>\n");
    Ok(())
}
