//! What the server was told to do wrong, it does, and nothing else.

use std::time::{Duration, Instant};

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use serde_json::json;
use tonic::Code;
use zerobus_client::{TimestampMicros, ZerobusRecord};
use zerobus_local::{Fault, FaultRule};
use zerobus_proto::RecordType;
use zerobus_proto::ephemeral_stream_response::Payload;

use crate::Local;
use crate::air_quality::{TABLE, record};
use crate::client::{Client, single};
use crate::http::request;
use crate::reader;

/// Sends two records, of which the second meets the fault; what the stream ended with.
async fn suffered(local: &Local, fault: Fault) -> (Option<i64>, tonic::Status) {
    let mut client = Client::open(&local.server, RecordType::Proto).await;
    client.send(single(0, &record(0))).await;
    assert_eq!(client.acked().await, 0);
    local.server.fail_next(fault);
    client.send(single(1, &record(1))).await;
    client.refusal().await
}

/// After it happened once, all is well.
async fn check_well(local: &Local, temps: &[i32]) {
    let mut client = Client::open(&local.server, RecordType::Proto).await;
    client.send(single(0, &record(2))).await;
    assert_eq!(client.acked().await, 0);
    assert_eq!(local.temps(), temps);
}

#[tokio::test]
async fn a_message_that_is_refused_is_not_stored() {
    for (fault, code, text) in [
        (
            Fault::Unavailable,
            Code::Unavailable,
            "Injected fault unavailable.",
        ),
        (
            Fault::PipelineBlocked,
            Code::Unavailable,
            "Injected fault pipeline_blocked. Error Code: 6006, Error State: 0.",
        ),
        (
            Fault::ResourceExhausted,
            Code::ResourceExhausted,
            "Injected fault resource_exhausted.",
        ),
        (Fault::Internal, Code::Internal, "Injected fault internal."),
        (
            Fault::RefuseRecord,
            Code::InvalidArgument,
            "Injected fault refuse_record. Error Code: 4044, Error State: 3.",
        ),
        (
            Fault::DiskFull,
            Code::Unavailable,
            "Table main.default.air_quality could not be written: the disk has no room (injected fault disk_full). \
             Nothing after the last ack was kept.",
        ),
    ] {
        let local = Local::start().await;
        let (acked, status) = suffered(&local, fault).await;
        assert_eq!((acked, status.code(), status.message()), (None, code, text));
        check_well(&local, &[0, 2]).await;
    }
}

#[tokio::test]
async fn an_expired_token_is_good_for_nothing_more() {
    let local = Local::start().await;
    let token = crate::http::ingest_token(&local.server, TABLE).await;
    let (_, status) = suffered(&local, Fault::ExpireToken).await;
    assert_eq!(status.code(), Code::Unauthenticated);
    let bearer = format!("Bearer {token}");
    let metadata = [
        ("authorization", bearer.as_str()),
        ("x-databricks-zerobus-table-name", TABLE),
    ];
    let refused = Client::call(&local.server, &metadata).await.err().unwrap();
    assert!(refused.message().starts_with("Token expired"), "{refused}");
    check_well(&local, &[0, 2]).await;
}

#[tokio::test]
async fn a_connection_is_cut_without_a_status_of_the_server() {
    for (fault, temps) in [
        (Fault::Disconnect, [0, 2].as_slice()),
        // Stored, and nobody was told.
        (Fault::DropAck, &[0, 1, 2]),
    ] {
        let local = Local::start().await;
        let (acked, status) = suffered(&local, fault).await;
        assert_eq!(acked, None);
        // The words of the client's own transport.
        assert!(std::error::Error::source(&status).is_some(), "{status:?}");
        check_well(&local, temps).await;
    }
}

#[tokio::test]
async fn acks_are_held_back() {
    const TIME: Duration = Duration::from_millis(300);
    let local = Local::start().await;
    let mut client = Client::open(&local.server, RecordType::Proto).await;
    local.server.fail_next(Fault::DelayAck(TIME));
    let started = Instant::now();
    client.send(single(0, &record(0))).await;
    client.send(single(1, &record(1))).await;
    assert!(client.acked().await >= 0);
    assert!(started.elapsed() >= TIME);
    client.half_close();
    let (_, status) = client.end().await;
    assert!(status.is_none(), "{status:?}");
    assert_eq!(local.temps(), [0, 1]);
}

#[tokio::test]
async fn a_stream_is_told_to_close_and_closed() {
    let local = Local::start().await;
    let mut client = Client::open(&local.server, RecordType::Proto).await;
    local
        .server
        .fail_next(Fault::CloseSignal(Duration::from_millis(200)));
    client.send(single(0, &record(0))).await;
    let (mut told, mut acked) = (None, None);
    while told.is_none() || acked.is_none() {
        match client.next().await.unwrap() {
            Some(Payload::CloseStreamSignal(signal)) => told = signal.duration,
            Some(Payload::IngestRecordResponse(ack)) => acked = ack.durability_ack_up_to_offset,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(
        Duration::try_from(told.unwrap()).unwrap(),
        Duration::from_millis(200)
    );
    // Until then it takes what comes.
    client.send(single(1, &record(1))).await;
    let (_, status) = client.refusal().await;
    assert_eq!(status.code(), Code::Unavailable);
    assert!(
        status
            .message()
            .ends_with("Error Code: 6002, Error State: 0."),
        "{status}"
    );
    assert_eq!(local.temps(), [0, 1]);
}

#[tokio::test]
async fn faults_are_put_seen_and_taken_away_over_http() {
    let local = Local::start().await;
    let rules = json!({"faults": [
        {"fault": "unavailable", "table": TABLE, "after": 1, "times": 1},
        {"fault": "internal", "table": "main.default.other"},
        {"fault": "internal", "nth": 3},
    ]});
    let answer = request(&local.server, "PUT", "/faults", &[], &rules.to_string()).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let mut client = Client::open(&local.server, RecordType::Proto).await;
    client.send(single(0, &record(0))).await;
    client.send(single(1, &record(1))).await;
    let (acked, status) = client.refusal().await;
    assert_eq!((acked, status.code()), (Some(0), Code::Unavailable));
    let faults = request(&local.server, "GET", "/faults", &[], "")
        .await
        .json();
    assert_eq!(faults["faults"][0]["seen"], 2);
    assert_eq!(faults["faults"][0]["fired"], 1);
    assert_eq!(faults["faults"][1]["seen"], 0);
    assert_eq!(
        [&faults["faults"][2]["after"], &faults["faults"][2]["times"]],
        [2, 1]
    );

    let wrong = request(
        &local.server,
        "PUT",
        "/faults",
        &[],
        r#"{"faults": [{"fault": "x"}]}"#,
    )
    .await;
    assert_eq!(wrong.status, 400);
    assert!(wrong.body.contains("there is no fault"), "{}", wrong.body);
    let foreign = ["origin: https://evil.example"];
    let refused = request(
        &local.server,
        "PUT",
        "/faults",
        &foreign,
        &rules.to_string(),
    )
    .await;
    assert_eq!(refused.status, 403);
    let answer = request(&local.server, "DELETE", "/faults", &[], "").await;
    assert_eq!(answer.json(), json!({"faults": []}));
}

#[tokio::test]
async fn the_readme_names_them_all() {
    let local = Local::start().await;
    let state = crate::sight::state(&local).await;
    let names = state["fault_names"].as_array().unwrap();
    assert!(names.len() > 10, "{names:?}");
    for name in names {
        let name = format!("`{}`", name["fault"].as_str().unwrap());
        assert!(include_str!("../../README.md").contains(&name), "{name}");
    }
}

#[tokio::test]
async fn a_fault_of_one_stream_leaves_the_others_alone() {
    for fault in [Fault::Unavailable, Fault::DiskFull] {
        let local = Local::start().await;
        let mut other = Client::open(&local.server, RecordType::Proto).await;
        let mut client = Client::open(&local.server, RecordType::Proto).await;
        assert_ne!(client.stream_id, other.stream_id);
        let rule = json!({"fault": fault.name(), "stream": client.stream_id});
        let rules = json!({"faults": [rule]}).to_string();
        let answer = request(&local.server, "PUT", "/faults", &[], &rules).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        other.send(single(0, &record(0))).await;
        assert_eq!(other.acked().await, 0);
        client.send(single(0, &record(1))).await;
        let (acked, status) = client.refusal().await;
        assert_eq!(
            (acked, status.code()),
            (None, Code::Unavailable),
            "{fault:?}"
        );
        other.send(single(1, &record(2))).await;
        assert_eq!(other.acked().await, 1);
        assert_eq!(local.temps(), [0, 2]);
        let faults = request(&local.server, "GET", "/faults", &[], "")
            .await
            .json();
        assert_eq!(faults["faults"][0]["stream"], rule_stream(&rules));
        assert_eq!(faults["faults"][0]["fired"], 1);
    }
}

#[tokio::test]
async fn a_full_disk_for_one_stream_is_none_for_another_in_the_same_commit() {
    let data = tempfile::TempDir::new().unwrap();
    let server = zerobus_local::LocalZerobus::builder()
        .data(data.path())
        .seed_sql(crate::air_quality::DDL)
        .commit_interval(Duration::from_secs(1))
        .start()
        .await
        .unwrap();
    let local = Local { data, server };
    let mut other = Client::open(&local.server, RecordType::Proto).await;
    let mut client = Client::open(&local.server, RecordType::Proto).await;
    let rule = FaultRule::new(Fault::DiskFull).stream(client.stream_id.clone());
    local.server.fail(rule);
    // The first is committed at once, what comes then gathers.
    for offset in 0..2 {
        other.send(single(offset, &record(0))).await;
    }
    client.send(single(0, &record(1))).await;
    let (acked, status) = client.refusal().await;
    assert_eq!((acked, status.code()), (None, Code::Unavailable));
    while other.acked().await < 1 {}
    assert_eq!(local.temps(), [0, 0]);
}

fn rule_stream(rules: &str) -> serde_json::Value {
    let rules: serde_json::Value = serde_json::from_str(rules).unwrap();
    rules["faults"][0]["stream"].clone()
}

#[derive(ZerobusRecord)]
#[zerobus(table = "main.default.events", schema = "tests/kill/events.json")]
struct Event {
    seq: i64,
    source: i32,
    observed_at: TimestampMicros,
    payload: Vec<u8>,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_recovers_loses_nothing_to_all_of_them() {
    const RECORDS: i64 = 3_000;
    let local = Local::with(crate::tls::EVENTS).await;
    for (seed, fault) in (1..).zip([
        Fault::Unavailable,
        Fault::Internal,
        Fault::ExpireToken,
        Fault::Disconnect,
        Fault::DropAck,
        Fault::DelayAck(Duration::from_millis(20)),
        Fault::CloseSignal(Duration::from_millis(20)),
        Fault::DiskFull,
    ]) {
        local
            .server
            .fail(FaultRule::new(fault).probability(0.02, seed));
    }
    local
        .server
        .fail(FaultRule::new(Fault::AlterTable).after(20).times(3));
    let client = zerobus_client::Client::builder()
        .endpoint(local.server.url())
        .workspace_url(local.server.url())
        .oauth("id", "secret")
        .build()
        .unwrap();
    let stream = client.stream::<Event>().configure(|options| {
        // Many small messages: each may meet them all.
        options.batch_bytes = 1 << 10;
        options.recovery_retries = 1_000;
        options.recovery_backoff = Duration::from_millis(2);
    });
    let mut stream = stream.open().await.unwrap();
    for seq in 0..RECORDS {
        let event = Event {
            seq,
            source: 1,
            observed_at: TimestampMicros::from_micros(seq),
            payload: vec![7; 100],
        };
        stream.ingest_record(&event).await.unwrap();
    }
    stream.close().await.unwrap();
    let mut next = 0;
    for batch in reader::rows(
        &local
            .server
            .table_dir(&"main.default.events".parse().unwrap()),
    ) {
        for &seq in batch
            .column_by_name("seq")
            .unwrap()
            .as_primitive::<Int64Type>()
            .values()
        {
            assert!(seq <= next, "{seq} stands before {next}");
            next = next.max(seq + 1);
        }
    }
    assert_eq!(next, RECORDS);
    let faults = request(&local.server, "GET", "/faults", &[], "")
        .await
        .json();
    let fired: Vec<u64> = faults["faults"]
        .as_array()
        .unwrap()
        .iter()
        .map(|rule| rule["fired"].as_u64().unwrap())
        .collect();
    assert!(fired.iter().all(|&fired| fired > 0), "{fired:?}");
}
