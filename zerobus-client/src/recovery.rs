//! When to try again, and when to stop.

use std::collections::VecDeque;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

use zerobus_proto::ErrorCode;

use crate::error::Error;

/// No pause is longer, unless the service asks for one.
const PAUSE_MAX: Duration = Duration::from_secs(60);
/// A blocked pipeline takes about this long ("Zerobus Ingest error codes").
const BLOCKED_PAUSE: Duration = Duration::from_secs(60);

/// No more failures are remembered, however many retries are allowed.
const FAILURES_MAX: usize = 15;

/// The retries of one stream since it last got anywhere.
#[derive(Debug, Clone)]
pub(crate) struct Recovery {
    backoff: Duration,
    retries: u32,
    used: u32,
    pauses: u32,
    /// The stream was slowed down.
    throttled: bool,
    /// What went wrong since, the latest last.
    failures: VecDeque<Error>,
}

impl Recovery {
    /// `retries` in a row, with pauses that start at `backoff` and double.
    pub(crate) fn new(backoff: Duration, retries: u32) -> Self {
        Self {
            backoff,
            retries,
            used: 0,
            pauses: 0,
            throttled: false,
            failures: VecDeque::new(),
        }
    }

    /// The stream got somewhere: earlier failures no longer count.
    pub(crate) fn reset(&mut self) {
        self.used = 0;
        self.pauses = 0;
        self.throttled = false;
        self.failures.clear();
    }

    pub(crate) fn retries(&self) -> u32 {
        self.retries
    }

    pub(crate) fn used(&self) -> u32 {
        self.used
    }

    /// The error of a stream that is not tried again after `last`. One that follows other failures tells of them all.
    pub(crate) fn give_up(&mut self, endpoint: &str, last: Error) -> Error {
        let mut causes: Vec<Error> = self.failures.drain(..).collect();
        if causes.is_empty() || !last.is_retryable() {
            return last;
        }
        causes.push(last);
        Error::RetriesExhausted {
            endpoint: endpoint.to_owned(),
            failures: self.used.saturating_add(1),
            causes,
        }
    }

    /// The pause before trying again after `error`; `None` when it may not be tried again. `was_open`: the stream
    /// was open, so that a new connection is likely to be had at once. `jitter` is drawn evenly from 0 to 1.
    pub(crate) fn pause(&mut self, error: &Error, was_open: bool, jitter: f64) -> Option<Duration> {
        // What opened the stream was good then, so it is worth new credentials more than once.
        let expired = was_open && error.is_unauthenticated();
        if !(error.is_retryable() || expired) || self.retries == 0 {
            return None;
        }
        let throttled = error.is_throttled();
        if throttled && was_open && !self.throttled {
            // The stream has been slowed down, which has to fail before this counts.
            self.throttled = true;
            return Some(self.backoff.min(PAUSE_MAX).mul_f64(0.5 + jitter / 2.0));
        }
        if self.used >= self.retries {
            return None;
        }
        self.used += 1;
        if self.failures.len() == FAILURES_MAX {
            self.failures.pop_front();
        }
        self.failures.push_back(error.clone());
        if error.error_code() == Some(ErrorCode::PIPELINE_BLOCKED) {
            return Some(BLOCKED_PAUSE + self.backoff.min(PAUSE_MAX).mul_f64(jitter));
        }
        if was_open && self.used == 1 && !throttled {
            // Not all streams of a lost server at the very same moment.
            return Some(self.backoff.min(PAUSE_MAX).mul_f64(jitter / 16.0));
        }
        let doubled = self
            .backoff
            .saturating_mul(1u32.checked_shl(self.pauses).unwrap_or(u32::MAX));
        self.pauses += 1;
        Some(doubled.min(PAUSE_MAX).mul_f64(0.5 + jitter / 2.0))
    }
}

/// A number from 0 to 1, another one each time: what the standard library's hash maps are seeded with.
pub(crate) fn jitter() -> f64 {
    let drawn = RandomState::new().build_hasher().finish();
    f64::from(u32::try_from(drawn >> 32).unwrap_or(0)) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use zerobus_schema::TableName;

    use super::*;
    use crate::status::{GrpcCode, StatusError};

    fn status(code: GrpcCode, message: &str) -> Error {
        let table = TableName::parse("a.b.c").unwrap();
        Error::Status {
            error: Box::new(StatusError::new(&table, code, message)),
        }
    }

    fn pauses(recovery: &mut Recovery, error: &Error, was_open: bool, jitter: f64) -> Vec<u128> {
        std::iter::from_fn(|| recovery.pause(error, was_open, jitter))
            .map(|pause| pause.as_millis())
            .take(20)
            .collect()
    }

    #[test]
    fn pauses_double_between_half_and_whole_until_the_retries_are_used() {
        let lost = status(GrpcCode::Unavailable, "");
        let mut recovery = Recovery::new(Duration::from_secs(2), 4);
        assert_eq!(
            pauses(&mut recovery, &lost, false, 1.0),
            [2000, 4000, 8000, 16000]
        );
        recovery.reset();
        assert_eq!(
            pauses(&mut recovery, &lost, false, 0.0),
            [1000, 2000, 4000, 8000]
        );
        recovery.reset();
        assert_eq!(
            pauses(&mut recovery, &lost, true, 0.0),
            [0, 1000, 2000, 4000]
        );
    }

    #[test]
    fn pauses_stay_bounded_however_many() {
        let lost = status(GrpcCode::Unavailable, "");
        let mut recovery = Recovery::new(Duration::from_secs(2), u32::MAX);
        recovery.pauses = 40;
        assert_eq!(recovery.pause(&lost, false, 1.0), Some(PAUSE_MAX));
        let mut recovery = Recovery::new(Duration::MAX, 1);
        assert!(recovery.pause(&lost, false, 1.0).is_some());
    }

    #[test]
    fn a_throttled_or_blocked_stream_never_returns_at_once() {
        let mut recovery = Recovery::new(Duration::from_secs(2), 4);
        let throttled = status(GrpcCode::ResourceExhausted, "");
        assert!(recovery.pause(&throttled, true, 0.0) >= Some(Duration::from_secs(1)));
        assert_eq!(recovery.used(), 0, "the first costs no retry");
        assert!(recovery.pause(&throttled, true, 0.0) >= Some(Duration::from_secs(1)));
        assert_eq!(recovery.used(), 1);
        recovery.reset();
        let blocked = status(
            GrpcCode::Unavailable,
            "Blocked. Error Code: 6006, Error State: 0.",
        );
        assert!(recovery.pause(&blocked, true, 0.0) >= Some(BLOCKED_PAUSE));
    }

    #[test]
    fn what_cannot_get_better_is_not_tried_again() {
        let mut recovery = Recovery::new(Duration::ZERO, 4);
        for code in [
            GrpcCode::InvalidArgument,
            GrpcCode::Unauthenticated,
            GrpcCode::PermissionDenied,
            GrpcCode::NotFound,
            GrpcCode::OutOfRange,
            GrpcCode::Unimplemented,
            GrpcCode::FailedPrecondition,
        ] {
            assert_eq!(
                recovery.pause(&status(code, ""), false, 0.5),
                None,
                "{code}"
            );
        }
        assert_eq!(recovery.pause(&Error::Closed, false, 0.5), None);
    }
}
