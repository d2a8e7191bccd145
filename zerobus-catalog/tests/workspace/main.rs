//! A workspace against a server in this process: what is sent, what is kept, what is tried again, and what the errors say.

// Helpers of tests are tests too.
#![allow(clippy::unwrap_used)]

mod federation;
mod proxy;
mod server;
mod tls;

use std::collections::BTreeMap;
use std::time::Duration;

use zerobus_catalog::{CatalogError, Workspace};
use zerobus_schema::TableName;

use server::{Request, Server};

const SECRET: &str = "s3cr3t+&=%";

fn table() -> TableName {
    TableName::parse("main.default.air_quality").unwrap()
}

fn workspace(url: &str) -> Workspace {
    Workspace::builder()
        .workspace_url(url)
        .endpoint("https://1234567890.zerobus.us-west-2.cloud.databricks.com")
        .oauth("client", SECRET)
        .time_limit(Duration::from_secs(5))
        .build()
        .unwrap()
}

fn token(number: usize) -> (u16, String) {
    (
        200,
        format!(r#"{{"access_token":"token-{number}","expires_in":3600}}"#),
    )
}

/// The fields of a urlencoded form.
fn form(request: &Request) -> BTreeMap<String, String> {
    let decode = |text: &str| {
        let mut bytes = Vec::new();
        let mut rest = text.bytes();
        while let Some(byte) = rest.next() {
            bytes.push(match byte {
                b'+' => b' ',
                b'%' => {
                    let hex: String = rest.by_ref().take(2).map(char::from).collect();
                    u8::from_str_radix(&hex, 16).unwrap()
                }
                byte => byte,
            });
        }
        String::from_utf8(bytes).unwrap()
    };
    let pairs = request
        .body
        .split('&')
        .map(|pair| pair.split_once('=').unwrap());
    pairs
        .map(|(key, value)| (decode(key), decode(value)))
        .collect()
}

#[tokio::test]
async fn an_ingest_token_is_asked_for_by_table_and_kept() {
    let server = Server::start(None, |number, _| token(number)).await;
    // The trailing slash must not double in the path.
    let workspace = workspace(&format!("{}/", server.url()));
    assert_eq!(
        workspace.ingest_token(&table()).await.unwrap().expose(),
        "token-0"
    );
    assert_eq!(
        workspace.ingest_token(&table()).await.unwrap().expose(),
        "token-0"
    );
    let other = TableName::parse("main.default.other").unwrap();
    assert_eq!(
        workspace.ingest_token(&other).await.unwrap().expose(),
        "token-1"
    );

    let requests = server.requests();
    assert_eq!(requests.len(), 2);
    let request = &requests[0];
    assert_eq!(request.line, "POST /oidc/v1/token HTTP/1.1");
    // base64 of `client:s3cr3t+&=%`
    assert_eq!(
        request.header("authorization"),
        Some("Basic Y2xpZW50OnMzY3IzdCsmPSU=")
    );
    assert_eq!(
        request.header("content-type"),
        Some("application/x-www-form-urlencoded")
    );
    let form = form(request);
    assert_eq!(form["grant_type"], "client_credentials");
    assert_eq!(form["scope"], "all-apis");
    assert_eq!(
        form["resource"],
        "api://databricks/workspaces/1234567890/zerobusDirectWriteApi"
    );
    let details: serde_json::Value = serde_json::from_str(&form["authorization_details"]).unwrap();
    assert_eq!(
        details,
        serde_json::json!([
            {"type": "unity_catalog_privileges", "privileges": ["USE CATALOG"],
             "object_type": "CATALOG", "object_full_path": "main"},
            {"type": "unity_catalog_privileges", "privileges": ["USE SCHEMA"],
             "object_type": "SCHEMA", "object_full_path": "main.default"},
            {"type": "unity_catalog_privileges", "privileges": ["SELECT", "MODIFY"],
             "object_type": "TABLE", "object_full_path": "main.default.air_quality",
             "operations": ["zerobuswrite"]},
        ])
    );
}

#[tokio::test]
async fn a_rejected_token_is_replaced_once() {
    let server = Server::start(None, |number, _| token(number)).await;
    let workspace = workspace(&server.url());
    let first = workspace.ingest_token(&table()).await.unwrap();
    let second = workspace
        .refresh_ingest_token(&table(), &first)
        .await
        .unwrap();
    let again = workspace
        .refresh_ingest_token(&table(), &first)
        .await
        .unwrap();
    assert_eq!((second.expose(), again.expose()), ("token-1", "token-1"));
}

#[tokio::test]
async fn a_failing_service_is_asked_again_and_a_refusal_is_not() {
    let server = Server::start(None, |number, _| match number {
        0 => (503, String::new()),
        1 => (429, "slow down".to_owned()),
        2 => (0, String::new()),
        _ => token(number),
    })
    .await;
    let token = workspace(&server.url())
        .ingest_token(&table())
        .await
        .unwrap();
    assert_eq!(token.expose(), "token-3");

    let server = Server::start(None, |_, _| {
        (
            400,
            r#"{"error":"invalid_request","error_description":"no\nsuch scope."}"#.to_owned(),
        )
    })
    .await;
    let error = workspace(&server.url())
        .ingest_token(&table())
        .await
        .unwrap_err();
    assert!(!error.is_retryable());
    let expected = format!(
        "fetching a token for table main.default.air_quality: {}/oidc/v1/token answered HTTP 400: no such scope",
        server.url()
    );
    assert_eq!(error.to_string(), expected);
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn a_service_that_stays_down_is_given_up_within_the_time_limit() {
    let server = Server::start(None, |_, _| (500, "oops".to_owned())).await;
    let workspace = Workspace::builder()
        .workspace_url(server.url())
        .oauth("client", SECRET)
        .time_limit(Duration::from_millis(500))
        .build()
        .unwrap();
    let error = workspace.ingest_token(&table()).await.unwrap_err();
    assert!(error.is_retryable(), "{error}");
    assert!(server.requests().len() > 1);
}

#[tokio::test]
async fn a_refused_table_and_refused_credentials_say_what_to_do() {
    let server = Server::start(None, |number, _| match number {
        0 => (
            401,
            r#"{"error":"invalid_authorization_details","error_description":"x"}"#.to_owned(),
        ),
        // A service that quotes what it was sent.
        _ => (
            401,
            format!(r#"{{"error":"invalid_client","error_description":"bad secret {SECRET}"}}"#),
        ),
    })
    .await;
    let workspace = workspace(&server.url());
    let error = workspace.ingest_token(&table()).await.unwrap_err();
    assert!(
        matches!(error, CatalogError::NoTableOrGrant { .. }),
        "{error:?}"
    );
    assert!(
        error
            .to_string()
            .contains("SELECT and MODIFY on the table itself"),
        "{error}"
    );

    let error = workspace.ingest_token(&table()).await.unwrap_err();
    assert!(
        matches!(error, CatalogError::CredentialsRefused { status: 401, .. }),
        "{error:?}"
    );
    for text in [
        error.to_string(),
        format!("{error:?}"),
        format!("{workspace:?}"),
    ] {
        assert!(!text.contains(SECRET), "{text}");
    }
}

#[tokio::test]
async fn a_page_in_place_of_a_token_is_not_quoted() {
    let server = Server::start(None, |_, _| (200, "<html>log in</html>".to_owned())).await;
    let error = workspace(&server.url())
        .ingest_token(&table())
        .await
        .unwrap_err();
    assert!(matches!(error, CatalogError::Answer { .. }), "{error:?}");
    assert!(!error.to_string().contains("log in"), "{error}");
}

#[tokio::test]
async fn a_page_in_place_of_a_table_is_told_as_one() {
    for (body, part) in [
        ("<html>log in</html>", "found a page of HTML"),
        ("", "found nothing"),
        ("ok", "found something else"),
    ] {
        let server = Server::start(None, move |number, request| {
            if request.line.starts_with("POST") {
                return token(number);
            }
            (200, body.to_owned())
        })
        .await;
        let error = workspace(&server.url()).table(&table()).await.unwrap_err();
        assert!(matches!(error, CatalogError::Answer { .. }), "{error:?}");
        let said = error.to_string();
        assert!(
            said.contains(part) && said.contains("address of a workspace"),
            "{said}"
        );
    }
}

#[tokio::test]
async fn a_schema_is_fetched_with_a_catalog_token() {
    let server = Server::start(None, |number, request| {
        if request.line.starts_with("POST") {
            return token(number);
        }
        let column = r#"{"name":"id","type_text":"bigint","type_name":"LONG","position":0,"nullable":false,
            "type_json":"{\"name\":\"id\",\"type\":\"long\",\"nullable\":false,\"metadata\":{}}"}"#;
        (200, format!(r#"{{"name":"x","columns":[{column}]}}"#))
    })
    .await;
    let name =
        TableName::parse("main.default.a b").or_else(|_| TableName::parse("main.default.aé%"));
    let schema = workspace(&server.url())
        .table(&name.unwrap())
        .await
        .unwrap();
    assert_eq!(schema.columns.fields.len(), 1);
    assert_eq!(schema.table.unwrap().to_string(), "main.default.aé%");

    let requests = server.requests();
    assert_eq!(
        form(&requests[0]).len(),
        2,
        "the catalog token is asked for without a table"
    );
    assert_eq!(
        requests[1].line,
        "GET /api/2.1/unity-catalog/tables/main.default.a%C3%A9%25 HTTP/1.1"
    );
    assert_eq!(requests[1].header("authorization"), Some("Bearer token-0"));
}

#[tokio::test]
async fn a_personal_access_token_serves_the_catalog_and_no_stream() {
    let server = Server::start(None, |_, _| {
        (
            404,
            r#"{"error_code":"TABLE_DOES_NOT_EXIST","message":"Table does not exist."}"#.to_owned(),
        )
    })
    .await;
    let workspace = Workspace::builder()
        .workspace_url(server.url())
        .token("dapi1")
        .build()
        .unwrap();
    let error = workspace.table(&table()).await.unwrap_err();
    assert!(
        matches!(error, CatalogError::TableNotFound { .. }),
        "{error:?}"
    );
    assert_eq!(
        server.requests()[0].header("authorization"),
        Some("Bearer dapi1")
    );
    let error = workspace.ingest_token(&table()).await.unwrap_err();
    assert!(
        error.to_string().contains("DATABRICKS_CLIENT_ID"),
        "{error}"
    );
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn a_catalog_token_withdrawn_early_is_replaced() {
    let server = Server::start(None, |number, request| {
        if request.line.starts_with("POST") {
            token(number)
        } else if request.header("authorization") == Some("Bearer token-0") {
            (401, "{}".to_owned())
        } else {
            (
                403,
                r#"{"error_code":"PERMISSION_DENIED","message":"no SELECT"}"#.to_owned(),
            )
        }
    })
    .await;
    let error = workspace(&server.url()).table(&table()).await.unwrap_err();
    assert!(
        matches!(error, CatalogError::PermissionDenied { .. }),
        "{error:?}"
    );
    assert_eq!(server.requests().len(), 4);
}

#[tokio::test]
async fn a_token_that_is_not_taken_is_not_a_grant_that_is_missing() {
    let server = Server::start(None, |_, _| {
        (
            401,
            r#"{"error_code":"UNAUTHENTICATED","message":"expired"}"#.to_owned(),
        )
    })
    .await;
    let workspace = Workspace::builder()
        .workspace_url(server.url())
        .token("dapi-old")
        .build()
        .unwrap();
    let error = workspace.table(&table()).await.unwrap_err().to_string();
    assert!(error.contains("expired"), "{error}");
    assert!(error.contains("get another one"), "{error}");
    assert!(
        !error.contains("grant") && !error.contains("dapi-old"),
        "{error}"
    );
}

#[tokio::test]
async fn an_endless_answer_is_cut_off() {
    let server = Server::start(None, |number, request| {
        if request.line.starts_with("POST") {
            token(number)
        } else {
            (200, " ".repeat(17 * 1024 * 1024))
        }
    })
    .await;
    let error = workspace(&server.url()).table(&table()).await.unwrap_err();
    assert!(error.to_string().contains("longer than"), "{error}");
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let server = Server::start(None, |_, _| (302, String::new())).await;
    let error = workspace(&server.url())
        .ingest_token(&table())
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains("redirects are not followed"),
        "{error}"
    );
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn what_is_missing_or_unsafe_is_said_before_anything_is_sent() {
    let build = |url: &str| Workspace::builder().workspace_url(url).token("t").build();
    let error = build("http://example.com").unwrap_err();
    assert!(error.to_string().contains("unencrypted"), "{error}");
    let allowed = Workspace::builder()
        .workspace_url("http://example.com")
        .token("t");
    assert!(allowed.allow_plaintext(true).build().is_ok());
    assert!(build("http://localhost:1").is_ok());
    for (builder, part) in [
        (Workspace::builder().token("t"), "DATABRICKS_HOST"),
        (Workspace::builder().workspace_url("h"), "no credentials"),
        (
            Workspace::builder().workspace_url("h").token("a\nb"),
            "copy it anew",
        ),
    ] {
        let error = builder.build().unwrap_err();
        assert!(error.to_string().contains(part), "{error}");
    }
}

#[test]
fn the_workspace_id_comes_from_where_it_can_be_known() {
    let id = |workspace: &str, endpoint: &str| {
        let builder = Workspace::builder()
            .workspace_url(workspace)
            .endpoint(endpoint)
            .token("t");
        builder.build().unwrap().workspace_id().map(str::to_owned)
    };
    assert_eq!(
        id("https://h/?o=7", "12.zerobus.eu.azuredatabricks.net").as_deref(),
        Some("12")
    );
    assert_eq!(
        id(
            "https://h/?o=7",
            "zerobus.us-west-2.cloud.databricks.com:443"
        )
        .as_deref(),
        Some("7")
    );
    assert_eq!(
        id("https://h", "zerobus.us-west-2.cloud.databricks.com:443"),
        None
    );
    assert_eq!(
        id("http://127.0.0.1:5", "http://127.0.0.1:5").as_deref(),
        Some("127")
    );
}
