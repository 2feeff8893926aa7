//! How much memory a process holds while it works, from `/proc`.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

const INTERVAL: Duration = Duration::from_millis(5);

/// Does some work, and looks at `read` all the while. Returns the highest value too.
pub(crate) fn peak_while<T>(read: impl Fn() -> u64 + Sync, work: impl FnOnce() -> T) -> (T, u64) {
    let is_done = AtomicBool::new(false);
    thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            let mut peak = read();
            while !is_done.load(Ordering::Relaxed) {
                thread::sleep(INTERVAL);
                peak = peak.max(read());
            }
            peak
        });
        let result = work();
        is_done.store(true, Ordering::Relaxed);
        (result, watcher.join().expect("reading a file does not panic"))
    })
}

/// Bytes that a session and its parallel workers hold for themselves: shared buffers are not among them.
pub(crate) fn of_session(postmaster: u32, backend: i32) -> u64 {
    let worker = format!("parallel worker for PID {backend}");
    let children =
        fs::read_to_string(format!("/proc/{postmaster}/task/{postmaster}/children")).unwrap_or_default();
    let workers = children.split_whitespace().filter(|pid| {
        fs::read_to_string(format!("/proc/{pid}/cmdline")).is_ok_and(|title| title.contains(&worker))
    });
    workers.map(|pid| status(pid, "RssAnon:")).sum::<u64>() + status(&backend.to_string(), "RssAnon:")
}

/// The most bytes that a process has held up to now.
pub(crate) fn of_process(pid: u32) -> u64 {
    status(&pid.to_string(), "VmHWM:")
}

/// A line of `/proc/PID/status`, in bytes; 0 when the process is gone.
fn status(pid: &str, name: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok()).unwrap_or(0) * 1024
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sees_what_is_held_for_a_moment() {
        let own = || status("self", "RssAnon:");
        let before = own();
        let ((), peak) = peak_while(own, || {
            let held = vec![1_u8; 64 << 20];
            thread::sleep(10 * INTERVAL);
            // It is held until here, whatever the optimiser thinks of that.
            std::hint::black_box(&held);
        });
        assert!(peak >= before + (60 << 20), "{before} {peak}");
        assert!(of_process(std::process::id()) >= peak);
        assert_eq!(of_process(u32::MAX), 0);
    }
}
