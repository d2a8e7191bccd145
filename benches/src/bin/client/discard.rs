//! The server: acks and discards. It looks at the frames of gRPC only, so that it keeps up with whoever sends.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body::Frame;
use http_body_util::BodyExt as _;
use prost::Message as _;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tonic::body::Body;
use tonic::server::NamedService;
use tonic::transport::server::TcpIncoming;
use tower_service::Service;
use zerobus_proto::ephemeral_stream_response::Payload;
use zerobus_proto::{CreateIngestStreamResponse, EphemeralStreamResponse, IngestRecordResponse};

use crate::case::Acks;

const LAG_RECORDS: u64 = 500_000;
const LAG_STEP: u64 = 1_000;
/// After so long a silence the rest is acked.
const LAG_END: Duration = Duration::from_millis(20);

/// Serves until the process ends. `framed`: bytes of a record in its message.
pub async fn serve(acks: Acks, framed: u64, announce: impl FnOnce(String)) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    announce(format!("http://{address}"));
    tonic::transport::Server::builder()
        .initial_stream_window_size(8 << 20)
        .initial_connection_window_size(16 << 20)
        .add_service(Discard { acks, framed })
        .serve_with_incoming(TcpIncoming::from(listener).with_nodelay(Some(true)))
        .await
        .expect("it serves");
}

#[derive(Clone)]
struct Discard {
    acks: Acks,
    framed: u64,
}

impl NamedService for Discard {
    const NAME: &'static str = "databricks.zerobus.Zerobus";
}

impl Service<Request<Body>> for Discard {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = std::future::Ready<Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let (answers, receiver) = mpsc::unbounded_channel();
        let reader = Reader {
            answers,
            messages: Messages::new(self.framed),
            acked: 0,
        };
        tokio::spawn(reader.read(request.into_body(), self.acks));
        let mut response = Response::new(Body::new(Answers(Some(receiver))));
        response.headers_mut().insert(
            http::header::CONTENT_TYPE,
            HeaderValue::from_static("application/grpc"),
        );
        std::future::ready(Ok(response))
    }
}

struct Reader {
    answers: mpsc::UnboundedSender<Bytes>,
    messages: Messages,
    /// Ingest messages.
    acked: u64,
}

impl Reader {
    async fn read(mut self, mut body: Body, acks: Acks) {
        let mut is_open = false;
        // The messages that wait for their ack, each as its number and the records up to its end.
        let mut waiting = VecDeque::new();
        let mut acked_records = 0;
        loop {
            let frame = match acks {
                Acks::Lagging => match tokio::time::timeout(LAG_END, body.frame()).await {
                    Ok(frame) => frame,
                    Err(_) => {
                        self.ack(self.messages.ended.saturating_sub(1));
                        waiting.clear();
                        acked_records = self.messages.records;
                        body.frame().await
                    }
                },
                Acks::Prompt | Acks::Withheld => body.frame().await,
            };
            let Some(Ok(frame)) = frame else {
                return;
            };
            let Ok(data) = frame.into_data() else {
                return;
            };
            self.messages.read(&data);
            if !is_open && self.messages.ended > 0 {
                is_open = true;
                self.answer(Payload::CreateStreamResponse(CreateIngestStreamResponse {
                    stream_id: Some("bench".to_owned()),
                }));
            }
            let ingested = self.messages.ended.saturating_sub(1);
            match acks {
                Acks::Prompt => self.ack(ingested),
                Acks::Withheld => {}
                Acks::Lagging => {
                    waiting.push_back((ingested, self.messages.records));
                    let due = self.messages.records.saturating_sub(LAG_RECORDS);
                    if due < acked_records + LAG_STEP {
                        continue;
                    }
                    let mut up_to = self.acked;
                    while let Some((message, records)) = waiting.front()
                        && *records <= due
                    {
                        (up_to, acked_records) = (*message, *records);
                        waiting.pop_front();
                    }
                    self.ack(up_to);
                }
            }
        }
    }

    /// Acks the first `messages` ingest messages.
    fn ack(&mut self, messages: u64) {
        if messages > self.acked {
            self.acked = messages;
            self.answer(Payload::IngestRecordResponse(IngestRecordResponse {
                durability_ack_up_to_offset: Some(messages as i64 - 1),
            }));
        }
    }

    fn answer(&self, payload: Payload) {
        let response = EphemeralStreamResponse {
            payload: Some(payload),
        };
        let mut frame = vec![0; 5];
        response.encode(&mut frame).expect("a Vec grows");
        let len = frame.len() as u32 - 5;
        frame[1..5].copy_from_slice(&len.to_be_bytes());
        // Who has gone away needs no answer.
        let _ = self.answers.send(frame.into());
    }
}

/// Where the messages of a request body end.
struct Messages {
    framed: u64,
    /// The flag and length of a message, as far as they have come.
    prefix: [u8; 5],
    prefix_len: usize,
    /// What is still to come of the message.
    rest: usize,
    ended: u64,
    records: u64,
}

impl Messages {
    fn new(framed: u64) -> Self {
        Self {
            framed,
            prefix: [0; 5],
            prefix_len: 0,
            rest: 0,
            ended: 0,
            records: 0,
        }
    }

    fn read(&mut self, mut data: &[u8]) {
        while !data.is_empty() {
            if self.prefix_len < 5 {
                let taken = data.len().min(5 - self.prefix_len);
                self.prefix[self.prefix_len..][..taken].copy_from_slice(&data[..taken]);
                self.prefix_len += taken;
                data = &data[taken..];
                if self.prefix_len < 5 {
                    return;
                }
                let [_, a, b, c, d] = self.prefix;
                let len = u32::from_be_bytes([a, b, c, d]);
                self.rest = len as usize;
                if self.ended > 0 {
                    self.records += u64::from(len) / self.framed;
                }
            }
            let taken = data.len().min(self.rest);
            self.rest -= taken;
            data = &data[taken..];
            if self.rest == 0 {
                self.prefix_len = 0;
                self.ended += 1;
            }
        }
    }
}

/// The response body; its end brings the status.
struct Answers(Option<mpsc::UnboundedReceiver<Bytes>>);

impl http_body::Body for Answers {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let Some(receiver) = &mut self.0 else {
            return Poll::Ready(None);
        };
        receiver.poll_recv(cx).map(|answer| match answer {
            Some(answer) => Some(Ok(Frame::data(answer))),
            None => {
                self.0 = None;
                let status = (
                    http::HeaderName::from_static("grpc-status"),
                    HeaderValue::from_static("0"),
                );
                Some(Ok(Frame::trailers(HeaderMap::from_iter([status]))))
            }
        })
    }
}
