//! Which descriptors open a stream.

use std::collections::BTreeMap;

use prost::Message;
use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{DescriptorProto, FieldDescriptorProto};
use tonic::{Code, Status};
use zerobus_proto::RecordType;
use zerobus_schema::{ddl, mapping};

use crate::Local;
use crate::air_quality::{descriptor, record};
use crate::client::{Client, create, single};

fn edited(edit: impl FnOnce(&mut DescriptorProto)) -> Vec<u8> {
    let mut proto = DescriptorProto::decode(descriptor().as_slice()).unwrap();
    edit(&mut proto);
    proto.encode_to_vec()
}

fn field<'a>(proto: &'a mut DescriptorProto, name: &str) -> &'a mut FieldDescriptorProto {
    proto
        .field
        .iter_mut()
        .find(|field| field.name() == name)
        .unwrap()
}

async fn refused(descriptor: Vec<u8>) -> Status {
    let local = Local::start().await;
    let mut client = Client::connect(&local.server).await;
    client.send(create(RecordType::Proto, descriptor)).await;
    let (_, status) = client.refusal().await;
    assert_eq!(status.code(), Code::InvalidArgument);
    status
}

/// `metadata` of the `google.rpc.ErrorInfo` in a status' details, read without knowing its type.
fn error_info(status: &Status) -> (String, String, BTreeMap<String, String>) {
    #[derive(Clone, PartialEq, Message)]
    struct RpcStatus {
        #[prost(int32, tag = "1")]
        code: i32,
        #[prost(message, repeated, tag = "3")]
        details: Vec<prost_types::Any>,
    }
    #[derive(Clone, PartialEq, Message)]
    struct ErrorInfo {
        #[prost(string, tag = "1")]
        reason: String,
        #[prost(string, tag = "2")]
        domain: String,
        #[prost(btree_map = "string, string", tag = "3")]
        metadata: BTreeMap<String, String>,
    }
    let details = RpcStatus::decode(status.details()).unwrap();
    assert_eq!(details.code, 3);
    let [any] = details.details.as_slice() else {
        panic!("{details:?}")
    };
    assert_eq!(any.type_url, "type.googleapis.com/google.rpc.ErrorInfo");
    let info = ErrorInfo::decode(any.value.as_slice()).unwrap();
    (info.reason, info.domain, info.metadata)
}

#[tokio::test]
async fn an_imported_type_is_refused() {
    let bytes = edited(|proto| {
        let field = field(proto, "observed_at");
        field.r#type = Some(Type::Message.into());
        field.type_name = Some(".google.protobuf.Timestamp".to_owned());
    });
    let status = refused(bytes).await;
    let message = status.message();
    assert!(
        message.starts_with(
            "Proto not self-contained for field \"observed_at\" with type name \".google.protobuf.Timestamp\""
        ),
        "{message}"
    );
    assert!(
        message.ends_with("Error Code: 4033, Error State: 0."),
        "{message}"
    );
}

#[tokio::test]
async fn every_mismatch_is_named_at_once() {
    let bytes = edited(|proto| {
        field(proto, "temp").r#type = Some(Type::String.into());
        field(proto, "tags").label = Some(Label::Optional.into());
        field(proto, "humidity").name = Some("humid".to_owned());
        proto.field.retain(|field| field.name() != "device_name");
        let location = proto
            .nested_type
            .iter_mut()
            .find(|nested| nested.name() == "Location");
        location
            .unwrap()
            .field
            .retain(|field| field.name() != "lat");
    });
    let status = refused(bytes).await;
    let message = status.message();
    for part in [
        "TYPE_INCOMPATIBLE: column temp: it is INT, so the field must be int32, not string",
        "TYPE_INCOMPATIBLE: column tags: it is ARRAY<STRING>, so the field must be repeated",
        "FIELD_NOT_IN_TABLE: column humid",
        "MISSING_REQUIRED_COLUMN: column device_name: it is STRING NOT NULL",
        "MISSING_REQUIRED_COLUMN: column location.lat: it is DOUBLE NOT NULL",
    ] {
        assert!(message.contains(part), "{part}\n{message}");
    }
    assert!(
        message.ends_with("Error Code: 8001, Error State: 0."),
        "{message}"
    );
    let (reason, domain, metadata) = error_info(&status);
    assert_eq!(reason, "SCHEMA_VALIDATION_FAILED");
    assert_eq!(domain, "zerobus.databricks.com");
    assert_eq!(metadata["error_code"], "8001");
    let mut causes: Vec<&str> = metadata["causes"].split(',').collect();
    causes.sort_unstable();
    assert_eq!(
        causes,
        [
            "FIELD_NOT_IN_TABLE",
            "MISSING_REQUIRED_COLUMN",
            "TYPE_INCOMPATIBLE"
        ]
    );
}

#[tokio::test]
async fn very_many_mismatches_make_no_long_status() {
    let bytes = edited(|proto| {
        for n in 0..3_000 {
            let mut other = field(proto, "temp").clone();
            other.name = Some(format!("{}_{n}", "x".repeat(500)));
            other.number = Some(100 + n);
            proto.field.push(other);
        }
    });
    let status = refused(bytes).await;
    let (_, _, metadata) = error_info(&status);
    assert_eq!(metadata["causes"], "FIELD_NOT_IN_TABLE");
    assert!(
        status
            .message()
            .contains("_0: the table has no such column"),
        "{status}"
    );
    assert!(status.message().contains("; and 299"), "{status}");
    let length = status.message().len() + status.details().len();
    assert!(length < 6_000, "{length}");
}

#[tokio::test]
async fn what_official_tools_send_is_taken() {
    let bytes = edited(|proto| {
        // `optional` on NOT NULL, proto3_optional in proto2, and names relative to the message.
        for field in &mut proto.field {
            if field.label() != Label::Repeated {
                field.label = Some(Label::Optional.into());
                field.proto3_optional = Some(true);
            }
            if let Some(name) = &mut field.type_name {
                *name = name.rsplit('.').next().unwrap().to_owned();
            }
        }
    });
    let local = Local::start().await;
    let mut client = Client::connect(&local.server).await;
    client.send(create(RecordType::Proto, bytes)).await;
    client.send(single(0, &record(5))).await;
    client.half_close();
    assert!(client.next().await.unwrap().is_some());
    assert!(matches!(client.end().await, (Some(0), None)));
    assert_eq!(local.temps(), [5]);
}

#[tokio::test]
async fn nullable_columns_may_be_left_out_and_numbers_are_the_clients() {
    let bytes = edited(|proto| {
        proto
            .field
            .retain(|field| ["device_name", "observed_at", "temp"].contains(&field.name()));
        proto.nested_type.clear();
        for (field, number) in proto.field.iter_mut().zip([70, 500_000_000, 2]) {
            field.number = Some(number);
        }
    });
    #[derive(Clone, PartialEq, Message)]
    struct Sparse {
        #[prost(string, optional, tag = "70")]
        device_name: Option<String>,
        #[prost(int32, optional, tag = "500000000")]
        temp: Option<i32>,
        #[prost(int64, optional, tag = "2")]
        observed_at: Option<i64>,
    }
    let sparse = Sparse {
        device_name: Some("a".to_owned()),
        temp: Some(-4),
        observed_at: Some(1),
    };
    let local = Local::start().await;
    let mut client = Client::connect(&local.server).await;
    client.send(create(RecordType::Proto, bytes)).await;
    client
        .send(crate::client::bytes(0, sparse.encode_to_vec()))
        .await;
    client.half_close();
    assert!(client.next().await.unwrap().is_some());
    assert!(matches!(client.end().await, (Some(0), None)));
    assert_eq!(local.temps(), [-4]);
}

#[tokio::test]
async fn other_bytes_are_refused() {
    for bytes in [Vec::new(), b"not a descriptor".to_vec()] {
        let status = refused(bytes).await;
        assert!(status.message().contains("descriptor_proto"), "{status}");
    }
}

#[tokio::test]
async fn a_group_is_refused() {
    let bytes = edited(|proto| {
        let field = field(proto, "location");
        field.r#type = Some(Type::Group.into());
    });
    let status = refused(bytes).await;
    assert!(status.message().contains("location"), "{status}");
}

#[tokio::test]
async fn a_field_of_a_like_type_is_refused() {
    for (other, name) in [
        (Type::Sint32, "sint32"),
        (Type::Int64, "int64"),
        (Type::Fixed32, "fixed32"),
    ] {
        let bytes = edited(|proto| field(proto, "temp").r#type = Some(other.into()));
        let status = refused(bytes).await;
        let expected = format!(
            "TYPE_INCOMPATIBLE: column temp: it is INT, so the field must be int32, not {name}"
        );
        assert!(status.message().contains(&expected), "{status}");
    }
}

#[tokio::test]
async fn a_computed_column_that_must_not_be_null_opens_no_stream() {
    let name = "main.default.computed";
    let ddl = format!(
        "CREATE TABLE {name} (temp INT, day DATE NOT NULL GENERATED ALWAYS AS (current_date()))"
    );
    let local = Local::with(&ddl).await;
    let table = ddl::parse_create_table(&ddl).unwrap();
    let descriptor = mapping::message(&table, &mapping::MappingOptions::default())
        .unwrap()
        .descriptor();
    let status = Client::refused_by_table(&local.server, name, descriptor).await;
    assert_eq!(status.code(), Code::InvalidArgument);
    assert!(
        status
            .message()
            .contains("column day: it is DATE NOT NULL, and message computed has no such field; this server computes no"),
        "{status:?}"
    );
}

#[tokio::test]
async fn what_no_stream_can_carry_is_left_out_and_must_not_be_needed() {
    let ddl = "CREATE TABLE main.default.odd (temp INT, m MAP<DOUBLE, INT>, deep ARRAY<ARRAY<INT>>, day MAP<DATE, INT>); \
               CREATE TABLE main.default.needed (temp INT, deep ARRAY<ARRAY<INT>> NOT NULL);";
    let local = Local::with(ddl).await;
    let insert = async |table: &str, body: &str| {
        let token = crate::http::ingest_token(&local.server, table).await;
        let bearer = format!("authorization: Bearer {token}");
        let path = format!("/zerobus/v1/tables/{table}/insert");
        crate::http::request(&local.server, "POST", &path, &[&bearer], body).await
    };
    let answer = insert("main.default.odd", r#"[{"temp": 1}]"#).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    for column in ["m", "deep", "day"] {
        let answer = insert("main.default.odd", &format!(r#"[{{"{column}": null}}]"#)).await;
        assert_eq!(answer.status, 400);
        let said = format!("unrecognized field name '{column}'");
        assert!(answer.body.contains(&said), "{}", answer.body);
        let mut message = mapping::message(
            &ddl::parse_create_table("CREATE TABLE main.default.odd (temp INT)").unwrap(),
            &mapping::MappingOptions::default(),
        )
        .unwrap();
        message.fields[0].name = column.to_owned();
        let status =
            Client::refused_by_table(&local.server, "main.default.odd", message.descriptor()).await;
        let said = format!("TYPE_INCOMPATIBLE: column {column}: no stream can carry ");
        assert!(status.message().contains(&said), "{status}");
    }
    let answer = insert("main.default.needed", r#"[{"temp": 1}]"#).await;
    assert_eq!(answer.status, 400);
    assert!(
        answer
            .body
            .contains("column deep: no stream can carry ARRAY<ARRAY<INT>>"),
        "{}",
        answer.body
    );
}
