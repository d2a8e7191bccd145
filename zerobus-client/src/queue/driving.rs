//! The side of a queue's background task, and of the request body of its connection.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::time::{Instant, Sleep, sleep_until};

use super::core::{Core, RefusedMessage, Sending};
use super::{Queue, RecordId};
use crate::ack::AckViolation;
use crate::batch::Payload;
use crate::codec::batch_frames;
use crate::error::Error;
use crate::isolation::Suspects;
use crate::state::StreamState;

/// With so much left to take out, a connection has caught up with its producers.
const CAUGHT_UP_BYTES: u64 = 256 << 10;
/// Of so many refused messages the reason is kept.
const REFUSED_MAX: usize = 256;

impl Queue {
    /// An attempt to open the stream failed.
    pub(crate) fn count_failed_attempt(&self) {
        self.core().counters.failed_attempts += 1;
    }

    /// The service asked the stream to move.
    pub(crate) fn count_rotation(&self) {
        self.core().counters.rotations += 1;
    }

    /// The service is overrun: sends more slowly for a while. Tells the records a second.
    pub(crate) fn slow_down(&self) -> Option<f64> {
        let now = Instant::now();
        let mut core = self.core();
        core.pace.slow_down(now);
        core.pace.slowed_to(now)
    }

    pub(crate) async fn lingered(&self) {
        self.linger.notified().await;
    }

    /// Queues the batches in the making after their time; the next one arms the timer again.
    pub(crate) fn seal_lingered(&self) {
        self.lingering.store(false, Ordering::SeqCst);
        let mut core = self.core();
        core.seal_all(&self.budget);
        let in_hand = core.slots.iter().any(|slot| slot.is_making());
        drop(core);
        // A slot is also empty while its producer appends. That batch was armed before and is not armed again, so it
        // gets another term.
        if in_hand {
            self.arm_linger();
        }
    }

    pub(crate) async fn close_requested(&self) {
        self.close.notified().await;
    }

    /// Cuts any earlier connection off and numbers what is not acked from 0. Nothing is sent before
    /// [`start_sending`](Self::start_sending).
    pub(crate) fn begin_connection(&self) -> u64 {
        let mut core = self.core();
        core.ledger.reconnect();
        core.connection += 1;
        core.waiting_since = None;
        core.set_sending(Sending::Held);
        core.connection
    }

    /// The stream is open on the present connection.
    pub(crate) fn start_sending(&self, stream_id: &str) {
        let mut core = self.core();
        if core.over {
            return;
        }
        let sent = core
            .ledger
            .unacked()
            .filter(|message| message.payload.was_sent());
        let resent: i64 = sent.map(|message| message.records).sum();
        core.set_sending(Sending::Open);
        drop(core);
        self.progress.send_modify(|progress| {
            progress.connections += 1;
            progress.resent_records += resent;
            progress.stream_id = Arc::from(stream_id);
        });
        self.set_state(StreamState::Opened);
    }

    /// Sends nothing more on the present connection, whose acks still count.
    pub(crate) fn hold_sending(&self) {
        self.core().set_sending(Sending::Held);
        self.set_state(StreamState::Recovering);
    }

    /// Ends the request side of the present connection.
    pub(crate) fn finish_sending(&self) {
        self.core().set_sending(Sending::Finished);
    }

    /// Settles what an ack of the present connection says; nothing once the stream has ended, for then somebody else
    /// may have taken over what is not acked.
    ///
    /// # Errors
    /// [`AckViolation`] when it cannot be; nothing changes then.
    pub(crate) fn ack(&self, up_to: i64) -> Result<Acked, AckViolation> {
        let mut core = self.core();
        let before = (core.ledger.acked_records(), core.ledger.acked_bytes());
        if core.over {
            return Ok(Acked {
                moved: false,
                in_flight: 0,
                records: before.0,
            });
        }
        let Core {
            ledger, counters, ..
        } = &mut *core;
        let now = Instant::now();
        let moved = ledger.ack(up_to, |message| {
            let latency = now.saturating_duration_since(message.queued);
            counters.ack_latency.add(latency);
        })? > 0;
        let in_flight = core.ledger.in_flight();
        if moved {
            core.waiting_since = (in_flight > 0).then_some(now);
            let records = core.ledger.acked_records() - before.0;
            core.pace.acked(records, now);
        }
        if moved && core.ledger.is_one_by_one() {
            core.wake_body();
        }
        let (records, bytes) = (core.ledger.acked_records(), core.ledger.acked_bytes());
        core.settled(records - before.0);
        drop(core);
        if moved {
            tracing::trace!(
                messaging.operation.name = "settle",
                messaging.batch.message_count = records - before.0,
                offset_id = up_to,
                "batches acked"
            );
            self.progress.send_modify(|progress| {
                progress.acked_records = records;
                progress.acked_bytes = bytes;
            });
            self.budget.settled(records - before.0, bytes - before.1);
        }
        Ok(Acked {
            moved,
            in_flight,
            records,
        })
    }

    /// Comes when the stream has to end, with the reason.
    pub(crate) async fn failure(&self) -> Error {
        let failed = Arc::clone(&self.core().failed);
        loop {
            failed.notified().await;
            if let Some(error) = self.core().failure.clone() {
                return error;
            }
        }
    }

    /// The service refused the stream and the present connection is over: what it may be about.
    pub(crate) fn suspects(&self) -> Suspects {
        self.core().ledger.suspects()
    }

    /// From here on each message waits until the one before it is acked, or no longer does.
    pub(crate) fn set_one_by_one(&self, one_by_one: bool) {
        let mut core = self.core();
        core.ledger.set_one_by_one(one_by_one);
        core.wake_body();
    }

    /// Makes two messages of the oldest one. There is no connection meanwhile.
    pub(crate) fn halve_front(&self) {
        self.begin_connection();
        self.core().ledger.halve_front(Payload::split);
    }

    /// The records of the oldest message, which are one producer's, and which of them the first one is.
    pub(crate) fn front_records(&self) -> Option<(RecordId, Vec<Bytes>)> {
        let core = self.core();
        let records = core.ledger.front()?.payload.records().collect();
        let stream_offset = core.ledger.acked_records();
        let id = core.slots.iter().find_map(|slot| {
            let offset = slot.own_offset(stream_offset)?;
            let producer = slot.id;
            Some(RecordId { producer, offset })
        });
        Some((id?, records))
    }

    /// Settles the oldest message, which begins with `first`; the service will never take it and its owner has been
    /// given it. There is no connection meanwhile.
    pub(crate) fn settle_front(&self, first: RecordId, error: Error) {
        self.begin_connection();
        let mut core = self.core();
        if core.over {
            return;
        }
        let Some(message) = core.ledger.settle_front() else {
            return;
        };
        core.settled(message.records);
        if core.refused.len() == REFUSED_MAX {
            core.refused.pop_front();
        }
        core.refused.push_back(RefusedMessage {
            first,
            records: message.records,
            error,
        });
        let (records, bytes) = (core.ledger.acked_records(), core.ledger.acked_bytes());
        drop(core);
        self.progress.send_modify(|progress| {
            progress.acked_records = records;
            progress.acked_bytes = bytes;
            progress.refused_records += message.records.unsigned_abs();
        });
        self.budget.settled(message.records, message.bytes);
    }

    pub(crate) fn in_flight(&self) -> usize {
        self.core().ledger.in_flight()
    }

    pub(crate) fn waiting_since(&self) -> Option<Instant> {
        self.core().waiting_since
    }

    /// Nothing comes after the end.
    pub(crate) fn set_state(&self, state: StreamState) {
        self.progress.send_if_modified(|progress| {
            let goes_on = !progress.state.is_final();
            if goes_on {
                progress.state = state;
            }
            goes_on
        });
    }

    /// The end: nothing is taken, sent or settled any more. Whoever ends it first says why.
    pub(crate) fn end(&self, error: Option<Error>) {
        let mut core = self.core();
        if std::mem::replace(&mut core.over, true) {
            return;
        }
        core.connection += 1;
        core.set_sending(Sending::Finished);
        drop(core);
        self.progress.send_modify(|progress| {
            progress.state = match error {
                Some(_) => StreamState::Failed,
                None => StreamState::Closed,
            };
            progress.error = error;
            // Within the change, so that who sees the one finds the other.
            self.ended.store(true, Ordering::Release);
        });
        self.budget.wake();
    }

    /// The next message for this connection, when there is one and it is time; the end when the connection is not the
    /// present one. `pause` is the body's own timer.
    pub(crate) fn poll_send(
        &self,
        connection: u64,
        pause: &mut Option<Pin<Box<Sleep>>>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<(Bytes, Option<Bytes>)>> {
        let mut core = self.core();
        let core = &mut *core;
        if core.over || core.connection != connection || core.sending == Sending::Finished {
            return Poll::Ready(None);
        }
        if core.sending == Sending::Open && core.ledger.has_next() {
            if let Some(until) = core.pace.wait_until(Instant::now) {
                let pause = pause.get_or_insert_with(|| Box::pin(sleep_until(until)));
                pause.as_mut().reset(until);
                if pause.as_mut().poll(cx).is_ready() {
                    // It is time by now, to the timer's precision.
                    cx.waker().wake_by_ref();
                }
            } else if let Some((offset_id, message)) = core.ledger.send_next() {
                let frames = batch_frames(offset_id, &mut message.payload, self.encoding);
                core.pace.sent(message.records, message.bytes);
                core.counters.sent_messages += 1;
                core.counters.sent_records += message.records.unsigned_abs();
                core.counters.sent_bytes += message.bytes;
                core.waiting_since.get_or_insert_with(Instant::now);
                self.span.in_scope(|| {
                    tracing::trace!(
                        messaging.operation.name = "send",
                        messaging.batch.message_count = message.records,
                        messaging.message.body.size = message.bytes,
                        offset_id,
                        "batch sent"
                    );
                });
                if core.is_behind && core.ledger.unsent_bytes() <= CAUGHT_UP_BYTES {
                    core.is_behind = false;
                    self.caught_up.notify_waiters();
                }
                return Poll::Ready(Some(frames));
            }
        }
        core.body = Some(cx.waker().clone());
        Poll::Pending
    }
}

/// What an ack changed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Acked {
    /// Something new is durable.
    pub(crate) moved: bool,
    /// Messages that still wait on this connection.
    pub(crate) in_flight: usize,
    /// The offset of the first record that is not durable.
    pub(crate) records: i64,
}
