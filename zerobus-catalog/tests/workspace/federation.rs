//! Tokens of another identity provider, exchanged.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use zerobus_catalog::{CatalogError, Workspace, WorkspaceBuilder};

use crate::server::Server;
use crate::{form, table, token};

fn builder(server: &Server) -> WorkspaceBuilder {
    Workspace::builder()
        .workspace_url(server.url())
        .workspace_id("1234567890")
        .time_limit(Duration::from_secs(5))
}

#[tokio::test]
async fn a_subject_token_is_exchanged_and_asked_for_no_more_often_than_needed() {
    let server = Server::start(None, |number, _| token(number)).await;
    for client_id in [Some("sp"), None] {
        let asked = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&asked);
        let workspace = builder(&server).federation(client_id, move || {
            let number = counter.fetch_add(1, Ordering::Relaxed);
            async move { Ok::<_, CatalogError>(format!("jwt-{number}\n")) }
        });
        // What the environment has of a service principal does not count then.
        let workspace = workspace.oauth("other", "s").build().unwrap();
        let first = workspace.ingest_token(&table()).await.unwrap();
        workspace.ingest_token(&table()).await.unwrap();
        assert_eq!(asked.load(Ordering::Relaxed), 1);
        workspace
            .refresh_ingest_token(&table(), &first)
            .await
            .unwrap();
        assert_eq!(asked.load(Ordering::Relaxed), 2);

        let requests = server.requests();
        let request = &requests[requests.len() - 1];
        assert_eq!(request.line, "POST /oidc/v1/token HTTP/1.1");
        assert_eq!(request.header("authorization"), None);
        let form = form(request);
        assert_eq!(
            form["grant_type"],
            "urn:ietf:params:oauth:grant-type:token-exchange"
        );
        assert_eq!(form["subject_token"], "jwt-1");
        assert_eq!(
            form["subject_token_type"],
            "urn:ietf:params:oauth:token-type:jwt"
        );
        assert_eq!(form.get("client_id").map(String::as_str), client_id);
        assert_eq!(form["scope"], "all-apis");
        assert_eq!(
            form["resource"],
            "api://databricks/workspaces/1234567890/zerobusDirectWriteApi"
        );
        assert!(form["authorization_details"].contains("zerobuswrite"));
    }
}

#[tokio::test]
async fn what_goes_wrong_with_a_subject_token_is_told_without_it() {
    let server = Server::start(None, |_, _| {
        let body = r#"{"error": "invalid_grant", "error_description": "no policy takes hunter2"}"#;
        (400, body.to_owned())
    })
    .await;
    let workspace =
        builder(&server).federation(None, || async { Ok::<_, CatalogError>("hunter2") });
    assert!(!format!("{workspace:?}").contains("hunter2"));
    let error = workspace
        .build()
        .unwrap()
        .ingest_token(&table())
        .await
        .unwrap_err();
    assert!(
        matches!(error, CatalogError::SubjectTokenRefused { status: 400, .. }),
        "{error}"
    );
    assert!(!error.is_retryable());
    assert!(error.to_string().contains("federation policy"), "{error}");
    assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");

    let failing =
        builder(&server).federation(None, || async { Err::<String, _>("the vault is shut") });
    let error = failing
        .build()
        .unwrap()
        .ingest_token(&table())
        .await
        .unwrap_err();
    assert!(matches!(error, CatalogError::NoSubjectToken { .. }) && error.is_retryable());
    assert!(error.to_string().contains("the vault is shut"), "{error}");
    let empty = builder(&server).federation(None, || async { Ok::<_, CatalogError>(" ") });
    empty
        .build()
        .unwrap()
        .ingest_token(&table())
        .await
        .unwrap_err();
    assert_eq!(server.requests().len(), 1);
}
