//! Finding the one record for which the service refuses a whole stream: without IO and without a clock.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

const MINUTE: Duration = Duration::from_secs(60);

/// The search for refused records over the life of one stream.
#[derive(Debug)]
pub(crate) struct Isolation {
    per_minute: usize,
    /// When the searches of the last minute began.
    begun: VecDeque<Instant>,
    /// The record offset at which the present search ends without a find.
    until: Option<i64>,
    /// A record was found, and nothing was acked since.
    just_found: bool,
}

/// What was on its way when the service refused the stream.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Suspects {
    /// Messages sent and not acked.
    pub(crate) in_flight: usize,
    /// Into how many parts the oldest of them can be taken: its records, or one when it must stay whole.
    pub(crate) front_parts: i64,
    /// The offset after the last record sent.
    pub(crate) until: i64,
}

/// What to do about a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Send one message at a time.
    OneByOne,
    /// Send the halves of the oldest message, one at a time.
    Halve,
    /// The oldest message is the one.
    Found,
    /// It is not about one record: the stream ends.
    GiveUp,
}

impl Isolation {
    pub(crate) fn new(per_minute: u32) -> Self {
        Self {
            per_minute: usize::try_from(per_minute).unwrap_or(usize::MAX),
            begun: VecDeque::new(),
            until: None,
            just_found: false,
        }
    }

    /// The service refused the stream at `now`.
    pub(crate) fn refused(&mut self, now: Instant, suspects: Suspects) -> Verdict {
        if suspects.in_flight == 0 || !(self.until.is_some() || self.begin(now, suspects.until)) {
            return Verdict::GiveUp;
        }
        if suspects.in_flight > 1 {
            Verdict::OneByOne
        } else if suspects.front_parts > 1 {
            Verdict::Halve
        } else if self.just_found {
            // The cause is likely to lie in the table, which would refuse one record after another.
            Verdict::GiveUp
        } else {
            self.just_found = true;
            self.until = None;
            Verdict::Found
        }
    }

    /// Everything before record offset `acked` is durable. True when that ends a search.
    pub(crate) fn acked(&mut self, acked: i64) -> bool {
        self.just_found = false;
        let over = self.until.is_some_and(|until| acked >= until);
        if over {
            self.until = None;
        }
        over
    }

    fn begin(&mut self, now: Instant, until: i64) -> bool {
        while self
            .begun
            .front()
            .is_some_and(|begun| now.duration_since(*begun) >= MINUTE)
        {
            self.begun.pop_front();
        }
        let may = self.begun.len() < self.per_minute;
        if may {
            self.begun.push_back(now);
            self.until = Some(until);
        }
        may
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::ack::{Ledger, Message};

    /// What a stream of messages of these sizes comes to at a service that refuses every message with a bad record,
    /// having `window` messages in flight: the records found, stored and left.
    fn run(
        sizes: &[usize],
        bad: &BTreeSet<usize>,
        window: usize,
    ) -> (Vec<usize>, Vec<usize>, Vec<usize>) {
        let mut ledger = Ledger::default();
        let mut next = 0;
        for size in sizes {
            let payload: Vec<usize> = (next..next + size).collect();
            next += size;
            let (records, bytes) = (i64::try_from(*size).unwrap(), *size as u64);
            ledger.push(Message {
                payload,
                records,
                bytes,
                queued: Instant::now(),
                whole: false,
            });
        }
        let mut isolation = Isolation::new(1_000);
        let (mut found, mut stored) = (Vec::new(), Vec::new());
        let now = Instant::now();
        loop {
            let mut sent = Vec::new();
            while sent.len() < window
                && let Some((id, message)) = ledger.send_next()
            {
                sent.push((id, message.payload.clone()));
            }
            if sent.is_empty() {
                return (found, stored, Vec::new());
            }
            let mut refused = false;
            for (id, records) in sent {
                if records.iter().any(|record| bad.contains(record)) {
                    refused = true;
                    break;
                }
                stored.extend(records);
                ledger.ack(id, |_| ()).unwrap();
                if isolation.acked(ledger.acked_records()) {
                    ledger.set_one_by_one(false);
                }
            }
            if !refused {
                continue;
            }
            let verdict = isolation.refused(now, ledger.suspects());
            ledger.reconnect();
            match verdict {
                Verdict::OneByOne => ledger.set_one_by_one(true),
                Verdict::Halve => {
                    ledger.set_one_by_one(true);
                    ledger.halve_front(|all, at| {
                        let (a, b) = all.split_at(usize::try_from(at).unwrap());
                        ((a.to_vec(), a.len() as u64), (b.to_vec(), b.len() as u64))
                    });
                }
                Verdict::Found => {
                    ledger.set_one_by_one(false);
                    found.extend(ledger.settle_front().unwrap().payload);
                }
                Verdict::GiveUp => {
                    let left = ledger.unacked().flat_map(|message| message.payload.clone());
                    return (found, stored, left.collect());
                }
            }
        }
    }

    proptest! {
        #[test]
        fn the_bad_records_are_found_and_the_rest_is_stored_in_order(
            sizes in proptest::collection::vec(1..40usize, 1..12),
            picks in proptest::collection::btree_set(0..400usize, 0..8),
            window in 1..6usize,
        ) {
            let total: usize = sizes.iter().sum();
            let bad: BTreeSet<usize> = picks.into_iter().filter(|pick| *pick < total).collect();
            let (found, stored, left) = run(&sizes, &bad, window);
            let twins = bad.iter().find(|record| bad.contains(&(**record + 1)));
            let end = twins.map_or(total, |first| first + 1);
            let bad_before: Vec<usize> = bad.iter().copied().filter(|record| *record < end).collect();
            let good_before: Vec<usize> = (0..end).filter(|record| !bad.contains(record)).collect();
            prop_assert_eq!(found, bad_before);
            prop_assert_eq!(stored, good_before);
            prop_assert_eq!(left, (end..total).collect::<Vec<_>>());
        }
    }

    #[test]
    fn searches_are_counted_by_the_minute_and_need_something_sent() {
        let mut isolation = Isolation::new(2);
        let start = Instant::now();
        let one = Suspects {
            in_flight: 1,
            front_parts: 1,
            until: 1,
        };
        let none = Suspects {
            in_flight: 0,
            ..one
        };
        assert_eq!(isolation.refused(start, none), Verdict::GiveUp);
        for seconds in [0, 59] {
            let at = start + Duration::from_secs(seconds);
            assert_eq!(isolation.refused(at, one), Verdict::Found);
            isolation.acked(1);
        }
        let at = start + Duration::from_secs(59);
        assert_eq!(isolation.refused(at, one), Verdict::GiveUp);
        assert_eq!(isolation.refused(start + MINUTE, one), Verdict::Found);
    }
}
