//! The rows of a table, as tests of programs that write to it read them.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};
use zerobus_local::RowsError;
use zerobus_proto::RecordType;

use crate::Local;
use crate::air_quality::{DDL, TABLE, bare_record, record};
use crate::client::{Client, batch, json as json_record, json_batch, single};

#[derive(Debug, PartialEq, Deserialize)]
struct Row {
    device_name: String,
    temp: i32,
    price: Option<String>,
    tags: Option<Vec<String>>,
    location: Option<Location>,
    payload: Option<Value>,
}

#[derive(Debug, PartialEq, Deserialize)]
struct Location {
    lat: f64,
    lon: f64,
    label: Option<String>,
}

#[tokio::test]
async fn rows_are_read_as_any_type_that_serde_reads() {
    // A partition column's values are not in the files.
    for partitioned in ["", " PARTITIONED BY (device_name)"] {
        let ddl = format!("{}{partitioned};", DDL.trim_end_matches(';'));
        let local = Local::with(&ddl).await;
        let mut client = Client::open(&local.server, RecordType::Proto).await;
        client.send(batch(0, &[record(0), record(1)])).await;
        client.acked().await;
        let rows: Vec<Row> = local.server.rows(TABLE).await.unwrap();
        let expected = |temp: i32| Row {
            device_name: format!("sensor-{temp}"),
            temp,
            price: Some("-19.99".to_owned()),
            tags: Some(vec!["a".to_owned(), String::new(), "ü".to_owned()]),
            location: Some(Location {
                lat: 48.1,
                lon: 11.5,
                label: None,
            }),
            payload: Some(json!({"ok": true, "n": [1, 2]})),
        };
        assert_eq!(rows, [expected(0), expected(1)]);
        let values: Vec<Value> = local.server.rows(TABLE).await.unwrap();
        assert_eq!(values[0]["observed_at"], 1_790_000_000_123_456_i64);
        assert_eq!(values[0]["day"], 20_000);
        assert_eq!(values[0]["raw"], "AP8=");
        assert_eq!(values[0]["attrs"], json!({"floor": "3"}));
    }
}

#[tokio::test]
async fn partition_values_of_every_type_come_back_as_they_were_sent() {
    for (p, value) in [
        ("BOOLEAN", json!(true)),
        ("TINYINT", json!(-128)),
        ("BIGINT", json!(i64::MIN)),
        ("DOUBLE", json!(0.1)),
        ("STRING", json!("a/ü %")),
        ("BINARY", json!("YQ==")),
        ("DECIMAL(10,2)", json!("-19.99")),
        ("DATE", json!(-719_162)),
        ("TIMESTAMP", json!(253_402_300_799_999_999_i64)),
        ("TIMESTAMP_NTZ", json!(-1)),
        ("INT", Value::Null),
    ] {
        let t = "main.default.t";
        let local = Local::with(&format!(
            "CREATE TABLE {t} (n INT, p {p}) PARTITIONED BY (p)"
        ))
        .await;
        let mut client = Client::open_table(&local.server, t, RecordType::Json, Vec::new()).await;
        let row = json!({"n": 1, "p": value});
        client.send(json_record(0, &row.to_string())).await;
        client.acked().await;
        assert_eq!(local.server.rows::<Value>(t).await.unwrap(), [row], "{p}");
    }
}

#[tokio::test]
async fn rows_can_be_waited_for() {
    let local = Local::start().await;
    let server = &local.server;
    let second = Duration::from_secs(60);
    let sending = async {
        let mut client = Client::open(server, RecordType::Proto).await;
        for offset in 0..3 {
            client.send(single(offset, &bare_record(0))).await;
        }
        client.half_close();
        client.end().await
    };
    let (found, _) = tokio::join!(server.wait_for_rows(TABLE, 3, second), sending);
    assert_eq!(found.unwrap(), 3);
    let error = server
        .wait_for_rows(TABLE, 4, Duration::from_millis(20))
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "table main.default.air_quality has 3 rows, 4 were waited for"
    );
    let received = server.received(TABLE).unwrap();
    assert_eq!((received.messages, received.records), (3, 3));
}

#[tokio::test]
async fn a_server_without_a_folder_of_its_own_leaves_none_behind() {
    let server = zerobus_local::LocalZerobus::builder()
        .table_ddl(DDL)
        .start()
        .await
        .unwrap();
    let data = server.data().to_owned();
    assert!(data.join("main/default/air_quality/_delta_log").is_dir());
    server.shutdown().await;
    assert!(!data.exists());
}

#[tokio::test]
async fn what_cannot_be_read_is_told() {
    let local = Local::start().await;
    let mut client = Client::open(&local.server, RecordType::Json).await;
    let records = [
        r#"{"device_name":"a","observed_at":1,"temp":0}"#,
        r#"{"device_name":"b","observed_at":1}"#,
    ];
    client.send(json_batch(0, &records)).await;
    client.acked().await;
    let server = &local.server;
    let error = server.rows::<Row>(TABLE).await.unwrap_err();
    assert!(
        error.to_string().starts_with(
            "row 1 is none of the type that was asked for: invalid type: null, expected i32"
        ),
        "{error}"
    );
    let unknown = server
        .rows::<Row>("main.default.missing")
        .await
        .unwrap_err();
    assert!(matches!(unknown, RowsError::Unknown { .. }), "{unknown}");
    let short = server.received("air_quality").unwrap_err();
    assert!(matches!(short, RowsError::Name(_)), "{short}");
}
