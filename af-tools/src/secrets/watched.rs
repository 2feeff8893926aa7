//! Secrets that are held, and renewed when they change where they come from.
//!
//! Events of the directories tell that something may have changed; then, and at times also without an event, the secrets
//! are read again and compared. So it does not matter how a file was changed: written, replaced by another, or behind a
//! link that leads elsewhere now.

mod changes;

use std::collections::BTreeMap;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use notify::event::{AccessKind, AccessMode, EventKind};
use notify::{RecommendedWatcher, RecursiveMode, Watcher};

use super::{Error, Found, Key, Secret, SecretsProvider, Version};

pub use changes::{Change, ChangeKind, Subscription};

/// How long to wait before trying again, where something is wrong.
const HASTE: Duration = Duration::from_secs(1);

/// How changes are noticed.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// How long nothing more may happen before the secrets are read again; ten times as long at most.
    pub debounce: Duration,
    /// How long to wait for events before the secrets are read again without one; at least as long as `debounce`.
    pub poll: Duration,
    /// Whether to listen for events of the file system at all.
    pub events: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { debounce: Duration::from_millis(100), poll: Duration::from_secs(10), events: true }
    }
}

/// The value of a secret that is watched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Value {
    /// The last good one.
    pub secret: Secret,
    /// Who gave it.
    pub provider: String,
    /// How often it has changed.
    pub generation: u64,
    /// Whether it could not be had when it was last asked for: it may be outdated.
    pub is_stale: bool,
}

/// Secrets that are watched, by a thread that ends with this.
pub struct Watched {
    shared: Arc<Shared>,
    signals: Sender<Signal>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    values: Mutex<BTreeMap<Key, Value>>,
    changed: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<Key, Value>> {
        self.values.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

enum Signal {
    Touched,
    Stop,
}

impl Watched {
    /// Reads these secrets, and goes on watching them.
    ///
    /// # Errors
    ///
    /// When one of them cannot be had now. Later that is only a warning: the last good value is kept.
    pub fn start(provider: Arc<dyn SecretsProvider>, keys: &[Key], options: Options) -> Result<Self, Error> {
        let (signals, received) = mpsc::channel();
        // The ear comes before the look: what changes in between is heard.
        let mut ear = Ear::new(&*provider, &signals, options);
        ear.arm(&*provider);
        let mut values = BTreeMap::new();
        for key in keys {
            let Found { secret, provider, .. } = provider.get(key, Version::Current)?;
            values.insert(key.clone(), Value { secret, provider, generation: 0, is_stale: false });
        }
        let shared = Arc::new(Shared { values: Mutex::new(values), changed: Condvar::new() });
        let watching = Watching { provider, shared: Arc::clone(&shared), ear, options };
        let thread = thread::Builder::new()
            .name("secrets".to_owned())
            .spawn(move || watching.run(&received))
            .map_err(|error| Error::Unavailable {
                place: "a thread".to_owned(),
                reason: error.to_string(),
            })?;
        Ok(Self { shared, signals, thread: Some(thread) })
    }

    /// What a secret is now; nothing if it is not one of those that are watched.
    pub fn value(&self, key: &Key) -> Option<Value> {
        self.shared.lock().get(key).cloned()
    }

    /// Hears of every change from now on.
    pub fn subscribe(&self) -> Subscription {
        Subscription::new(Arc::clone(&self.shared))
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        // It ends by itself where there is nobody left to be told.
        let _ = self.signals.send(Signal::Stop);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Hears what happens in the directories.
struct Ear {
    watcher: Option<RecommendedWatcher>,
    is_deaf: bool,
}

impl Ear {
    fn new(provider: &dyn SecretsProvider, signals: &Sender<Signal>, options: Options) -> Self {
        if !options.events || provider.directories().is_empty() {
            return Self { watcher: None, is_deaf: false };
        }
        let signals = signals.clone();
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            // We read the files ourselves: that must not wake us again.
            let is_reading = event.as_ref().is_ok_and(|event| match event.kind {
                EventKind::Access(AccessKind::Close(AccessMode::Write)) => false,
                EventKind::Access(_) => true,
                _ => false,
            });
            if !is_reading {
                // Nobody is left to hear it.
                let _ = signals.send(Signal::Touched);
            }
        });
        match watcher {
            Ok(watcher) => Self { watcher: Some(watcher), is_deaf: false },
            Err(error) => {
                tracing::warn!("no events of the file system: {error}; changes of secrets are noticed later");
                Self { watcher: None, is_deaf: true }
            }
        }
    }

    /// Listens to all directories, also to those that have come, or come again, since the last time.
    fn arm(&mut self, provider: &dyn SecretsProvider) {
        let Some(watcher) = &mut self.watcher else { return };
        let mut failure = None;
        for directory in provider.directories() {
            if let Err(error) = watcher.watch(&directory, RecursiveMode::NonRecursive) {
                failure = Some((directory, error));
            }
        }
        if let Some((directory, error)) = &failure
            && !self.is_deaf
        {
            let directory = directory.display();
            tracing::warn!("no events of {directory}: {error}; changes of secrets there are noticed later");
        }
        self.is_deaf = failure.is_some();
    }
}

struct Watching {
    provider: Arc<dyn SecretsProvider>,
    shared: Arc<Shared>,
    ear: Ear,
    options: Options,
}

impl Watching {
    fn run(mut self, signals: &Receiver<Signal>) {
        loop {
            let patience = if self.needs_haste() { self.options.poll.min(HASTE) } else { self.options.poll };
            match signals.recv_timeout(patience.max(self.options.debounce)) {
                Ok(Signal::Touched) => {
                    if !self.settle(signals) {
                        return;
                    }
                }
                Ok(Signal::Stop) | Err(RecvTimeoutError::Disconnected) => return,
                Err(RecvTimeoutError::Timeout) => {}
            }
            self.ear.arm(&*self.provider);
            self.reload();
        }
    }

    /// Without events, or with a value that may be outdated, there is nothing else to wait for.
    fn needs_haste(&self) -> bool {
        self.ear.is_deaf || self.shared.lock().values().any(|value| value.is_stale)
    }

    /// Waits until no more happens; says whether to go on.
    fn settle(&self, signals: &Receiver<Signal>) -> bool {
        let deadline = Instant::now() + self.options.debounce * 10;
        while Instant::now() < deadline {
            match signals.recv_timeout(self.options.debounce) {
                Ok(Signal::Touched) => {}
                Ok(Signal::Stop) | Err(RecvTimeoutError::Disconnected) => return false,
                Err(RecvTimeoutError::Timeout) => break,
            }
        }
        true
    }

    fn reload(&self) {
        let keys: Vec<Key> = self.shared.lock().keys().cloned().collect();
        for key in keys {
            // Not under the lock: whoever only wants the last good value need not wait for a slow provider.
            let got = self.provider.get(&key, Version::Current);
            let mut values = self.shared.lock();
            let Some(value) = values.get_mut(&key) else { continue };
            match got {
                Ok(found) if found.secret == value.secret => {
                    value.provider = found.provider;
                    if value.is_stale {
                        tracing::info!(%key, "the secret can be had again, unchanged");
                    } else {
                        continue;
                    }
                    value.is_stale = false;
                }
                Ok(Found { secret, provider, .. }) => {
                    tracing::info!(%key, provider, "the secret has changed");
                    *value = Value { secret, provider, generation: value.generation + 1, is_stale: false };
                }
                Err(error) => {
                    if value.is_stale {
                        continue;
                    }
                    tracing::warn!(%key, "{error}; the last good value is kept, and may be outdated");
                    value.is_stale = true;
                }
            }
            drop(values);
            self.shared.changed.notify_all();
        }
    }
}
