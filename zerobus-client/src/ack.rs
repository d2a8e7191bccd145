//! What is on its way, and what has arrived: the bookkeeping of one stream, without IO and without a clock.

use std::collections::VecDeque;
use std::fmt;

use tokio::time::Instant;
use zerobus_proto::contract::FIRST_OFFSET;

use crate::isolation::Suspects;

/// The messages of a stream that are not acked, oldest first, and how far the acks have come.
///
/// Two numberings meet here. A *record offset* counts the records of the stream from 0 for as long as it lives. An
/// *offset id* counts the messages of one connection from 0: every reconnect numbers what is left anew.
#[derive(Debug)]
pub(crate) struct Ledger<P> {
    messages: VecDeque<Message<P>>,
    /// How many messages, from the front, went out on the present connection.
    sent: usize,
    /// Of the messages behind these.
    unsent_bytes: u64,
    /// A message goes out only when the one before it is acked.
    one_by_one: bool,
    /// The offset id that the front message has, or will get, on the present connection.
    front_id: i64,
    acked_records: i64,
    acked_bytes: u64,
}

/// What one ingest message carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Message<P> {
    pub(crate) payload: P,
    pub(crate) records: i64,
    pub(crate) bytes: u64,
    /// When it was queued. Only those who know a clock use it.
    pub(crate) queued: Instant,
    /// Its records are stored together or not at all, so it is never taken apart.
    pub(crate) whole: bool,
}

impl<P> Default for Ledger<P> {
    fn default() -> Self {
        Self {
            messages: VecDeque::new(),
            sent: 0,
            unsent_bytes: 0,
            one_by_one: false,
            front_id: FIRST_OFFSET,
            acked_records: 0,
            acked_bytes: 0,
        }
    }
}

impl<P> Ledger<P> {
    /// Takes a message in behind all others.
    pub(crate) fn push(&mut self, message: Message<P>) {
        self.unsent_bytes += message.bytes;
        self.messages.push_back(message);
    }

    /// Whether a message can go out on the present connection.
    pub(crate) fn has_next(&self) -> bool {
        self.sent < self.messages.len() && !(self.one_by_one && self.sent > 0)
    }

    /// The next message to go out on the present connection, and its offset id there.
    pub(crate) fn send_next(&mut self) -> Option<(i64, &mut Message<P>)> {
        if !self.has_next() {
            return None;
        }
        let message = self.messages.get_mut(self.sent)?;
        let id = self.front_id.saturating_add_unsigned(self.sent as u64);
        self.sent += 1;
        self.unsent_bytes -= message.bytes;
        Some((id, message))
    }

    /// Everything up to and with `up_to` is durable: each message that settles is shown to `settle`. Tells how many messages that settles: none when it was known.
    ///
    /// # Errors
    /// [`AckViolation`] when the ack goes back, or beyond what was sent on this connection; nothing changes then.
    pub(crate) fn ack(
        &mut self,
        up_to: i64,
        mut settle: impl FnMut(&Message<P>),
    ) -> Result<usize, AckViolation> {
        let last = self.front_id - 1;
        let violation = AckViolation {
            up_to,
            last,
            sent: last.saturating_add_unsigned(self.sent as u64),
        };
        let settled = up_to
            .checked_sub(last)
            .and_then(|count| usize::try_from(count).ok())
            .filter(|count| *count <= self.sent)
            .ok_or(violation)?;
        for message in self.messages.drain(..settled) {
            settle(&message);
            self.acked_records += message.records;
            self.acked_bytes += message.bytes;
        }
        self.sent -= settled;
        self.front_id = up_to + 1;
        Ok(settled)
    }

    /// A new connection: nothing was sent on it yet, and its first message is number 0.
    pub(crate) fn reconnect(&mut self) {
        self.sent = 0;
        self.unsent_bytes = self.messages.iter().map(|message| message.bytes).sum();
        self.front_id = FIRST_OFFSET;
    }

    pub(crate) fn is_one_by_one(&self) -> bool {
        self.one_by_one
    }

    pub(crate) fn set_one_by_one(&mut self, one_by_one: bool) {
        self.one_by_one = one_by_one;
    }

    /// What a refusal of the present connection may be about.
    pub(crate) fn suspects(&self) -> Suspects {
        let sent = self.messages.iter().take(self.sent);
        Suspects {
            in_flight: self.sent,
            front_parts: self.front().map_or(0, |message| match message.whole {
                true => 1,
                false => message.records,
            }),
            until: self.acked_records + sent.map(|message| message.records).sum::<i64>(),
        }
    }

    pub(crate) fn front(&self) -> Option<&Message<P>> {
        self.messages.front()
    }

    /// Makes two messages of the oldest one, which must not be on its way. `split` takes its payload apart after so
    /// many records, and tells the bytes of each part.
    pub(crate) fn halve_front(&mut self, split: impl FnOnce(&P, i64) -> ((P, u64), (P, u64))) {
        let Some(whole) = self.messages.pop_front() else {
            return;
        };
        self.unsent_bytes -= whole.bytes;
        let half = whole.records / 2;
        let (first, second) = split(&whole.payload, half);
        for ((payload, bytes), records) in [(second, whole.records - half), (first, half)] {
            self.unsent_bytes += bytes;
            self.messages.push_front(Message {
                payload,
                records,
                bytes,
                queued: whole.queued,
                whole: false,
            });
        }
    }

    /// Takes the oldest message out, which must not be on its way. It counts as arrived.
    pub(crate) fn settle_front(&mut self) -> Option<Message<P>> {
        let message = self.messages.pop_front()?;
        self.unsent_bytes -= message.bytes;
        self.acked_records += message.records;
        self.acked_bytes += message.bytes;
        Some(message)
    }

    /// Drops what is not acked, which is somebody else's now: so many records and bytes.
    pub(crate) fn forget(&mut self) -> (i64, u64) {
        (self.sent, self.unsent_bytes) = (0, 0);
        let messages = self.messages.drain(..);
        messages.fold((0, 0), |(records, bytes), message| {
            (records + message.records, bytes + message.bytes)
        })
    }

    /// How many records are durable: the offset of the first one that is not.
    pub(crate) fn acked_records(&self) -> i64 {
        self.acked_records
    }

    /// How many bytes of messages are durable.
    pub(crate) fn acked_bytes(&self) -> u64 {
        self.acked_bytes
    }

    /// How many messages wait for their ack on the present connection.
    pub(crate) fn in_flight(&self) -> usize {
        self.sent
    }

    /// How many bytes of messages have not gone out on the present connection.
    pub(crate) fn unsent_bytes(&self) -> u64 {
        self.unsent_bytes
    }

    /// As [`unacked`](Self::unacked).
    pub(crate) fn unacked_mut(&mut self) -> impl Iterator<Item = &mut Message<P>> {
        self.messages.iter_mut()
    }

    /// What is not acked, sent or not, oldest first.
    pub(crate) fn unacked(&self) -> impl Iterator<Item = &Message<P>> {
        self.messages.iter()
    }
}

/// An ack that cannot be: it goes back, or beyond what was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AckViolation {
    up_to: i64,
    last: i64,
    sent: i64,
}

impl fmt::Display for AckViolation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { up_to, last, sent } = self;
        if up_to < last {
            write!(f, "an ack up to {up_to} came after one up to {last}")
        } else if *sent < FIRST_OFFSET {
            write!(f, "an ack up to {up_to} came before any message was sent")
        } else {
            write!(
                f,
                "an ack up to {up_to} came when messages up to {sent} were sent"
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Debug, Clone)]
    enum Step {
        Push(u8),
        Send,
        /// Relative to the last message sent.
        Ack(i64),
        Reconnect,
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            3 => any::<u8>().prop_map(Step::Push),
            4 => Just(Step::Send),
            3 => (-6i64..3).prop_map(Step::Ack),
            1 => Just(Step::Reconnect),
        ];
        proptest::collection::vec(step, 0..200)
    }

    /// The same thing said with two flat lists: every message ever taken in, and what each connection sent.
    #[derive(Default)]
    struct Model {
        records: Vec<u8>,
        durable: usize,
        on_connection: Vec<usize>,
        acked_here: i64,
    }

    impl Model {
        fn next(&self) -> usize {
            self.on_connection.last().map_or(self.durable, |m| m + 1)
        }

        fn unsent(&self) -> &[u8] {
            &self.records[self.next()..]
        }

        fn send(&mut self) -> Option<(i64, usize)> {
            let next = self.next();
            if next >= self.records.len() {
                return None;
            }
            self.on_connection.push(next);
            Some((self.last_sent(), next))
        }

        fn ack(&mut self, up_to: i64) -> bool {
            if up_to < self.acked_here || up_to > self.last_sent() {
                return false;
            }
            self.acked_here = up_to;
            if let Ok(last) = usize::try_from(up_to) {
                self.durable = self.on_connection[last] + 1;
            }
            true
        }

        /// The offset id of the last message sent.
        fn last_sent(&self) -> i64 {
            i64::try_from(self.on_connection.len()).unwrap() - 1
        }

        fn reconnect(&mut self) {
            self.on_connection.clear();
            self.acked_here = -1;
        }
    }

    proptest! {
        #[test]
        fn the_ledger_agrees_with_a_flat_list(steps in steps()) {
            let mut ledger = Ledger::default();
            let mut model = Model { acked_here: -1, ..Model::default() };
            for step in steps {
                match step {
                    Step::Push(records) => {
                        let payload = model.records.len();
                        model.records.push(records);
                        ledger.push(Message { payload, records: records.into(), bytes: 2 * u64::from(records), queued: Instant::now(), whole: false });
                    }
                    Step::Send => {
                        let sent = ledger.send_next().map(|(id, message)| (id, message.payload));
                        prop_assert_eq!(sent, model.send());
                    }
                    Step::Ack(ahead) => {
                        let up_to = model.last_sent() + ahead;
                        let before = model.durable;
                        let accepted = model.ack(up_to);
                        let expected = accepted.then(|| model.durable - before);
                        let mut shown = Vec::new();
                        let settled = ledger.ack(up_to, |message| shown.push(message.payload));
                        prop_assert_eq!(settled.ok(), expected);
                        prop_assert_eq!(shown, (before..model.durable).collect::<Vec<_>>());
                    }
                    Step::Reconnect => {
                        ledger.reconnect();
                        model.reconnect();
                    }
                }
                let unacked: Vec<usize> = ledger.unacked().map(|message| message.payload).collect();
                let left: Vec<usize> = (model.durable..model.records.len()).collect();
                prop_assert_eq!(unacked, left);
                let durable: i64 = model.records[..model.durable].iter().map(|r| i64::from(*r)).sum();
                prop_assert_eq!(ledger.acked_records(), durable);
                prop_assert_eq!(ledger.acked_bytes().cast_signed(), 2 * durable);
                let unsent: u64 = model.unsent().iter().map(|r| 2 * u64::from(*r)).sum();
                prop_assert_eq!(ledger.unsent_bytes(), unsent);
            }
        }
    }

    #[test]
    fn extreme_acks_are_refused_and_change_nothing() {
        let mut ledger = Ledger::default();
        ledger.push(Message {
            payload: (),
            records: 1,
            bytes: 1,
            queued: Instant::now(),
            whole: false,
        });
        for up_to in [i64::MIN, -2, 0, i64::MAX] {
            assert!(ledger.ack(up_to, |_| ()).is_err(), "{up_to}");
        }
        assert!(ledger.send_next().is_some());
        assert_eq!(
            ledger.ack(1, |_| ()).unwrap_err().to_string(),
            "an ack up to 1 came when messages up to 0 were sent"
        );
        assert_eq!(ledger.ack(0, |_| ()), Ok(1));
        assert_eq!(
            ledger.ack(-1, |_| ()).unwrap_err().to_string(),
            "an ack up to -1 came after one up to 0"
        );
        assert_eq!(ledger.unacked().count(), 0);
    }
}
