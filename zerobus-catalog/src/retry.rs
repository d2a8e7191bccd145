use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::time::Duration;

const FIRST: Duration = Duration::from_millis(200);
const LONGEST: Duration = Duration::from_secs(10);

/// Whether a failed call is made again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Attempts {
    /// One attempt: the caller has something to fall back on.
    One,
    /// As many as fit into the time limit.
    WithinTimeLimit,
}

/// Exponential back-off: each pause is drawn from the upper half of a span that doubles.
#[derive(Debug)]
pub(crate) struct Backoff {
    span: Duration,
    seed: RandomState,
    count: u64,
}

impl Backoff {
    pub(crate) fn new() -> Self {
        Self {
            span: FIRST,
            seed: RandomState::new(),
            count: 0,
        }
    }

    /// The next pause; never shorter than what the service asked for.
    pub(crate) fn next(&mut self, retry_after: Option<Duration>) -> Duration {
        let mut hasher = self.seed.build_hasher();
        hasher.write_u64(self.count);
        self.count = self.count.wrapping_add(1);
        let share = u32::try_from(hasher.finish() % 1000).unwrap_or(0);
        let pause = self.span / 2 + self.span / 2000 * share;
        self.span = self.span.saturating_mul(2).min(LONGEST);
        pause.max(retry_after.unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_within_their_bounds() {
        let mut backoff = Backoff::new();
        let mut span = FIRST;
        for _ in 0..20 {
            let pause = backoff.next(None);
            assert!(pause >= span / 2 && pause <= span, "{pause:?} in {span:?}");
            span = (span * 2).min(LONGEST);
        }
        let asked = Duration::from_secs(60);
        assert_eq!(backoff.next(Some(asked)), asked);
    }
}
