//! A thousand streams, each with another mixture of what can go wrong, by seed: what is acked is stored, what is
//! stored is in order, what is not acked is handed back, and what is stored twice was sent twice.

mod group;
mod plan;
mod tally;
mod trial;
mod verdict;

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use plan::Plan;
use tally::Tally;

/// Runs other seeds: `417`, or `400..500`.
const SEEDS_VARIABLE: &str = "ZEROBUS_CHAOS_SEEDS";
const SEEDS: Range<u64> = 0..1_000;
/// Has the long streams carry more records, 1000000 in some minutes.
const RECORDS_VARIABLE: &str = "ZEROBUS_CHAOS_RECORDS";
const RECORDS: i64 = 20_000;
/// Streams that share a server, and what befalls it.
const GROUP: usize = 25;
const GROUPS_AT_ONCE: usize = 4;
const HANGS_AFTER: Duration = Duration::from_secs(240);

/// Why each seed failed that did.
type Failed = BTreeMap<u64, String>;

fn seeds() -> Range<u64> {
    let Ok(text) = std::env::var(SEEDS_VARIABLE) else {
        return SEEDS;
    };
    let number = |text: &str| text.parse().expect("seeds are `417` or `400..500`");
    match text.split_once("..") {
        Some((first, end)) => number(first)..number(end),
        None => number(&text)..number(&text) + 1,
    }
}

#[test]
fn whatever_goes_wrong_nothing_acked_is_lost_and_the_rest_is_handed_back() {
    let seeds: Vec<u64> = seeds().collect();
    let groups = Mutex::new(seeds.chunks(GROUP));
    let all = Mutex::new((Tally::default(), Failed::new()));
    thread::scope(|scope| {
        for _ in 0..GROUPS_AT_ONCE {
            scope.spawn(|| {
                loop {
                    // Not held while the group runs.
                    let next = groups.lock().unwrap().next();
                    let Some(group) = next else { return };
                    let (tally, failed) = group::run(group, Plan::of, HANGS_AFTER);
                    let mut all = all.lock().unwrap();
                    all.0.add(&tally);
                    all.1.extend(failed);
                }
            });
        }
    });
    let (tally, failed) = all.into_inner().unwrap();
    println!("{tally:?}");
    assert!(
        failed.is_empty(),
        "run one of them alone with {SEEDS_VARIABLE}=<seed>: {failed:#?}"
    );
    if seeds.len() == SEEDS.count() {
        tally.assert_it_was_chaos();
    }
}

#[test]
fn long_streams_outlast_it_too() {
    const STREAMS: u64 = 8;
    let records = std::env::var(RECORDS_VARIABLE).map_or(RECORDS, |text| text.parse().unwrap());
    let seeds: Vec<u64> = (0..STREAMS).collect();
    let plan = |seed, table: &str| Plan::long(seed, table, records / STREAMS.cast_signed());
    let (tally, failed) = group::run(&seeds, plan, 20 * HANGS_AFTER);
    println!("{tally:?}");
    assert!(failed.is_empty(), "{failed:#?}");
    assert!(tally.resent > 0 && tally.stored_again > 0, "{tally:?}");
}
