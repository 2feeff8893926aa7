//! Ctrl-C: the server is asked to give up its query, the work stops where it can, the exit code is 130.

use std::fs::File;
use std::io::{self, Read};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::connection::Canceller;
use crate::exit::Exit;

/// How long the work may take to stop by itself, and a throw-away server to shut down.
const GRACE: Duration = Duration::from_secs(15);
/// How long a reader waits for bytes before it looks whether it should go on.
#[cfg(unix)]
const PATIENCE_MS: u16 = 100;

/// Whether the user wants to stop. Clones share one state.
#[derive(Clone, Default)]
pub struct Interrupt(Arc<State>);

#[derive(Default)]
struct State {
    is_set: AtomicBool,
    canceller: Mutex<Option<Canceller>>,
}

impl Interrupt {
    /// Reacts to Ctrl-C and to the request to terminate. A second one ends the process at once.
    pub fn on_signals() -> Self {
        let interrupt = Self::default();
        let handle = interrupt.clone();
        // Where no handler can be set, the signal just ends the process.
        let _ = ctrlc::set_handler(move || {
            if handle.0.is_set.swap(true, Ordering::SeqCst) {
                std::process::exit(i32::from(Exit::INTERRUPTED.code()));
            }
            let handle = handle.clone();
            // In a thread of its own, so that the next signal is heard meanwhile.
            std::thread::spawn(move || {
                handle.cancel();
                std::thread::sleep(GRACE);
                std::process::exit(i32::from(Exit::INTERRUPTED.code()));
            });
        });
        interrupt
    }

    /// Whether the user wants to stop.
    pub fn is_set(&self) -> bool {
        self.0.is_set.load(Ordering::SeqCst)
    }

    /// From now on an interrupt cancels this session's query.
    pub fn cancels(&self, canceller: Canceller) {
        *self.0.canceller.lock().unwrap_or_else(PoisonError::into_inner) = Some(canceller);
    }

    /// What `file` holds, until the interrupt: a pipe whose other end is silent would hold up the end for ever.
    pub fn stops(&self, file: File) -> impl Read + use<> {
        Interruptible { file, interrupt: self.clone() }
    }

    fn cancel(&self) {
        let canceller = self.0.canceller.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(canceller) = canceller {
            canceller.cancel();
        }
    }
}

struct Interruptible {
    file: File,
    interrupt: Interrupt,
}

impl Read for Interruptible {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if self.interrupt.is_set() {
                return Err(io::Error::other("interrupted"));
            }
            if has_something(&self.file)? {
                return self.file.read(buffer);
            }
        }
    }
}

/// Waits a little for bytes, or the end, or an error: whatever a read would not wait for.
#[cfg(unix)]
fn has_something(file: &File) -> io::Result<bool> {
    use std::os::fd::AsFd;

    use nix::errno::Errno;
    use nix::poll::{PollFd, PollFlags, poll};

    match poll(&mut [PollFd::new(file.as_fd(), PollFlags::POLLIN)], PATIENCE_MS) {
        Ok(ready) => Ok(ready > 0),
        Err(Errno::EINTR) => Ok(false),
        Err(errno) => Err(errno.into()),
    }
}

#[cfg(not(unix))]
fn has_something(_: &File) -> io::Result<bool> {
    Ok(true)
}
