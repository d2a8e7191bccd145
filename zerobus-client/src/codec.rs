//! What travels: request frames that pass encoded records along as they are, and responses.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::{BufMut, Bytes, BytesMut};
use http_body::Frame;
use prost::Message as _;
use tokio::time::Sleep;
use tonic::Status;
use tonic::codec::{DecodeBuf, Decoder};
use zerobus_proto::{EphemeralStreamRequest, EphemeralStreamResponse};

use crate::batch::Payload;
use crate::format::Encoding;
use crate::queue::Queue;

/// Room before the records of a batch for everything that precedes them on the wire: the gRPC prefix (5), the tags
/// of `ingest_record_batch`, `offset_id` and the batch (3), their lengths (5 each) and the offset (10).
pub(crate) const HEADROOM: usize = 32;

/// A gRPC message starts with a flag, 0 for "not compressed", and its length in four bytes.
const GRPC_PREFIX: usize = 5;
/// Field 3, `ingest_record_batch`, of `EphemeralStreamRequest`.
const INGEST_RECORD_BATCH_TAG: u8 = 0x1a;
/// Field 1, `offset_id`, of `IngestRecordBatchRequest`.
const OFFSET_ID_TAG: u8 = 0x08;

/// Fields 2 and 3, `proto_encoded_batch` and `json_batch`, of `IngestRecordBatchRequest`. Both hold the records as
/// field 1, so their bytes are alike.
const fn batch_tag(encoding: Encoding) -> u8 {
    match encoding {
        Encoding::Proto => 0x12,
        Encoding::Json => 0x1a,
    }
}

/// How many bytes `value` takes as a varint.
#[inline]
pub(crate) const fn varint_len(value: u64) -> usize {
    // 9/64 stands for 1/7 and is exact for 1 to 64 bits.
    ((64 - (value | 1).leading_zeros()) as usize * 9 + 64) / 64
}

/// Fills `slot`, which is [`varint_len`] bytes long, with `value`.
#[inline]
pub(crate) fn write_varint(slot: &mut [u8], mut value: u64) {
    if let [rest @ .., last] = slot {
        for byte in rest {
            *byte = low_seven_bits(value) | 0x80;
            value >>= 7;
        }
        *last = low_seven_bits(value);
    }
}

#[inline]
const fn low_seven_bits(value: u64) -> u8 {
    value.to_le_bytes()[0] & 0x7f
}

/// What precedes `len` bytes of framed records in the message with this offset id.
fn batch_header(offset_id: i64, len: usize, encoding: Encoding) -> BytesMut {
    let offset_id = offset_id.cast_unsigned();
    let len = len as u64;
    let inner = 1 + varint_len(offset_id) as u64 + 1 + varint_len(len) as u64 + len;
    let message = 1 + varint_len(inner) as u64 + inner;

    let mut header = BytesMut::with_capacity(HEADROOM);
    header.put_u8(0);
    header.put_u32(u32::try_from(message).unwrap_or(u32::MAX));
    for (tag, value) in [
        (INGEST_RECORD_BATCH_TAG, inner),
        (OFFSET_ID_TAG, offset_id),
        (batch_tag(encoding), len),
    ] {
        header.put_u8(tag);
        let start = header.len();
        header.put_bytes(0, varint_len(value));
        if let Some(slot) = header.get_mut(start..) {
            write_varint(slot, value);
        }
    }
    header
}

/// The bytes of one message: in one piece when sent for the first time, with a new header in front of the records
/// when sent again.
pub(crate) fn batch_frames(
    offset_id: i64,
    payload: &mut Payload,
    encoding: Encoding,
) -> (Bytes, Option<Bytes>) {
    match payload {
        Payload::New(buf) => {
            let mut buf = std::mem::take(buf);
            let header = batch_header(offset_id, buf.len().saturating_sub(HEADROOM), encoding);
            let start = HEADROOM.saturating_sub(header.len());
            if let Some(room) = buf.get_mut(start..HEADROOM) {
                room.copy_from_slice(&header);
            }
            let bytes = Bytes::from(buf);
            *payload = Payload::Sent(bytes.slice(HEADROOM..));
            (bytes.slice(start..), None)
        }
        Payload::Shared(records) | Payload::Sent(records) => {
            let records = records.clone();
            *payload = Payload::Sent(records.clone());
            let header = batch_header(offset_id, records.len(), encoding);
            (header.freeze(), Some(records))
        }
    }
}

/// One request as a gRPC message.
pub(crate) fn request_frame(request: &EphemeralStreamRequest) -> Bytes {
    let len = request.encoded_len();
    let mut frame = BytesMut::with_capacity(GRPC_PREFIX + len);
    frame.put_u8(0);
    frame.put_u32(u32::try_from(len).unwrap_or(u32::MAX));
    frame.put_slice(&request.encode_to_vec());
    frame.freeze()
}

/// Messages shorter than this go out together, as far as they are there: HTTP/2 servers take a flood of small frames
/// for an attack, and each frame has its cost.
const SMALL: usize = 4 << 10;
/// What small messages are gathered to: as much as a frame holds unless the server says otherwise.
const GATHERED: usize = 16 << 10;

/// The request side of one connection: `create_stream`, then whatever the queue has for this connection.
#[derive(Debug)]
pub(crate) struct RequestBody {
    queue: Arc<Queue>,
    connection: u64,
    /// What goes out next, in order.
    next: [Option<Bytes>; 2],
    /// Until the next message may go out.
    pause: Option<Pin<Box<Sleep>>>,
}

impl RequestBody {
    pub(crate) fn new(queue: Arc<Queue>, connection: u64, create_stream: Bytes) -> Self {
        Self {
            queue,
            connection,
            next: [Some(create_stream), None],
            pause: None,
        }
    }

    fn poll_message(&mut self, cx: &mut Context<'_>) -> Poll<Option<(Bytes, Option<Bytes>)>> {
        self.queue.poll_send(self.connection, &mut self.pause, cx)
    }

    /// Adds what else is there to a small message, and keeps the first that is not small for later.
    fn gather(&mut self, first: &[u8], second: &[u8], cx: &mut Context<'_>) -> Bytes {
        let mut gathered = BytesMut::with_capacity(first.len() + second.len());
        gathered.extend_from_slice(first);
        gathered.extend_from_slice(second);
        // At the end, and when there is nothing, the queue says so again.
        while gathered.len() < GATHERED - SMALL
            && let Poll::Ready(Some((first, second))) = self.poll_message(cx)
        {
            if first.len() + second.as_ref().map_or(0, Bytes::len) >= SMALL {
                self.next = [Some(first), second];
                break;
            }
            gathered.extend_from_slice(&first);
            gathered.extend_from_slice(&second.unwrap_or_default());
        }
        gathered.freeze()
    }
}

impl http_body::Body for RequestBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let this = &mut *self;
        if let Some(frame) = this.next.iter_mut().find_map(Option::take) {
            return Poll::Ready(Some(Ok(Frame::data(frame))));
        }
        let Poll::Ready(message) = this.poll_message(cx) else {
            return Poll::Pending;
        };
        let Some((first, second)) = message else {
            return Poll::Ready(None);
        };
        let small = first.len() + second.as_ref().map_or(0, Bytes::len) < SMALL;
        let frame = if small {
            this.gather(&first, &second.unwrap_or_default(), cx)
        } else {
            this.next = [second, None];
            first
        };
        Poll::Ready(Some(Ok(Frame::data(frame))))
    }
}

/// Reads responses.
#[derive(Debug, Default)]
pub(crate) struct ResponseDecoder;

impl Decoder for ResponseDecoder {
    type Item = EphemeralStreamResponse;
    type Error = Status;

    fn decode(&mut self, src: &mut DecodeBuf<'_>) -> Result<Option<Self::Item>, Status> {
        EphemeralStreamResponse::decode(src)
            .map(Some)
            .map_err(|error| Status::internal(format!("a response cannot be decoded: {error}")))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use zerobus_proto::{
        IngestRecordBatchRequest, JsonRecordBatch, ProtoEncodedRecordBatch,
        ephemeral_stream_request, ingest_record_batch_request::Batch as Batches,
    };

    use super::*;
    use crate::batch::{Batch, BatchLimits};

    const LIMITS: BatchLimits = BatchLimits {
        bytes: 1 << 20,
        records: 1 << 20,
        message_bytes: 1 << 20,
    };

    fn payload(records: &[Vec<u8>]) -> Payload {
        let mut batch = Batch::with_capacity(0);
        for record in records {
            batch
                .append(&LIMITS, |out| {
                    out.extend_from_slice(record);
                    Ok(())
                })
                .unwrap();
        }
        batch.into_payload()
    }

    fn joined((first, second): (Bytes, Option<Bytes>)) -> Vec<u8> {
        [first, second.unwrap_or_default()].concat()
    }

    fn expected(offset_id: i64, records: &[Vec<u8>], encoding: Encoding) -> Bytes {
        let batch = match encoding {
            Encoding::Proto => Batches::ProtoEncodedBatch(ProtoEncodedRecordBatch {
                records: records.iter().cloned().map(Into::into).collect(),
            }),
            Encoding::Json => Batches::JsonBatch(JsonRecordBatch {
                records: records
                    .iter()
                    .cloned()
                    .map(|record| String::from_utf8(record).unwrap())
                    .collect(),
            }),
        };
        request_frame(&EphemeralStreamRequest {
            payload: Some(ephemeral_stream_request::Payload::IngestRecordBatch(
                IngestRecordBatchRequest {
                    offset_id: Some(offset_id),
                    batch: Some(batch),
                },
            )),
        })
    }

    proptest! {
        #[test]
        fn first_and_later_sendings_are_what_prost_writes(
            first_id in 0i64..,
            second_id in 0i64..40_000,
            lens in proptest::collection::vec(prop_oneof![0usize..3, 100usize..200, 17_000usize..17_010], 0..5),
        ) {
            let records: Vec<_> = lens.into_iter().map(|len| vec![9; len]).collect();
            for encoding in [Encoding::Proto, Encoding::Json] {
                let mut payload = payload(&records);
                for id in [first_id, second_id] {
                    prop_assert_eq!(joined(batch_frames(id, &mut payload, encoding)), expected(id, &records, encoding));
                }
            }
        }

        #[test]
        fn varint_len_is_prosts(value: u64, shift in 0u32..64) {
            let value = value >> shift;
            prop_assert_eq!(varint_len(value), prost::encoding::encoded_len_varint(value));
        }
    }

    #[test]
    fn the_largest_header_fits_the_headroom() {
        assert!(batch_header(i64::MAX, u32::MAX as usize, Encoding::Json).len() <= HEADROOM);
        assert!(batch_header(-1, u32::MAX as usize, Encoding::Proto).len() <= HEADROOM);
    }
}
