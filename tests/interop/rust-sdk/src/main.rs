//! Writes rows through the official Rust SDK, as a process of its own: the SDK trusts what `SSL_CERT_FILE` names.
//!
//! `URL FORMAT FIRST COUNT [DESCRIPTOR]`: one address for endpoint and workspace, `proto`, `dynamic` or `json`, which rows,
//! and the file with the descriptor of the message.

use std::error::Error;

use databricks_zerobus_ingest_sdk::{
    DynamicMessage, EncodedRecord, JsonString, JsonValue, ProtoBytes, ProtoMessage, ZerobusSdk,
    ZerobusStream, message_descriptor,
};
use prost::Message as _;
use prost_types::DescriptorProto;
use zerobus_interop_rust_sdk::rows::{Row, rows};

const TABLE: &str = "main.default.sdk";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [url, format, first, count, descriptor @ ..] = args.as_slice() else {
        return Err("expected URL FORMAT FIRST COUNT [DESCRIPTOR]".into());
    };
    let builder = ZerobusSdk::builder().endpoint(url).unity_catalog_url(url);
    let builder = if url.starts_with("http://") {
        builder.no_tls()
    } else {
        builder
    };
    let sdk = builder.build()?;
    let builder = sdk.stream_builder().table(TABLE).oauth("interop", "local");
    let builder = builder.recovery_retries(1).recovery_backoff_ms(100);
    let rows = rows(first.parse()?, count.parse()?);
    let proto = || -> Result<DescriptorProto, Box<dyn Error>> {
        let path = descriptor.first().ok_or("expected DESCRIPTOR")?;
        Ok(DescriptorProto::decode(&*std::fs::read(path)?)?)
    };
    match format.as_str() {
        "json" => {
            let stream = builder.json().build().await?;
            let half = rows.len() / 2;
            write(stream, &rows[..half], |row| JsonValue(row.to_json())).await?;
            let stream = sdk.stream_builder().table(TABLE).oauth("interop", "local");
            let stream = stream.json().build().await?;
            write(stream, &rows[half..], |row| {
                JsonString(row.to_json().to_string())
            })
            .await?;
        }
        "proto" => {
            let stream = builder.compiled_proto(proto()?).build().await?;
            write(stream, &rows, |row| ProtoMessage(row.clone())).await?;
        }
        "dynamic" => {
            let descriptor = message_descriptor(&proto()?)?;
            let stream = builder.dynamic_proto(descriptor.clone()).build().await?;
            write(stream, &rows, |row| {
                let encoded = row.encode_to_vec();
                let message = DynamicMessage::decode(descriptor.clone(), &*encoded);
                ProtoBytes(message.map_or(encoded, |message| message.encode_to_vec()))
            })
            .await?;
        }
        other => return Err(format!("no format {other}").into()),
    }
    Ok(())
}

/// The first half one by one, with an ack for each; the rest in batches.
async fn write<T: Into<EncodedRecord>>(
    mut stream: ZerobusStream,
    rows: &[Row],
    record: impl Fn(&Row) -> T,
) -> Result<(), Box<dyn Error>> {
    let (single, batched) = rows.split_at(rows.len() / 2);
    for (at, row) in single.iter().enumerate() {
        let offset = stream.ingest_record_offset(record(row).into()).await?;
        stream.wait_for_offset(offset).await?;
        if usize::try_from(offset)? != at {
            return Err(format!("record {at} got offset {offset}").into());
        }
    }
    for batch in batched.chunks(7) {
        let records = batch.iter().map(|row| record(row).into());
        stream
            .ingest_records_offset::<_, EncodedRecord>(records)
            .await?;
    }
    stream.flush().await?;
    stream.close().await?;
    Ok(())
}
