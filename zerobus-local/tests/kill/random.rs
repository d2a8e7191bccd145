//! Numbers that are the same for the same seed, and the seed to run a failed test again with.

use std::time::Duration;

/// Runs the tests with another seed.
const SEED_VARIABLE: &str = "ZEROBUS_KILL_SEED";
const SEED: u64 = 20_260_101;

/// SplitMix64: one number after the other, all of them good.
#[derive(Debug, Clone)]
pub(crate) struct Random {
    state: u64,
}

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From 0 to `end`, exclusive.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// From `first` to `last`, inclusive.
    pub(crate) fn between(&mut self, first: i64, last: i64) -> i64 {
        let count = last.abs_diff(first) + 1;
        first.saturating_add_unsigned(self.below(count))
    }

    /// One of so many places.
    pub(crate) fn index(&mut self, len: usize) -> usize {
        usize::try_from(self.below(len as u64)).unwrap()
    }

    /// From nothing to `longest`.
    pub(crate) fn pause(&mut self, longest: Duration) -> Duration {
        longest.mul_f64(self.below(1_001) as f64 / 1_000.0)
    }
}

/// The seed of a test; a test that fails says it.
#[derive(Debug)]
pub(crate) struct Seed(u64);

impl Seed {
    pub(crate) fn of_test() -> Self {
        Self(match std::env::var(SEED_VARIABLE) {
            Ok(seed) => seed.parse().expect("the seed must be a number"),
            Err(_) => SEED,
        })
    }

    /// One of several sequences of numbers that have nothing to do with each other.
    pub(crate) fn random(&self, sequence: u64) -> Random {
        Random::new(Random::new(self.0 ^ sequence.rotate_left(32)).next())
    }
}

impl Drop for Seed {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("run it again with {SEED_VARIABLE}={}", self.0);
        }
    }
}
