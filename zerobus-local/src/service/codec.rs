//! Messages of a stream without the detour over generated types.
//!
//! Nearly all of them are batches of protobuf records, which are read where they lie. Whatever looks any different goes
//! through the generated types, so that only these decide what is valid.

use bytes::{Buf as _, Bytes};
use prost::Message as _;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::{Code, Status};
use zerobus_proto::{EphemeralStreamRequest, EphemeralStreamResponse};

use crate::decode::wire;

// Tags: `ingest_record` and `ingest_record_batch` of a request; `offset_id` and the protobuf record or batch of
// either; `records` of a batch.
const INGEST_RECORD: u8 = 0x12;
const INGEST_RECORD_BATCH: u8 = 0x1a;
const OFFSET_ID: u8 = 0x08;
const PROTO_ENCODED: u8 = 0x12;
const RECORDS: u8 = 0x0a;

/// A message from the client.
pub(super) enum Incoming<'a> {
    /// Protobuf records, still in the message.
    Records { offset: i64, records: Records<'a> },
    /// Any other.
    Other(EphemeralStreamRequest),
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
    pub(super) fn parse(message: &'a Bytes) -> Result<Self, Status> {
        if let Some((offset, records)) = records(message) {
            return Ok(Self::Records { offset, records });
        }
        let request = EphemeralStreamRequest::decode(message.clone());
        request.map(Self::Other).map_err(|error| {
            let text = format!("The message is no EphemeralStreamRequest: {error}.");
            Status::new(Code::InvalidArgument, text)
        })
    }
}

/// The records of a message in the form that every encoder gives it: offset first, nothing else beside them.
fn records(message: &[u8]) -> Option<(i64, Records<'_>)> {
    let (&kind, mut rest) = message.split_first()?;
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
    let records = match kind {
        INGEST_RECORD => Records {
            framed: Err(Some(encoded)),
            left: 1,
            bytes: encoded.len(),
        },
        INGEST_RECORD_BATCH => Records::of_batch(encoded)?,
        _ => return None,
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
#[derive(Debug, Default)]
pub(super) struct MessageCodec;

impl Codec for MessageCodec {
    type Encode = EphemeralStreamResponse;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for MessageCodec {
    type Item = EphemeralStreamResponse;
    type Error = Status;

    fn encode(
        &mut self,
        response: EphemeralStreamResponse,
        out: &mut EncodeBuf<'_>,
    ) -> Result<(), Status> {
        response
            .encode(out)
            .map_err(|error| Status::internal(error.to_string()))
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
    use zerobus_proto::ephemeral_stream_request::Payload;
    use zerobus_proto::ingest_record_batch_request::Batch;
    use zerobus_proto::ingest_record_request::Record;
    use zerobus_proto::{IngestRecordBatchRequest, IngestRecordRequest, ProtoEncodedRecordBatch};

    use super::*;

    fn request(payload: Payload) -> Bytes {
        let request = EphemeralStreamRequest {
            payload: Some(payload),
        };
        request.encode_to_vec().into()
    }

    fn taken(message: &Bytes) -> Option<(i64, Vec<Vec<u8>>)> {
        match Incoming::parse(message) {
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
            let batch = ProtoEncodedRecordBatch {
                records: records.iter().cloned().map(Bytes::from).collect(),
            };
            let message = request(Payload::IngestRecordBatch(IngestRecordBatchRequest {
                offset_id: Some(offset),
                batch: Some(Batch::ProtoEncodedBatch(batch)),
            }));
            prop_assert_eq!(taken(&message), Some((offset, records.clone())));
            if let Some(record) = records.first() {
                let message = request(Payload::IngestRecord(IngestRecordRequest {
                    offset_id: Some(offset),
                    record: Some(Record::ProtoEncodedRecord(record.clone().into())),
                }));
                prop_assert_eq!(taken(&message), Some((offset, vec![record.clone()])));
            }
        }

        /// What is read without the generated types is what these read.
        #[test]
        fn other_forms_are_left_to_the_generated_types(
            message in proptest::collection::vec(
                prop_oneof![Just(0x08), Just(0x12), Just(0x1a), Just(0x0a), 0_u8..6, any::<u8>()],
                0..24,
            ),
        ) {
            let message = Bytes::from(message);
            if let Some((offset, records)) = taken(&message) {
                let read = EphemeralStreamRequest::decode(message).unwrap().payload.unwrap();
                let same = match read {
                    Payload::IngestRecord(ingest) => {
                        let record = Record::ProtoEncodedRecord(records.concat().into());
                        ingest.offset_id == Some(offset) && ingest.record == Some(record)
                    }
                    Payload::IngestRecordBatch(ingest) => {
                        let records = records.into_iter().map(Bytes::from).collect();
                        let batch = Batch::ProtoEncodedBatch(ProtoEncodedRecordBatch { records });
                        ingest.offset_id == Some(offset) && ingest.batch == Some(batch)
                    }
                    Payload::CreateStream(_) => false,
                };
                prop_assert!(same);
            }
        }
    }
}
