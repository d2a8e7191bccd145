//! Messages of a stream without the detour over generated types.
//!
//! Nearly all of them are batches of protobuf records, which are read where they lie. Whatever looks any different goes
//! through the generated types, so that only these decide what is valid.

use bytes::{Buf as _, Bytes};
use prost::Message as _;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::{Code, Status};
use zerobus_proto::{
    CloseStreamSignal, CreateIngestStreamRequest, CreateIngestStreamResponse,
    EphemeralStreamRequest, EphemeralStreamResponse, IngestRecordBatchRequest, IngestRecordRequest,
    IngestRecordResponse, PersistentStreamRequest, PersistentStreamResponse,
    ResumeIngestStreamRequest, ResumeIngestStreamResponse,
};

use crate::decode::wire;

// Tags: `ingest_record` and `ingest_record_batch` of a request of either call; `offset_id` and the protobuf record or
// batch of either; `records` of a batch.
const EPHEMERAL_RECORD: u8 = 0x12;
const EPHEMERAL_BATCH: u8 = 0x1a;
const PERSISTENT_RECORD: u8 = 0x1a;
const PERSISTENT_BATCH: u8 = 0x22;
const OFFSET_ID: u8 = 0x08;
const PROTO_ENCODED: u8 = 0x12;
const RECORDS: u8 = 0x0a;

/// Which of the service's calls a stream is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Call {
    Ephemeral,
    Persistent,
}

/// A message from the client.
pub(super) enum Incoming<'a> {
    /// Protobuf records, still in the message.
    Records { offset: i64, records: Records<'a> },
    /// Any other; `None` has no payload.
    Other(Option<Request>),
}

/// What a message asks for, whichever call it is of.
pub(super) enum Request {
    Create(CreateIngestStreamRequest),
    Resume(ResumeIngestStreamRequest),
    Record(IngestRecordRequest),
    Batch(IngestRecordBatchRequest),
}

/// What a stream is told, whichever call it is.
#[derive(Debug, Clone)]
pub(super) enum Told {
    Created(CreateIngestStreamResponse),
    Resumed(ResumeIngestStreamResponse),
    Acked(IngestRecordResponse),
    Closing(CloseStreamSignal),
}

/// The records of a message, one after the other.
#[derive(Debug, Clone, Copy)]
pub(super) struct Records<'a> {
    /// Framed as in a batch, or the one record itself.
    framed: Result<&'a [u8], Option<&'a [u8]>>,
    left: usize,
    bytes: usize,
}

impl<'a> Incoming<'a> {
    pub(super) fn parse(call: Call, message: &'a Bytes) -> Result<Self, Status> {
        if let Some((offset, records)) = records(call, message) {
            return Ok(Self::Records { offset, records });
        }
        let request = match call {
            Call::Ephemeral => {
                EphemeralStreamRequest::decode(message.clone()).map(Request::of_ephemeral)
            }
            Call::Persistent => {
                PersistentStreamRequest::decode(message.clone()).map(Request::of_persistent)
            }
        };
        request.map(Self::Other).map_err(|error| {
            let name = match call {
                Call::Ephemeral => "EphemeralStreamRequest",
                Call::Persistent => "PersistentStreamRequest",
            };
            let text = format!("The message is no {name}: {error}.");
            Status::new(Code::InvalidArgument, text)
        })
    }
}

impl Request {
    fn of_ephemeral(request: EphemeralStreamRequest) -> Option<Self> {
        use zerobus_proto::ephemeral_stream_request::Payload;
        Some(match request.payload? {
            Payload::CreateStream(create) => Self::Create(create),
            Payload::IngestRecord(record) => Self::Record(record),
            Payload::IngestRecordBatch(batch) => Self::Batch(batch),
        })
    }

    fn of_persistent(request: PersistentStreamRequest) -> Option<Self> {
        use zerobus_proto::persistent_stream_request::Payload;
        Some(match request.payload? {
            Payload::CreateStream(create) => Self::Create(create.create_stream.unwrap_or_default()),
            Payload::ResumeStream(resume) => Self::Resume(resume),
            Payload::IngestRecord(record) => Self::Record(record),
            Payload::IngestRecordBatch(batch) => Self::Batch(batch),
        })
    }
}

impl Told {
    fn into_ephemeral(self) -> EphemeralStreamResponse {
        use zerobus_proto::ephemeral_stream_response::Payload;
        let payload = match self {
            Self::Created(created) => Some(Payload::CreateStreamResponse(created)),
            Self::Acked(acked) => Some(Payload::IngestRecordResponse(acked)),
            Self::Closing(signal) => Some(Payload::CloseStreamSignal(signal)),
            // There is no such thing on this call.
            Self::Resumed(_) => None,
        };
        EphemeralStreamResponse { payload }
    }

    fn into_persistent(self) -> PersistentStreamResponse {
        use zerobus_proto::persistent_stream_response::Payload;
        let payload = Some(match self {
            Self::Created(created) => Payload::CreateStreamResponse(created),
            Self::Resumed(resumed) => Payload::ResumeStreamResponse(resumed),
            Self::Acked(acked) => Payload::IngestRecordResponse(acked),
            Self::Closing(signal) => Payload::CloseStreamSignal(signal),
        });
        PersistentStreamResponse { payload }
    }
}

/// The records of a message in the form that every encoder gives it: offset first, nothing else beside them.
fn records(call: Call, message: &[u8]) -> Option<(i64, Records<'_>)> {
    let (&kind, mut rest) = message.split_first()?;
    let is_batch = match call {
        Call::Ephemeral if kind == EPHEMERAL_RECORD => false,
        Call::Ephemeral if kind == EPHEMERAL_BATCH => true,
        Call::Persistent if kind == PERSISTENT_RECORD => false,
        Call::Persistent if kind == PERSISTENT_BATCH => true,
        _ => return None,
    };
    let mut ingest = wire::bytes(&mut rest).ok().filter(|_| rest.is_empty())?;
    let (&OFFSET_ID, mut after_tag) = ingest.split_first()? else {
        return None;
    };
    let offset = wire::varint(&mut after_tag).ok()?.cast_signed();
    ingest = after_tag;
    let (&PROTO_ENCODED, mut after_tag) = ingest.split_first()? else {
        return None;
    };
    let encoded = wire::bytes(&mut after_tag).ok()?;
    if !after_tag.is_empty() {
        return None;
    }
    let records = if is_batch {
        Records::of_batch(encoded)?
    } else {
        Records {
            framed: Err(Some(encoded)),
            left: 1,
            bytes: encoded.len(),
        }
    };
    Some((offset, records))
}

impl<'a> Records<'a> {
    fn of_batch(batch: &'a [u8]) -> Option<Self> {
        let mut rest = batch;
        let mut count = 0;
        let mut bytes = 0;
        while let Some((&tag, after_tag)) = rest.split_first() {
            rest = after_tag;
            let record = wire::bytes(&mut rest).ok()?;
            if tag != RECORDS {
                return None;
            }
            count += 1;
            bytes += record.len();
        }
        Some(Self {
            framed: Ok(batch),
            left: count,
            bytes,
        })
    }

    /// The bytes of all of them, framing aside.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = &'a [u8];

    #[inline]
    fn next(&mut self) -> Option<&'a [u8]> {
        self.left = self.left.saturating_sub(1);
        match &mut self.framed {
            Ok(rest) => {
                // The tag; `of_batch` has seen that it is one.
                *rest = rest.get(1..)?;
                wire::bytes(rest).ok()
            }
            Err(single) => single.take(),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for Records<'_> {}

/// Takes messages in as they are, and encodes answers.
#[derive(Debug, Clone, Copy)]
pub(super) struct MessageCodec(pub(super) Call);

impl Codec for MessageCodec {
    type Encode = Told;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        *self
    }

    fn decoder(&mut self) -> Self {
        *self
    }
}

impl Encoder for MessageCodec {
    type Item = Told;
    type Error = Status;

    fn encode(&mut self, told: Told, out: &mut EncodeBuf<'_>) -> Result<(), Status> {
        let encoded = match self.0 {
            Call::Ephemeral => told.into_ephemeral().encode(out),
            Call::Persistent => told.into_persistent().encode(out),
        };
        encoded.map_err(|error| Status::internal(error.to_string()))
    }
}

impl Decoder for MessageCodec {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, message: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(message.copy_to_bytes(message.remaining())))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use zerobus_proto::ProtoEncodedRecordBatch;
    use zerobus_proto::ingest_record_batch_request::Batch;
    use zerobus_proto::ingest_record_request::Record;

    use super::*;

    const CALLS: [Call; 2] = [Call::Ephemeral, Call::Persistent];

    fn encoded(call: Call, request: Request) -> Bytes {
        match call {
            Call::Ephemeral => {
                use zerobus_proto::ephemeral_stream_request::Payload;
                let payload = Some(match request {
                    Request::Record(record) => Payload::IngestRecord(record),
                    Request::Batch(batch) => Payload::IngestRecordBatch(batch),
                    _ => unreachable!(),
                });
                EphemeralStreamRequest { payload }.encode_to_vec().into()
            }
            Call::Persistent => {
                use zerobus_proto::persistent_stream_request::Payload;
                let payload = Some(match request {
                    Request::Record(record) => Payload::IngestRecord(record),
                    Request::Batch(batch) => Payload::IngestRecordBatch(batch),
                    _ => unreachable!(),
                });
                PersistentStreamRequest { payload }.encode_to_vec().into()
            }
        }
    }

    fn taken(call: Call, message: &Bytes) -> Option<(i64, Vec<Vec<u8>>)> {
        match Incoming::parse(call, message) {
            Ok(Incoming::Records { offset, records }) => {
                let taken: Vec<Vec<u8>> = records.map(<[u8]>::to_vec).collect();
                assert_eq!(taken.len(), records.len());
                assert_eq!(taken.iter().map(Vec::len).sum::<usize>(), records.bytes());
                Some((offset, taken))
            }
            _ => None,
        }
    }

    proptest! {
        #[test]
        fn records_are_read_where_they_lie(
            offset: i64,
            records in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..200), 0..20),
        ) {
            for call in CALLS {
                let batch = ProtoEncodedRecordBatch {
                    records: records.iter().cloned().map(Bytes::from).collect(),
                };
                let message = encoded(call, Request::Batch(IngestRecordBatchRequest {
                    offset_id: Some(offset),
                    batch: Some(Batch::ProtoEncodedBatch(batch)),
                }));
                prop_assert_eq!(taken(call, &message), Some((offset, records.clone())));
                if let Some(record) = records.first() {
                    let message = encoded(call, Request::Record(IngestRecordRequest {
                        offset_id: Some(offset),
                        record: Some(Record::ProtoEncodedRecord(record.clone().into())),
                    }));
                    prop_assert_eq!(taken(call, &message), Some((offset, vec![record.clone()])));
                }
            }
        }

        /// What is read without the generated types is what these read.
        #[test]
        fn other_forms_are_left_to_the_generated_types(
            message in proptest::collection::vec(
                prop_oneof![Just(0x08), Just(0x12), Just(0x1a), Just(0x22), Just(0x0a), 0_u8..6, any::<u8>()],
                0..24,
            ),
        ) {
            let message = Bytes::from(message);
            for call in CALLS {
                let Some((offset, records)) = taken(call, &message) else {
                    continue;
                };
                let read = match call {
                    Call::Ephemeral => {
                        Request::of_ephemeral(EphemeralStreamRequest::decode(message.clone()).unwrap())
                    }
                    Call::Persistent => {
                        Request::of_persistent(PersistentStreamRequest::decode(message.clone()).unwrap())
                    }
                };
                let same = match read {
                    Some(Request::Record(ingest)) => {
                        let record = Record::ProtoEncodedRecord(records.concat().into());
                        ingest.offset_id == Some(offset) && ingest.record == Some(record)
                    }
                    Some(Request::Batch(ingest)) => {
                        let records = records.into_iter().map(Bytes::from).collect();
                        let batch = Batch::ProtoEncodedBatch(ProtoEncodedRecordBatch { records });
                        ingest.offset_id == Some(offset) && ingest.batch == Some(batch)
                    }
                    _ => false,
                };
                prop_assert!(same);
            }
        }
    }
}
