//! The time from a call to the ack of its record, of some records.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Instant;

pub struct Samples {
    /// The offset of the oldest that waits.
    next: AtomicI64,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<(i64, Instant)>,
    micros: Vec<f64>,
}

impl Default for Samples {
    fn default() -> Self {
        Self {
            next: AtomicI64::new(i64::MAX),
            state: Mutex::default(),
        }
    }
}

impl Samples {
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().expect("nothing panics in here")
    }

    /// The record with this offset was handed over by a call that began at `called`.
    pub fn add(&self, offset: i64, called: Instant) {
        let mut state = self.state();
        if state.waiting.is_empty() {
            self.next.store(offset, Ordering::Relaxed);
        }
        state.waiting.push_back((offset, called));
    }

    /// The record with this offset, and every earlier one, is acked.
    pub fn acked(&self, offset: i64) {
        if offset < self.next.load(Ordering::Relaxed) {
            return;
        }
        let now = Instant::now();
        let mut state = self.state();
        while let Some((waiting, called)) = state.waiting.front().copied()
            && waiting <= offset
        {
            state.waiting.pop_front();
            let micros = now.duration_since(called).as_secs_f64() * 1e6;
            state.micros.push(micros);
        }
        let next = state.waiting.front().map_or(i64::MAX, |front| front.0);
        self.next.store(next, Ordering::Relaxed);
    }

    /// Forgets what has been timed so far.
    pub fn clear(&self) {
        self.state().micros.clear();
    }

    /// What has been timed so far, in microseconds.
    pub fn take(&self) -> Vec<f64> {
        std::mem::take(&mut self.state().micros)
    }

    /// The median and the 99th percentile, in microseconds.
    pub fn percentiles(&self) -> Option<(f64, f64)> {
        percentiles(&mut self.state().micros)
    }
}

pub fn percentiles(micros: &mut [f64]) -> Option<(f64, f64)> {
    micros.sort_by(f64::total_cmp);
    let last = micros.len().checked_sub(1)?;
    let at = |share: f64| micros[(last as f64 * share) as usize];
    Some((at(0.5), at(0.99)))
}
