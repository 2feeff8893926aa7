//! How long work tells who started it how far it is, and hears that it should stop.

/// Follows a piece of work.
pub trait Watch {
    /// The work begins; `estimate` is how many entries it may be.
    fn begin(&mut self, _estimate: Option<u64>) {}
    /// So many more entries are done.
    fn advance(&mut self, _entries: u64) {}
    /// Whether the work should be given up.
    fn is_interrupted(&self) -> bool {
        false
    }
}

/// Nobody watches.
pub struct Unwatched;

impl Watch for Unwatched {}

/// Things a second, where that means something.
pub(crate) fn rate(count: u64, seconds: f64) -> Option<f64> {
    (count > 0 && seconds > 0.0).then(|| (count as f64 / seconds).round())
}
