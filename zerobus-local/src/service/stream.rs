//! One stream, from `create_stream` or `resume_stream` to its status.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, sleep_until};
use tonic::{Status, Streaming};
use uuid::Uuid;
use zerobus_proto::contract::FIRST_OFFSET;
use zerobus_proto::resume_ingest_stream_request::Identifier;
use zerobus_proto::{
    CloseStreamSignal, CreateIngestStreamRequest, CreateIngestStreamResponse, ErrorCode,
    IngestRecordResponse, RecordType, ResumeIngestStreamRequest, ResumeIngestStreamResponse,
};

use super::access::{Access, parse_name};
use super::codec::{Call, Incoming, Request, Told};
use super::live::LiveStream;
use super::persistent::{self, Problem};
use super::reader::{Encoding, End, Injection, Reader, Signal};
use super::sink::{Planned, Progress, Sink};
use super::status::{coded, expired, schema_mismatch, stopping, write_failed};
use super::stop::Stop;
use super::table::Table;
use crate::decode::{Descriptor, DescriptorError, Plan};

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
    call: Call,
    answers: mpsc::Sender<Result<Told, Status>>,
    stop: Stop,
    lifetime: Duration,
    injection: Injection,
}

impl Ingest {
    pub(super) fn new(
        access: Access,
        call: Call,
        answers: mpsc::Sender<Result<Told, Status>>,
        stop: Stop,
        lifetime: Duration,
        injection: Injection,
    ) -> Self {
        Self {
            table: access.table,
            expires: access.expires.into(),
            call,
            answers,
            stop,
            lifetime,
            injection,
        }
    }

    pub(super) async fn run(mut self, mut requests: Streaming<Bytes>) {
        if let Err(status) = self.serve(&mut requests).await {
            self.table.metrics.stream_refused();
            // `requests` must outlive this: dropped before, it would reset the stream and the status with it.
            let _ = self.answers.send(Err(status)).await;
        }
    }

    async fn serve(&mut self, requests: &mut Streaming<Bytes>) -> Result<(), Status> {
        let first = tokio::select! {
            first = requests.message() => first?,
            () = self.stop.stopped() => return Err(stopping()),
            () = sleep_until(self.expires) => return Err(expired()),
        };
        let Some(first) = first else {
            return Ok(());
        };
        let (encoding, sink, stream_id) = match Incoming::parse(self.call, &first)? {
            Incoming::Other(Some(Request::Create(create))) => self.create(&create).await?,
            Incoming::Other(Some(Request::Resume(resume))) => self.resume(resume).await?,
            _ => {
                let or_resume = match self.call {
                    Call::Ephemeral => "",
                    Call::Persistent => " or resume_stream",
                };
                return Err(Status::invalid_argument(format!(
                    "The first message of a stream must be create_stream{or_resume}."
                )));
            }
        };
        let _counted = self.table.metrics.open_stream();
        let live = LiveStream {
            stream_id: stream_id.clone(),
            call: self.call,
            encoding,
            opened: Instant::now(),
            sink: Arc::clone(&sink),
        };
        let table = Arc::clone(&self.table);
        let _live = table.live.add(live);
        self.ingest(requests, encoding, &stream_id, &sink).await
    }

    async fn create(
        &self,
        create: &CreateIngestStreamRequest,
    ) -> Result<(Encoding, Arc<Sink>, String), Status> {
        self.table.refresh().await;
        let (encoding, plan) = self.open(create)?;
        let stream_id = Uuid::new_v4().to_string();
        let sink = match persistent::app_id(&stream_id) {
            Some(app_id) if self.call == Call::Persistent => {
                let created = self.table.writer.create(&app_id, &stream_id, &plan).await;
                let created = created.ok_or_else(stopping)?;
                created.map_err(|problem| problem.status(&self.table.name, &stream_id))?
            }
            _ => {
                let stream = Some(stream_id.as_str());
                self.table.writer.sink(stream, &plan).ok_or_else(stopping)?
            }
        };
        let created = CreateIngestStreamResponse {
            stream_id: Some(stream_id.clone()),
        };
        self.tell(Told::Created(created)).await;
        Ok((encoding, sink, stream_id))
    }

    async fn resume(
        &self,
        resume: ResumeIngestStreamRequest,
    ) -> Result<(Encoding, Arc<Sink>, String), Status> {
        self.table.refresh().await;
        let (encoding, plan) = self.open(&CreateIngestStreamRequest {
            table_name: Some(self.table.name.to_string()),
            descriptor_proto: resume.descriptor_proto,
            record_type: resume.record_type,
            avro_schema_json: None,
        })?;
        let Some(Identifier::StreamId(stream_id)) = resume.identifier else {
            return Err(Status::invalid_argument(
                "resume_stream must name a stream_id.",
            ));
        };
        let refused = |problem: Problem| problem.status(&self.table.name, &stream_id);
        let app_id = persistent::app_id(&stream_id).ok_or_else(|| refused(Problem::Unknown))?;
        let resumed = self.table.writer.resume(&app_id, &stream_id, &plan).await;
        let sink = resumed.ok_or_else(stopping)?.map_err(refused)?;
        let last_committed_offset = sink.progress().borrow().durable;
        self.tell(Told::Resumed(ResumeIngestStreamResponse {
            last_committed_offset,
        }))
        .await;
        Ok((encoding, sink, stream_id))
    }

    fn open(&self, create: &CreateIngestStreamRequest) -> Result<(Encoding, Planned), Status> {
        let name = parse_name(create.table_name())?;
        if name != self.table.name {
            return Err(Status::invalid_argument(format!(
                "create_stream names table {name}, the call's metadata names {}.",
                self.table.name
            )));
        }
        let columns = self.table.columns();
        let arrow = Arc::clone(&columns.arrow);
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
                let plan = Plan::for_proto(&columns.schema, &descriptor).map_err(mismatch)?;
                Ok((Encoding::Proto, Planned { plan, arrow }))
            }
            RecordType::Json => {
                let plan = Plan::for_json(&columns.schema).map_err(mismatch)?;
                Ok((Encoding::Json, Planned { plan, arrow }))
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
        stream_id: &str,
        sink: &Arc<Sink>,
    ) -> Result<(), Status> {
        let mut progress = sink.progress();
        let mut stop = self.stop.clone();
        let answers = self.answers.clone();
        // Where a persistent stream goes on.
        let mut acked = progress.borrow().durable;
        let (signal, mut signals) = mpsc::unbounded_channel();
        let mut reader = Reader {
            injection: &self.injection,
            signal,
            table: &self.table,
            stream_id,
            call: self.call,
            encoding,
            sink,
            next: acked.map_or(FIRST_OFFSET, |acked| acked.saturating_add(1)),
        };
        // About `lifetime` after its start the stream is over, announced some time before.
        let notice = (self.lifetime / 5).min(NOTICE_MAX);
        let mut ends = pin!(sleep(self.lifetime));
        let mut announced = pin!(sleep(self.lifetime.saturating_sub(notice)));
        let mut is_announced = false;
        let mut expires = pin!(sleep_until(self.expires));
        // What faults have done to acks.
        let mut acks_from = None;
        let mut dropped_from = None;
        let end = {
            let mut reading = pin!(reader.run(requests));
            loop {
                tokio::select! {
                    end = &mut reading => break end,
                    Some(signal) = signals.recv() => match signal {
                        Signal::DelayAcks(time) => acks_from = Some(Instant::now() + time),
                        Signal::DropAck(offset) => dropped_from = dropped_from.or(Some(offset)),
                        Signal::Close(time) => {
                            is_announced = true;
                            ends.as_mut().reset(Instant::now() + time);
                            let duration = prost_types::Duration::try_from(time).ok();
                            self.tell(Told::Closing(CloseStreamSignal { duration })).await;
                        }
                    },
                    () = until(acks_from), if acks_from.is_some() => {
                        acks_from = None;
                        progress.mark_changed();
                    }
                    // A signal about a message comes before it is stored.
                    _ = progress.changed(), if acks_from.is_none() && signals.is_empty() => {
                        let now = progress.borrow_and_update().clone();
                        if dropped_from.is_some() && now.durable >= dropped_from {
                            break End::Cut;
                        }
                        self.report(&now, &mut acked).await?;
                    }
                    () = answers.closed() => break End::Gone,
                    () = stop.stopped() => break End::Refused(stopping()),
                    () = &mut announced, if !is_announced => {
                        is_announced = true;
                        let duration = prost_types::Duration::try_from(notice).ok();
                        self.tell(Told::Closing(CloseStreamSignal { duration })).await;
                    }
                    () = &mut expires => break End::Refused(expired()),
                    () = &mut ends => break End::Refused(coded(
                        ErrorCode::STREAM_LIFETIME_REACHED,
                        "The stream has reached its lifetime; reconnect.",
                    )),
                }
            }
        };
        if self.stop.is_stopping() {
            sink.hurry();
        }
        // What was taken in goes to the table whoever still wants to hear of it; whoever does hears of it first.
        let last = reader
            .next
            .checked_sub(1)
            .filter(|&last| last >= FIRST_OFFSET);
        let mut end = end;
        until(acks_from).await;
        while !matches!(end, End::Gone | End::Cut) && acked < last {
            let now = progress.borrow_and_update().clone();
            if now.durable <= acked && now.failed.is_none() {
                if progress.changed().await.is_err() {
                    break;
                }
                continue;
            }
            if dropped_from.is_some() && now.durable >= dropped_from {
                end = End::Cut;
                break;
            }
            self.report(&now, &mut acked).await?;
        }
        match end {
            End::Refused(status) => Err(status),
            End::Done | End::Gone => Ok(()),
            End::Cut => {
                self.injection.cut.cut();
                // Any end before that would be a status.
                self.answers.closed().await;
                Ok(())
            }
        }
    }

    /// Sends the ack that is due, or ends the stream when its table could not be written.
    async fn report(&self, progress: &Progress, acked: &mut Option<i64>) -> Result<(), Status> {
        if progress.durable > *acked {
            *acked = progress.durable;
            let ack = IngestRecordResponse {
                durability_ack_up_to_offset: progress.durable,
            };
            self.tell(Told::Acked(ack)).await;
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

    async fn tell(&self, told: Told) {
        // When the client is gone, `ingest` sees it.
        let _ = self.answers.send(Ok(told)).await;
    }
}

/// Waits for a time, if there is one.
async fn until(time: Option<Instant>) {
    if let Some(time) = time {
        sleep_until(time).await;
    }
}
