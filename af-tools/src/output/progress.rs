//! The progress display: on a terminal's standard error, and nowhere else.

use indicatif::{ProgressBar, ProgressStyle};

use crate::interrupt::Interrupt;
use crate::watch::Watch;

/// Shows how far the work is, and passes on that the user wants to stop.
pub struct Progress {
    bar: Option<ProgressBar>,
    is_shown: bool,
    /// What is counted, in the plural.
    things: &'static str,
    interrupt: Interrupt,
}

impl Progress {
    pub(super) fn new(is_shown: bool, things: &'static str) -> Self {
        Self { bar: None, is_shown, things, interrupt: Interrupt::default() }
    }

    /// Also tells the work that it should stop.
    #[must_use]
    pub fn stopped_by(mut self, interrupt: &Interrupt) -> Self {
        self.interrupt = interrupt.clone();
        self
    }
}

impl Watch for Progress {
    fn begin(&mut self, estimate: Option<u64>) {
        if !self.is_shown {
            return;
        }
        let things = self.things;
        let (bar, template) = match estimate {
            // The estimate may be far off: it comes from the last ANALYZE.
            Some(estimate) => (
                ProgressBar::new(estimate),
                format!(
                    "{{bar:32}} {{human_pos}} of about {{human_len}} {things}, {{per_sec}}, {{eta}} left"
                ),
            ),
            None => (ProgressBar::new_spinner(), format!("{{spinner}} {{human_pos}} {things}, {{per_sec}}")),
        };
        if let Ok(style) = ProgressStyle::with_template(&template) {
            bar.set_style(style);
        }
        self.bar = Some(bar);
    }

    fn advance(&mut self, entries: u64) {
        if let Some(bar) = &self.bar {
            bar.inc(entries);
        }
    }

    fn is_interrupted(&self) -> bool {
        self.interrupt.is_set()
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
