//! What a seed says: how a stream behaves, what goes wrong with it, and how it ends.

use std::time::Duration;

use serde_json::{Value, json};
use zerobus_client::StreamOptions;

use crate::random::Random;

/// Doubled with each failure in a row, of which some streams have thirty and more.
pub(super) const BACKOFF: Duration = Duration::from_nanos(1);

/// Everything that follows from a seed.
#[derive(Debug)]
pub(super) struct Plan {
    /// Records of the stream itself and of each of its producers.
    pub(super) records: Vec<i64>,
    pub(super) options: StreamOptions,
    pub(super) dead_letters: bool,
    /// Whether the stream is left after this many own records, without being closed.
    pub(super) left_after: Option<i64>,
    /// What becomes of the server, each after this many own records.
    pub(super) outages: Vec<(i64, Outage)>,
    faults: Vec<Value>,
    seed: u64,
}

/// What becomes of the server in whole.
#[derive(Debug, Clone, Copy)]
pub(super) enum Outage {
    /// SIGKILL, and a new one after this time.
    Kill(Duration),
    /// SIGTERM, and a new one after this time.
    Terminate(Duration),
    /// It stands still for this time, with its connections open.
    Halt(Duration),
}

impl Plan {
    pub(super) fn of(seed: u64, table: &str) -> Self {
        let mut random = Random::new(Random::new(seed).next());
        let own = random.between(1, 200);
        let producers = random.below(4);
        let mut records = vec![own];
        records.extend((0..producers).map(|_| random.between(1, 120)));
        let outages = match random.below(8) {
            0 => random.between(1, 2),
            _ => 0,
        };
        Self {
            outages: (0..outages)
                .map(|_| (random.between(0, own), Outage::draw(&mut random)))
                .collect(),
            left_after: (random.below(10) == 0).then(|| random.between(0, own)),
            dead_letters: random.below(4) == 0,
            options: options(&mut random),
            faults: faults(&mut random, table),
            records,
            seed,
        }
    }

    /// The same with so many records in all, and more outages.
    pub(super) fn long(seed: u64, table: &str, records: i64) -> Self {
        let mut plan = Self::of(seed, table);
        let mut random = plan.random(100);
        let handles = i64::try_from(plan.records.len()).unwrap();
        plan.records.fill(records / handles);
        plan.records[0] += records % handles;
        plan.options.max_inflight_records = 4_096;
        plan.options.max_inflight_bytes = 1 << 20;
        plan.options.recovery_retries = 1_000_000;
        plan.options.recovery = true;
        plan.left_after = None;
        plan.outages = (0..3)
            .map(|_| {
                (
                    random.between(0, plan.records[0]),
                    Outage::draw(&mut random),
                )
            })
            .collect();
        plan.outages.sort_by_key(|(after, _)| *after);
        plan
    }

    /// One of several sequences of numbers.
    pub(super) fn random(&self, sequence: u64) -> Random {
        Random::new(Random::new(self.seed ^ (sequence + 1).rotate_left(32)).next())
    }

    /// The faults of its table, as the server takes them.
    pub(super) fn faults(&self) -> &[Value] {
        &self.faults
    }
}

impl Outage {
    fn draw(random: &mut Random) -> Self {
        let time = random.pause(Duration::from_millis(40));
        match random.below(4) {
            0 => Self::Terminate(time),
            1 => Self::Halt(3 * time),
            _ => Self::Kill(time),
        }
    }
}

/// Small batches, so that each fault finds some, and bounds that are reached.
fn options(random: &mut Random) -> StreamOptions {
    let mut options = StreamOptions::default();
    options.batch_bytes = 1 << random.between(7, 14);
    options.batch_records = 1 << random.between(0, 8);
    options.linger = Duration::from_millis([0, 1, 5][random.index(3)]);
    options.max_inflight_records = 1 << random.between(2, 11);
    options.max_inflight_bytes = 1 << random.between(10, 18);
    options.recovery_backoff = BACKOFF;
    // One stream in four gives up at some time, or at once.
    options.recovery_retries = match random.below(4) {
        0 => u32::try_from(random.below(4)).unwrap(),
        _ => 1_000_000,
    };
    options.recovery = random.below(16) > 0;
    options.name_refused_record = random.below(4) == 0;
    if random.below(4) == 0 {
        options.server_lack_of_ack_timeout = Duration::from_millis(random.below(200) + 50);
    }
    options.stream_paused_max_wait_time = match random.below(4) {
        0 => Some(Duration::ZERO),
        1 => Some(random.pause(Duration::from_millis(20))),
        _ => None,
    };
    options
}

fn faults(random: &mut Random, table: &str) -> Vec<Value> {
    let mut faults = Vec::new();
    for fault in [
        "unavailable",
        "resource_exhausted",
        "internal",
        "expire_token",
        "disconnect",
        "drop_ack",
        "delay_ack",
        "close_signal",
        "disk_full",
        "refuse_record",
    ] {
        let millis = random.below(60);
        let probability = random.below(100) as f64 / 1_000.0;
        // Many small messages go out at once, and one that is cut off takes all before it along: without an end to it,
        // a stream might never get anywhere.
        let times = random.between(1, 4);
        let seed = random.next() >> 1;
        if random.below(3) > 0 {
            continue;
        }
        let mut rule = json!({
            "fault": fault, "table": table, "probability": probability, "times": times, "seed": seed,
        });
        if let "delay_ack" | "close_signal" = fault {
            rule["millis"] = millis.into();
        }
        faults.push(rule);
    }
    faults
}
