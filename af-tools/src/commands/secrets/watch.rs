//! `af-tools secrets watch`.

use std::io::{self, Write};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use serde::Serialize;

use super::super::{Context, Failure, output_failed};
use crate::cli::secrets::WatchArgs;
use crate::exit::Exit;
use crate::output::{Report, Verbosity};
use crate::secrets::{Chain, ChangeKind, Key, MASK, Operation, Options, Recorded, Value, Watched};

/// How long to wait for a change before it is seen whether the user wants to stop.
const PATIENCE: Duration = Duration::from_millis(100);

/// A change, without the value.
#[derive(Debug, Serialize)]
pub struct WatchedChange {
    /// When it was noticed, in RFC 3339.
    pub ts: String,
    /// Which secret.
    pub key: Key,
    /// What happened to it.
    pub change: ChangeKind,
    /// Who has it.
    pub provider: String,
    /// Not what it is.
    pub value: &'static str,
}

/// What has changed.
#[derive(Debug, Serialize)]
pub struct WatchReport {
    /// In the order in which it was noticed.
    pub changes: Vec<WatchedChange>,
}

impl Report for WatchReport {
    /// Each change was printed when it was noticed.
    fn write_text(&self, _: &mut dyn Write, _: Verbosity) -> io::Result<()> {
        Ok(())
    }
}

pub(super) fn run(
    args: &WatchArgs,
    recorded: &Recorded<Chain>,
    context: &mut Context<'_>,
) -> Result<Exit, Failure> {
    let options = Options { poll: args.poll, ..Options::default() };
    // Looking whether something has changed is no access; that somebody is given the value is.
    let watched = Watched::start(Arc::new(context.secrets()?), &args.keys, options)?;
    let mut subscription = watched.subscribe();
    for key in &args.keys {
        if let Some(Value { provider, .. }) = watched.value(key) {
            recorded.record(Operation::Watch, Some(key), &provider, "ok")?;
            context.printer.note(format_args!("watching {key}: {MASK}, in {provider}"));
        }
    }
    let deadline = args.period.map(|period| Instant::now() + period);
    let wanted = args.changes.map_or(usize::MAX, |changes| changes as usize);
    let mut changes = Vec::new();
    let exit = loop {
        if context.interrupt.is_set() {
            break Exit::INTERRUPTED;
        }
        if changes.len() >= wanted || deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            break Exit::DONE;
        }
        for change in subscription.next(PATIENCE) {
            if change.kind == ChangeKind::Changed {
                recorded.record(Operation::Watch, Some(&change.key), &change.value.provider, "ok")?;
            }
            let noticed = WatchedChange {
                ts: humantime::format_rfc3339_seconds(SystemTime::now()).to_string(),
                key: change.key,
                change: change.kind,
                provider: change.value.provider,
                value: MASK,
            };
            let what = match noticed.change {
                ChangeKind::Changed => "changed",
                ChangeKind::Stale => "gone; the last value is kept",
                ChangeKind::Recovered => "back, unchanged",
            };
            let WatchedChange { ts, key, provider, .. } = &noticed;
            let line = format_args!("{ts}  {key}  {MASK}  {what}, in {provider}");
            context.printer.line(line).map_err(output_failed)?;
            changes.push(noticed);
        }
    };
    context.report(exit, &WatchReport { changes }, None)
}
