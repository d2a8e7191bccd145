//! A server that does what the test tells it, one connection at a time.

use std::net::SocketAddr;
use std::pin::Pin;
use std::process::Command;

use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_stream::wrappers::UnboundedReceiverStream;
use tonic::metadata::MetadataMap;
use tonic::transport::ServerTlsConfig;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status, Streaming};
use zerobus_proto::ephemeral_stream_response::Payload as Answer;
use zerobus_proto::zerobus_server::{Zerobus, ZerobusServer};
use zerobus_proto::{
    CloseStreamSignal, CreateIngestStreamRequest, CreateIngestStreamResponse,
    EphemeralStreamRequest, EphemeralStreamResponse, IngestRecordResponse, PersistentStreamRequest,
    PersistentStreamResponse, RetireStreamRequest, RetireStreamResponse, ephemeral_stream_request,
    ingest_record_batch_request,
};
use zerobus_tests::child;

type Responses<T> = Pin<Box<dyn tokio_stream::Stream<Item = Result<T, Status>> + Send>>;

/// Listens; each call of `EphemeralStream` is handed to the test.
pub(crate) struct Server {
    address: SocketAddr,
    url: String,
    calls: mpsc::UnboundedReceiver<Call>,
    task: tokio::task::JoinHandle<()>,
}

impl Server {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self::serve(listener, None)
    }

    pub(crate) async fn start_tls(tls: ServerTlsConfig) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self::serve(listener, Some(tls))
    }

    fn serve(listener: TcpListener, tls: Option<ServerTlsConfig>) -> Self {
        let address = listener.local_addr().unwrap();
        let (calls, receiver) = mpsc::unbounded_channel();
        let service = ZerobusServer::new(Handler { calls }).max_decoding_message_size(32 << 20);
        let scheme = if tls.is_some() { "https" } else { "http" };
        let url = format!("{scheme}://{address}");
        let mut server = tonic::transport::Server::builder();
        if let Some(tls) = tls {
            server = server.tls_config(tls).unwrap();
        }
        let task = tokio::spawn(async move {
            server
                .add_service(service)
                .serve_with_incoming(TcpIncoming::from(listener).with_nodelay(Some(true)))
                .await
                .unwrap();
        });
        Self {
            address,
            url,
            calls: receiver,
            task,
        }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn url(&self) -> String {
        self.url.clone()
    }

    /// Ends the server with all its connections and starts it again on the same port.
    pub(crate) async fn restart(self) -> Self {
        let address = self.address;
        self.task.abort();
        drop(self);
        loop {
            // The port is free once the old listener's task has been dropped.
            tokio::task::yield_now().await;
            if let Ok(listener) = TcpListener::bind(address).await {
                return Self::serve(listener, None);
            }
        }
    }

    /// The next call, as it came.
    pub(crate) async fn call(&mut self) -> Call {
        self.calls.recv().await.expect("the server is gone")
    }

    /// The same, but for calls that are gone before they are open.
    pub(crate) async fn opened_at_last(&mut self) -> Call {
        loop {
            let mut call = self.call().await;
            if let Ok(Some(_)) = call.requests.message().await {
                call.created("stream");
                return call;
            }
        }
    }

    /// The next call, opened: `create_stream` read and answered.
    pub(crate) async fn opened(&mut self) -> Call {
        let mut call = self.call().await;
        call.create_stream().await;
        call.created("stream");
        call
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// One call of `EphemeralStream`.
pub(crate) struct Call {
    pub(crate) metadata: MetadataMap,
    requests: Streaming<EphemeralStreamRequest>,
    responses: mpsc::UnboundedSender<Result<EphemeralStreamResponse, Status>>,
}

impl Call {
    pub(crate) async fn create_stream(&mut self) -> CreateIngestStreamRequest {
        match self.requests.message().await.unwrap().unwrap().payload {
            Some(ephemeral_stream_request::Payload::CreateStream(create)) => create,
            other => panic!("expected create_stream, got {other:?}"),
        }
    }

    /// The next message: its offset id and its records. `None` when the client has half-closed.
    pub(crate) async fn try_batch(&mut self) -> Option<(i64, Vec<String>)> {
        let request = self.requests.message().await.ok().flatten()?;
        let Some(ephemeral_stream_request::Payload::IngestRecordBatch(batch)) = request.payload
        else {
            panic!("expected ingest_record_batch, got {request:?}");
        };
        let texts = match batch.batch {
            Some(ingest_record_batch_request::Batch::ProtoEncodedBatch(batch)) => {
                crate::record::texts_of(batch.records)
            }
            Some(ingest_record_batch_request::Batch::JsonBatch(batch)) => batch.records,
            other => panic!("expected proto_encoded_batch or json_batch, got {other:?}"),
        };
        Some((batch.offset_id.unwrap(), texts))
    }

    pub(crate) async fn batch(&mut self) -> (i64, Vec<String>) {
        self.try_batch().await.expect("the client has half-closed")
    }

    /// Messages until `records` records have come; their offset ids must be sequential from `first`. Returns the
    /// records and the last offset id.
    pub(crate) async fn records(&mut self, first: i64, records: usize) -> (Vec<String>, i64) {
        let mut texts = Vec::new();
        let mut expected = first;
        while texts.len() < records {
            let (id, batch) = self.batch().await;
            assert_eq!(id, expected);
            expected += 1;
            texts.extend(batch);
        }
        (texts, expected - 1)
    }

    pub(crate) fn created(&self, stream_id: &str) {
        self.answer(Answer::CreateStreamResponse(CreateIngestStreamResponse {
            stream_id: Some(stream_id.to_owned()),
        }));
    }

    pub(crate) fn ack(&self, up_to: i64) {
        self.answer(Answer::IngestRecordResponse(IngestRecordResponse {
            durability_ack_up_to_offset: Some(up_to),
        }));
    }

    pub(crate) fn close_signal(&self, seconds: i64) {
        self.answer(Answer::CloseStreamSignal(CloseStreamSignal {
            duration: Some(prost_types::Duration { seconds, nanos: 0 }),
        }));
    }

    fn answer(&self, payload: Answer) {
        let response = EphemeralStreamResponse {
            payload: Some(payload),
        };
        // The client may be gone; then the test sees it elsewhere.
        let _ = self.responses.send(Ok(response));
    }

    /// Ends the call with an error.
    pub(crate) fn fail(self, status: Status) {
        let _ = self.responses.send(Err(status));
    }

    /// Ends the call with OK.
    pub(crate) fn end(self) {}
}

struct Handler {
    calls: mpsc::UnboundedSender<Call>,
}

#[tonic::async_trait]
impl Zerobus for Handler {
    type EphemeralStreamStream = Responses<EphemeralStreamResponse>;
    type PersistentStreamStream = Responses<PersistentStreamResponse>;

    async fn ephemeral_stream(
        &self,
        request: Request<Streaming<EphemeralStreamRequest>>,
    ) -> Result<Response<Self::EphemeralStreamStream>, Status> {
        let (responses, receiver) = mpsc::unbounded_channel();
        let (metadata, _, requests) = request.into_parts();
        let call = Call {
            metadata,
            requests,
            responses,
        };
        self.calls
            .send(call)
            .map_err(|_| Status::unavailable("the test is over"))?;
        Ok(Response::new(Box::pin(UnboundedReceiverStream::new(
            receiver,
        ))))
    }

    async fn persistent_stream(
        &self,
        _: Request<Streaming<PersistentStreamRequest>>,
    ) -> Result<Response<Self::PersistentStreamStream>, Status> {
        Err(Status::unimplemented("persistent streams"))
    }

    async fn retire_stream(
        &self,
        _: Request<RetireStreamRequest>,
    ) -> Result<Response<RetireStreamResponse>, Status> {
        Err(Status::unimplemented("persistent streams"))
    }
}

/// Runs a test in a process of its own to its end, and what it is served with beside it.
pub(crate) async fn run_child<T>(command: Command, serve: impl Future<Output = T>) -> T {
    let ran = async {
        let ran = tokio::task::spawn_blocking(|| child::run(command)).await;
        // Told at once, whether or not anything was asked of the server.
        ran.unwrap().unwrap_or_else(|failed| panic!("{failed}"));
    };
    tokio::join!(serve, ran).0
}
