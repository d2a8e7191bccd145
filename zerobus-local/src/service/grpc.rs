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
use zerobus_proto::contract::{
    EPHEMERAL_STREAM_PATH, PERSISTENT_STREAM_PATH, SERVER_RECEIVE_LIMIT,
};
use zerobus_proto::retire_stream_request::Identifier;
use zerobus_proto::zerobus_server::{Zerobus, ZerobusServer};
use zerobus_proto::{
    EphemeralStreamRequest, EphemeralStreamResponse, PersistentStreamRequest,
    PersistentStreamResponse, RetireStreamRequest, RetireStreamResponse,
};

use super::access::{authorize, parse_name};
use super::codec::{Call, MessageCodec, Told};
use super::persistent::{self, Problem};
use super::reader::Injection;
use super::status::stopping;
use super::stop::Stop;
use super::stream::Ingest;
use super::table::Tables;
use super::token::Tokens;
use crate::faults::Faults;

/// Answers that may wait for a client that does not read them.
const ANSWERS_MAX: usize = 16;

type Answers<T> = ReceiverStream<Result<T, Status>>;

/// Where streams are opened.
#[derive(Debug, Clone)]
pub(super) struct Grpc {
    tables: Arc<Tables>,
    tokens: Arc<Tokens>,
    faults: Arc<Faults>,
    stop: Stop,
    stream_lifetime: Duration,
}

impl Grpc {
    pub(super) fn new(
        tables: Arc<Tables>,
        tokens: Arc<Tokens>,
        faults: Arc<Faults>,
        stop: Stop,
        stream_lifetime: Duration,
    ) -> Self {
        Self {
            tables,
            tokens,
            faults,
            stop,
            stream_lifetime,
        }
    }

    pub(super) async fn answer(self, request: HttpRequest<Incoming>) -> HttpResponse<Body> {
        let call = match request.uri().path() {
            EPHEMERAL_STREAM_PATH => Call::Ephemeral,
            PERSISTENT_STREAM_PATH => Call::Persistent,
            _ => {
                let Ok(response) = ZerobusServer::new(self).call(request).await;
                return response;
            }
        };
        let mut grpc = tonic::server::Grpc::new(MessageCodec(call))
            .apply_max_message_size_config(Some(SERVER_RECEIVE_LIMIT), None);
        grpc.streaming(Streams { grpc: self, call }, request).await
    }
}

/// One of the two calls that are streams.
struct Streams {
    grpc: Grpc,
    call: Call,
}

impl StreamingService<Bytes> for Streams {
    type Response = Told;
    type ResponseStream = Answers<Told>;
    type Future = BoxFuture<Response<Self::ResponseStream>, Status>;

    /// Returns, and so sends the response headers, before anything of the request is read: there are clients that
    /// send nothing until they have seen them.
    fn call(&mut self, request: Request<Streaming<Bytes>>) -> Self::Future {
        let Self { grpc, call } = self;
        let opened = authorize(request.metadata(), &grpc.tokens, &grpc.tables).map(|access| {
            let (answers, responses) = mpsc::channel(ANSWERS_MAX);
            let (stop, lifetime) = (grpc.stop.clone(), grpc.stream_lifetime);
            let injection = Injection {
                faults: Arc::clone(&grpc.faults),
                tokens: Arc::clone(&grpc.tokens),
                cut: request.extensions().get().cloned().unwrap_or_default(),
            };
            let ingest = Ingest::new(access, *call, answers, stop, lifetime, injection);
            tokio::spawn(ingest.run(request.into_inner()));
            Response::new(ReceiverStream::new(responses))
        });
        Box::pin(std::future::ready(opened))
    }
}

/// The rest of the service.
#[tonic::async_trait]
impl Zerobus for Grpc {
    type EphemeralStreamStream = Answers<EphemeralStreamResponse>;
    type PersistentStreamStream = Answers<PersistentStreamResponse>;

    async fn ephemeral_stream(
        &self,
        _: Request<Streaming<EphemeralStreamRequest>>,
    ) -> Result<Response<Self::EphemeralStreamStream>, Status> {
        Err(served_elsewhere())
    }

    async fn persistent_stream(
        &self,
        _: Request<Streaming<PersistentStreamRequest>>,
    ) -> Result<Response<Self::PersistentStreamStream>, Status> {
        Err(served_elsewhere())
    }

    async fn retire_stream(
        &self,
        request: Request<RetireStreamRequest>,
    ) -> Result<Response<RetireStreamResponse>, Status> {
        let access = authorize(request.metadata(), &self.tokens, &self.tables)?;
        let table = access.table;
        let retire = request.into_inner();
        let name = parse_name(retire.table_name())?;
        if name != table.name {
            return Err(Status::invalid_argument(format!(
                "The request names table {name}, the call's metadata names {}.",
                table.name
            )));
        }
        let Some(Identifier::StreamId(stream_id)) = retire.identifier else {
            return Err(Status::invalid_argument(
                "The request must name a stream_id.",
            ));
        };
        let refused = |problem: Problem| problem.status(&table.name, &stream_id);
        let app_id = persistent::app_id(&stream_id).ok_or_else(|| refused(Problem::Unknown))?;
        let retired = table.writer.retire(&app_id).await;
        retired.ok_or_else(stopping)?.map_err(refused)?;
        Ok(Response::new(RetireStreamResponse {}))
    }
}

fn served_elsewhere() -> Status {
    Status::internal("Streams are not served here.")
}
