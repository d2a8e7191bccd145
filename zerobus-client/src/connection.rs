//! One connection of a stream: from the token to the service's answer to `create_stream`.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue, TE};
use tonic::client::GrpcService as _;
use tonic::codec::Streaming;
use tonic::transport::Channel;
use tonic::{Code, Status};
use zerobus_proto::contract::{CLIENT_RECEIVE_LIMIT, EPHEMERAL_STREAM_PATH};
use zerobus_proto::ephemeral_stream_response::Payload;
use zerobus_proto::{
    CreateIngestStreamRequest, EphemeralStreamRequest, EphemeralStreamResponse,
    ephemeral_stream_request,
};
use zerobus_schema::TableName;

use crate::codec::{RequestBody, ResponseDecoder, request_frame};
use crate::descriptor::ProtoDescriptor;
use crate::endpoint::Endpoint;
use crate::error::Error;
use crate::format::Format;
use crate::headers::{Headers, HeadersError, HeadersProvider};
use crate::queue::Queue;
use crate::status::{GrpcCode, StatusError, error_from_status, with_sources};

/// What a stream connects to, and as whom.
pub(crate) struct Connector {
    pub(crate) endpoint: Endpoint,
    pub(crate) headers: Arc<dyn HeadersProvider>,
    pub(crate) table: TableName,
    create_stream: Bytes,
    timeout: Duration,
    /// What the last attempt went out with.
    last_headers: Option<Headers>,
}

impl Connector {
    pub(crate) fn new(
        endpoint: Endpoint,
        headers: Arc<dyn HeadersProvider>,
        table: TableName,
        format: &Format,
        timeout: Duration,
    ) -> Self {
        let create_stream = request_frame(&EphemeralStreamRequest {
            payload: Some(ephemeral_stream_request::Payload::CreateStream(
                CreateIngestStreamRequest {
                    table_name: Some(table.to_string()),
                    descriptor_proto: format.descriptor.clone().map(ProtoDescriptor::into_bytes),
                    record_type: Some(format.encoding.record_type().into()),
                    avro_schema_json: None,
                },
            )),
        });
        Self {
            endpoint,
            headers,
            table,
            create_stream,
            timeout,
            last_headers: None,
        }
    }

    /// Opens the stream on a connection of its own and lets the queue send on it. `refresh`: the credentials used
    /// before were refused.
    pub(crate) async fn connect(
        &mut self,
        queue: &Arc<Queue>,
        refresh: bool,
    ) -> Result<Connection, Error> {
        let allowed = self.timeout;
        match tokio::time::timeout(allowed, self.open(queue, refresh)).await {
            Ok(result) => result,
            Err(_) => Err(self.broken(format!(
                "the stream was not open after {allowed:?} (recovery_timeout)"
            ))),
        }
    }

    async fn open(&mut self, queue: &Arc<Queue>, refresh: bool) -> Result<Connection, Error> {
        let headers = match &self.last_headers {
            Some(rejected) if refresh => self.headers.refreshed_headers(&self.table, rejected),
            _ => self.headers.headers(&self.table),
        };
        let headers = headers.await.map_err(HeadersError::into_error)?;
        let header_map = headers.to_http().map_err(HeadersError::into_error)?;
        self.last_headers = Some(headers);
        let mut channel = self.endpoint.connect().await?;

        let id = queue.begin_connection();
        let body = RequestBody::new(Arc::clone(queue), id, self.create_stream.clone());
        let mut request = http::Request::new(tonic::body::Body::new(body));
        *request.method_mut() = http::Method::POST;
        *request.version_mut() = http::Version::HTTP_2;
        *request.uri_mut() = http::Uri::from_static(EPHEMERAL_STREAM_PATH);
        *request.headers_mut() = header_map;
        request
            .headers_mut()
            .insert(TE, HeaderValue::from_static("trailers"));
        request
            .headers_mut()
            .insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));

        std::future::poll_fn(|cx| channel.poll_ready(cx))
            .await
            .map_err(|error| self.broken(with_sources(&error)))?;
        let response = channel
            .call(request)
            .await
            .map_err(|error| self.broken(with_sources(&error)))?;
        let mut responses = responses(response).map_err(|status| self.status(&status))?;
        let stream_id = loop {
            match responses.message().await {
                // A kind of response that is newer than this code.
                Ok(Some(EphemeralStreamResponse { payload: None })) => {}
                Ok(Some(EphemeralStreamResponse {
                    payload: Some(Payload::CreateStreamResponse(created)),
                })) => break created.stream_id.unwrap_or_default(),
                Ok(Some(_)) => {
                    return Err(Error::Protocol {
                        problem: "the first response is not create_stream_response".to_owned(),
                    });
                }
                Ok(None) => return Err(self.ended_by_service()),
                Err(status) => return Err(self.status(&status)),
            }
        };
        queue.start_sending(&stream_id);
        Ok(Connection {
            responses,
            _channel: channel,
        })
    }

    pub(crate) fn status(&self, status: &Status) -> Error {
        error_from_status(status, &self.table, self.endpoint.url())
    }

    /// The service ended the stream without an error, which is for us to do.
    pub(crate) fn ended_by_service(&self) -> Error {
        self.error(GrpcCode::Ok, "the service ended the stream")
    }

    pub(crate) fn error(&self, code: GrpcCode, message: &str) -> Error {
        Error::Status {
            error: Box::new(StatusError::new(&self.table, code, message)),
        }
    }

    fn broken(&self, message: String) -> Error {
        Error::Connection {
            endpoint: self.endpoint.url().to_owned(),
            message,
        }
    }
}

/// The response side of a stream that is open, and what keeps it so.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) responses: Streaming<EphemeralStreamResponse>,
    _channel: Channel,
}

/// A response may consist of a status alone, which then stands in its headers.
fn responses(
    response: http::Response<tonic::body::Body>,
) -> Result<Streaming<EphemeralStreamResponse>, Status> {
    if let Some(status) = Status::from_header_map(response.headers()) {
        if status.code() != Code::Ok {
            return Err(status);
        }
        return Ok(Streaming::new_empty(ResponseDecoder, response.into_body()));
    }
    let code = response.status();
    if code != http::StatusCode::OK {
        // A gateway answers, whose page is no message.
        return Err(Status::new(
            code_of_http(code.as_u16()),
            format!("HTTP {code} without a gRPC status; a proxy or gateway may have answered"),
        ));
    }
    let content_type = response.headers().get(CONTENT_TYPE);
    if let Some(content_type) = content_type.filter(|value| !is_grpc(value)) {
        return Err(Status::unknown(format!(
            "an answer of type {content_type:?} and not gRPC; a proxy or gateway may have answered"
        )));
    }
    Ok(Streaming::new_response(
        ResponseDecoder,
        response.into_body(),
        code,
        None,
        Some(CLIENT_RECEIVE_LIMIT),
    ))
}

/// `application/grpc` and its kin, such as `application/grpc+proto`.
fn is_grpc(content_type: &HeaderValue) -> bool {
    let value = content_type.as_bytes();
    let grpc = b"application/grpc";
    value
        .get(..grpc.len())
        .is_some_and(|begin| begin.eq_ignore_ascii_case(grpc))
}

/// What an HTTP status stands for where a gRPC one is missing (gRPC's "HTTP to gRPC status code mapping").
fn code_of_http(status: u16) -> Code {
    match status {
        400 => Code::Internal,
        401 => Code::Unauthenticated,
        403 => Code::PermissionDenied,
        404 => Code::Unimplemented,
        429 | 502 | 503 | 504 => Code::Unavailable,
        _ => Code::Unknown,
    }
}
