//! The gRPC service `databricks.zerobus.Zerobus`.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tonic::codegen::tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};
use zerobus_proto::contract::SERVER_RECEIVE_LIMIT;
use zerobus_proto::zerobus_server::{Zerobus, ZerobusServer};
use zerobus_proto::{
    EphemeralStreamRequest, EphemeralStreamResponse, PersistentStreamRequest,
    PersistentStreamResponse, RetireStreamRequest, RetireStreamResponse,
};

use super::access::authorize;
use super::stop::Stop;
use super::stream::Ingest;
use super::table::Tables;
use super::token::Tokens;

/// Answers that may wait for a client that does not read them.
const ANSWERS_MAX: usize = 16;

#[derive(Debug)]
pub(super) struct Grpc {
    tables: Arc<Tables>,
    tokens: Arc<Tokens>,
    stop: Stop,
    stream_lifetime: Duration,
}

impl Grpc {
    pub(super) fn server(
        tables: Arc<Tables>,
        tokens: Arc<Tokens>,
        stop: Stop,
        stream_lifetime: Duration,
    ) -> ZerobusServer<Self> {
        let grpc = Self {
            tables,
            tokens,
            stop,
            stream_lifetime,
        };
        ZerobusServer::new(grpc).max_decoding_message_size(SERVER_RECEIVE_LIMIT)
    }
}

#[tonic::async_trait]
impl Zerobus for Grpc {
    type EphemeralStreamStream = ReceiverStream<Result<EphemeralStreamResponse, Status>>;
    type PersistentStreamStream = ReceiverStream<Result<PersistentStreamResponse, Status>>;

    /// Returns, and so sends the response headers, before anything of the request is read: there are clients that
    /// send nothing until they have seen them.
    async fn ephemeral_stream(
        &self,
        request: Request<Streaming<EphemeralStreamRequest>>,
    ) -> Result<Response<Self::EphemeralStreamStream>, Status> {
        let table = authorize(request.metadata(), &self.tokens, &self.tables)?;
        let (answers, responses) = mpsc::channel(ANSWERS_MAX);
        let ingest = Ingest::new(table, answers, self.stop.clone(), self.stream_lifetime);
        tokio::spawn(ingest.run(request.into_inner()));
        Ok(Response::new(ReceiverStream::new(responses)))
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
