//! What the server tells of itself.

use zerobus_local::Fault;
use zerobus_proto::RecordType;

use crate::Local;
use crate::air_quality::{TABLE, record};
use crate::client::{Client, batch, single};
use crate::http::request;

/// The value of a metric of the table.
async fn metric(local: &Local, name: &str) -> f64 {
    let answer = request(&local.server, "GET", "/metrics", &[], "").await;
    assert_eq!(answer.status, 200);
    let start = format!("zerobus_local_{name}{{table=\"{TABLE}\"}} ");
    let mut lines = answer.body.lines();
    let value = lines.find_map(|line| line.strip_prefix(&start));
    value
        .unwrap_or_else(|| panic!("{name}: {}", answer.body))
        .parse()
        .unwrap()
}

#[tokio::test]
async fn what_was_taken_and_committed_is_counted() {
    let local = Local::start().await;
    let mut client = Client::open(&local.server, RecordType::Proto).await;
    client.send(single(0, &record(0))).await;
    assert_eq!(client.acked().await, 0);
    client.send(batch(1, &[record(1), record(2)])).await;
    assert_eq!(client.acked().await, 1);
    assert_eq!(metric(&local, "streams_open").await, 1.0);
    local.server.fail_next(Fault::DiskFull);
    client.send(single(2, &record(3))).await;
    client.refusal().await;
    for (name, value) in [
        ("streams_opened_total", 1.0),
        ("streams_refused_total", 1.0),
        ("messages_total", 3.0),
        ("records_total", 4.0),
        ("commits_total", 2.0),
        ("commit_failures_total", 1.0),
        ("rows_total", 3.0),
        ("table_version", 2.0),
    ] {
        assert_eq!(metric(&local, name).await, value, "{name}");
    }
    let problem = crate::sight::state(&local).await["tables"][0]["problem"].clone();
    assert_eq!(
        problem,
        "The last commit failed: the disk has no room (injected fault disk_full)."
    );
    let mut client = Client::open(&local.server, RecordType::Proto).await;
    client.send(single(0, &record(3))).await;
    client.acked().await;
    let problem = crate::sight::state(&local).await["tables"][0]["problem"].clone();
    assert!(problem.is_null(), "{problem}");
    assert!(metric(&local, "record_bytes_total").await > 400.0);
    assert!(metric(&local, "data_file_bytes_total").await > 0.0);
    assert!(metric(&local, "commit_seconds_total").await > 0.0);
}

#[tokio::test]
async fn a_server_without_its_data_folder_is_alive_and_not_ready() {
    let local = Local::start().await;
    for path in ["/healthz", "/readyz", "/health", "/ready"] {
        assert_eq!(
            request(&local.server, "GET", path, &[], "").await.status,
            200
        );
    }
    std::fs::remove_dir_all(local.server.data()).unwrap();
    assert_eq!(
        request(&local.server, "GET", "/healthz", &[], "")
            .await
            .status,
        200
    );
    let answer = request(&local.server, "GET", "/readyz", &[], "").await;
    assert_eq!(answer.status, 503);
    assert_eq!(answer.json()["message"], "The data folder is gone.");
}
