//! `af-tools demo`: the story of one edit, told as it happens.

use std::io::{self, Write};

use super::{Context, Failure, audit_import};
use crate::audit::verify::{Status, Verification};
use crate::cli::demo::DemoArgs;
use crate::demo::{self, Caught, Demo, Observer, Options, Step};
use crate::exit::Exit;
use crate::interrupt::Interrupt;
use crate::output::{ErrorReport, Printer, Report, Verbosity, counted, rate};

/// How much of a long value is shown.
const EXCERPT_CHARS: usize = 96;

impl Report for Demo {
    /// The end of the story; the rest was told step by step.
    fn write_text(&self, out: &mut dyn Write, _: Verbosity) -> io::Result<()> {
        match self.caught {
            Caught::Exactly => {
                writeln!(out, "Caught. Both verifiers name the entry that was edited, and no other.")?;
            }
            Caught::No => {
                writeln!(out, "Not caught as expected. This is a fault of pg_af; please report it.")?
            }
        }
        writeln!(out)?;
        match &self.kept {
            Some(kept) => {
                writeln!(out, "The server is still running. Look around:")?;
                writeln!(out)?;
                writeln!(out, "  psql '{}'", kept.url)?;
                writeln!(out, "  af-tools --url '{}' audit verify", kept.url)?;
                writeln!(out)?;
                writeln!(out, "Stop it and remove everything:")?;
                writeln!(out)?;
                writeln!(out, "  {}", kept.stop_command)
            }
            None => {
                writeln!(out, "The server is stopped and removed. To keep it and look around in psql:")?;
                writeln!(out)?;
                writeln!(out, "  af-tools demo --keep")?;
                writeln!(out)?;
                writeln!(out, "For a database of your own:")?;
                writeln!(out)?;
                writeln!(out, "  af-tools --url postgresql://… migrate up")?;
                writeln!(out, "  af-tools --url postgresql://… audit import events.ndjson")?;
                writeln!(out, "  af-tools --url postgresql://… audit verify")
            }
        }
    }
}

struct Narrator<'a> {
    printer: &'a mut Printer,
    interrupt: Interrupt,
}

impl Narrator<'_> {
    fn say(&mut self, line: &str) -> io::Result<()> {
        self.printer.line(format_args!("{line}"))
    }

    fn say_verdict(&mut self, by: &str, verification: &Verification) -> io::Result<()> {
        let Verification { status, entries, seconds, chains, .. } = verification;
        let verdict = match verification.findings.first() {
            Some(first) if *status == Status::Tampered => {
                format!(
                    "{} at seq {}",
                    first.finding,
                    first.seq.map_or_else(|| "-".to_owned(), |seq| seq.to_string())
                )
            }
            _ => format!(
                "{} in {}",
                counted(*entries, "entry", "entries"),
                counted(chains.len() as u64, "chain", "chains")
            ),
        };
        let rate = rate(verification.entries_per_second, "entries");
        let status = status.as_str();
        self.say(&format!("   {by:<16} {status:<9} {verdict}, {seconds:.3} s{rate}"))
    }
}

impl Observer for Narrator<'_> {
    fn step(&mut self, step: Step<'_>) -> io::Result<()> {
        match step {
            Step::Started { version, directory } => {
                self.say("pg_af: an audit ledger that shows when somebody rewrites it")?;
                self.say("")?;
                self.say(&format!("1. Start PostgreSQL {version}, just for this, in {}", directory.display()))
            }
            Step::Migrated { extension } => {
                self.say(&format!("   extension pg_af {extension} created, tables migrated"))?;
                self.say("")
            }
            Step::Imported(summary) => {
                self.say("2. Import audit events; PostgreSQL chains each one to the one before by SHA-256")?;
                self.say(&format!(
                    "   {} for {} in {:.3} s{}",
                    counted(summary.stored, "event", "events"),
                    counted(summary.tenants_created, "tenant", "tenants"),
                    summary.seconds,
                    rate(summary.entries_per_second, "entries")
                ))?;
                self.say("")
            }
            Step::Verified(verified) => {
                self.say("3. Verify: recompute every hash, check every link")?;
                self.say_verdict("in the database", &verified.in_database)?;
                self.say_verdict("from outside", &verified.outside)?;
                self.say("")
            }
            Step::Refused(refusal) => {
                self.say("4. Rewrite history")?;
                self.say("   an UPDATE, even by a superuser, is refused:")?;
                self.say(&format!("     ERROR:  {refusal}"))
            }
            Step::Edited(edit) => {
                self.say("   but a superuser can go behind the guard's back:")?;
                for statement in &edit.statements {
                    // The condition on a line of its own: a statement is longer than most terminals are wide.
                    self.say(&format!("     {};", statement.replace(" WHERE ", "\n       WHERE ")))?;
                }
                let (before, after) = difference(&edit.before, &edit.after);
                self.say(&format!("   an entry of {} (action {}) now says", edit.tenant, edit.action))?;
                self.say(&format!("     {after}"))?;
                self.say("   where it said")?;
                self.say(&format!("     {before}"))?;
                self.say("")
            }
            Step::VerifiedAgain(verified) => {
                self.say("5. Verify again")?;
                self.say_verdict("in the database", &verified.in_database)?;
                self.say_verdict("from outside", &verified.outside)?;
                if let Some(first) = verified.outside.findings.first() {
                    self.say("")?;
                    let shown = |value: Option<String>| value.unwrap_or_else(|| "-".to_owned());
                    self.say(&format!("   tenant   {}", shown(first.tenant_id.map(|id| id.to_string()))))?;
                    self.say(&format!("   seq      {}", shown(first.seq.map(|seq| seq.to_string()))))?;
                    self.say(&format!("   id       {}", shown(first.id.map(|id| id.to_string()))))?;
                    self.say(&format!("   finding  {}: {}", first.finding, first.detail))?;
                }
                self.say("")
            }
        }
    }

    fn is_interrupted(&self) -> bool {
        self.interrupt.is_set()
    }
}

/// The parts of two texts around where they differ.
fn difference(before: &str, after: &str) -> (String, String) {
    const LEAD_CHARS: usize = 24;
    let common = before.chars().zip(after.chars()).take_while(|(a, b)| a == b).count();
    let start = common.saturating_sub(LEAD_CHARS);
    let excerpt = |text: &str| {
        let part: String = text.chars().skip(start).take(EXCERPT_CHARS).collect();
        let is_cut = text.chars().count() > start + EXCERPT_CHARS;
        format!("{}{part}{}", if start > 0 { "…" } else { "" }, if is_cut { "…" } else { "" })
    };
    (excerpt(before), excerpt(after))
}

pub(super) fn run(args: &DemoArgs, context: &mut Context<'_>) -> Result<Exit, Failure> {
    let open = |path| audit_import::open(path, &context.interrupt);
    let input = args.input.as_deref().map(open).transpose()?;
    let options = Options { keep: args.keep, input };
    let mut narrator = Narrator { printer: &mut context.printer, interrupt: context.interrupt.clone() };
    let demo = demo::run(options, &mut narrator)?;
    let (exit, error) = match demo.caught {
        Caught::Exactly => (Exit::DONE, None),
        Caught::No => {
            let message = "demo: the edit was not found as it should have been".to_owned();
            (Exit::FINDING, Some(ErrorReport { message, hint: None }))
        }
    };
    context.report(exit, &demo, error.as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn excerpts_show_the_difference() {
        let (before, after) = difference("{\"amount\": 1.50, \"é\": 2}", "{\"amount\": 10001.50, \"é\": 2}");
        assert_eq!(
            (before.as_str(), after.as_str()),
            ("{\"amount\": 1.50, \"é\": 2}", "{\"amount\": 10001.50, \"é\": 2}")
        );
        let long = "x".repeat(200);
        let (before, after) = difference(&format!("{long}a{long}"), &format!("{long}b{long}"));
        assert!(before.starts_with('…') && before.ends_with('…') && before.contains('a'), "{before}");
        assert!(after.contains('b'));
    }
}
