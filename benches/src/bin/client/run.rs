//! One measurement, in the process that sends.

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use zerobus_benches::measure::{Meter, Outcome, Sides, Writes, paced};
use zerobus_benches::samples::{Samples, percentiles};
use zerobus_benches::{machine, records, rows};
use zerobus_client::ZerobusRecord;

use crate::case::{Call, Case, Load, Writer};
use crate::floor::Floor;
use crate::ours::{Ours, OursDynamic};
#[cfg(feature = "sdk")]
use crate::sdk::{Dynamic, Format, Messages, Sdk, Texts};

/// How long a stream is used before anything is measured.
const WARM_UP: Duration = Duration::from_millis(300);
/// After so long, what was sent has left the process.
const SETTLED: Duration = Duration::from_secs(1);

pub async fn run(case: &Case, url: &str, sides: Sides) -> Outcome {
    let before = machine::memory(None).expect("Linux tells").now;
    let outcome = run_case(case, url, sides).await;
    let after = machine::memory(None).expect("Linux tells");
    Outcome {
        peak_bytes: after.peak.saturating_sub(before),
        end_bytes: after.now.saturating_sub(before),
        ..outcome
    }
}

async fn run_case(case: &Case, url: &str, sides: Sides) -> Outcome {
    match case.bytes {
        20 => run_rows::<_, rows::WireReading>(case, url, sides, records::readings()).await,
        100 => match case.call {
            Call::Json | Call::Dynamic => run_special(case, url, sides).await,
            _ => run_rows::<_, rows::WireOrder>(case, url, sides, records::orders()).await,
        },
        bytes => {
            run_rows::<_, rows::WireDocument>(case, url, sides, records::documents(bytes)).await
        }
    }
}

async fn run_rows<R, W>(case: &Case, url: &str, sides: Sides, ring: Vec<R>) -> Outcome
where
    R: ZerobusRecord + Into<W> + 'static,
    W: prost::Message + 'static,
{
    for record in &ring {
        assert_eq!(records::encoded_len(record), case.bytes, "not of its size");
    }
    let samples = samples(case);
    match case.writer {
        Writer::Ours => {
            let encode = matches!(case.load, Load::Full { .. }).then(|| encode(&ring));
            let stream = Ours::open(url, ring, samples.clone()).await;
            let outcome = measure(stream, case, sides, samples).await;
            Outcome { encode, ..outcome }
        }
        #[cfg(feature = "sdk")]
        Writer::Sdk => {
            let messages = Messages(ring.into_iter().map(Into::into).collect::<Vec<W>>());
            let stream = Sdk::open(url, Format::proto::<R>(), messages, samples.clone()).await;
            measure(stream, case, sides, samples).await
        }
        #[cfg(not(feature = "sdk"))]
        Writer::Sdk => panic!("built without the SDK"),
        Writer::Floor => floor(case, url, sides, &records::encoded(&ring[0])).await,
    }
}

/// Records that are no struct.
async fn run_special(case: &Case, url: &str, sides: Sides) -> Outcome {
    let samples = samples(case);
    match (case.writer, case.call) {
        (Writer::Ours, Call::Json) => {
            let stream = Ours::open_json(url, records::json(case.bytes), samples.clone()).await;
            measure(stream, case, sides, samples).await
        }
        (Writer::Ours, Call::Dynamic) => {
            let stream = OursDynamic::open(url, records::orders(), samples.clone()).await;
            measure(stream, case, sides, samples).await
        }
        #[cfg(feature = "sdk")]
        (Writer::Sdk, Call::Json) => {
            let texts = Texts(records::json(case.bytes));
            let stream = Sdk::open(url, Format::Json, texts, samples.clone()).await;
            measure(stream, case, sides, samples).await
        }
        #[cfg(feature = "sdk")]
        (Writer::Sdk, Call::Dynamic) => {
            let descriptor = Format::dynamic::<rows::Order>();
            let dynamic = Dynamic {
                rows: records::orders(),
                descriptor: descriptor.clone(),
            };
            let format = Format::Dynamic(descriptor);
            let stream = Sdk::open(url, format, dynamic, samples.clone()).await;
            measure(stream, case, sides, samples).await
        }
        (writer, call) => panic!("{writer:?} has no {call:?}"),
    }
}

fn samples(case: &Case) -> Option<Arc<Samples>> {
    matches!(case.load, Load::Rate { .. }).then(Arc::<Samples>::default)
}

async fn measure(
    mut stream: impl Writes,
    case: &Case,
    sides: Sides,
    samples: Option<Arc<Samples>>,
) -> Outcome {
    match case.load {
        Load::Full { seconds } if case.call == Call::Wait => wait(stream, sides, seconds).await,
        Load::Full { seconds } => {
            let per_call = match case.call {
                Call::Batch(count) => count,
                _ => 1,
            };
            let mut sent = 0;
            let mut records = 10_000;
            // How fast it goes, so that it is known how many there are time for.
            let rate = loop {
                let start = Instant::now();
                send(&mut stream, &mut sent, records, per_call).await;
                if start.elapsed() > WARM_UP {
                    break records as f64 / start.elapsed().as_secs_f64();
                }
                records *= 2;
            };
            let records = (rate * seconds) as usize;
            let meter = Meter::start(sides);
            send(&mut stream, &mut sent, records, per_call).await;
            meter.stop(records.next_multiple_of(per_call))
        }
        Load::Rate { records, seconds } => {
            let samples = samples.expect("it is made for this load");
            paced(&mut stream, records, WARM_UP.as_secs_f64(), None).await;
            let meter = Meter::start(sides);
            let sent = paced(&mut stream, records, seconds, Some(&samples)).await;
            let outcome = meter.stop(sent);
            let (p50, p99) = samples.percentiles().unzip();
            // The timer that paces is not the client's.
            let meter = Meter::start(sides);
            paced(&mut Nothing, records, seconds, None).await;
            let timer = meter.stop(sent).cpu_seconds;
            Outcome {
                p50,
                p99,
                cpu_seconds: outcome.cpu_seconds - timer,
                ..outcome
            }
        }
        Load::Held { records } => {
            let meter = Meter::start(sides);
            for at in 0..records {
                stream.one(at as usize).await;
            }
            tokio::time::sleep(SETTLED).await;
            let outcome = meter.stop(records as usize);
            // Dropped with the process: closing it would wait for acks.
            std::mem::forget(stream);
            outcome
        }
    }
}

/// Takes no records.
struct Nothing;

impl Writes for Nothing {
    async fn one(&mut self, _: usize) -> i64 {
        0
    }

    async fn batch(&mut self, _: usize, _: usize) {}

    async fn wait(&mut self, _: i64) {}

    async fn flush(&mut self) {}
}

async fn send(stream: &mut impl Writes, sent: &mut usize, records: usize, per_call: usize) {
    let end = *sent + records;
    while *sent < end {
        if per_call == 1 {
            stream.one(*sent).await;
        } else {
            stream.batch(*sent, per_call).await;
        }
        *sent += per_call;
    }
    stream.flush().await;
}

/// One record at a time, each acked before the next.
async fn wait(mut stream: impl Writes, sides: Sides, seconds: f64) -> Outcome {
    let mut micros = Vec::new();
    let mut meter = Meter::start(sides);
    let mut is_warm = false;
    loop {
        let called = Instant::now();
        let offset = stream.one(micros.len()).await;
        stream.wait(offset).await;
        micros.push(called.elapsed().as_secs_f64() * 1e6);
        if !is_warm && meter.start.elapsed() > WARM_UP {
            is_warm = true;
            micros.clear();
            meter = Meter::start(sides);
        } else if is_warm && meter.start.elapsed().as_secs_f64() > seconds {
            break;
        }
    }
    let outcome = meter.stop(micros.len());
    let (p50, p99) = percentiles(&mut micros).unzip();
    Outcome {
        p50,
        p99,
        ..outcome
    }
}

async fn floor(case: &Case, url: &str, sides: Sides, record: &[u8]) -> Outcome {
    let Load::Full { seconds } = case.load else {
        panic!("the floor has no other load");
    };
    let floor = Floor::open(url, record).await;
    let mut records = 10_000;
    let rate = loop {
        let start = Instant::now();
        let sent = floor.send(records).await;
        if start.elapsed() > WARM_UP {
            break sent as f64 / start.elapsed().as_secs_f64();
        }
        records *= 2;
    };
    let meter = Meter::start(sides);
    let sent = floor.send((rate * seconds) as u64).await;
    meter.stop(sent as usize)
}

/// Nanoseconds a record, the least of some rounds.
fn encode<R: ZerobusRecord>(ring: &[R]) -> f64 {
    const ROUNDS: usize = 50;
    let mut out = Vec::with_capacity(1 << 20);
    let mut least = f64::MAX;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        for _ in 0..20 {
            out.clear();
            for record in ring {
                black_box(record)
                    .encode(&mut out)
                    .expect("every value fits");
            }
            black_box(&out);
        }
        let records = 20.0 * ring.len() as f64;
        least = least.min(start.elapsed().as_secs_f64() * 1e9 / records);
    }
    least
}
