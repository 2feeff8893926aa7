//! Random numbers for tests: each run differs, and any run can be repeated.

use std::env;
use std::time::{SystemTime, UNIX_EPOCH};

/// The environment variable that sets the seed.
pub const SEED_VARIABLE: &str = "AF_TEST_SEED";

/// A `SplitMix64` generator: small, and good enough to choose what a test does next.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// A generator from the seed in `AF_TEST_SEED`, or from the clock where that is not set. The seed is printed,
    /// which shows when the test fails.
    ///
    /// # Panics
    ///
    /// When the variable is not a number.
    #[must_use]
    #[expect(clippy::print_stderr, reason = "the test harness keeps it, and shows it when the test fails")]
    pub fn from_environment() -> Self {
        let seed = match env::var(SEED_VARIABLE) {
            Ok(text) => text.parse().expect("AF_TEST_SEED is a number"),
            Err(_) => {
                let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("the clock is past 1970");
                u64::from(since.subsec_nanos()) ^ (since.as_secs() << 20)
            }
        };
        eprintln!("seed: {seed} (repeat with {SEED_VARIABLE}={seed})");
        Self(seed)
    }

    /// Another generator, which runs independently of this one: for a thread of its own.
    #[must_use]
    pub fn fork(&mut self) -> Self {
        Self(self.next_u64())
    }

    /// The next number.
    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`, which is not zero.
    pub fn below(&mut self, end: usize) -> usize {
        // A test's ranges are tiny against 2^64: the bias does not matter.
        usize::try_from(self.next_u64() % u64::try_from(end).expect("a usize fits")).expect("below a usize")
    }

    /// True in so many cases of a hundred.
    pub fn percent(&mut self, chance: usize) -> bool {
        self.below(100) < chance
    }

    /// One of some values.
    ///
    /// # Panics
    ///
    /// When there are none.
    pub fn choose<'a, T>(&mut self, values: &'a [T]) -> &'a T {
        &values[self.below(values.len())]
    }
}
