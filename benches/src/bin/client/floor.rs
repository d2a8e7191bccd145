//! Messages on a plain tonic stream: batches that were encoded before, each with a header of its own, and nothing kept.

use bytes::{BufMut as _, Bytes, BytesMut};
use prost::Message as _;
use prost::encoding::{encode_varint, encoded_len_varint};
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};
use zerobus_proto::contract::EPHEMERAL_STREAM_PATH;
use zerobus_proto::ephemeral_stream_response::Payload;
use zerobus_proto::{
    CreateIngestStreamRequest, EphemeralStreamRequest, EphemeralStreamResponse,
    ephemeral_stream_request,
};

/// What a batch of the toolkit's client has by default.
const BATCH_BYTES: usize = 64 << 10;

pub struct Floor {
    channel: Channel,
    /// Framed records, as they stand in a message.
    batch: Bytes,
    batch_records: u64,
}

impl Floor {
    pub async fn open(url: &str, record: &[u8]) -> Self {
        let endpoint = Endpoint::from_shared(url.to_owned())
            .expect("the endpoint is one")
            .tcp_nodelay(true)
            .initial_stream_window_size(8 << 20)
            .initial_connection_window_size(8 << 20);
        let channel = endpoint.connect().await.expect("the server is there");
        let mut batch = BytesMut::new();
        let mut batch_records = 0;
        while batch.len() < BATCH_BYTES {
            batch.put_u8(0x0a);
            encode_varint(record.len() as u64, &mut batch);
            batch.put_slice(record);
            batch_records += 1;
        }
        Self {
            channel,
            batch: batch.freeze(),
            batch_records,
        }
    }

    /// Sends about so many records on a stream of their own and waits until they are acked. How many they were.
    pub async fn send(&self, records: u64) -> u64 {
        let messages = records.div_ceil(self.batch_records);
        let batch = self.batch.clone();
        let create = std::iter::once((Bytes::from(create_stream()), Bytes::new()));
        let batches = (0..messages).map(move |id| (header(id, batch.len()), batch.clone()));
        let mut grpc = tonic::client::Grpc::new(self.channel.clone());
        grpc.ready().await.expect("connected");
        let request = Request::new(tokio_stream::iter(create.chain(batches)));
        let path = http::uri::PathAndQuery::from_static(EPHEMERAL_STREAM_PATH);
        let response = grpc.streaming(request, path, BytesCodec).await;
        let mut responses = response.expect("it is served").into_inner();
        let last = i64::try_from(messages).unwrap_or(i64::MAX) - 1;
        while let Some(response) = responses.message().await.expect("it is served to the end") {
            if let Some(Payload::IngestRecordResponse(ack)) = response.payload
                && ack.durability_ack_up_to_offset == Some(last)
            {
                break;
            }
        }
        messages * self.batch_records
    }
}

fn create_stream() -> Vec<u8> {
    let create = CreateIngestStreamRequest {
        table_name: Some(crate::case::TABLE.to_owned()),
        ..Default::default()
    };
    let payload = Some(ephemeral_stream_request::Payload::CreateStream(create));
    EphemeralStreamRequest { payload }.encode_to_vec()
}

/// What precedes `len` bytes of framed records in the message with this offset id.
fn header(id: u64, len: usize) -> Bytes {
    let len = len as u64;
    let inner = 1 + encoded_len_varint(id) as u64 + 1 + encoded_len_varint(len) as u64 + len;
    let mut header = BytesMut::with_capacity(32);
    for (tag, value) in [(0x1a, inner), (0x08, id), (0x12, len)] {
        header.put_u8(tag);
        encode_varint(value, &mut header);
    }
    header.freeze()
}

struct BytesCodec;

impl Codec for BytesCodec {
    type Encode = (Bytes, Bytes);
    type Decode = EphemeralStreamResponse;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for BytesCodec {
    type Item = (Bytes, Bytes);
    type Error = Status;

    fn encode(
        &mut self,
        (header, batch): Self::Item,
        out: &mut EncodeBuf<'_>,
    ) -> Result<(), Status> {
        out.reserve(header.len() + batch.len());
        out.put_slice(&header);
        out.put_slice(&batch);
        Ok(())
    }
}

impl Decoder for BytesCodec {
    type Item = EphemeralStreamResponse;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<Self::Item>, Status> {
        EphemeralStreamResponse::decode(from)
            .map(Some)
            .map_err(|error| Status::internal(error.to_string()))
    }
}
