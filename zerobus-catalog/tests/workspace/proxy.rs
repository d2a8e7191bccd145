//! A proxy that the application names.

use zerobus_catalog::{CatalogError, Workspace};

use crate::server::Server;
use crate::{table, token};

#[tokio::test]
async fn the_proxy_given_is_asked_with_its_password_and_none_where_none_is_wanted() {
    let server = Server::start(None, |number, _| token(number)).await;
    let proxy = format!("http://me:hunter2@127.0.0.1:{}", server.port);
    let builder = || {
        Workspace::builder()
            .workspace_url("http://workspace.invalid")
            .workspace_id("1")
            .allow_plaintext(true)
            .oauth("client", "secret")
    };
    let through = builder().proxy(proxy);
    assert!(!format!("{through:?}").contains("hunter2"));
    through
        .build()
        .unwrap()
        .ingest_token(&table())
        .await
        .unwrap();
    let request = &server.requests()[0];
    assert_eq!(
        request.line,
        "POST http://workspace.invalid/oidc/v1/token HTTP/1.1"
    );
    // me:hunter2
    assert_eq!(
        request.header("proxy-authorization"),
        Some("Basic bWU6aHVudGVyMg==")
    );

    // Loopback too, when it is said.
    let local = builder().workspace_url(server.url()).proxy(server.url());
    local.build().unwrap().ingest_token(&table()).await.unwrap();
    assert!(
        server.requests()[1]
            .line
            .starts_with("POST http://127.0.0.1:")
    );
    let direct = builder().workspace_url(server.url()).no_proxy();
    direct
        .build()
        .unwrap()
        .ingest_token(&table())
        .await
        .unwrap();
    assert!(server.requests()[2].line.starts_with("POST /oidc/"));

    let error = builder().proxy("http://").build().unwrap_err();
    assert!(
        matches!(error, CatalogError::Configuration { .. }),
        "{error}"
    );
}
