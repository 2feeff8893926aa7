//! Where times and ids come from.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use af_core::timestamp::Timestamp;
use sha2::{Digest, Sha256};
use uuid::{Builder, Uuid};

/// 2000-01-01, from which [`Timestamp`] counts, in microseconds since 1970.
const POSTGRES_EPOCH_MICROS: i64 = 946_684_800_000_000;
/// 2026-01-01, in microseconds since 2000.
const MADE_UP_START_MICROS: i64 = 820_540_800_000_000;
/// By how much made up time goes on from one question to the next.
const MADE_UP_STEP_MICROS: i64 = 1_000;

/// Tells the time.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> Timestamp;
}

/// Makes up ids.
pub trait IdSource: Send + Sync {
    /// One that nobody has yet.
    fn next(&self) -> Uuid;
}

/// Both.
#[derive(Clone)]
pub struct Sources {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The ids.
    pub ids: Arc<dyn IdSource>,
}

impl Default for Sources {
    /// The system's clock, and random ids.
    fn default() -> Self {
        Self { clock: Arc::new(SystemClock), ids: Arc::new(RandomIds) }
    }
}

impl Sources {
    /// The same times and ids in each run with the same seed, as long as one thread asks for them.
    pub fn seeded(seed: u64) -> Self {
        Self { clock: Arc::new(SteppingClock::default()), ids: Arc::new(CountedIds::new(seed)) }
    }
}

/// The operating system's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let now = SystemTime::now();
        let micros = match now.duration_since(UNIX_EPOCH) {
            Ok(since) => i64::try_from(since.as_micros()).unwrap_or(i64::MAX),
            Err(before) => i64::try_from(before.duration().as_micros()).map_or(i64::MIN, |micros| -micros),
        };
        timestamp(micros.saturating_sub(POSTGRES_EPOCH_MICROS))
    }
}

/// A clock that goes on by a millisecond whenever it is asked, from 2026-01-01T00:00:00Z.
#[derive(Debug)]
pub struct SteppingClock(AtomicI64);

impl Default for SteppingClock {
    fn default() -> Self {
        Self(AtomicI64::new(MADE_UP_START_MICROS))
    }
}

impl Clock for SteppingClock {
    fn now(&self) -> Timestamp {
        timestamp(self.0.fetch_add(MADE_UP_STEP_MICROS, Ordering::Relaxed))
    }
}

/// A clock that is wrong by millennia is as good as one that stands still.
fn timestamp(postgres_micros: i64) -> Timestamp {
    const STANDSTILL: Timestamp = match Timestamp::from_postgres_micros(0) {
        Ok(ts) => ts,
        Err(_) => panic!("2000-01-01 is a time"),
    };
    Timestamp::from_postgres_micros(postgres_micros).unwrap_or(STANDSTILL)
}

/// Random ids (UUID version 4).
#[derive(Debug, Clone, Copy, Default)]
pub struct RandomIds;

impl IdSource for RandomIds {
    fn next(&self) -> Uuid {
        Uuid::new_v4()
    }
}

/// Ids that follow from a seed: the first 16 bytes of the SHA-256 of seed and number (UUID version 8).
#[derive(Debug)]
pub struct CountedIds {
    seed: u64,
    count: AtomicU64,
}

impl CountedIds {
    /// From the first one on.
    pub fn new(seed: u64) -> Self {
        Self { seed, count: AtomicU64::new(0) }
    }
}

impl IdSource for CountedIds {
    fn next(&self) -> Uuid {
        let number = self.count.fetch_add(1, Ordering::Relaxed);
        let digest = Sha256::new().chain_update(self.seed.to_be_bytes()).chain_update(number.to_be_bytes());
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&digest.finalize()[..16]);
        Builder::from_custom_bytes(bytes).into_uuid()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn made_up_sources_repeat_themselves() {
        let ask = |seed| {
            let sources = Sources::seeded(seed);
            (0..3).map(|_| (sources.clock.now().to_string(), sources.ids.next())).collect::<Vec<_>>()
        };
        assert_eq!(ask(7), ask(7));
        assert_eq!(ask(7)[1].0, "2026-01-01T00:00:00.001Z");
        assert!(ask(7).iter().zip(ask(8)).all(|((_, seven), (_, eight))| *seven != eight));
        assert_eq!(ask(7)[0].1.get_version_num(), 8);
    }

    #[test]
    fn the_system_tells_the_time() {
        let now = SystemClock.now().to_string();
        let expected = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
        // The same hour, unless the test is run at the turn of one; then the next.
        assert!(now[..13] <= expected[..13] && now.as_str() > "2026", "{now} {expected}");
    }
}
