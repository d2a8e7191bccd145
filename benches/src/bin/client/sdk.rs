//! The official SDK, used as its documentation shows: an open stream, one call for each record or batch, `flush` at the
//! end. Records go in as bytes that were encoded from a borrowed message, which is what `ProtoMessage` does with one
//! that is given away, without the copy of the message that this would take here.

use std::sync::Arc;

use databricks_zerobus_ingest_sdk::{
    AckCallback, DynamicRecord, EncodedRecord, JsonString, MessageDescriptor, OffsetId, ProtoBytes,
    ZerobusSdk, ZerobusStream,
};
use prost::Message;
use prost_types::DescriptorProto;
use zerobus_benches::dynamic::{self, Fill};
use zerobus_benches::measure::Writes;
use zerobus_benches::samples::Samples;
use zerobus_client::ZerobusRecord;

use crate::case::TABLE;

pub struct Sdk<S> {
    stream: ZerobusStream,
    source: S,
}

/// Where records come from.
pub trait Source {
    fn record(&self, at: usize) -> EncodedRecord;
}

pub struct Messages<W>(pub Vec<W>);

impl<W: Message> Source for Messages<W> {
    fn record(&self, at: usize) -> EncodedRecord {
        let message = &self.0[at % self.0.len()];
        ProtoBytes(message.encode_to_vec()).into()
    }
}

pub struct Texts(pub Vec<String>);

impl Source for Texts {
    fn record(&self, at: usize) -> EncodedRecord {
        JsonString(self.0[at % self.0.len()].clone()).into()
    }
}

pub struct Dynamic<R> {
    pub rows: Vec<R>,
    pub descriptor: MessageDescriptor,
}

impl<R: Fill> Source for Dynamic<R> {
    fn record(&self, at: usize) -> EncodedRecord {
        let row = &self.rows[at % self.rows.len()];
        let mut record = DynamicRecord::new(self.descriptor.clone());
        row.fill(&mut record, &self.descriptor);
        ProtoBytes(record.encode().expect("every field is set")).into()
    }
}

/// The format of a stream.
pub enum Format {
    Json,
    Proto(Box<DescriptorProto>),
    Dynamic(MessageDescriptor),
}

impl Format {
    pub fn proto<R: ZerobusRecord>() -> Self {
        Self::Proto(Box::new(
            DescriptorProto::decode(R::DESCRIPTOR).expect("the descriptor is one"),
        ))
    }

    pub fn dynamic<R: ZerobusRecord>() -> MessageDescriptor {
        dynamic::descriptor::<R>()
    }
}

struct Acks(Arc<Samples>);

impl AckCallback for Acks {
    fn on_ack(&self, offset: OffsetId) {
        self.0.acked(offset);
    }

    fn on_error(&self, offset: OffsetId, message: &str) {
        panic!("{offset}: {message}");
    }
}

impl<S: Source> Sdk<S> {
    pub async fn open(url: &str, format: Format, source: S, samples: Option<Arc<Samples>>) -> Self {
        let sdk = ZerobusSdk::builder()
            .endpoint(url)
            .unity_catalog_url(url)
            .no_tls()
            .build()
            .expect("the endpoint is one");
        let builder = sdk.stream_builder().table(TABLE).no_auth();
        let builder = match format {
            Format::Json => builder.json(),
            Format::Proto(descriptor) => builder.compiled_proto(*descriptor),
            Format::Dynamic(descriptor) => builder.dynamic_proto(descriptor),
        };
        let builder = match samples {
            Some(samples) => builder.ack_callback(Arc::new(Acks(samples))),
            None => builder,
        };
        let stream = builder.build().await.expect("the server takes any stream");
        Self { stream, source }
    }
}

impl<S: Source> Writes for Sdk<S> {
    async fn one(&mut self, at: usize) -> i64 {
        let record = self.source.record(at);
        let taken = self.stream.ingest_record_offset(record).await;
        taken.expect("taken")
    }

    async fn batch(&mut self, at: usize, count: usize) {
        let records = (at..at + count).map(|at| self.source.record(at));
        let taken = self.stream.ingest_records_offset(records).await;
        taken.expect("taken");
    }

    async fn wait(&mut self, offset: i64) {
        self.stream.wait_for_offset(offset).await.expect("acked");
    }

    async fn flush(&mut self) {
        self.stream.flush().await.expect("acked");
    }
}
