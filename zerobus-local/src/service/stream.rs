//! One ephemeral stream, from `create_stream` to its status.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, sleep_until};
use tonic::{Code, Status, Streaming};
use uuid::Uuid;
use zerobus_proto::contract::{FIRST_OFFSET, MAX_RECORD_BYTES_PER_MESSAGE, SERVER_RECEIVE_LIMIT};
use zerobus_proto::ephemeral_stream_request::Payload as Request;
use zerobus_proto::ephemeral_stream_response::Payload as Response;
use zerobus_proto::ingest_record_batch_request::Batch;
use zerobus_proto::ingest_record_request::Record;
use zerobus_proto::{
    CloseStreamSignal, CreateIngestStreamRequest, CreateIngestStreamResponse,
    EphemeralStreamRequest, EphemeralStreamResponse, ErrorCode, IngestRecordResponse, RecordType,
};

use super::access::{Access, parse_name};
use super::codec::Incoming;
use super::sink::{Progress, Refused, Sink};
use super::status::{coded, schema_mismatch, stopping, write_failed};
use super::stop::Stop;
use super::table::Table;
use crate::decode::{Chunk, Descriptor, DescriptorError, Fault, Plan};

/// The longest time between the signal that a stream is about to be closed and its end.
const NOTICE_MAX: Duration = Duration::from_secs(30);

/// A failure to write is told after this long. There are clients that are back at once, however often it failed, and a
/// full disk does not get emptier by that.
const FAILURE_PAUSE: Duration = Duration::from_millis(100);

/// A stream that was let in and has not been created yet.
pub(super) struct Ingest {
    table: Arc<Table>,
    /// When the call's token is good no more.
    expires: Instant,
    answers: mpsc::Sender<Result<EphemeralStreamResponse, Status>>,
    stop: Stop,
    lifetime: Duration,
}

/// What a stream's records are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Encoding {
    Proto,
    Json,
}

/// Why a stream is over.
enum End {
    /// The client has sent all it wanted to.
    Done,
    /// The client is not there any more.
    Gone,
    /// The stream is refused, once what it sent before is durable.
    Refused(Status),
}

impl Ingest {
    pub(super) fn new(
        access: Access,
        answers: mpsc::Sender<Result<EphemeralStreamResponse, Status>>,
        stop: Stop,
        lifetime: Duration,
    ) -> Self {
        Self {
            table: access.table,
            expires: access.expires.into(),
            answers,
            stop,
            lifetime,
        }
    }

    pub(super) async fn run(mut self, mut requests: Streaming<Bytes>) {
        if let Err(status) = self.serve(&mut requests).await {
            // `requests` must outlive this: dropped before, it would reset the stream and the status with it.
            let _ = self.answers.send(Err(status)).await;
        }
    }

    async fn serve(&mut self, requests: &mut Streaming<Bytes>) -> Result<(), Status> {
        let create = tokio::select! {
            first = requests.message() => first?,
            () = self.stop.stopped() => return Err(stopping()),
            () = sleep_until(self.expires) => return Err(expired()),
        };
        let Some(create) = create else {
            return Ok(());
        };
        let create = match Incoming::parse(&create)? {
            Incoming::Other(EphemeralStreamRequest {
                payload: Some(Request::CreateStream(create)),
            }) => create,
            _ => {
                return Err(Status::invalid_argument(
                    "The first message of a stream must be create_stream.",
                ));
            }
        };
        let (encoding, plan) = self.open(&create)?;
        let sink = self.table.writer.sink(&plan).ok_or_else(stopping)?;
        let created = CreateIngestStreamResponse {
            stream_id: Some(Uuid::new_v4().to_string()),
        };
        self.answer(Response::CreateStreamResponse(created)).await;
        self.ingest(requests, encoding, &sink).await
    }

    fn open(&self, create: &CreateIngestStreamRequest) -> Result<(Encoding, Plan), Status> {
        let name = parse_name(create.table_name())?;
        if name != self.table.name {
            return Err(Status::invalid_argument(format!(
                "create_stream names table {name}, the call's metadata names {}.",
                self.table.name
            )));
        }
        let mismatch = |mismatches: Vec<_>| schema_mismatch(&self.table.name, &mismatches);
        match create.record_type() {
            RecordType::Proto => {
                let descriptor = create.descriptor_proto.as_deref().unwrap_or_default();
                if descriptor.is_empty() {
                    return Err(Status::invalid_argument(
                        "A stream of PROTO records needs a descriptor_proto.",
                    ));
                }
                let descriptor = Descriptor::parse(descriptor).map_err(|error| match error {
                    DescriptorError::NotSelfContained { .. } => {
                        coded(ErrorCode::DESCRIPTOR_NOT_SELF_CONTAINED, &error.to_string())
                    }
                    DescriptorError::Malformed(_) => Status::invalid_argument(error.to_string()),
                })?;
                let plan = Plan::for_proto(&self.table.schema, &descriptor).map_err(mismatch)?;
                Ok((Encoding::Proto, plan))
            }
            RecordType::Json => {
                let plan = Plan::for_json(&self.table.schema).map_err(mismatch)?;
                Ok((Encoding::Json, plan))
            }
            RecordType::Avro => Err(Status::unimplemented(
                "AVRO records are not supported; send PROTO or JSON.",
            )),
            RecordType::Unspecified => Err(Status::invalid_argument(
                "create_stream must name a record_type: PROTO or JSON.",
            )),
        }
    }

    /// Takes records and sends acks until the stream is over.
    async fn ingest(
        &mut self,
        requests: &mut Streaming<Bytes>,
        encoding: Encoding,
        sink: &Arc<Sink>,
    ) -> Result<(), Status> {
        let mut progress = sink.progress();
        let mut stop = self.stop.clone();
        let answers = self.answers.clone();
        let mut reader = Reader {
            table: &self.table,
            encoding,
            sink,
            next: FIRST_OFFSET,
        };
        let mut acked = None;
        // About `lifetime` after its start the stream is over, announced some time before.
        let notice = (self.lifetime / 5).min(NOTICE_MAX);
        let mut ends = pin!(sleep(self.lifetime));
        let mut announced = pin!(sleep(self.lifetime.saturating_sub(notice)));
        let mut is_announced = false;
        let mut expires = pin!(sleep_until(self.expires));
        let end = {
            let mut reading = pin!(reader.run(requests));
            loop {
                tokio::select! {
                    end = &mut reading => break end,
                    _ = progress.changed() => {
                        let now = progress.borrow_and_update().clone();
                        self.report(&now, &mut acked).await?;
                    }
                    () = answers.closed() => break End::Gone,
                    () = stop.stopped() => break End::Refused(stopping()),
                    () = &mut announced, if !is_announced => {
                        is_announced = true;
                        let duration = prost_types::Duration::try_from(notice).ok();
                        let signal = CloseStreamSignal { duration };
                        self.answer(Response::CloseStreamSignal(signal)).await;
                    }
                    () = &mut expires => break End::Refused(expired()),
                    () = &mut ends => break End::Refused(coded(
                        ErrorCode::STREAM_LIFETIME_REACHED,
                        "The stream has reached its lifetime; reconnect.",
                    )),
                }
            }
        };
        // What was taken in goes to the table whoever still wants to hear of it; whoever does hears of it first.
        let last = reader
            .next
            .checked_sub(1)
            .filter(|&last| last >= FIRST_OFFSET);
        while !matches!(end, End::Gone) && acked < last {
            if progress.changed().await.is_err() {
                break;
            }
            let now = progress.borrow_and_update().clone();
            self.report(&now, &mut acked).await?;
        }
        match end {
            End::Refused(status) => Err(status),
            End::Done | End::Gone => Ok(()),
        }
    }

    /// Sends the ack that is due, or ends the stream when its table could not be written.
    async fn report(&self, progress: &Progress, acked: &mut Option<i64>) -> Result<(), Status> {
        if progress.durable > *acked {
            *acked = progress.durable;
            let ack = IngestRecordResponse {
                durability_ack_up_to_offset: progress.durable,
            };
            self.answer(Response::IngestRecordResponse(ack)).await;
        }
        match &progress.failed {
            Some(failure) => {
                sleep(FAILURE_PAUSE).await;
                Err(write_failed(
                    &self.table.name,
                    failure,
                    "after the last ack",
                ))
            }
            None => Ok(()),
        }
    }

    async fn answer(&self, payload: Response) {
        let response = EphemeralStreamResponse {
            payload: Some(payload),
        };
        // When the client is gone, `ingest` sees it.
        let _ = self.answers.send(Ok(response)).await;
    }
}

/// The side of a stream that takes records in.
struct Reader<'a> {
    table: &'a Table,
    encoding: Encoding,
    sink: &'a Arc<Sink>,
    /// The offset the next message must have.
    next: i64,
}

impl Reader<'_> {
    async fn run(&mut self, requests: &mut Streaming<Bytes>) -> End {
        loop {
            match requests.message().await {
                Ok(Some(request)) => {
                    if let Err(status) = self.take(&request) {
                        return End::Refused(status);
                    }
                }
                Ok(None) => return End::Done,
                Err(status) if status.code() == Code::OutOfRange => {
                    return End::Refused(too_large());
                }
                Err(status) if is_the_clients(&status) => return End::Refused(status),
                Err(_) => return End::Gone,
            }
            self.sink.room().await;
            // A client that never pauses must not keep the acks from going out.
            tokio::task::coop::consume_budget().await;
        }
    }

    fn take(&mut self, message: &Bytes) -> Result<(), Status> {
        let encoding = self.encoding;
        let request = match Incoming::parse(message)? {
            Incoming::Records { offset, records } => {
                self.check_offset(Some(offset))?;
                return match encoding {
                    Encoding::Proto => self.add(records.bytes(), records, Chunk::push_proto),
                    Encoding::Json => Err(self.other_encoding()),
                };
            }
            Incoming::Other(request) => request,
        };
        match request.payload {
            Some(Request::IngestRecord(ingest)) => {
                self.check_offset(ingest.offset_id)?;
                match (encoding, ingest.record) {
                    (Encoding::Proto, Some(Record::ProtoEncodedRecord(record))) => {
                        let records = [&record[..]].into_iter();
                        self.add(record.len(), records, Chunk::push_proto)
                    }
                    (Encoding::Json, Some(Record::JsonRecord(record))) => {
                        let records = [record.as_str()].into_iter();
                        self.add(record.len(), records, Chunk::push_json)
                    }
                    (_, None) => Err(self.refused("The message has no record.")),
                    (_, Some(_)) => Err(self.other_encoding()),
                }
            }
            Some(Request::IngestRecordBatch(ingest)) => {
                self.check_offset(ingest.offset_id)?;
                match (encoding, ingest.batch) {
                    (Encoding::Proto, Some(Batch::ProtoEncodedBatch(batch))) => {
                        let bytes = batch.records.iter().map(Bytes::len).sum();
                        let records = batch.records.iter().map(|record| &record[..]);
                        self.add(bytes, records, Chunk::push_proto)
                    }
                    (Encoding::Json, Some(Batch::JsonBatch(batch))) => {
                        let bytes = batch.records.iter().map(String::len).sum();
                        let records = batch.records.iter().map(String::as_str);
                        self.add(bytes, records, Chunk::push_json)
                    }
                    (_, None) => Err(self.refused("The message has no batch.")),
                    (_, Some(_)) => Err(self.other_encoding()),
                }
            }
            Some(Request::CreateStream(_)) => Err(Status::invalid_argument(
                "create_stream can only be the first message of a stream.",
            )),
            None => Err(Status::invalid_argument("The message has no payload.")),
        }
    }

    fn check_offset(&self, offset: Option<i64>) -> Result<(), Status> {
        if offset == Some(self.next) {
            return Ok(());
        }
        let found = offset.map_or_else(|| "none".to_owned(), |offset| offset.to_string());
        Err(coded(
            ErrorCode::OFFSET_NOT_SEQUENTIAL,
            &format!(
                "Offsets must be sequential from {FIRST_OFFSET} on each connection: expected {}, found {found}.",
                self.next
            ),
        ))
    }

    fn add<R: Copy>(
        &mut self,
        bytes: usize,
        records: impl ExactSizeIterator<Item = R> + Clone,
        push: impl Fn(&mut Chunk, R) -> Result<(), Fault>,
    ) -> Result<(), Status> {
        if bytes > MAX_RECORD_BYTES_PER_MESSAGE {
            return Err(Status::invalid_argument(format!(
                "The records of one message have {bytes} bytes, at most {MAX_RECORD_BYTES_PER_MESSAGE} are taken: \
                 send smaller batches."
            )));
        }
        match self.sink.add(self.next, bytes, records, push) {
            Ok(()) => {
                self.next += 1;
                Ok(())
            }
            Err(Refused::Record(at, fault)) => Err(self.refused(&format!(
                "Record {at} of the message at offset {} does not fit table {}: {fault}.",
                self.next, self.table.name
            ))),
            Err(Refused::TooMany { most }) => Err(Status::invalid_argument(format!(
                "One message for table {} can have at most {most} records: send smaller batches.",
                self.table.name
            ))),
            // The failure itself comes by way of the progress; this stands in when it does not.
            Err(Refused::Closed) => Err(stopping()),
        }
    }

    fn refused(&self, text: &str) -> Status {
        coded(ErrorCode::RECORD_REFUSED, text)
    }

    fn other_encoding(&self) -> Status {
        self.refused(&format!(
            "The stream was created for {} records, the message holds others.",
            match self.encoding {
                Encoding::Proto => "PROTO",
                Encoding::Json => "JSON",
            }
        ))
    }
}

/// Whether tonic refused what the client sent, as opposed to not hearing from it any more.
fn is_the_clients(status: &Status) -> bool {
    matches!(
        status.code(),
        Code::InvalidArgument | Code::ResourceExhausted | Code::Unimplemented
    )
}

/// In place of tonic's words for it.
fn too_large() -> Status {
    Status::invalid_argument(format!(
        "A message can have at most {SERVER_RECEIVE_LIMIT} bytes, and its records at most \
         {MAX_RECORD_BYTES_PER_MESSAGE}: send smaller batches."
    ))
}

fn expired() -> Status {
    Status::unauthenticated(
        "Token expired while the stream was open: ask /oidc/v1/token for a new one, reconnect, and send again what was \
         not acked.",
    )
}
