//! A service that does everything differently and nothing wrong: the client relies on what is published, and not on what
//! one server happens to do.

use std::io;

use bytes::{Buf as _, Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, Response};
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use prost::Message as _;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use tokio_stream::wrappers::UnboundedReceiverStream;
use tonic::Status;
use zerobus_client::{Client, Error, GrpcCode, Stream, StreamOptions, StreamState};
use zerobus_proto::EphemeralStreamRequest;
use zerobus_proto::ephemeral_stream_request::Payload;
use zerobus_proto::ingest_record_batch_request::Batch;

use crate::delivery::open;
use crate::record::{Line, numbered, texts_of};
use crate::recovery::eager;
use crate::server::Server;

type Answer = StreamBody<UnboundedReceiverStream<Result<Frame<Bytes>, io::Error>>>;

/// A server that is told each byte of its answers.
struct Raw {
    url: String,
    calls: mpsc::UnboundedReceiver<RawCall>,
}

/// One call. Dropped, it ends the answer where it stands, without trailers.
struct RawCall {
    requests: Incoming,
    read: BytesMut,
    head: Option<oneshot::Sender<Response<Answer>>>,
    frames: Option<mpsc::UnboundedSender<Result<Frame<Bytes>, io::Error>>>,
}

impl Raw {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (calls, receiver) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                let calls = calls.clone();
                let service = service_fn(move |request: http::Request<Incoming>| {
                    let (head, headed) = oneshot::channel();
                    let _ = calls.send(RawCall {
                        requests: request.into_body(),
                        read: BytesMut::new(),
                        head: Some(head),
                        frames: None,
                    });
                    headed
                });
                let http2 = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
                tokio::spawn(http2.serve_connection(TokioIo::new(connection), service));
            }
        });
        Self {
            url,
            calls: receiver,
        }
    }

    fn client(&self) -> Client {
        let builder = Client::builder().endpoint(&self.url);
        builder.ingest_token("secret").build().unwrap()
    }

    /// The next call, with `create_stream` read and nothing answered.
    async fn call(&mut self) -> RawCall {
        let mut call = self.calls.recv().await.unwrap();
        let first = call.request().await.unwrap();
        assert!(matches!(first, Payload::CreateStream(_)), "{first:?}");
        call
    }

    /// The next call, opened.
    async fn opened(&mut self) -> RawCall {
        let mut call = self.call().await;
        call.begin(Some("application/grpc"));
        call.send(&[CREATED]);
        call
    }
}

impl RawCall {
    async fn request(&mut self) -> Option<Payload> {
        loop {
            if let Some(mut prefix) = self.read.get(1..5) {
                let len = 5 + prefix.get_u32() as usize;
                if self.read.len() >= len {
                    let message = self.read.split_to(len).split_off(5);
                    let request = EphemeralStreamRequest::decode(message).unwrap();
                    return request.payload;
                }
            }
            let frame = self.requests.frame().await?.ok()?;
            self.read.extend_from_slice(&frame.into_data().unwrap());
        }
    }

    async fn records(&mut self, count: usize) -> Vec<String> {
        let mut records = Vec::new();
        while records.len() < count {
            let Some(Payload::IngestRecordBatch(message)) = self.request().await else {
                panic!("expected ingest_record_batch");
            };
            let Some(Batch::ProtoEncodedBatch(batch)) = message.batch else {
                panic!("expected proto_encoded_batch");
            };
            records.extend(texts_of(batch.records));
        }
        records
    }

    /// Sends the response's headers.
    fn begin(&mut self, content_type: Option<&'static str>) {
        let (frames, receiver) = mpsc::unbounded_channel();
        let mut head = Response::new(StreamBody::new(UnboundedReceiverStream::new(receiver)));
        if let Some(content_type) = content_type {
            let value = HeaderValue::from_static(content_type);
            head.headers_mut().insert("content-type", value);
        }
        self.frames = Some(frames);
        let _ = self.head.take().unwrap().send(head);
    }

    fn frame(&self, frame: Result<Frame<Bytes>, io::Error>) {
        let _ = self.frames.as_ref().unwrap().send(frame);
    }

    /// Sends these responses in one DATA frame.
    fn send(&self, responses: &[&[u8]]) {
        self.frame(Ok(Frame::data(framed(responses))));
    }

    /// Ends the answer with these trailers.
    fn trailers(self, trailers: &[(&'static str, &str)]) {
        let mut map = HeaderMap::new();
        for (name, value) in trailers {
            map.insert(*name, HeaderValue::from_str(value).unwrap());
        }
        self.frame(Ok(Frame::trailers(map)));
    }
}

fn framed(responses: &[&[u8]]) -> Bytes {
    let mut data = Vec::new();
    for response in responses {
        data.push(0);
        data.extend_from_slice(&u32::try_from(response.len()).unwrap().to_be_bytes());
        data.extend_from_slice(response);
    }
    data.into()
}

/// `create_stream_response` with an empty name.
const CREATED: &[u8] = &[0x0a, 0];
/// Field 15 of the response, of which nothing is known, with a message in it.
const UNKNOWN: &[u8] = &[0x7a, 2, 0x08, 1];

/// An ack with fields of which nothing is known, within it and beside it.
fn ack(up_to: u8) -> Vec<u8> {
    vec![0x12, 5, 0x08, up_to, 0x7a, 1, b'?', 0xc0, 0x3e, 7]
}

async fn raw_open(
    server: &mut Raw,
    configure: impl FnOnce(&mut StreamOptions),
) -> (Stream<Line<'static>>, RawCall) {
    let stream = server.client().stream::<Line<'_>>().configure(configure);
    let (stream, call) = tokio::join!(stream.open(), server.opened());
    (stream.unwrap(), call)
}

fn one_by_one(options: &mut StreamOptions) {
    eager(options);
    options.batch_records = 1;
}

#[tokio::test]
async fn responses_and_fields_of_which_nothing_is_known_are_passed_over() {
    let mut server = Raw::start().await;
    let builder = server.client().stream::<Line<'_>>();
    let (stream, mut call) = tokio::join!(builder.configure(one_by_one).open(), async {
        let mut call = server.call().await;
        // The headers come late, something unknown first, and a message in three pieces.
        call.begin(Some("application/grpc+proto"));
        call.send(&[UNKNOWN, &[], UNKNOWN]);
        for byte in framed(&[&[0x0a, 5, 0x7a, 3, b'n', b'e', b'w']]) {
            call.frame(Ok(Frame::data(vec![byte].into())));
        }
        call
    });
    let mut stream = stream.unwrap();
    assert_eq!(stream.stream_id(), "");
    for text in numbered(0..10) {
        stream.ingest_record(&Line(&text)).await.unwrap();
    }
    assert_eq!(call.records(10).await, numbered(0..10));
    call.send(&[UNKNOWN, &ack(3), &ack(3), UNKNOWN, &ack(8)]);
    stream.wait_for_offset(8).await.unwrap();
    call.send(&[&ack(8), &ack(9)]);
    stream.flush().await.unwrap();
    assert_eq!(stream.reconnects(), 0);
}

#[tokio::test]
async fn however_an_answer_ends_what_is_not_acked_is_sent_again() {
    let mut server = Raw::start().await;
    let (mut stream, mut call) = raw_open(&mut server, one_by_one).await;
    for text in numbered(0..3) {
        stream.ingest_record(&Line(&text)).await.unwrap();
    }
    for end in 0..8 {
        assert_eq!(call.records(3).await, numbered(0..3), "{end}");
        match end {
            0 => drop(call),
            1 => call.frame(Err(io::Error::other("reset"))),
            2 => call.trailers(&[("grpc-status", "0")]),
            3 => call.trailers(&[("x-something", "else")]),
            // No code at the end of the text, no text, a text that is none, a status that is none.
            4 => call.trailers(&[("grpc-status", "14"), ("grpc-message", "gone")]),
            5 => call.trailers(&[("grpc-status", "13")]),
            6 => call.trailers(&[("grpc-status", "2"), ("grpc-message", "%ff%zz")]),
            _ => call.trailers(&[("grpc-status", "many")]),
        }
        call = server.opened().await;
    }
    assert_eq!(call.records(3).await, numbered(0..3));
    call.send(&[&ack(2)]);
    stream.flush().await.unwrap();
    assert_eq!(stream.reconnects(), 8);
}

#[tokio::test]
async fn a_message_that_breaks_off_is_no_ack() {
    let mut server = Raw::start().await;
    let (mut stream, mut call) = raw_open(&mut server, one_by_one).await;
    stream.ingest_record(&Line("a")).await.unwrap();
    call.records(1).await;
    let whole = framed(&[&ack(0)]);
    call.frame(Ok(Frame::data(whole.slice(..whole.len() - 3))));
    drop(call);
    let mut call = server.opened().await;
    assert_eq!(call.records(1).await, ["a"]);
    assert_eq!(stream.acked_offset(), None);
    call.send(&[&ack(0)]);
    stream.flush().await.unwrap();
}

#[tokio::test]
async fn a_reason_of_any_length_is_told() {
    let mut server = Raw::start().await;
    let (mut stream, mut call) = raw_open(&mut server, eager).await;
    stream.ingest_record(&Line("a")).await.unwrap();
    call.records(1).await;
    // A column each, of as many as a table may have.
    let columns: Vec<String> = (0..2_000).map(|n| format!("column_{n}")).collect();
    let text = format!(
        "Unknown columns {}. Error Code: 4044, Error State: 0.",
        columns.join(", ")
    );
    call.trailers(&[("grpc-status", "3"), ("grpc-message", &text)]);
    let error = stream.flush().await.unwrap_err();
    assert!(
        matches!(&error, Error::Status { error } if error.code() == GrpcCode::InvalidArgument),
        "{error}"
    );
    assert!(error.to_string().contains("column_99"), "{error}");
    assert_eq!(texts_of(stream.get_unacked_records()), ["a"]);
}

#[tokio::test]
async fn what_is_no_grpc_is_told_as_such() {
    let mut server = Raw::start().await;
    let builder = server.client().stream::<Line<'_>>();
    let (opened, ()) = tokio::join!(
        builder.configure(|options| options.recovery = false).open(),
        async {
            let mut call = server.call().await;
            call.begin(Some("text/html; charset=utf-8"));
            call.frame(Ok(Frame::data("<html>Sign in</html>".into())));
        }
    );
    let error = opened.unwrap_err().to_string();
    assert!(
        error.contains("text/html") && error.contains("gateway"),
        "{error}"
    );
}

#[tokio::test]
async fn acks_may_be_rare_and_come_twice() {
    let mut server = Server::start().await;
    let (mut stream, mut call) = open(&mut server, one_by_one).await;
    for text in numbered(0..5_000) {
        stream.ingest_record(&Line(&text)).await.unwrap();
    }
    let (records, last) = call.records(0, 5_000).await;
    assert_eq!((records.len(), last), (5_000, 4_999));
    for up_to in [-1, 0, 0, 4_998, 4_998, 4_998] {
        call.ack(up_to);
    }
    stream.wait_for_offset(4_998).await.unwrap();
    assert_eq!(stream.acked_offset(), Some(4_998));
    call.ack(4_999);
    call.ack(4_999);
    stream.flush().await.unwrap();
    stream.ingest_record(&Line("on")).await.unwrap();
    call.records(5_000, 1).await;
    call.ack(5_000);
    stream.flush().await.unwrap();
    assert_eq!(stream.reconnects(), 0);
}

#[tokio::test]
async fn a_close_signal_may_leave_any_time_or_none() {
    // Nothing said of the time, no time, none that there is, an instant, the past, for ever.
    let none: &[u8] = &[];
    let durations: [&[u8]; 6] = [
        none,
        &[0x0a, 0],
        &[0x0a, 4, 0x08, 0, 0x10, 0],
        &[0x0a, 2, 0x10, 1],
        &[
            0x0a, 11, 0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1,
        ],
        &[
            0x0a, 10, 0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f,
        ],
    ];
    for duration in durations {
        let mut server = Raw::start().await;
        let (mut stream, mut call) = raw_open(&mut server, one_by_one).await;
        // Something acked: a service that sends streams away at once is another case.
        stream.ingest_record(&Line("0")).await.unwrap();
        call.records(1).await;
        call.send(&[&ack(0)]);
        stream.flush().await.unwrap();
        stream.ingest_record(&Line("1")).await.unwrap();
        call.records(1).await;
        let signal = [&[0x1a, u8::try_from(duration.len()).unwrap()], duration].concat();
        // Twice, and the ack comes after it; or the service ends the stream first.
        call.send(&[&signal, &signal]);
        call.send(&[&ack(1)]);
        call.trailers(&[("grpc-status", "0")]);
        let mut call = server.opened().await;
        stream.ingest_record(&Line("2")).await.unwrap();
        let mut last = call.records(1).await.pop();
        if last.as_deref() == Some("1") {
            last = call.records(1).await.pop();
            call.send(&[&ack(1)]);
        } else {
            call.send(&[&ack(0)]);
        }
        assert_eq!(last.as_deref(), Some("2"), "{duration:?}");
        stream.flush().await.unwrap();
        assert_eq!(stream.state(), StreamState::Opened, "{duration:?}");
    }
}

#[tokio::test]
async fn a_service_that_calls_everything_internal_gets_its_retries_and_no_more() {
    for isolates in [false, true] {
        let mut server = Server::start().await;
        let mut builder = crate::delivery::client(&server).stream::<Line<'static>>();
        if isolates {
            builder = builder.dead_letters(|letter| panic!("{letter:?}"));
        }
        let builder = builder.configure(|options| {
            eager(options);
            options.recovery_retries = 3;
        });
        let (stream, mut call) = tokio::join!(builder.open(), server.opened());
        let mut stream = stream.unwrap();
        for text in numbered(0..5) {
            stream.ingest_record(&Line(&text)).await.unwrap();
        }
        let mut connections = 1;
        let end = async {
            loop {
                call.records(0, 1).await;
                call.fail(Status::internal("boom"));
                call = server.opened().await;
                connections += 1;
            }
        };
        let error = tokio::select! {
            flushed = stream.flush() => flushed.unwrap_err(),
            () = end => unreachable!(),
        };
        assert!(
            matches!(error, Error::RetriesExhausted { failures: 4, .. }),
            "{error}"
        );
        assert!(error.to_string().contains("boom"), "{error}");
        assert_eq!(connections, 4);
        assert_eq!(texts_of(stream.get_unacked_records()), numbered(0..5));
    }
}

#[tokio::test]
async fn closing_does_not_depend_on_the_service_ending_the_stream() {
    let mut server = Server::start().await;
    let (mut stream, mut call) = open(&mut server, eager).await;
    stream.ingest_record(&Line("a")).await.unwrap();
    call.records(0, 1).await;
    call.ack(0);
    stream.close().await.unwrap();
    assert_eq!(stream.state(), StreamState::Closed);
    assert!(call.try_batch().await.is_none());
}
