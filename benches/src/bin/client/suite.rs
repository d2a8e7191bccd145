//! The measurements, and how often each is taken.

use zerobus_benches::measure::Outcome;

use crate::case::{Acks, Call, Case, Load, Writer};
use crate::process;

/// The service's quota for one stream, in records a second.
const QUOTA: f64 = 100_000.0;
/// As many as fit a stream by default, here and in the SDK.
const HELD: u64 = 1_000_000;
pub const SIZES: [usize; 6] = [20, 100, 220, 750, 1_000, 10_000];

pub struct Suite {
    pub rounds: usize,
    pub seconds: f64,
    pub measured: Vec<(Case, Outcome)>,
    /// Measurements of which no round had its core to itself.
    pub disturbed: usize,
}

impl Suite {
    pub fn run(rounds: usize, seconds: f64) -> Self {
        let mut suite = Self {
            rounds,
            seconds,
            measured: Vec::new(),
            disturbed: 0,
        };
        let clients = clients();
        let mut cases = Vec::new();
        for bytes in SIZES {
            cases.push(Case::full(Writer::Floor, Call::Single, bytes, seconds));
            for call in [Call::Single, Call::Batch(100), Call::Batch(1_000)] {
                cases.extend(clients.map(|writer| Case::full(writer, call, bytes, seconds)));
            }
        }
        for call in [Call::Wait, Call::Json, Call::Dynamic] {
            cases.extend(clients.map(|writer| Case::full(writer, call, 100, seconds)));
        }
        cases.extend(clients.map(|writer| Case {
            acks: Acks::Lagging,
            ..Case::full(writer, Call::Single, 100, seconds)
        }));
        cases.extend(clients.map(|writer| Case {
            load: Load::Held { records: HELD },
            acks: Acks::Withheld,
            ..Case::full(writer, Call::Single, 100, seconds)
        }));
        cases.extend(clients.map(|writer| Case::rate(writer, QUOTA, 2.0 * seconds)));
        suite.measure(cases);
        let half = clients.map(|writer| {
            let full = Case::full(writer, Call::Single, 100, seconds);
            let rate = suite.of(&full).map_or(QUOTA, Outcome::records_per_second);
            Case::rate(writer, rate / 2.0, 2.0 * seconds)
        });
        suite.measure(half.to_vec());
        suite
    }

    pub fn of(&self, case: &Case) -> Option<&Outcome> {
        let mut measured = self.measured.iter();
        measured.find_map(|(at, outcome)| (at == case).then_some(outcome))
    }

    /// Round by round, so that what else the machine does falls on all alike. A round that others disturbed is taken
    /// again, up to twice as many in all.
    fn measure(&mut self, cases: Vec<Case>) {
        let mut outcomes = vec![Vec::new(); cases.len()];
        for round in 0..2 * self.rounds {
            for (case, outcomes) in cases.iter().zip(&mut outcomes) {
                let good = outcomes.iter().filter(|it| is_good(case, it));
                if good.count() >= self.rounds {
                    continue;
                }
                let outcome = process::measure(case);
                eprintln!(
                    "round {round}: {case:?}: {:.3} M records/s, {:.3} CPU s a million{}",
                    outcome.records_per_second() / 1e6,
                    outcome.cpu_per_million(),
                    if is_good(case, &outcome) {
                        ""
                    } else {
                        ", disturbed"
                    }
                );
                outcomes.push(outcome);
            }
        }
        for (case, mut outcomes) in cases.into_iter().zip(outcomes) {
            if outcomes.iter().any(|outcome| is_good(&case, outcome)) {
                outcomes.retain(|outcome| is_good(&case, outcome));
            } else {
                self.disturbed += 1;
            }
            self.measured.push((case, Outcome::median(&outcomes)));
        }
    }
}

/// A load that leaves the core idle now and then does not tell who else would have taken it.
fn is_good(case: &Case, outcome: &Outcome) -> bool {
    let is_full = matches!(case.load, Load::Full { .. }) && case.call != Call::Wait;
    !is_full || !outcome.is_disturbed()
}

fn clients() -> [Writer; if cfg!(feature = "sdk") { 2 } else { 1 }] {
    #[cfg(feature = "sdk")]
    return [Writer::Ours, Writer::Sdk];
    #[cfg(not(feature = "sdk"))]
    return [Writer::Ours];
}
