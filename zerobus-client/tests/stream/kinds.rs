//! Records that are not derived: JSON, bytes, messages of prost.

use std::collections::BTreeMap;

use prost_types::DescriptorProto;
use zerobus_client::{
    DescriptorError, Error, Json, JsonString, JsonValue, Proto, ProtoBytes, ProtoMessage, Stream,
};
use zerobus_proto::RecordType;

use crate::delivery::client;
use crate::recovery::eager;
use crate::server::{Call, Server};

const TABLE: &str = "main.default.lines";

async fn json_stream(server: &mut Server) -> (Stream<Json>, Call) {
    let stream = client(server).json_stream(TABLE).configure(eager);
    let (stream, call) = tokio::join!(stream.open(), async {
        let mut call = server.call().await;
        let create = call.create_stream().await;
        assert_eq!(create.table_name.as_deref(), Some(TABLE));
        assert_eq!(create.record_type, Some(RecordType::Json.into()));
        assert_eq!(create.descriptor_proto, None);
        call.created("stream");
        call
    });
    (stream.unwrap(), call)
}

#[tokio::test]
async fn json_travels_as_text_whatever_it_comes_from() {
    let mut server = Server::start().await;
    let (mut stream, mut call) = json_stream(&mut server).await;
    let map = BTreeMap::from([("a", 4)]);
    stream
        .ingest_record(&JsonString("{ \"a\": 1 }"))
        .await
        .unwrap();
    stream.ingest_record(r#"{"a":2}"#).await.unwrap();
    stream
        .ingest_record(&serde_json::json!({"a": 3}))
        .await
        .unwrap();
    stream.ingest_record(&JsonValue(&map)).await.unwrap();
    stream
        .ingest_records([r#"{"a":5}"#, r#"{"a":6}"#])
        .await
        .unwrap();
    let (records, last) = call.records(0, 6).await;
    let expected = [
        "{ \"a\": 1 }",
        r#"{"a":2}"#,
        r#"{"a":3}"#,
        r#"{"a":4}"#,
        r#"{"a":5}"#,
        r#"{"a":6}"#,
    ];
    assert_eq!(records, expected);
    // Sent again, it is JSON still.
    drop(call);
    let mut call = server.call().await;
    assert_eq!(
        call.create_stream().await.record_type,
        Some(RecordType::Json.into())
    );
    call.created("stream");
    assert_eq!(call.records(0, 6).await, (records, last));
    assert_eq!(
        stream.get_unacked_records(),
        expected.map(bytes::Bytes::from)
    );
    call.ack(last);
    stream.flush().await.unwrap();
}

#[tokio::test]
async fn what_is_no_json_object_is_refused_and_not_taken() {
    let mut server = Server::start().await;
    let (mut stream, mut call) = json_stream(&mut server).await;
    for text in [
        "",
        "[]",
        "1",
        "\"{}\"",
        "{",
        "{}}",
        "{\"a\":01}",
        "{\"a\":\"\n\"}",
    ] {
        let error = stream.ingest_record(&JsonString(text)).await.unwrap_err();
        assert!(matches!(error, Error::Record { .. }), "{text}: {error}");
        assert!(error.to_string().contains("a JSON object"), "{error}");
    }
    let error = stream.ingest_record(&JsonValue("{}")).await.unwrap_err();
    assert!(error.to_string().contains("JsonString"), "{error}");
    assert_eq!(stream.ingest_record("{}").await.unwrap(), 0);
    assert_eq!(call.records(0, 1).await.0, ["{}"]);
}

fn descriptor() -> Vec<u8> {
    let descriptor = DescriptorProto {
        name: Some("lines".to_owned()),
        ..DescriptorProto::default()
    };
    prost::Message::encode_to_vec(&descriptor)
}

#[derive(Clone, PartialEq, prost::Message)]
struct Text {
    #[prost(string, tag = "1")]
    text: String,
}

async fn proto_stream(server: &mut Server) -> (Stream<Proto>, Call) {
    let stream = client(server).proto_stream(TABLE, descriptor());
    let (stream, call) = tokio::join!(stream.open(), async {
        let mut call = server.call().await;
        let create = call.create_stream().await;
        assert_eq!(create.record_type, Some(RecordType::Proto.into()));
        assert_eq!(
            create.descriptor_proto.as_deref(),
            Some(descriptor().as_slice())
        );
        call.created("stream");
        call
    });
    (stream.unwrap(), call)
}

#[tokio::test]
async fn encoded_records_and_messages_of_prost_travel_as_they_are() {
    let mut server = Server::start().await;
    let (mut stream, mut call) = proto_stream(&mut server).await;
    let message = Text {
        text: "e".to_owned(),
    };
    stream.ingest_record(&ProtoBytes(b"text:a")).await.unwrap();
    stream.ingest_record(b"text:b".as_slice()).await.unwrap();
    stream
        .ingest_records(&[b"text:c".to_vec(), b"text:d".to_vec()])
        .await
        .unwrap();
    assert_eq!(call.records(0, 4).await.0, ["a", "b", "c", "d"]);
    let offset = stream.ingest_record(&ProtoMessage(&message)).await.unwrap();
    assert_eq!(offset, 4);
    let unacked = stream.get_unacked_records();
    assert_eq!(unacked[4], prost::Message::encode_to_vec(&message));
}

#[tokio::test]
async fn what_is_not_acked_comes_back_as_what_it_was() {
    let mut server = Server::start().await;
    let (mut stream, _call) = json_stream(&mut server).await;
    stream.ingest_record(r#"{"a":"ü"}"#).await.unwrap();
    assert_eq!(stream.get_unacked_json(), [r#"{"a":"ü"}"#]);

    let (mut stream, _call) = proto_stream(&mut server).await;
    let message = Text {
        text: "e".to_owned(),
    };
    stream.ingest_record(&ProtoMessage(&message)).await.unwrap();
    assert_eq!(stream.get_unacked_messages::<Text>().unwrap(), [message]);
    stream.ingest_record(&ProtoBytes(b"\xff")).await.unwrap();
    let error = stream.get_unacked_messages::<Text>().unwrap_err();
    assert!(matches!(error, Error::Record { .. }), "{error}");
}

#[tokio::test]
async fn a_descriptor_that_is_not_self_contained_is_refused_before_connecting() {
    let client = zerobus_client::Client::builder()
        .endpoint("http://127.0.0.1:1")
        .ingest_token("t")
        .build()
        .unwrap();
    let error = client
        .proto_stream(TABLE, vec![0xff])
        .open()
        .await
        .unwrap_err();
    assert!(
        matches!(
            &error,
            Error::Descriptor {
                error: DescriptorError::Malformed { .. }
            }
        ),
        "{error}"
    );
}
