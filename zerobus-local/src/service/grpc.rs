//! The gRPC service `databricks.zerobus.Zerobus`.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request as HttpRequest, Response as HttpResponse};
use hyper::body::Incoming;
use tokio::sync::mpsc;
use tonic::body::Body;
use tonic::codegen::tokio_stream::wrappers::ReceiverStream;
use tonic::codegen::{BoxFuture, Service as _};
use tonic::server::StreamingService;
use tonic::{Request, Response, Status, Streaming};
use zerobus_proto::contract::{EPHEMERAL_STREAM_PATH, SERVER_RECEIVE_LIMIT};
use zerobus_proto::zerobus_server::{Zerobus, ZerobusServer};
use zerobus_proto::{
    EphemeralStreamRequest, EphemeralStreamResponse, PersistentStreamRequest,
    PersistentStreamResponse, RetireStreamRequest, RetireStreamResponse,
};

use super::access::authorize;
use super::codec::MessageCodec;
use super::stop::Stop;
use super::stream::Ingest;
use super::table::Tables;
use super::token::Tokens;

/// Answers that may wait for a client that does not read them.
const ANSWERS_MAX: usize = 16;

type Answers<T> = ReceiverStream<Result<T, Status>>;

/// Where streams are opened.
#[derive(Debug, Clone)]
pub(super) struct Grpc {
    tables: Arc<Tables>,
    tokens: Arc<Tokens>,
    stop: Stop,
    stream_lifetime: Duration,
}

impl Grpc {
    pub(super) fn new(
        tables: Arc<Tables>,
        tokens: Arc<Tokens>,
        stop: Stop,
        stream_lifetime: Duration,
    ) -> Self {
        Self {
            tables,
            tokens,
            stop,
            stream_lifetime,
        }
    }

    pub(super) async fn answer(self, request: HttpRequest<Incoming>) -> HttpResponse<Body> {
        if request.uri().path() == EPHEMERAL_STREAM_PATH {
            let mut grpc = tonic::server::Grpc::new(MessageCodec)
                .apply_max_message_size_config(Some(SERVER_RECEIVE_LIMIT), None);
            return grpc.streaming(self, request).await;
        }
        match ZerobusServer::new(Unserved).call(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        }
    }
}

impl StreamingService<Bytes> for Grpc {
    type Response = EphemeralStreamResponse;
    type ResponseStream = Answers<EphemeralStreamResponse>;
    type Future = BoxFuture<Response<Self::ResponseStream>, Status>;

    /// Returns, and so sends the response headers, before anything of the request is read: there are clients that
    /// send nothing until they have seen them.
    fn call(&mut self, request: Request<Streaming<Bytes>>) -> Self::Future {
        let opened = authorize(request.metadata(), &self.tokens, &self.tables).map(|access| {
            let (answers, responses) = mpsc::channel(ANSWERS_MAX);
            let ingest = Ingest::new(access, answers, self.stop.clone(), self.stream_lifetime);
            tokio::spawn(ingest.run(request.into_inner()));
            Response::new(ReceiverStream::new(responses))
        });
        Box::pin(std::future::ready(opened))
    }
}

/// The rest of the service.
struct Unserved;

#[tonic::async_trait]
impl Zerobus for Unserved {
    type EphemeralStreamStream = Answers<EphemeralStreamResponse>;
    type PersistentStreamStream = Answers<PersistentStreamResponse>;

    async fn ephemeral_stream(
        &self,
        _: Request<Streaming<EphemeralStreamRequest>>,
    ) -> Result<Response<Self::EphemeralStreamStream>, Status> {
        Err(Status::unimplemented("Served elsewhere."))
    }

    async fn persistent_stream(
        &self,
        _: Request<Streaming<PersistentStreamRequest>>,
    ) -> Result<Response<Self::PersistentStreamStream>, Status> {
        Err(Status::unimplemented(
            "Persistent streams are not supported; open an EphemeralStream.",
        ))
    }

    async fn retire_stream(
        &self,
        _: Request<RetireStreamRequest>,
    ) -> Result<Response<RetireStreamResponse>, Status> {
        Err(Status::unimplemented(
            "Persistent streams are not supported, so there is none to retire.",
        ))
    }
}
