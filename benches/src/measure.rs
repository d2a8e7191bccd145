//! One measurement, in the process that sends.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::machine;
use crate::samples::Samples;

/// About so many calls are timed.
const SAMPLES: f64 = 100_000.0;

/// An open stream and the records for it.
#[allow(async_fn_in_trait)]
pub trait Writes {
    /// Hands one record over; its offset.
    async fn one(&mut self, at: usize) -> i64;
    /// Hands records over in one call.
    async fn batch(&mut self, at: usize, count: usize);
    async fn wait(&mut self, offset: i64);
    async fn flush(&mut self);
}

/// So many records a second, each millisecond its share.
pub async fn paced(
    stream: &mut impl Writes,
    rate: f64,
    seconds: f64,
    samples: Option<&Samples>,
) -> usize {
    let every = (rate * seconds / SAMPLES).ceil() as usize;
    let mut ticks = tokio::time::interval(Duration::from_millis(1));
    let start = Instant::now();
    let mut sent = 0;
    loop {
        ticks.tick().await;
        let elapsed = start.elapsed().as_secs_f64().min(seconds);
        let due = (elapsed * rate) as usize;
        while sent < due {
            match samples {
                Some(samples) if sent % every == 0 => {
                    let called = Instant::now();
                    let offset = stream.one(sent).await;
                    samples.add(offset, called);
                }
                _ => {
                    stream.one(sent).await;
                }
            }
            sent += 1;
        }
        if elapsed >= seconds {
            break;
        }
    }
    stream.flush().await;
    sent
}

/// Whom a measurement is about: the core of this process, and the server's process and core.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Sides {
    pub core: usize,
    pub server_core: usize,
    pub server: u32,
}

/// What both sides use from now on.
pub struct Meter {
    sides: Sides,
    pub start: Instant,
    cpu: [Duration; 2],
    busy: [Duration; 2],
}

impl Sides {
    fn cpu(self) -> [Duration; 2] {
        let server = machine::cpu_time_of(self.server).expect("it runs");
        [machine::cpu_time(), server]
    }

    fn busy(self) -> [Duration; 2] {
        [self.core, self.server_core].map(|core| machine::busy(core).expect("Linux tells"))
    }
}

impl Meter {
    pub fn start(sides: Sides) -> Self {
        Self {
            sides,
            busy: sides.busy(),
            cpu: sides.cpu(),
            start: Instant::now(),
        }
    }

    pub fn stop(self, records: usize) -> Outcome {
        let seconds = self.start.elapsed().as_secs_f64();
        let (cpu, busy) = (self.sides.cpu(), self.sides.busy());
        let used = [0, 1].map(|side| cpu[side] - self.cpu[side]);
        let others = [0, 1].map(|side| (busy[side] - self.busy[side]).saturating_sub(used[side]));
        Outcome {
            records: records as u64,
            seconds,
            cpu_seconds: used[0].as_secs_f64(),
            server_cpu_seconds: used[1].as_secs_f64(),
            others_seconds: others[0].max(others[1]).as_secs_f64(),
            ..Outcome::default()
        }
    }
}

/// What one measurement found.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Outcome {
    pub records: u64,
    pub seconds: f64,
    /// Of the sending process.
    pub cpu_seconds: f64,
    /// Of the server's process.
    pub server_cpu_seconds: f64,
    /// CPU time that went to others, on the core where it was more.
    pub others_seconds: f64,
    /// Most memory of the sending process, less what it had before the stream was opened.
    pub peak_bytes: u64,
    /// The same at the end, with everything unacked where acks are withheld.
    pub end_bytes: u64,
    /// From call to ack, in microseconds.
    pub p50: Option<f64>,
    pub p99: Option<f64>,
    /// Nanoseconds to encode one record into a buffer that is used again.
    pub encode: Option<f64>,
}

impl Outcome {
    pub fn records_per_second(&self) -> f64 {
        self.records as f64 / self.seconds
    }

    /// CPU seconds of the sender for a million records.
    pub fn cpu_per_million(&self) -> f64 {
        self.cpu_seconds / self.records as f64 * 1e6
    }

    /// Whether others took so much of a core that the rate says little.
    pub fn is_disturbed(&self) -> bool {
        self.others_seconds > 0.05 * self.seconds
    }

    /// The median of each figure.
    pub fn median(outcomes: &[Self]) -> Self {
        let of = |figure: fn(&Self) -> f64| {
            let mut figures: Vec<f64> = outcomes.iter().map(figure).collect();
            figures.sort_by(f64::total_cmp);
            figures.get(figures.len() / 2).copied().unwrap_or(0.0)
        };
        let some = |figure: fn(&Self) -> Option<f64>| {
            let mut figures: Vec<f64> = outcomes.iter().filter_map(figure).collect();
            figures.sort_by(f64::total_cmp);
            figures.get(figures.len() / 2).copied()
        };
        // Of a million records, because the rounds have different numbers of them.
        Self {
            records: 1_000_000,
            seconds: of(|outcome| 1e6 / outcome.records_per_second()),
            cpu_seconds: of(Self::cpu_per_million),
            server_cpu_seconds: of(|it| it.server_cpu_seconds / it.records as f64 * 1e6),
            others_seconds: of(|it| it.others_seconds / it.seconds * 1e6 / it.records_per_second()),
            peak_bytes: of(|outcome| outcome.peak_bytes as f64) as u64,
            end_bytes: of(|outcome| outcome.end_bytes as f64) as u64,
            p50: some(|outcome| outcome.p50),
            p99: some(|outcome| outcome.p99),
            encode: some(|outcome| outcome.encode),
        }
    }
}
