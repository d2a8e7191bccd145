//! The side of a stream that takes records in.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::mpsc;
use tonic::{Code, Status, Streaming};
use zerobus_proto::ErrorCode;
use zerobus_proto::contract::{FIRST_OFFSET, MAX_RECORD_BYTES_PER_MESSAGE, SERVER_RECEIVE_LIMIT};
use zerobus_proto::ingest_record_batch_request::Batch;
use zerobus_proto::ingest_record_request::Record;

use super::codec::{Call, Incoming, Request};
use super::cut::Cut;
use super::sink::{Refused, Sink};
use super::status::{coded, expired, stopping, unfit};
use super::table::Table;
use super::token::Tokens;
use crate::decode::{self, Chunk};
use crate::faults::{Fault, Faults};

/// What a stream's records are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    Proto,
    Json,
}

/// Why a stream is over.
pub(super) enum End {
    /// The client has sent all it wanted to.
    Done,
    /// The client is not there any more.
    Gone,
    /// The connection is to be cut.
    Cut,
    /// The stream is refused, once what it sent before is durable.
    Refused(Status),
}

/// What the faults that a server is told to have need.
pub(super) struct Injection {
    pub(super) faults: Arc<Faults>,
    pub(super) tokens: Arc<Tokens>,
    pub(super) cut: Cut,
}

impl Injection {
    /// What becomes of a message that is not taken because of a fault. What else a fault has done is done.
    pub(super) async fn refusal(&self, fault: Fault, table: &Table) -> Option<End> {
        let text = format!("Injected fault {}.", fault.name());
        Some(match fault {
            Fault::Unavailable => End::Refused(Status::unavailable(text)),
            Fault::PipelineBlocked => End::Refused(coded(ErrorCode::PIPELINE_BLOCKED, &text)),
            Fault::ResourceExhausted => End::Refused(Status::resource_exhausted(text)),
            Fault::Internal => End::Refused(Status::internal(text)),
            Fault::RefuseRecord => End::Refused(coded(ErrorCode::RECORD_REFUSED, &text)),
            Fault::ExpireToken => {
                self.tokens.expire(&table.name);
                End::Refused(expired())
            }
            Fault::Disconnect => End::Cut,
            Fault::AlterTable => {
                let error = table.writer.alter().await.err()?;
                let text = format!("{text} The table could not be altered: {error}.");
                End::Refused(Status::internal(text))
            }
            Fault::DropAck | Fault::DelayAck(_) | Fault::CloseSignal(_) | Fault::DiskFull => {
                return None;
            }
        })
    }
}

/// What a fault has to do with acks and the end of a stream.
pub(super) enum Signal {
    /// Hold acks back for so long.
    DelayAcks(Duration),
    /// Cut the connection in place of an ack up to this offset.
    DropAck(i64),
    /// End the stream, announced so long before.
    Close(Duration),
}

/// Takes messages in, in the order of their offsets.
pub(super) struct Reader<'a> {
    pub(super) injection: &'a Injection,
    pub(super) signal: mpsc::UnboundedSender<Signal>,
    pub(super) table: &'a Table,
    pub(super) stream_id: &'a str,
    pub(super) call: Call,
    pub(super) encoding: Encoding,
    pub(super) sink: &'a Arc<Sink>,
    /// The offset the next message must have.
    pub(super) next: i64,
}

impl Reader<'_> {
    pub(super) async fn run(&mut self, requests: &mut Streaming<Bytes>) -> End {
        loop {
            match requests.message().await {
                Ok(Some(request)) => {
                    if let Some(end) = self.suffer().await {
                        return end;
                    }
                    if let Err(status) = self.take(&request).await {
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

    /// What goes wrong with the next message, where the server was told to have something go wrong.
    async fn suffer(&self) -> Option<End> {
        let faults = &self.injection.faults;
        for fault in faults.with_message(&self.table.name, self.stream_id) {
            if let Some(end) = self.injection.refusal(fault, self.table).await {
                return Some(end);
            }
            let signal = match fault {
                Fault::DropAck => Signal::DropAck(self.next),
                Fault::DelayAck(time) => Signal::DelayAcks(time),
                Fault::CloseSignal(time) => Signal::Close(time),
                _ => continue,
            };
            // When nobody listens, the stream is over.
            let _ = self.signal.send(signal);
        }
        None
    }

    async fn take(&mut self, message: &Bytes) -> Result<(), Status> {
        let encoding = self.encoding;
        let request = match Incoming::parse(self.call, message)? {
            Incoming::Records { offset, records } => {
                self.check_offset(Some(offset))?;
                return match encoding {
                    Encoding::Proto => self.add(records.bytes(), records, Chunk::push_proto).await,
                    Encoding::Json => Err(self.other_encoding()),
                };
            }
            Incoming::Other(request) => request,
        };
        match request {
            Some(Request::Record(ingest)) => {
                self.check_offset(ingest.offset_id)?;
                match (encoding, ingest.record) {
                    (Encoding::Proto, Some(Record::ProtoEncodedRecord(record))) => {
                        let records = [&record[..]].into_iter();
                        self.add(record.len(), records, Chunk::push_proto).await
                    }
                    (Encoding::Json, Some(Record::JsonRecord(record))) => {
                        let records = [record.as_str()].into_iter();
                        self.add(record.len(), records, Chunk::push_json).await
                    }
                    (_, None) => Err(self.refused("The message has no record.")),
                    (_, Some(_)) => Err(self.other_encoding()),
                }
            }
            Some(Request::Batch(ingest)) => {
                self.check_offset(ingest.offset_id)?;
                match (encoding, ingest.batch) {
                    (Encoding::Proto, Some(Batch::ProtoEncodedBatch(batch))) => {
                        let bytes = batch.records.iter().map(Bytes::len).sum();
                        let records = batch.records.iter().map(|record| &record[..]);
                        self.add(bytes, records, Chunk::push_proto).await
                    }
                    (Encoding::Json, Some(Batch::JsonBatch(batch))) => {
                        let bytes = batch.records.iter().map(String::len).sum();
                        let records = batch.records.iter().map(String::as_str);
                        self.add(bytes, records, Chunk::push_json).await
                    }
                    (_, None) => Err(self.refused("The message has no batch.")),
                    (_, Some(_)) => Err(self.other_encoding()),
                }
            }
            Some(Request::Create(_) | Request::Resume(_)) => Err(Status::invalid_argument(
                "create_stream and resume_stream can only be the first message of a stream.",
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
                "Offsets must be sequential from {FIRST_OFFSET} on each {}: expected {}, found {found}.",
                match self.call {
                    Call::Ephemeral => "connection",
                    Call::Persistent => "persistent stream",
                },
                self.next
            ),
        ))
    }

    async fn add<R: Copy>(
        &mut self,
        bytes: usize,
        records: impl ExactSizeIterator<Item = R> + Clone,
        push: impl Fn(&mut Chunk, R) -> Result<(), decode::Fault>,
    ) -> Result<(), Status> {
        if bytes > MAX_RECORD_BYTES_PER_MESSAGE {
            return Err(Status::invalid_argument(format!(
                "The records of one message have {bytes} bytes, at most {MAX_RECORD_BYTES_PER_MESSAGE} are taken: \
                 send smaller batches."
            )));
        }
        let admitted = self.sink.admit(records.len(), bytes).await;
        let added = admitted.and_then(|admitted| self.sink.add(admitted, self.next, records, push));
        match added {
            Ok(()) => {
                self.next += 1;
                Ok(())
            }
            Err(Refused::Record(at, fault)) => {
                let (offset, table) = (self.next, &self.table.name);
                let which =
                    format!("record {at} of the message at offset {offset} for table {table}");
                Err(unfit(&fault, &which))
            }
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
