//! A million messages that hold next to nothing, as fast as a connection carries them.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{BufMut, Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::{Body, Frame};
use hyper_util::rt::{TokioExecutor, TokioIo};
use prost::Message;
use tokio::net::TcpStream;
use zerobus_proto::ephemeral_stream_request::Payload;
use zerobus_proto::ephemeral_stream_response::Payload as Response;
use zerobus_proto::{EphemeralStreamRequest, EphemeralStreamResponse, RecordType};

use crate::Local;
use crate::air_quality::{TABLE, descriptor};
use crate::client::{batch, bytes, create};
use crate::http::ingest_token;

const MESSAGES: i64 = 1_000_000;

/// So many go into one frame of data.
const TOGETHER: i64 = 5_000;

/// One message in a thousand has a record, the others have none.
struct Tiny {
    next: i64,
}

impl Tiny {
    fn put(frame: &mut BytesMut, payload: Payload) {
        let message = EphemeralStreamRequest {
            payload: Some(payload),
        };
        frame.put_u8(0);
        frame.put_u32(u32::try_from(message.encoded_len()).unwrap());
        message.encode(frame).unwrap();
    }
}

impl Body for Tiny {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        if self.next == MESSAGES {
            return Poll::Ready(None);
        }
        let mut frame = BytesMut::new();
        if self.next == 0 {
            Self::put(&mut frame, create(RecordType::Proto, descriptor()));
        }
        // `device_name` and `observed_at`, both of them zero.
        let record = vec![0x0a, 0, 0x20, 0];
        for offset in self.next..self.next + TOGETHER {
            let payload = match offset % 1_000 {
                0 => bytes(offset, record.clone()),
                _ => batch(offset, &[]),
            };
            Self::put(&mut frame, payload);
        }
        self.next += TOGETHER;
        Poll::Ready(Some(Ok(Frame::data(frame.freeze()))))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_million_tiny_messages_are_all_taken() {
    let local = Local::start().await;
    let token = ingest_token(&local.server, TABLE).await;
    let connection = TcpStream::connect(local.server.address()).await.unwrap();
    let io = TokioIo::new(connection);
    let (mut sender, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), io)
        .await
        .unwrap();
    tokio::spawn(connection);
    let request = http::Request::post(format!(
        "{}/databricks.zerobus.Zerobus/EphemeralStream",
        local.server.url()
    ))
    .header("content-type", "application/grpc")
    .header("te", "trailers")
    .header("authorization", format!("Bearer {token}"))
    .header("x-databricks-zerobus-table-name", TABLE)
    .body(Tiny { next: 0 })
    .unwrap();
    let answer = sender.send_request(request).await.unwrap();
    let answer = answer.into_body().collect().await.unwrap();
    let trailers = answer.trailers().cloned().unwrap();
    assert_eq!(trailers["grpc-status"], "0", "{trailers:?}");
    let mut acked = None;
    let mut messages = answer.to_bytes();
    while !messages.is_empty() {
        let length = u32::from_be_bytes(messages[1..5].try_into().unwrap());
        let mut message = messages.split_to(5 + usize::try_from(length).unwrap());
        let message = EphemeralStreamResponse::decode(message.split_off(5)).unwrap();
        if let Some(Response::IngestRecordResponse(ack)) = message.payload {
            assert!(ack.durability_ack_up_to_offset > acked);
            acked = ack.durability_ack_up_to_offset;
        }
    }
    assert_eq!(acked, Some(MESSAGES - 1));
    let rows: Vec<serde_json::Value> = local.server.rows(TABLE).await.unwrap();
    assert_eq!(rows.len(), 1_000);
}
