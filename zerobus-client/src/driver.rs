//! The background task of one stream: reads acks, keeps time, and makes the connection anew.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep, sleep_until, timeout};
use zerobus_proto::ephemeral_stream_response::Payload;
use zerobus_proto::{CloseStreamSignal, EphemeralStreamResponse, ErrorCode};

use crate::connection::{Connection, Connector};
use crate::error::Error;
use crate::format::Encoding;
use crate::isolation::{Isolation, Verdict};
use crate::options::StreamOptions;
use crate::queue::Queue;
use crate::recovery::{Recovery, jitter};
use crate::refusal::column_of;
use crate::refused::{DeadLetters, RefusedRecord};
use crate::state::StreamState;
use crate::status::{GrpcCode, StatusError};

/// The time the service is given to end a stream that was half-closed.
const FAREWELL: Duration = Duration::from_secs(5);
/// The same where its owner waits. Everything is acked by then, and no service has promised to end it at all.
const GOODBYE: Duration = Duration::from_secs(1);
/// Longer than any stream, and nothing that a clock cannot count.
const NEVER: Duration = Duration::from_secs(30 * 365 * 24 * 3_600);

/// What a stream's background task works with.
pub(crate) struct Driver {
    connector: Connector,
    queue: Arc<Queue>,
    options: StreamOptions,
    recovery: Recovery,
    /// The credentials were refreshed since the stream last got anywhere.
    refreshed: bool,
    /// When the batch in the making has lingered long enough.
    linger_until: Option<Instant>,
    isolation: Isolation,
    dead_letters: Option<DeadLetters>,
    lane: usize,
}

/// A stream whose opening is dropped leaves no connection behind; one whose task is, with its runtime or by a panic,
/// leaves nobody waiting.
impl Drop for Driver {
    fn drop(&mut self) {
        self.queue.end(None);
    }
}

/// How the life of one connection ended.
enum Ended {
    /// By the stream's owner.
    Closed,
    /// The service asked the stream to move.
    Moved,
    Lost(Error),
    /// Nothing on the other side is to blame, or can help.
    Failed(Error),
}

impl Driver {
    pub(crate) fn new(
        connector: Connector,
        queue: Arc<Queue>,
        options: StreamOptions,
        dead_letters: Option<DeadLetters>,
        lane: usize,
    ) -> Self {
        let retries = if options.recovery {
            options.recovery_retries
        } else {
            0
        };
        Self {
            recovery: Recovery::new(options.recovery_backoff, retries),
            isolation: Isolation::new(options.max_isolations),
            dead_letters,
            lane,
            connector,
            queue,
            options,
            refreshed: false,
            linger_until: None,
        }
    }

    /// Opens the stream for the first time, with the same retries as later.
    pub(crate) async fn open(&mut self) -> Result<Connection, Error> {
        match self.connect(false).await {
            Ok(connection) => Ok(connection),
            Err(error) => self.reconnect(error, false).await,
        }
    }

    /// Serves the stream until its end.
    pub(crate) async fn run(mut self, mut connection: Connection) {
        loop {
            let ended = self.serve(&mut connection).await;
            let next = match ended {
                Ended::Closed => {
                    self.queue.finish_sending();
                    farewell(connection, GOODBYE).await;
                    return self.queue.end(None);
                }
                Ended::Failed(error) => Err(error),
                Ended::Moved => {
                    tracing::debug!(table = %self.connector.table, "stream moves to a new connection");
                    self.queue.count_rotation();
                    self.queue.finish_sending();
                    tokio::spawn(farewell(connection, FAREWELL));
                    self.move_on().await
                }
                Ended::Lost(error) if self.isolates(&error) => match self.isolate(error) {
                    Ok(()) => self.move_on().await,
                    Err(error) => Err(error),
                },
                Ended::Lost(error) => {
                    tracing::warn!(table = %self.connector.table, %error, "stream lost its connection");
                    if error.is_throttled() {
                        let records_per_second = self.queue.slow_down();
                        tracing::warn!(table = %self.connector.table, records_per_second, "stream slowed down");
                    }
                    self.queue.set_state(StreamState::Recovering);
                    self.recover(error, true).await
                }
            };
            match next {
                Ok(Some(next)) => connection = next,
                Ok(None) => return self.queue.end(None),
                Err(error) => {
                    tracing::error!(table = %self.connector.table, %error, "stream failed");
                    return self.queue.end(Some(error));
                }
            }
        }
    }

    /// Connects at once, or else recovers; none when the stream's owner closes it meanwhile.
    async fn move_on(&mut self) -> Result<Option<Connection>, Error> {
        match self.connect(false).await {
            Ok(next) => Ok(Some(next)),
            Err(error) => self.recover(error, false).await,
        }
    }

    /// Serves one connection until it ends.
    async fn serve(&mut self, connection: &mut Connection) -> Ended {
        let opened = Instant::now();
        let mut serving = Serving {
            progressed: false,
            move_by: None,
            check_acks_at: later(opened, self.options.server_lack_of_ack_timeout),
        };
        let mut timer = pin!(sleep_until(opened));
        let ended = loop {
            self.set_timer(&serving, timer.as_mut());
            let ended = tokio::select! {
                response = connection.responses.message() => self.on_response(response, &mut serving),
                () = self.queue.lingered(), if self.linger_until.is_none() => {
                    self.linger_until = Some(later(Instant::now(), self.options.linger));
                    None
                }
                () = timer.as_mut() => self.on_time(&mut serving),
                () = self.queue.close_requested() => Some(Ended::Closed),
                error = self.queue.failure() => Some(Ended::Failed(error)),
            };
            if let Some(ended) = ended {
                break ended;
            }
        };
        // What is acked is progress, and so is to be open for long with nothing that waits for long.
        let long = self.options.recovery_timeout;
        let waits_for_long =
            (self.queue.waiting_since()).is_some_and(|since| since.elapsed() >= long);
        if serving.progressed || (opened.elapsed() >= long && !waits_for_long) {
            self.recovery.reset();
            self.refreshed = false;
        } else if matches!(ended, Ended::Moved) {
            // A service that only ever sends streams away must not be asked again and again without a pause.
            return Ended::Lost(self.sent_away());
        }
        ended
    }
}

impl Driver {
    /// Whether a stream that ended so may have one record to blame, and its owner wants to know.
    fn isolates(&self, error: &Error) -> bool {
        let wanted = self.dead_letters.is_some() || self.options.name_refused_record;
        let about_stream = [
            ErrorCode::OFFSET_NOT_SEQUENTIAL,
            ErrorCode::UNSUPPORTED_TABLE,
            ErrorCode::DESCRIPTOR_NOT_SELF_CONTAINED,
        ];
        wanted
            && self.options.recovery
            && matches!(error, Error::Status { error } if error.code() == GrpcCode::InvalidArgument)
            && error
                .error_code()
                .is_none_or(|code| !about_stream.contains(&code))
    }

    /// One step of the search for the record that `error` is about.
    fn isolate(&mut self, error: Error) -> Result<(), Error> {
        self.queue.set_state(StreamState::Recovering);
        let suspects = self.queue.suspects();
        let verdict = self.isolation.refused(Instant::now(), suspects);
        tracing::debug!(table = %self.connector.table, ?verdict, ?suspects, %error, "stream refused");
        match verdict {
            Verdict::OneByOne => self.queue.set_one_by_one(true),
            Verdict::Halve => {
                self.queue.set_one_by_one(true);
                self.queue.halve_front();
            }
            Verdict::Found => {
                self.queue.set_one_by_one(false);
                return self.hand_out(error);
            }
            Verdict::GiveUp => return Err(error),
        }
        Ok(())
    }

    /// Gives the oldest record, which the service refuses with `error`, to the dead-letter sink; of a batch that is
    /// whole, each of its records.
    fn hand_out(&mut self, error: Error) -> Result<(), Error> {
        let (Error::Status { error }, Some((first, records))) =
            (&error, self.queue.front_records())
        else {
            return Err(error);
        };
        // A place in the text is one in the record, when the record was alone.
        let json = match (self.queue.encoding(), records.as_slice()) {
            (Encoding::Json, [record]) => Some(record.as_ref()),
            _ => None,
        };
        let column = column_of(error.message(), json);
        let refused = Error::RecordRefused {
            offset: first.offset,
            column: column.clone(),
            error: error.clone(),
        };
        let Some(sink) = &self.dead_letters else {
            return Err(refused);
        };
        let (offset, producer) = (first.offset, first.producer);
        let batch_records = records.len();
        tracing::warn!(table = %self.connector.table, offset, producer, records = batch_records, %error, "refused");
        // A sink that panics has not got the record, and must not take the stream's task along.
        let handed_out = catch_unwind(AssertUnwindSafe(|| {
            let mut sink = sink.lock().unwrap_or_else(PoisonError::into_inner);
            for (offset, record) in (offset..).zip(records) {
                sink(RefusedRecord {
                    offset,
                    producer,
                    lane: self.lane,
                    record,
                    batch_records,
                    column: column.clone(),
                    error: StatusError::clone(error),
                });
            }
        }));
        if handed_out.is_err() {
            return Err(refused);
        }
        self.queue.settle_front(first, refused);
        Ok(())
    }
}

/// What the task knows of the connection it serves.
struct Serving {
    /// Something was acked on it.
    progressed: bool,
    /// The service asked the stream to move; outstanding acks are waited for until then.
    move_by: Option<Instant>,
    check_acks_at: Instant,
}

impl Driver {
    fn set_timer(&self, serving: &Serving, timer: std::pin::Pin<&mut Sleep>) {
        let at = [self.linger_until, serving.move_by]
            .into_iter()
            .flatten()
            .fold(serving.check_acks_at, Instant::min);
        if timer.deadline() != at {
            timer.reset(at);
        }
    }

    fn on_time(&mut self, serving: &mut Serving) -> Option<Ended> {
        let now = Instant::now();
        if self.linger_until.is_some_and(|at| at <= now) {
            self.linger_until = None;
            self.queue.seal_lingered();
        }
        if serving.move_by.is_some_and(|at| at <= now) {
            return Some(self.moved());
        }
        let allowed = self.options.server_lack_of_ack_timeout;
        if serving.check_acks_at <= now {
            // Set again from what is waiting at this moment, so that sending needs no timer of its own.
            serving.check_acks_at = later(self.queue.waiting_since().unwrap_or(now), allowed);
            if serving.check_acks_at <= now {
                return Some(Ended::Lost(Error::LackOfAck {
                    after: allowed,
                    unacked: self.queue.unacked_records(),
                }));
            }
        }
        None
    }

    fn on_response(
        &mut self,
        response: Result<Option<EphemeralStreamResponse>, tonic::Status>,
        serving: &mut Serving,
    ) -> Option<Ended> {
        let moving = serving.move_by.is_some();
        let payload = match response {
            Ok(Some(response)) => response.payload,
            Ok(None) if moving => return Some(self.moved()),
            Ok(None) => return Some(Ended::Lost(self.connector.ended_by_service())),
            Err(status) => {
                let error = self.connector.status(&status);
                return Some(match error.is_retryable() && moving {
                    true => self.moved(),
                    false => Ended::Lost(error),
                });
            }
        };
        match payload {
            Some(Payload::IngestRecordResponse(response)) => {
                self.on_ack(response.durability_ack_up_to_offset, serving)
            }
            Some(Payload::CloseStreamSignal(signal)) => self.on_close_signal(&signal, serving),
            Some(Payload::CreateStreamResponse(_)) => {
                Some(broken("create_stream_response came twice"))
            }
            // A kind of response that is newer than this code.
            None => None,
        }
    }

    fn on_ack(&mut self, up_to: Option<i64>, serving: &mut Serving) -> Option<Ended> {
        let Some(up_to) = up_to else {
            return Some(broken("an ack came without an offset"));
        };
        match self.queue.ack(up_to) {
            Ok(acked) => {
                if acked.moved && self.isolation.acked(acked.records) {
                    self.queue.set_one_by_one(false);
                }
                if acked.moved && !serving.progressed {
                    serving.progressed = true;
                    self.recovery.reset();
                    self.refreshed = false;
                }
                (serving.move_by.is_some() && acked.in_flight == 0).then(|| self.moved())
            }
            Err(violation) => Some(broken(violation.to_string())),
        }
    }

    fn on_close_signal(
        &mut self,
        signal: &CloseStreamSignal,
        serving: &mut Serving,
    ) -> Option<Ended> {
        self.queue.hold_sending();
        let left = signal.duration.as_ref().map_or(FAREWELL, |duration| {
            Duration::new(
                u64::try_from(duration.seconds).unwrap_or(0),
                u32::try_from(duration.nanos).map_or(0, |nanos| nanos.min(999_999_999)),
            )
        });
        let wait = self
            .options
            .stream_paused_max_wait_time
            .map_or(left, |most| most.min(left));
        if wait.is_zero() || self.queue.in_flight() == 0 {
            return Some(self.moved());
        }
        // Another signal does not put off the first.
        let by = later(Instant::now(), wait);
        serving.move_by = Some(serving.move_by.map_or(by, |first| first.min(by)));
        None
    }

    fn moved(&self) -> Ended {
        if self.options.recovery {
            Ended::Moved
        } else {
            Ended::Lost(self.sent_away())
        }
    }

    fn sent_away(&self) -> Error {
        self.connector.error(
            GrpcCode::Unavailable,
            "the service asked the stream to move to a new connection",
        )
    }

    /// One attempt to open the stream at the service.
    async fn connect(&mut self, refresh: bool) -> Result<Connection, Error> {
        let connection = self.connector.connect(&self.queue, refresh).await;
        match &connection {
            Ok(_) => tracing::debug!(
                messaging.client.id = &*self.queue.stream_id(),
                "stream is open"
            ),
            Err(_) => self.queue.count_failed_attempt(),
        }
        connection
    }

    /// Makes the connection anew; none when the stream's owner closes it meanwhile.
    async fn recover(&mut self, error: Error, was_open: bool) -> Result<Option<Connection>, Error> {
        let queue = Arc::clone(&self.queue);
        tokio::select! {
            connection = self.reconnect(error, was_open) => connection.map(Some),
            () = queue.close_requested() => Ok(None),
            error = queue.failure() => Err(error),
        }
    }

    async fn reconnect(
        &mut self,
        mut error: Error,
        mut was_open: bool,
    ) -> Result<Connection, Error> {
        loop {
            let expired = was_open && error.is_unauthenticated();
            let refresh = self.may_refresh(&error, was_open);
            if refresh {
                self.refreshed = true;
            } else {
                let Some(pause) = self.recovery.pause(&error, was_open, jitter()) else {
                    return Err(self.recovery.give_up(self.connector.endpoint.url(), error));
                };
                tracing::warn!(
                    table = %self.connector.table,
                    endpoint = self.connector.endpoint.url(),
                    attempt = self.recovery.used(),
                    retries = self.recovery.retries(),
                    ?pause,
                    %error,
                    "stream is tried again"
                );
                sleep(pause).await;
                // It cost a retry, so the next server may find the credentials stale once more.
                self.refreshed = false;
            }
            was_open = false;
            match self.connect(refresh || expired).await {
                Ok(connection) => return Ok(connection),
                Err(next) => error = next,
            }
        }
    }

    /// A refusal at creation may mean that the kept token is no longer good; on an open stream only UNAUTHENTICATED
    /// does, PERMISSION_DENIED being about the grants.
    fn may_refresh(&self, error: &Error, was_open: bool) -> bool {
        if self.refreshed || !error.is_auth_rejection() {
            return false;
        }
        !was_open || (self.options.recovery && error.is_unauthenticated())
    }
}

fn broken(problem: impl Into<String>) -> Ended {
    Ended::Lost(Error::Protocol {
        problem: problem.into(),
    })
}

/// `time` after `from`, or as good as never.
fn later(from: Instant, time: Duration) -> Instant {
    from.checked_add(time.min(NEVER)).unwrap_or(from)
}

/// Reads what is left on a connection whose request side has ended.
async fn farewell(mut connection: Connection, allowed: Duration) {
    let end = async { while let Ok(Some(_)) = connection.responses.message().await {} };
    // The stream is over for us either way.
    let _ = timeout(allowed, end).await;
}
