//! What answers in the place of the service.

use std::convert::Infallible;

use http_body_util::Full;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpListener;
use zerobus_client::{Client, Error, GrpcCode};

use crate::record::Line;

/// Answers every request with this status and a page of HTML.
async fn gateway(status: u16) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            let page = service_fn(move |_| async move {
                let page = Full::new(bytes::Bytes::from_static(b"<html>Sign in</html>"));
                let response = http::Response::builder().status(status).body(page);
                Ok::<_, Infallible>(response.unwrap())
            });
            let http2 = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
            tokio::spawn(http2.serve_connection(TokioIo::new(connection), page));
        }
    });
    url
}

#[tokio::test]
async fn a_page_in_the_place_of_an_answer_is_told_by_its_status() {
    for (status, code, is_retryable) in [
        (401, GrpcCode::Unauthenticated, false),
        (403, GrpcCode::PermissionDenied, false),
        (404, GrpcCode::Unimplemented, false),
        (503, GrpcCode::Unavailable, true),
        (302, GrpcCode::Unknown, true),
    ] {
        let client = Client::builder()
            .endpoint(gateway(status).await)
            .ingest_token("t")
            .build()
            .unwrap();
        let opening = client
            .stream::<Line<'_>>()
            .configure(|options| options.recovery = false);
        let error = opening.open().await.unwrap_err();
        assert!(
            matches!(&error, Error::Status { error } if error.code() == code),
            "{error}"
        );
        assert_eq!(error.is_retryable(), is_retryable);
        let text = error.to_string();
        assert!(
            text.contains(&format!("HTTP {status}")) && text.contains("gateway"),
            "{text}"
        );
    }
}
