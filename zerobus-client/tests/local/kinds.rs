//! Every kind of record comes to the same rows.

use std::time::Duration;

use serde_json::json;
use zerobus_client::schema::mapping::{self, MappingOptions};
use zerobus_client::{
    DateDays, Decimal, Error, ErrorCode, JsonString, ProtoBytes, ProtoDescriptor, ProtoMessage,
    RecordSchema, StreamOptions, TimestampMicros, Value, VariantJson, ZerobusRecord,
};
use zerobus_local::Fault;

use crate::{TABLE, client, rows, server};

pub(crate) const COLUMNS: &str = "name STRING NOT NULL, n INT, price DECIMAL(10,2), at TIMESTAMP, day DATE, payload VARIANT, \
                       tags ARRAY<STRING>, place STRUCT<lat: DOUBLE NOT NULL, label: STRING>";

pub(crate) fn expected(name: &str) -> serde_json::Value {
    json!({
        "name": name, "n": 7, "price": "19.99", "at": 1_790_000_000_123_456_i64, "day": 20_000,
        "payload": {"a": [1]}, "tags": ["x", "y"], "place": {"lat": 48.1, "label": null},
    })
}

#[derive(ZerobusRecord)]
pub(crate) struct Derived {
    name: &'static str,
    n: Option<i32>,
    #[zerobus(type = "DECIMAL(10,2)")]
    price: Option<Decimal>,
    at: Option<TimestampMicros>,
    day: Option<DateDays>,
    payload: Option<VariantJson<&'static str>>,
    tags: Vec<&'static str>,
    place: Option<Place>,
}

#[derive(ZerobusRecord)]
pub(crate) struct Place {
    lat: f64,
    label: Option<String>,
}

pub(crate) fn derived() -> Derived {
    Derived {
        name: "derived",
        n: Some(7),
        price: Decimal::new(1999, 2),
        at: Some(TimestampMicros::from_micros(1_790_000_000_123_456)),
        day: Some(DateDays::from_days(20_000)),
        payload: Some(VariantJson::new("{\"a\":[1]}")),
        tags: vec!["x", "y"],
        place: Some(Place {
            lat: 48.1,
            label: None,
        }),
    }
}

/// The same as prost has it.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Message {
    #[prost(string, optional, tag = "1")]
    name: Option<String>,
    #[prost(int32, optional, tag = "2")]
    n: Option<i32>,
    #[prost(string, optional, tag = "3")]
    price: Option<String>,
    #[prost(int64, optional, tag = "4")]
    at: Option<i64>,
    #[prost(int32, optional, tag = "5")]
    day: Option<i32>,
    #[prost(string, optional, tag = "6")]
    payload: Option<String>,
    #[prost(string, repeated, tag = "7")]
    tags: Vec<String>,
    #[prost(message, optional, tag = "8")]
    place: Option<MessagePlace>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct MessagePlace {
    #[prost(double, optional, tag = "1")]
    lat: Option<f64>,
    #[prost(string, optional, tag = "2")]
    label: Option<String>,
}

pub(crate) fn message(name: &str) -> Message {
    Message {
        name: Some(name.to_owned()),
        n: Some(7),
        price: Some("19.99".to_owned()),
        at: Some(1_790_000_000_123_456),
        day: Some(20_000),
        payload: Some("{\"a\":[1]}".to_owned()),
        tags: vec!["x".to_owned(), "y".to_owned()],
        place: Some(MessagePlace {
            lat: Some(48.1),
            label: None,
        }),
    }
}

#[tokio::test]
async fn whatever_they_are_made_of_records_come_to_the_same_rows() {
    let server = server(COLUMNS).await;
    let client = client(&server);

    let mut stream = client
        .stream::<Derived>()
        .table(TABLE)
        .open()
        .await
        .unwrap();
    stream.ingest_record(&derived()).await.unwrap();
    stream.close().await.unwrap();

    let mut stream = client.json_stream(TABLE).open().await.unwrap();
    // In JSON a VARIANT is a string of JSON.
    let mut json = expected("json");
    json["payload"] = "{\"a\":[1]}".into();
    stream.ingest_record(&json).await.unwrap();
    json["name"] = "text".into();
    stream
        .ingest_batch(&[JsonString(json.to_string())])
        .await
        .unwrap();
    stream.close().await.unwrap();

    // Read from the catalog, while the program runs.
    let table = client.table_schema(TABLE).await.unwrap();
    let schema = RecordSchema::of(&table).unwrap();
    let mut stream = client.dynamic_stream(&schema).open().await.unwrap();
    let mut record = schema.record();
    record.set("name", "dynamic").unwrap().set("n", 7).unwrap();
    record.set("price", "19.99").unwrap();
    record
        .set("at", TimestampMicros::from_micros(1_790_000_000_123_456))
        .unwrap();
    record.set("day", DateDays::from_days(20_000)).unwrap();
    record
        .set("payload", VariantJson::new("{\"a\":[1]}"))
        .unwrap();
    record.set("tags", &[Value::from("x"), "y".into()]).unwrap();
    record.set("place", &[("lat", Value::from(48.1))]).unwrap();
    stream.ingest_record(&record).await.unwrap();
    record.clear();
    record
        .set_json(expected("dynamic json").as_object().unwrap())
        .unwrap();
    stream.ingest_record(&record).await.unwrap();
    stream.close().await.unwrap();

    // As a compiler of `.proto` files describes it.
    let described = mapping::message(&table, &MappingOptions::default()).unwrap();
    let set = described.file_descriptor_set(Some("iot"));
    let descriptor = ProtoDescriptor::from_file_descriptor_set(&set, "iot.t").unwrap();
    let mut stream = client.proto_stream(TABLE, descriptor).open().await.unwrap();
    stream
        .ingest_record(&ProtoMessage(&message("prost")))
        .await
        .unwrap();
    let encoded = prost::Message::encode_to_vec(&message("bytes"));
    stream.ingest_record(&ProtoBytes(encoded)).await.unwrap();
    stream.close().await.unwrap();

    let names = [
        "derived",
        "json",
        "text",
        "dynamic",
        "dynamic json",
        "prost",
        "bytes",
    ];
    assert_eq!(rows(&server).await, names.map(expected));
}

#[tokio::test]
async fn a_batch_with_a_record_that_the_table_refuses_is_stored_not_at_all() {
    let server = server(COLUMNS).await;
    let mut stream = client(&server).json_stream(TABLE).open().await.unwrap();
    stream.ingest_record(r#"{"name": "before"}"#).await.unwrap();
    let batch = [
        r#"{"name": "a"}"#,
        r#"{"name": "b", "nowhere": 1}"#,
        r#"{"name": "c"}"#,
    ];
    stream.ingest_batch(batch).await.unwrap();
    let error = stream.flush().await.unwrap_err();
    assert_eq!(
        error.error_code(),
        Some(ErrorCode::RECORD_REFUSED),
        "{error}"
    );
    assert_eq!(stream.get_unacked_records(), batch);
    assert_eq!(rows(&server).await.len(), 1);
}

#[tokio::test]
async fn a_descriptor_with_names_that_are_not_full_does_not_reach_the_service() {
    let server = server("name STRING, place STRUCT<lat: DOUBLE>").await;
    let table = client(&server).table_schema(TABLE).await.unwrap();
    let described = mapping::message(&table, &MappingOptions::default()).unwrap();
    let mut descriptor =
        <prost_types::DescriptorProto as prost::Message>::decode(described.descriptor().as_slice())
            .unwrap();
    descriptor.field[1].type_name = Some("Place".to_owned());
    let descriptor = prost::Message::encode_to_vec(&descriptor);
    let error = client(&server)
        .proto_stream(TABLE, descriptor)
        .open()
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Descriptor { .. }), "{error}");
    assert!(error.to_string().contains("field t.place"), "{error}");
}

#[tokio::test]
async fn a_refused_record_is_handed_out_with_its_column_and_the_rest_is_stored() {
    let server = server("name STRING NOT NULL, at TIMESTAMP, place STRUCT<lat: DOUBLE>").await;
    let (sender, letters) = std::sync::mpsc::channel();
    let builder = client(&server)
        .json_stream(TABLE)
        .dead_letters(move |letter| drop(sender.send(letter)));
    let mut stream = builder.open().await.unwrap();
    for (record, column) in [
        (r#"{"name": "a", "nowhere": 1}"#, "nowhere"),
        (r#"{"name": "a", "at": "2026-01-01"}"#, "at"),
        (r#"{"name": "a", "place": {"lat": "north"}}"#, "place.lat"),
        (r#"{"at": 1}"#, "name"),
    ] {
        stream.ingest_record(r#"{"name": "good"}"#).await.unwrap();
        stream.ingest_record(record).await.unwrap();
        stream.ingest_record(r#"{"name": "good"}"#).await.unwrap();
        stream.flush().await.unwrap();
        let letter = letters.recv().unwrap();
        assert_eq!(letter.record, record);
        assert_eq!(letter.column.unwrap().to_string(), column);
    }
    stream.close().await.unwrap();
    assert_eq!(rows(&server).await.len(), 8);
}

#[tokio::test]
async fn whatever_happens_on_the_way_every_kind_arrives_as_it_was() {
    let server = server("n INT NOT NULL, text STRING").await;
    let client = client(&server);
    let table = client.table_schema(TABLE).await.unwrap();
    let schema = RecordSchema::of(&table).unwrap();
    let mut dynamic = client
        .dynamic_stream(&schema)
        .configure(small_messages)
        .open()
        .await
        .unwrap();
    let mut json = client
        .json_stream(TABLE)
        .configure(small_messages)
        .open()
        .await
        .unwrap();
    let mut record = schema.record();
    for n in 0..400 {
        match n {
            100 => server.fail_next(Fault::Disconnect),
            200 => server.fail_next(Fault::DropAck),
            300 => server.fail_next(Fault::CloseSignal(Duration::from_millis(50))),
            _ => {}
        }
        record.clear();
        record.set("n", n).unwrap().set("text", "dynamic").unwrap();
        dynamic.ingest_record(&record).await.unwrap();
        json.ingest_record(&json!({"n": n, "text": "json"}))
            .await
            .unwrap();
    }
    dynamic.close().await.unwrap();
    json.close().await.unwrap();
    let mut stored: Vec<_> = rows(&server)
        .await
        .iter()
        .map(|row| (row["text"].clone().to_string(), row["n"].as_i64().unwrap()))
        .collect();
    stored.sort_unstable();
    // What was stored and not acked is there twice.
    stored.dedup();
    let expected = ["\"dynamic\"", "\"json\""]
        .into_iter()
        .flat_map(|text| (0..400).map(move |n| (text.to_owned(), n)));
    assert!(stored.into_iter().eq(expected));
}

fn small_messages(options: &mut StreamOptions) {
    options.batch_records = 10;
    options.recovery_backoff = Duration::from_millis(1);
}

#[test]
fn without_a_runtime_every_step_blocks() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let server = runtime.block_on(server("name STRING NOT NULL, n INT"));
    let client = client(&server);
    let schema = RecordSchema::of(&client.table_schema_blocking(TABLE).unwrap()).unwrap();
    let records: Vec<_> = (0..10)
        .map(|n| {
            let mut record = schema.record();
            record.set("name", "roof").unwrap().set("n", n).unwrap();
            record
        })
        .collect();
    let builder = client.dynamic_stream(&schema);
    let mut lanes = builder.lanes(2).open_blocking().unwrap();
    for record in &records {
        lanes.ingest_keyed("roof", record).unwrap();
    }
    let mut producer = lanes.producer();
    std::thread::spawn(move || {
        producer.ingest_record(&records[0]).unwrap();
        producer.flush().unwrap();
    })
    .join()
    .unwrap();
    lanes.close().unwrap();
    assert_eq!(runtime.block_on(rows(&server)).len(), 11);
}

#[tokio::test]
async fn lanes_and_producers_take_many_records_at_once() {
    let server = server("n INT").await;
    let client = client(&server);
    let texts: Vec<String> = (0..30).map(|n| format!(r#"{{"n": {n}}}"#)).collect();
    let mut lanes = client.json_stream(TABLE).lanes(3).open().await.unwrap();
    lanes.ingest_records(&texts[..10]).await.unwrap();
    let place = lanes.try_ingest_keyed(&7, &texts[10]).unwrap();
    lanes.ack(place).await.unwrap();
    // From a task of its own, as everything here can be.
    let closing = tokio::spawn(async move { lanes.close().await });
    closing.await.unwrap().unwrap();
    let mut stream = client.json_stream(TABLE).open().await.unwrap();
    let mut producer = stream.producer();
    assert_eq!(producer.try_ingest_records(&texts[11..]).unwrap(), Some(18));
    stream.close().await.unwrap();
    let mut stored: Vec<i64> = rows(&server)
        .await
        .iter()
        .map(|row| row["n"].as_i64().unwrap())
        .collect();
    stored.sort_unstable();
    assert_eq!(stored, (0..30).collect::<Vec<_>>());
}

#[tokio::test]
async fn what_one_stream_has_not_got_acked_another_takes_as_it_is() {
    #[derive(ZerobusRecord)]
    struct Row {
        name: &'static str,
        n: Option<i32>,
    }
    let server = server("name STRING NOT NULL, n INT").await;
    let client = client(&server);
    let mut first = client.stream::<Row>().table(TABLE).open().await.unwrap();
    server.fail_next(Fault::Unavailable);
    first
        .ingest_record(&Row {
            name: "a",
            n: Some(1),
        })
        .await
        .unwrap();
    let unacked = first.get_unacked_records();
    let json = ProtoDescriptor::of::<Row>().to_json(&unacked[0]).unwrap();
    assert_eq!(json, r#"{"name":"a","n":1}"#);
    drop(first);

    let schema = RecordSchema::of(&client.table_schema(TABLE).await.unwrap()).unwrap();
    let mut typed = client.stream::<Row>().table(TABLE).open().await.unwrap();
    let mut dynamic = client.dynamic_stream(&schema).open().await.unwrap();
    for record in unacked {
        typed.ingest_record(&ProtoBytes(&record)).await.unwrap();
        dynamic.ingest_record(&ProtoBytes(record)).await.unwrap();
    }
    typed.close().await.unwrap();
    dynamic.close().await.unwrap();
    let stored = rows(&server).await;
    assert!(stored.len() >= 2, "{stored:?}");
    assert!(
        stored
            .iter()
            .all(|row| *row == json!({"name": "a", "n": 1})),
        "{stored:?}"
    );
    let error = ProtoDescriptor::of::<Row>().to_json(b"\xff").unwrap_err();
    assert!(matches!(error, Error::Record { .. }), "{error}");
}
