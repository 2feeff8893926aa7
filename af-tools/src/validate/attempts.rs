//! Attempts: each in a thread of its own, for a limited time, with growing pauses between them.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use super::health::Observation;
use super::{Cause, Service, Trouble};

/// The pause after the first attempt; each one after is twice as long, up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(3);
/// How often somebody who waits looks whether it should stop.
const TICK: Duration = Duration::from_millis(50);

/// How long a service may take, and how often it is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// How long one attempt may take in all. Half of it is for connecting.
    pub timeout: Duration,
    /// How many attempts may follow the first, where another one may have another result.
    pub retries: u32,
    /// For how long attempts are made, however many that are.
    pub wait: Duration,
}

/// The deadlines of one attempt.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// For name lookup and connecting, to one address.
    pub(super) connect: Duration,
    /// For each answer.
    pub(super) read: Duration,
    /// For everything.
    pub(super) total: Duration,
}

impl Patience {
    fn limits(&self) -> Limits {
        let half = self.timeout / 2;
        Limits { connect: half, read: half, total: self.timeout }
    }
}

/// What the attempts came to.
pub(super) struct Attempts {
    pub(super) last: Result<Observation, Trouble>,
    pub(super) count: u32,
    /// How long the last one took.
    pub(super) latency: Duration,
}

/// What an attempt calls an end: another would not help.
fn is_final(result: &Result<Observation, Trouble>) -> bool {
    match result {
        Ok(observation) => !observation.is_starting,
        Err(trouble) => !trouble.cause.may_pass(),
    }
}

/// Makes attempts until one is final or patience is over. Returns nothing if `is_stopped` says so before.
pub(super) fn run(
    service: Service,
    patience: &Patience,
    probe: impl Fn(&Limits) -> Result<Observation, Trouble> + Clone + Send + 'static,
    is_stopped: &dyn Fn() -> bool,
) -> Option<Attempts> {
    let begin = Instant::now();
    let mut pause = FIRST_PAUSE;
    let mut count = 0;
    loop {
        count += 1;
        let started = Instant::now();
        let last = attempt(service, patience, probe.clone(), is_stopped)?;
        let latency = started.elapsed();
        if is_final(&last) || (count > patience.retries && begin.elapsed() + pause > patience.wait) {
            return Some(Attempts { last, count, latency });
        }
        sleep(pause, is_stopped)?;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// One attempt. The thread of one whose time is over is left behind: what it waits for (a name server, a stopped process)
/// cannot be interrupted, and ends it sooner or later.
fn attempt(
    service: Service,
    patience: &Patience,
    probe: impl Fn(&Limits) -> Result<Observation, Trouble> + Send + 'static,
    is_stopped: &dyn Fn() -> bool,
) -> Option<Result<Observation, Trouble>> {
    let (sender, receiver) = mpsc::channel();
    let limits = patience.limits();
    let deadline = Instant::now() + limits.total;
    let trouble = |cause, message: String| Some(Err(Trouble::new(service, cause, message)));
    // Nobody listens any more when its time is over.
    let worker = thread::Builder::new().spawn(move || sender.send(probe(&limits)));
    if let Err(error) = worker {
        return trouble(Cause::Refusal, format!("start a thread for the check: {error}"));
    }
    loop {
        if is_stopped() {
            return None;
        }
        let left = deadline.saturating_duration_since(Instant::now());
        match receiver.recv_timeout(left.min(TICK)) {
            Ok(result) => return Some(result),
            Err(RecvTimeoutError::Disconnected) => {
                return trouble(
                    Cause::Refusal,
                    "the check broke off, which is a fault of af-tools".to_owned(),
                );
            }
            Err(RecvTimeoutError::Timeout) if left.is_zero() => {
                let seconds = limits.total.as_secs_f64();
                return trouble(Cause::Timeout, format!("no answer within {seconds} s"));
            }
            Err(RecvTimeoutError::Timeout) => {}
        }
    }
}

fn sleep(pause: Duration, is_stopped: &dyn Fn() -> bool) -> Option<()> {
    let end = Instant::now() + pause;
    while Instant::now() < end {
        if is_stopped() {
            return None;
        }
        thread::sleep(TICK.min(pause));
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    fn patience(retries: u32, wait_ms: u64) -> Patience {
        Patience { timeout: Duration::from_millis(200), retries, wait: Duration::from_millis(wait_ms) }
    }

    /// How many attempts there are when each gives this cause.
    fn attempts(patience: Patience, cause: Cause) -> u32 {
        let probe = move |_: &Limits| Err(Trouble::new(Service::Redis, cause, "x"));
        run(Service::Redis, &patience, probe, &|| false).unwrap().count
    }

    #[test]
    fn what_another_attempt_cannot_change_is_tried_once() {
        assert_eq!(attempts(patience(2, 0), Cause::Authentication), 1);
        assert_eq!(attempts(patience(2, 0), Cause::Refused), 3);
        assert_eq!(attempts(patience(0, 0), Cause::Refused), 1);
        // 200 ms and 400 ms of pauses fit, 800 ms more do not.
        assert_eq!(attempts(patience(0, 1_000), Cause::Refused), 3);
    }

    #[test]
    fn what_never_ends_is_given_up() {
        let begin = Instant::now();
        let probe = |_: &Limits| {
            thread::sleep(Duration::from_secs(60));
            Ok(Observation::default())
        };
        let attempts = run(Service::Redis, &patience(1, 0), probe, &|| false).unwrap();
        assert_eq!((attempts.count, attempts.last.unwrap_err().cause), (2, Cause::Timeout));
        assert!(begin.elapsed() < Duration::from_secs(5));
    }

    #[test]
    fn what_is_starting_is_asked_again() {
        let asked = Arc::new(AtomicU32::new(0));
        let probe = move |_: &Limits| {
            let is_starting = asked.fetch_add(1, Ordering::SeqCst) == 0;
            Ok(Observation { is_starting, ..Observation::default() })
        };
        let attempts = run(Service::Redis, &patience(5, 0), probe, &|| false).unwrap();
        assert_eq!((attempts.count, attempts.last.unwrap().is_starting), (2, false));
    }

    #[test]
    fn who_wants_to_stop_does_not_wait() {
        let probe = |_: &Limits| Err(Trouble::new(Service::Redis, Cause::Refused, "x"));
        assert!(run(Service::Redis, &patience(0, 600_000), probe, &|| true).is_none());
    }
}
