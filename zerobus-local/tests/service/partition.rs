//! Partition columns: what they hold, and what they cannot.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use prost::Message;
use serde_json::{Value, json};
use tonic::Code;
use zerobus_proto::RecordType;
use zerobus_schema::{ddl, mapping};

use crate::Local;
use crate::air_quality::{DDL, TABLE, bare_record, record};
use crate::client::{Client, batch, bytes, json_batch};
use crate::reader;

const T: &str = "main.default.t";

/// A table whose rows are told apart by `temp`, partitioned by a column of this type.
async fn partitioned(p: &str) -> Local {
    let ddl = format!("CREATE TABLE {T} (temp INT NOT NULL, p {p}) PARTITIONED BY (p)");
    Local::with(&ddl).await
}

async fn open(local: &Local) -> Client {
    Client::open_table(&local.server, T, RecordType::Json, Vec::new()).await
}

fn row(temp: i32, p: impl Into<Value>) -> String {
    json!({"temp": temp, "p": p.into()}).to_string()
}

/// `temp` of every row and the partition its file is in, as the log has it.
fn found(local: &Local) -> Vec<(i32, Value)> {
    let files = reader::files(&local.server.table_dir(&T.parse().unwrap()));
    let rows = files.into_iter().flat_map(|file| {
        let temps = reader::temps_of(&reader::rows_of(&file.path));
        let p = file.partition_values["p"].clone();
        temps.into_iter().map(move |temp| (temp, p.clone()))
    });
    let mut rows: Vec<_> = rows.collect();
    rows.sort_unstable_by_key(|(temp, _)| *temp);
    rows
}

#[tokio::test]
async fn a_partitioned_table_keeps_its_partitions_apart() {
    let ddl = format!("{} PARTITIONED BY (day);", DDL.trim_end_matches(';'));
    let local = Local::with(&ddl).await;
    let mut client = Client::open(&local.server, RecordType::Proto).await;
    client
        .send(batch(0, &[record(1), bare_record(2), record(3)]))
        .await;
    client.half_close();
    assert!(matches!(client.end().await, (Some(0), None)));
    let mut temps = local.temps();
    temps.sort_unstable();
    assert_eq!(temps, [1, 2, 3]);
    let folder = local.server.table_dir(&TABLE.parse().unwrap());
    assert!(folder.join("day=2024-10-04").is_dir());
}

#[tokio::test]
async fn any_text_is_held_whether_a_folder_can_be_named_so_or_not() {
    let local = partitioned("STRING NOT NULL").await;
    let values = [
        "x".repeat(300),
        "é".repeat(200),
        "x".repeat(253),
        "x".repeat(254),
        "%".repeat(100),
        "a\0b/../c d=%2F".to_owned(),
        "..".to_owned(),
        " ".to_owned(),
    ];
    let rows: Vec<_> = (0..)
        .zip(&values)
        .map(|(temp, p)| row(temp, p.as_str()))
        .collect();
    let rows: Vec<_> = rows.iter().map(String::as_str).collect();
    let mut client = open(&local).await;
    client.send(json_batch(0, &rows)).await;
    assert_eq!(client.acked().await, 0);
    let expected: Vec<_> = (0..)
        .zip(values.iter().map(|p| Value::from(p.as_str())))
        .collect();
    assert_eq!(found(&local), expected);
    // The shorter ones have a folder of their name.
    let folder = local.server.table_dir(&T.parse().unwrap());
    assert!(folder.join(format!("p={}", "x".repeat(253))).is_dir());

    // The table can be opened and goes on.
    let local = local.restart().await;
    let mut client = open(&local).await;
    client
        .send(json_batch(0, &[&row(8, values[0].as_str())]))
        .await;
    assert_eq!(client.acked().await, 0);
    assert_eq!(found(&local).len(), 9);
}

#[tokio::test]
async fn bytes_that_are_text_are_held_and_nothing_is_null() {
    let local = partitioned("BINARY").await;
    let mut client = open(&local).await;
    let values = ["\0", "plain", "é", ""].map(|p| row(0, STANDARD.encode(p)));
    let rows: Vec<_> = values.iter().map(String::as_str).collect();
    client.send(json_batch(0, &rows)).await;
    assert_eq!(client.acked().await, 0);
    let mut partitions: Vec<_> = found(&local).into_iter().map(|(_, p)| p).collect();
    partitions.sort_unstable_by_key(Value::to_string);
    assert_eq!(json!(partitions), json!(["\0", "plain", "é", null]));
}

#[tokio::test]
async fn what_delta_has_no_text_for_is_refused_and_nothing_else_is() {
    for (p, good, bad, problem) in [
        (
            "STRING NOT NULL",
            json!("a"),
            json!(""),
            "expected STRING NOT NULL that is not empty, because in a partition column Delta takes an empty value for \
             NULL, found an empty one",
        ),
        (
            "BINARY NOT NULL",
            json!("YQ=="),
            json!(""),
            "expected BINARY NOT NULL that is not empty",
        ),
        (
            "BINARY",
            json!("YQ=="),
            json!("AP8="),
            "expected BINARY that is UTF-8 text, because Delta keeps the values of a partition column as text, found \
             x'00ff' (byte 1 is none)",
        ),
        (
            "DATE",
            json!(2_932_896),
            json!(2_932_897),
            "expected DATE in the years 1 to 9999, because Delta keeps the values of a partition column as text, found \
             2932897 days since 1970-01-01",
        ),
        (
            "DATE",
            json!(-719_162),
            json!(i32::MIN),
            "found -2147483648 days",
        ),
        (
            "TIMESTAMP",
            json!(253_402_300_799_999_999_i64),
            json!(253_402_300_800_000_000_i64),
            "found 253402300800000000 microseconds since 1970-01-01",
        ),
        (
            "TIMESTAMP_NTZ NOT NULL",
            json!(-62_135_596_800_000_000_i64),
            json!(i64::MIN),
            "expected TIMESTAMP_NTZ in the years 1 to 9999",
        ),
    ] {
        // Also of a table that was found in the folder.
        let local = partitioned(p).await.restart().await;
        let mut other = open(&local).await;
        let mut client = open(&local).await;
        client.send(json_batch(0, &[&row(0, good.clone())])).await;
        client
            .send(json_batch(1, &[&row(1, good.clone()), &row(2, bad)]))
            .await;
        let (acked, status) = client.refusal().await;
        assert_eq!(status.code(), Code::InvalidArgument, "{status}");
        let start = "Record decoder/encoder error: column p: ";
        let message = status.message();
        let rest = message
            .strip_prefix(start)
            .unwrap_or_else(|| panic!("{message}"));
        assert!(rest.contains(problem), "{rest}");
        assert!(
            rest.ends_with(". Error Code: 4044, Error State: 3."),
            "{rest}"
        );
        assert_eq!(acked, Some(0));

        other.send(json_batch(0, &[&row(3, good.clone())])).await;
        assert_eq!(other.acked().await, 0);
        let temps: Vec<_> = found(&local).into_iter().map(|(temp, _)| temp).collect();
        assert_eq!(temps, [0, 3], "{p}");
    }
}

#[tokio::test]
async fn protobuf_records_are_held_to_the_same() {
    #[derive(Message)]
    struct Row {
        #[prost(int32, optional, tag = "1")]
        temp: Option<i32>,
        #[prost(bytes = "vec", optional, tag = "2")]
        p: Option<Vec<u8>>,
    }
    let ddl = format!("CREATE TABLE {T} (temp INT NOT NULL, p BINARY) PARTITIONED BY (p)");
    let local = Local::with(&ddl).await;
    let table = ddl::parse_create_table(&ddl).unwrap();
    let message = mapping::message(&table, &mapping::MappingOptions::default()).unwrap();
    let mut client =
        Client::open_table(&local.server, T, RecordType::Proto, message.descriptor()).await;
    for (offset, p) in [(0, None), (1, Some(vec![b'a'])), (2, Some(vec![0, 0xff]))] {
        let row = Row { temp: Some(1), p };
        client.send(bytes(offset, row.encode_to_vec())).await;
    }
    let (acked, status) = client.refusal().await;
    assert_eq!(acked, Some(1));
    assert!(
        status
            .message()
            .contains("in record 0 of the message at offset 2 "),
        "{status}"
    );
    assert!(status.message().contains("found x'00ff'"), "{status}");
    assert_eq!(found(&local), [(1, Value::Null), (1, json!("a"))]);
}
