//! The client of the toolkit.

use std::sync::Arc;

use zerobus_benches::measure::Writes;
use zerobus_benches::rows::Order;
use zerobus_benches::samples::Samples;
use zerobus_client::schema::Snapshot;
use zerobus_client::{
    Client, Dynamic, DynamicRecord, Json, Record, RecordError, RecordSchema, Stream, StreamBuilder,
    TimestampMicros, ZerobusRecord,
};

use crate::case::TABLE;

pub struct Ours<K, T> {
    stream: Stream<K>,
    ring: Vec<T>,
}

impl<R: ZerobusRecord> Ours<R, R> {
    pub async fn open(url: &str, ring: Vec<R>, samples: Option<Arc<Samples>>) -> Self {
        let stream = open(client(url).stream::<R>().table(TABLE), samples).await;
        Self { stream, ring }
    }
}

impl Ours<Json, String> {
    pub async fn open_json(url: &str, ring: Vec<String>, samples: Option<Arc<Samples>>) -> Self {
        let stream = open(client(url).json_stream(TABLE), samples).await;
        Self { stream, ring }
    }
}

impl<K, T: Record<K>> Writes for Ours<K, T> {
    async fn one(&mut self, at: usize) -> i64 {
        let record = &self.ring[at % self.ring.len()];
        self.stream.ingest_record(record).await.expect("taken")
    }

    async fn batch(&mut self, at: usize, count: usize) {
        let records = (at..at + count).map(|at| &self.ring[at % self.ring.len()]);
        self.stream.ingest_records(records).await.expect("taken");
    }

    async fn wait(&mut self, offset: i64) {
        self.stream.wait_for_offset(offset).await.expect("acked");
    }

    async fn flush(&mut self) {
        self.stream.flush().await.expect("acked");
    }
}

/// Orders as records that are made at run time.
pub struct OursDynamic {
    stream: Stream<Dynamic>,
    record: DynamicRecord,
    rows: Vec<Order>,
}

impl OursDynamic {
    pub async fn open(url: &str, rows: Vec<Order>, samples: Option<Arc<Samples>>) -> Self {
        let snapshot = include_str!("../../../schemas/bench.encode.orders.json");
        let snapshot = Snapshot::parse(snapshot).expect("the snapshot is one");
        let schema = RecordSchema::of(snapshot.schema()).expect("every column can be sent");
        let stream = open(client(url).dynamic_stream(&schema).table(TABLE), samples).await;
        Self {
            stream,
            record: schema.record(),
            rows,
        }
    }

    fn fill(&mut self, at: usize) -> Result<(), RecordError> {
        let order = &self.rows[at % self.rows.len()];
        let record = &mut self.record;
        record.clear();
        record.set("order_id", order.order_id)?;
        record.set("customer_id", order.customer_id)?;
        record.set("sku", order.sku.as_str())?;
        record.set("quantity", order.quantity)?;
        record.set("price", order.price)?;
        record.set("placed_at", TimestampMicros::from_micros(order.placed_at))?;
        record.set("status", order.status.as_deref())?;
        record.set("note", order.note.as_deref())?;
        Ok(())
    }
}

impl Writes for OursDynamic {
    async fn one(&mut self, at: usize) -> i64 {
        self.fill(at).expect("every value fits");
        let taken = self.stream.ingest_record(&self.record).await;
        taken.expect("taken")
    }

    async fn batch(&mut self, at: usize, count: usize) {
        for at in at..at + count {
            self.one(at).await;
        }
    }

    async fn wait(&mut self, offset: i64) {
        self.stream.wait_for_offset(offset).await.expect("acked");
    }

    async fn flush(&mut self) {
        self.stream.flush().await.expect("acked");
    }
}

fn client(url: &str) -> Client {
    let client = Client::builder().endpoint(url).ingest_token("bench");
    client.build().expect("the endpoint is one")
}

async fn open<K>(builder: StreamBuilder<K>, samples: Option<Arc<Samples>>) -> Stream<K> {
    let stream = builder.open().await.expect("the server takes any stream");
    if let Some(samples) = samples {
        let mut watch = stream.watch();
        tokio::spawn(async move {
            while watch.changed().await {
                if let Some(offset) = watch.acked_offset() {
                    samples.acked(offset);
                }
            }
        });
    }
    stream
}
