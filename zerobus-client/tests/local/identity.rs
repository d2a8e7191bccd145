//! As whom a stream writes.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use zerobus_client::{Client, Error, JsonString};
use zerobus_local::{Fault, LocalZerobus};

use crate::{TABLE, rows};

#[tokio::test]
async fn a_federated_stream_writes_and_asks_for_another_token_when_its_own_is_over() {
    let server = LocalZerobus::builder()
        .table_ddl(format!("CREATE TABLE {TABLE} (n INT)"))
        .client("sp", "a secret that nobody needs")
        .start()
        .await
        .unwrap();
    let asked = Arc::new(AtomicUsize::new(0));
    let federated = |client_id| {
        let counter = Arc::clone(&asked);
        let builder = Client::builder().endpoint(server.url());
        let builder = builder.federation(Some(client_id), move || {
            let number = counter.fetch_add(1, Ordering::Relaxed);
            async move { Ok::<_, Error>(format!("header.{number}.signature")) }
        });
        builder.build().unwrap()
    };
    let client = federated("sp");
    // Of the table's columns too, for which the catalog is asked as the same identity.
    assert!(client.table_schema(TABLE).await.is_ok());
    let mut stream = client.json_stream(TABLE).open().await.unwrap();
    stream
        .ingest_record(&JsonString(r#"{"n": 1}"#))
        .await
        .unwrap();
    stream.flush().await.unwrap();
    let before = asked.load(Ordering::Relaxed);
    server.fail_next(Fault::ExpireToken);
    stream
        .ingest_record(&JsonString(r#"{"n": 2}"#))
        .await
        .unwrap();
    stream.close().await.unwrap();
    assert_eq!(stream.reconnects(), 1);
    assert_eq!(asked.load(Ordering::Relaxed), before + 1);
    assert_eq!(rows(&server).await.len(), 2);

    let refused = federated("other").json_stream(TABLE).open().await;
    let error = refused.unwrap_err().to_string();
    assert!(error.contains("federation policy"), "{error}");
}
