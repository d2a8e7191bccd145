//! Answers over plain HTTP.

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Response, StatusCode};
use http_body_util::Full;
use serde_json::{Value, json};
use tonic::body::Body;

/// What a request is answered with; an error is an answer too.
#[derive(Debug)]
pub(super) struct Answer {
    status: StatusCode,
    content_type: &'static str,
    body: String,
}

impl Answer {
    pub(super) fn new(status: StatusCode, body: Value) -> Self {
        Self {
            status,
            content_type: "application/json",
            body: body.to_string(),
        }
    }

    /// What Prometheus reads.
    pub(super) fn text(body: String) -> Self {
        Self {
            status: StatusCode::OK,
            content_type: "text/plain; version=0.0.4; charset=utf-8",
            body,
        }
    }

    pub(super) fn ok(body: Value) -> Self {
        Self::new(StatusCode::OK, body)
    }

    /// An error as the platform's APIs word it.
    pub(super) fn error(status: StatusCode, error_code: &str, message: &str) -> Self {
        Self::new(
            status,
            json!({"error_code": error_code, "message": message}),
        )
    }

    pub(super) fn into_response(self) -> Response<Body> {
        let body = Full::new(Bytes::from(self.body));
        let mut response = Response::new(Body::new(body));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.content_type));
        response
    }
}
