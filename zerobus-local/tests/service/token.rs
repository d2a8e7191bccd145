//! The token endpoint.

use std::time::Duration;

use tempfile::TempDir;
use tonic::Code;
use zerobus_local::LocalZerobus;
use zerobus_proto::RecordType;

use crate::Local;
use crate::air_quality::{DDL, TABLE, record};
use crate::client::{Client, batch, single};
use crate::http::{BASIC, ingest_form, ingest_token, request, token_request};

#[tokio::test]
async fn any_client_gets_a_token_for_a_table_that_exists() {
    let local = Local::start().await;
    let answer = token_request(&local.server, &ingest_form(TABLE)).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let json = answer.json();
    assert!(!json["access_token"].as_str().unwrap().is_empty());
    assert_eq!(json["expires_in"], 3600);
    assert_eq!(json["token_type"], "Bearer");
}

#[tokio::test]
async fn a_second_slash_does_no_harm() {
    let local = Local::start().await;
    let form = "grant_type=client_credentials&scope=all-apis";
    let answer = request(&local.server, "POST", "//oidc/v1/token", &[BASIC], form).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
}

#[tokio::test]
async fn an_unknown_table_gets_none() {
    let local = Local::start().await;
    for table in ["main.default.missing", "air_quality"] {
        let answer = token_request(&local.server, &ingest_form(table)).await;
        assert_eq!(answer.status, 401);
        assert_eq!(answer.json()["error"], "invalid_authorization_details");
    }
}

#[tokio::test]
async fn requests_that_are_none_are_refused() {
    let local = Local::start().await;
    for (form, status, error) in [
        ("grant_type=password", 400, "unsupported_grant_type"),
        ("", 400, "unsupported_grant_type"),
        (
            "grant_type=client_credentials&authorization_details=%7B",
            400,
            "invalid_authorization_details",
        ),
        (
            "grant_type=client_credentials&authorization_details=%5B%5D",
            400,
            "invalid_authorization_details",
        ),
    ] {
        let answer = token_request(&local.server, form).await;
        assert_eq!(answer.status, status, "{form}");
        assert_eq!(answer.json()["error"], error, "{form}");
    }
    let form = "grant_type=client_credentials";
    // Nothing; a bearer; an empty secret.
    for header in [
        "accept: */*",
        "authorization: Bearer x",
        "authorization: Basic aWQ6",
    ] {
        let answer = request(&local.server, "POST", "/oidc/v1/token", &[header], form).await;
        assert_eq!(answer.status, 401, "{header}");
        assert_eq!(answer.json()["error"], "invalid_client");
    }
}

/// The form that exchanges the token of another identity provider.
fn exchange(fields: &[(&str, &str)]) -> String {
    let kind = "urn:ietf:params:oauth:grant-type:token-exchange";
    let form = ingest_form(TABLE).replace(
        "grant_type=client_credentials",
        &format!("grant_type={kind}"),
    );
    fields
        .iter()
        .fold(form, |form, (key, value)| format!("{form}&{key}={value}"))
}

const JWT: (&str, &str) = ("subject_token_type", "urn:ietf:params:oauth:token-type:jwt");

#[tokio::test]
async fn tokens_of_other_identity_providers_are_exchanged() {
    let local = Local::start().await;
    let exchanged =
        async |form: &str| request(&local.server, "POST", "/oidc/v1/token", &[], form).await;
    let answer = exchanged(&exchange(&[("subject_token", "a.b.c"), JWT])).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let token = answer.json()["access_token"].as_str().unwrap().to_owned();
    let bearer = format!("Bearer {token}");
    let metadata = [
        ("authorization", bearer.as_str()),
        ("x-databricks-zerobus-table-name", TABLE),
    ];
    assert!(Client::call(&local.server, &metadata).await.is_ok());
    for fields in [
        &[("subject_token", "a.b.c")][..],
        &[JWT],
        &[("subject_token", ""), JWT],
    ] {
        let answer = exchanged(&exchange(fields)).await;
        assert_eq!(answer.status, 400, "{fields:?}");
        assert_eq!(answer.json()["error"], "invalid_request");
    }
}

#[tokio::test]
async fn a_named_client_is_the_only_one() {
    let data = TempDir::new().unwrap();
    let server = LocalZerobus::builder()
        .data(data.path())
        .seed_sql(DDL)
        .client("id", "another secret")
        .start()
        .await
        .unwrap();
    for (client_id, status) in [("other", 400), ("id", 200)] {
        let form = exchange(&[("subject_token", "a.b.c"), JWT, ("client_id", client_id)]);
        let answer = request(&server, "POST", "/oidc/v1/token", &[], &form).await;
        assert_eq!(answer.status, status, "{}", answer.body);
    }
    assert!(!format!("{server:?}").contains("another secret"));
    let answer = token_request(&server, &ingest_form(TABLE)).await;
    assert_eq!(answer.status, 401);
    assert!(!answer.body.contains("secret\""), "{}", answer.body);
    // `id:another secret`
    let basic = "authorization: Basic aWQ6YW5vdGhlciBzZWNyZXQ=";
    let answer = request(
        &server,
        "POST",
        "/oidc/v1/token",
        &[basic],
        &ingest_form(TABLE),
    )
    .await;
    assert_eq!(answer.status, 200, "{}", answer.body);
}

#[tokio::test]
async fn tokens_expire() {
    let data = TempDir::new().unwrap();
    let server = LocalZerobus::builder()
        .data(data.path())
        .seed_sql(DDL)
        .token_lifetime(Duration::ZERO)
        .start()
        .await
        .unwrap();
    let bearer = format!("Bearer {}", ingest_token(&server, TABLE).await);
    let metadata = [
        ("authorization", bearer.as_str()),
        ("x-databricks-zerobus-table-name", TABLE),
    ];
    let Err(status) = Client::call(&server, &metadata).await else {
        panic!("an expired token was taken");
    };
    assert_eq!(status.code(), Code::Unauthenticated);
    assert!(status.message().starts_with("Token expired"), "{status}");
}

#[tokio::test]
async fn a_stream_ends_when_its_token_does_and_what_it_sent_before_is_acked() {
    let data = TempDir::new().unwrap();
    let server = LocalZerobus::builder()
        .data(data.path())
        .seed_sql(DDL)
        .token_lifetime(Duration::from_secs(1))
        .start()
        .await
        .unwrap();
    let local = Local { data, server };
    // One that has not begun yet, and one in the middle of it.
    let silent = Client::connect(&local.server).await;
    let mut client = Client::open(&local.server, RecordType::Proto).await;
    client.send(single(0, &record(0))).await;
    client.send(batch(1, &[record(1), record(2)])).await;
    let (acked, status) = client.refusal().await;
    assert_eq!(acked, Some(1));
    let (_, silent) = silent.refusal().await;
    for status in [status, silent] {
        assert_eq!(status.code(), Code::Unauthenticated);
        assert_eq!(
            status.message(),
            "Token expired while the stream was open: ask /oidc/v1/token for a new one, reconnect, and send again what \
             was not acked."
        );
    }
    assert_eq!(local.temps(), [0, 1, 2]);
    // With another token it goes on.
    let mut client = Client::open(&local.server, RecordType::Proto).await;
    client.send(single(0, &record(3))).await;
    assert_eq!(client.acked().await, 0);
    assert_eq!(local.temps(), [0, 1, 2, 3]);
}

#[tokio::test]
async fn web_pages_from_elsewhere_get_nothing() {
    let local = Local::start().await;
    let form = "grant_type=client_credentials";
    for foreign in ["host: evil.example", "origin: https://evil.example"] {
        let answer = request(
            &local.server,
            "POST",
            "/oidc/v1/token",
            &[BASIC, foreign],
            form,
        )
        .await;
        assert_eq!(answer.status, 403, "{foreign}");
        let ddl = "CREATE TABLE main.default.other (a INT)";
        let answer = request(&local.server, "POST", "/api/local/ddl", &[foreign], ddl).await;
        assert_eq!(answer.status, 403, "{foreign}");
    }
}
