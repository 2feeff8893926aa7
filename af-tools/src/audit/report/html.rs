//! The report as one page that needs nothing else: no script, no network, light and dark, on paper too.

mod chart;
mod exhibits;
mod text;

use std::fmt::{self, Write};

use super::AuditReport;
use crate::audit::verify::{Chain, Finding, Method, Outcome, Status, Verification};
use crate::numbers::{counted, grouped};
use text::Shown;

const STYLE: &str = include_str!("html/style.css");
/// More intact chains than this are folded away.
const MOST_UNFOLDED: usize = 12;

/// The page.
pub fn page(report: &AuditReport) -> String {
    let mut out = String::new();
    // Writing to a text cannot fail.
    let _ = write_page(report, &mut out);
    out
}

fn write_page(report: &AuditReport, out: &mut String) -> fmt::Result {
    let database = Shown(&report.server.database);
    writeln!(
        out,
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>Audit report: {database}, {}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n\
         <header>\n<h1>Audit report</h1>\n<p class=\"soft wrap\">{} in database {database}, {}</p>\n</header>\n<main>",
        Shown(&report.made_at),
        Shown(&report.verification.relation),
        Shown(&report.made_at)
    )?;
    verdict(&report.verification, out)?;
    tiles(report, out)?;
    limits(&report.not_proven, out)?;
    exhibits::write(report, out)?;
    chains(report, out)?;
    checkpoints(report, out)?;
    guards(report, out)?;
    method(report, out)?;
    writeln!(
        out,
        "</main>\n<footer><p>Made by af-tools {}. Whoever has the same ledger, checkpoints and keys can make it again.</p></footer>\n\
         </body>\n</html>",
        Shown(report.version)
    )
}

fn verdict(verification: &Verification, out: &mut String) -> fmt::Result {
    let Verification { status, chains, findings_total, .. } = verification;
    let bad = chains.iter().filter(|chain| chain.status == Status::Tampered).count() as u64;
    let (title, sentence) = match status {
        Status::Ok => (
            "Intact",
            format!(
                "Every entry and every link that was read is what it was when it was recorded, in {}.",
                counted(chains.len() as u64, "chain", "chains")
            ),
        ),
        Status::Tampered => (
            "Tampered with",
            format!(
                "{} in {} of {}.",
                counted(*findings_total, "finding", "findings"),
                grouped(bad),
                counted(chains.len() as u64, "chain", "chains")
            ),
        ),
        Status::Partial => ("Not everything could be checked", "Nothing was found in what was.".to_owned()),
        Status::Empty => ("Nothing to check", "There are no entries.".to_owned()),
    };
    let class = status.as_str();
    writeln!(
        out,
        "<section class=\"verdict {class}\" id=\"verdict\"><strong>{title}</strong><p>{sentence}</p></section>"
    )
}

fn tiles(report: &AuditReport, out: &mut String) -> fmt::Result {
    let verification = &report.verification;
    let chains = || verification.chains.iter().filter(|chain| chain.status != Status::Empty);
    let proven = chains().filter(|chain| chain.proven_seq.is_some()).count() as u64;
    let proven = format!("{} of {}", grouped(proven), grouped(chains().count() as u64));
    out.push_str("<div class=\"tiles\">");
    for (number, what) in [
        (grouped(verification.entries), "entries checked"),
        (grouped(verification.chains.len() as u64), "chains"),
        (grouped(verification.findings_total), "findings"),
        (proven, "chains proven by a checkpoint"),
        (
            report
                .guards
                .as_ref()
                .map_or_else(|| "?".to_owned(), |guards| grouped(guards.weaknesses.len() as u64)),
            "guards not as they should be",
        ),
    ] {
        write!(out, "<div class=\"tile\"><b>{number}</b>{what}</div>")?;
    }
    out.push_str("</div>\n");
    Ok(())
}

fn limits(not_proven: &[String], out: &mut String) -> fmt::Result {
    out.push_str("<section class=\"limits\" id=\"not-proven\"><h2>What this does not prove</h2><ul>");
    for limit in not_proven {
        write!(out, "<li>{}</li>", Shown(limit))?;
    }
    out.push_str("</ul></section>\n");
    Ok(())
}

fn chains(report: &AuditReport, out: &mut String) -> fmt::Result {
    let chains = &report.verification.chains;
    if chains.is_empty() {
        return Ok(());
    }
    out.push_str("<section id=\"chains\"><h2>Chains</h2>\n<p class=\"soft\">Bars: entries by their stated time. Triangles: findings. \
                  Broken line: proven by a checkpoint up to there.</p>\n");
    let (intact, others): (Vec<&Chain>, Vec<&Chain>) =
        chains.iter().partition(|chain| chain.status == Status::Ok);
    others.iter().try_for_each(|chain| write_chain(report, chain, out))?;
    let is_folded = intact.len() > MOST_UNFOLDED;
    if is_folded {
        writeln!(
            out,
            "<details><summary>{}</summary>",
            counted(intact.len() as u64, "intact chain", "intact chains")
        )?;
    }
    intact.iter().try_for_each(|chain| write_chain(report, chain, out))?;
    if is_folded {
        out.push_str("</details>\n");
    }
    out.push_str("</section>\n");
    Ok(())
}

fn write_chain(report: &AuditReport, chain: &Chain, out: &mut String) -> fmt::Result {
    let tenant = chain.tenant_id.map_or_else(|| "(no tenant)".to_owned(), |id| id.to_string());
    let name = chain.tenant.as_deref().unwrap_or(&tenant);
    let status = chain.status.as_str();
    write!(
        out,
        "<article class=\"chain\"><header><h3 class=\"wrap\">{}</h3><span class=\"badge {status}\">{status}</span>\
         <code class=\"soft wrap\">{tenant}</code></header>\n<p>{}",
        Shown(name),
        counted(chain.entries, "entry", "entries")
    )?;
    if let Some(seq) = chain.head_seq {
        write!(out, ", the last is seq {seq}")?;
    }
    if let Some(seq) = chain.proven_seq {
        write!(out, ", proven by a checkpoint to seq {seq}")?;
    }
    if chain.findings > 0 {
        write!(out, ", {}", counted(chain.findings, "finding", "findings"))?;
    }
    out.push_str("</p>");
    if let Some(hash) = &chain.head_hash {
        write!(out, "<p class=\"hash soft wrap\">{}</p>", Shown(hash))?;
    }
    if let Some(note) = &chain.note {
        write!(out, "<p>{}</p>", Shown(note))?;
    }
    let timeline = report.timelines.iter().find(|timeline| Some(timeline.tenant_id) == chain.tenant_id);
    if let Some(timeline) = timeline {
        let findings: Vec<&Finding> = report
            .verification
            .findings
            .iter()
            .filter(|finding| finding.tenant_id == chain.tenant_id)
            .collect();
        chart::draw(out, chain, timeline, &findings)?;
    }
    out.push_str("</article>\n");
    Ok(())
}

fn checkpoints(report: &AuditReport, out: &mut String) -> fmt::Result {
    let witnessed = &report.checkpoints;
    out.push_str("<section id=\"checkpoints\"><h2>Checkpoints</h2>\n");
    if witnessed.checkpoints.is_empty() {
        out.push_str("<p>None was given.</p></section>\n");
        return Ok(());
    }
    for key in &witnessed.keys {
        write!(
            out,
            "<p class=\"wrap\">Signatures by the key <code>{}</code> (SHA-256 of the public key).</p>",
            Shown(key)
        )?;
    }
    out.push_str("<div class=\"scroll\"><table><thead><tr><th>of</th><th class=\"number\">entries</th><th>outcome</th><th>root</th><th>from</th></tr></thead><tbody>\n");
    for checkpoint in &witnessed.checkpoints {
        let outcome = report
            .verification
            .chains
            .iter()
            .filter(|chain| chain.tenant_id.is_some_and(|id| checkpoint.origin.contains(&id.to_string())))
            .flat_map(|chain| &chain.checkpoints)
            .find(|compared| compared.size == checkpoint.size && compared.source == checkpoint.source)
            .map(|compared| compared.outcome);
        let (class, outcome) = match outcome {
            Some(Outcome::Holds) => ("ok", "holds"),
            Some(Outcome::Differs) => ("tampered", "differs"),
            Some(Outcome::Short) => ("tampered", "the chain is shorter"),
            Some(Outcome::NotCompared) => ("partial", "not compared"),
            None => ("partial", "of another ledger or chain"),
        };
        writeln!(
            out,
            "<tr><td class=\"wrap\"><code>{}</code></td><td class=\"number\">{}</td><td><span class=\"badge {class}\">{outcome}</span></td>\
             <td class=\"hash wrap\">{}</td><td class=\"wrap\">{}</td></tr>",
            Shown(&checkpoint.origin),
            grouped(checkpoint.size),
            Shown(&checkpoint.root),
            Shown(&checkpoint.source)
        )?;
    }
    out.push_str("</tbody></table></div></section>\n");
    Ok(())
}

fn guards(report: &AuditReport, out: &mut String) -> fmt::Result {
    out.push_str("<section id=\"guards\"><h2>Guards</h2>\n");
    let Some(guards) = &report.guards else {
        out.push_str("<p>Not compared: that was not wanted, or the schema is none that af-tools' migrations made.</p></section>\n");
        return Ok(());
    };
    let expected = guards.expected;
    writeln!(
        out,
        "<p>Compared with what the migrations make: {}, {} under row-level security, {}, {}.</p>",
        counted(expected.triggers as u64, "trigger", "triggers"),
        counted(expected.tables as u64, "table", "tables"),
        counted(expected.policies as u64, "policy", "policies"),
        counted(expected.grants as u64, "grant", "grants")
    )?;
    if guards.weaknesses.is_empty() {
        out.push_str("<p>All are as they should be.</p></section>\n");
        return Ok(());
    }
    out.push_str("<ul>");
    for weakness in &guards.weaknesses {
        write!(
            out,
            "<li class=\"wrap\">{}<br><span class=\"soft\">{}</span></li>",
            Shown(&weakness.problem),
            Shown(&weakness.remedy)
        )?;
    }
    out.push_str("</ul></section>\n");
    Ok(())
}

fn method(report: &AuditReport, out: &mut String) -> fmt::Result {
    let (server, verification) = (&report.server, &report.verification);
    let by = match verification.method {
        Method::Outside => "af-tools, which recomputed every hash and link itself from the stored columns",
        Method::InDatabase => "the server, with af_audit_verify()",
    };
    out.push_str("<section id=\"method\"><h2>How it was checked</h2>\n<dl>");
    let standby = if server.is_standby { ", a standby" } else { "" };
    let ledger = verification.identity.as_ref().map(|identity| format!("system {}", identity.system));
    for (term, text) in [
        ("when", Some(report.made_at.clone())),
        ("by", Some(by.to_owned())),
        ("build", Some(format!("af-tools {}", report.version))),
        ("server", Some(format!("PostgreSQL {}{standby}", server.version))),
        ("cluster", ledger),
        ("database", Some(server.database.clone())),
        ("table", Some(verification.relation.clone())),
        ("as role", Some(server.role.clone())),
        (
            "extension",
            Some(
                server
                    .extension
                    .clone()
                    .map_or("not installed".to_owned(), |version| format!("pg_af {version}")),
            ),
        ),
        (
            "time",
            Some(format!(
                "{:.2} s, {}",
                verification.seconds,
                counted(verification.jobs as u64, "session", "sessions")
            )),
        ),
    ] {
        if let Some(text) = text {
            write!(out, "<dt>{term}</dt><dd>{}</dd>", Shown(&text))?;
        }
    }
    out.push_str("</dl></section>\n");
    Ok(())
}
