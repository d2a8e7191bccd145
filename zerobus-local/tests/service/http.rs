//! HTTP/1.1 as small as it gets.

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use zerobus_local::LocalZerobus;

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("{}", self.body))
    }
}

/// Sends one request; `headers` are whole lines.
pub(crate) async fn request(
    server: &LocalZerobus,
    method: &str,
    path: &str,
    headers: &[&str],
    body: &str,
) -> Answer {
    let address = server.address();
    let mut text = format!("{method} {path} HTTP/1.1\r\nconnection: close\r\n");
    if !headers.iter().any(|header| header.starts_with("host:")) {
        text.push_str(&format!("host: {address}\r\n"));
    }
    for header in headers {
        text.push_str(&format!("{header}\r\n"));
    }
    text.push_str(&format!("content-length: {}\r\n\r\n{body}", body.len()));
    let mut connection = TcpStream::connect(address).await.unwrap();
    connection.write_all(text.as_bytes()).await.unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    Answer {
        status: head.split(' ').nth(1).unwrap().parse().unwrap(),
        body: body.to_owned(),
    }
}

/// `id:secret` in base64.
pub(crate) const BASIC: &str = "authorization: Basic aWQ6c2VjcmV0";

pub(crate) async fn token_request(server: &LocalZerobus, form: &str) -> Answer {
    let form_type = "content-type: application/x-www-form-urlencoded";
    request(server, "POST", "/oidc/v1/token", &[BASIC, form_type], form).await
}

pub(crate) fn ingest_form(table: &str) -> String {
    let details = serde_json::json!([
        {"type": "unity_catalog_privileges", "privileges": ["USE CATALOG"], "object_type": "CATALOG", "object_full_path": "main"},
        {"type": "unity_catalog_privileges", "privileges": ["USE SCHEMA"], "object_type": "SCHEMA", "object_full_path": "main.default"},
        {"type": "unity_catalog_privileges", "privileges": ["SELECT", "MODIFY"], "object_type": "TABLE", "object_full_path": table},
    ]);
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    form.append_pair("grant_type", "client_credentials")
        .append_pair("scope", "all-apis")
        .append_pair(
            "resource",
            "api://databricks/workspaces/127/zerobusDirectWriteApi",
        )
        .append_pair("authorization_details", &details.to_string());
    form.finish()
}

/// A token for streams into `table`.
pub(crate) async fn ingest_token(server: &LocalZerobus, table: &str) -> String {
    let answer = token_request(server, &ingest_form(table)).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.json()["access_token"].as_str().unwrap().to_owned()
}

/// A token for the catalog API, as a header line.
pub(crate) async fn catalog_bearer(server: &LocalZerobus) -> String {
    let answer = token_request(server, "grant_type=client_credentials&scope=all-apis").await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let json = answer.json();
    format!(
        "authorization: Bearer {}",
        json["access_token"].as_str().unwrap()
    )
}
