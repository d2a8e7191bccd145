//! A local stand-in for Databricks Zerobus Ingest: catalog, token endpoint and gRPC streams on one address, over
//! real Delta tables on the local disk.
//!
//! ```no_run
//! use zerobus_local::LocalZerobus;
//!
//! # async fn demo() -> Result<(), Box<dyn std::error::Error>> {
//! let server = LocalZerobus::builder()
//!     .data("target/zerobus")
//!     .seed_sql("CREATE TABLE main.default.air_quality (device_name STRING NOT NULL, temp INT)")
//!     .start()
//!     .await?;
//! println!("{} is endpoint and workspace in one", server.url());
//! server.shutdown().await;
//! # Ok(())
//! # }
//! ```
//!
//! The binary `zerobus-local --data DIR --seed FILE.sql` does the same in a process of its own.
//!
//! # In tests
//! The server on a free port, a program that writes to it, and what became of that:
//!
//! ```
//! use std::time::Duration;
//!
//! use serde::Deserialize;
//! use zerobus_client::{Client, TimestampMicros, ZerobusRecord};
//! use zerobus_local::{Fault, LocalZerobus};
//!
//! #[derive(ZerobusRecord)]
//! #[zerobus(table = "main.default.events", schema = "tests/kill/events.json")]
//! struct Event<'a> {
//!     seq: i64,
//!     source: i32,
//!     observed_at: TimestampMicros,
//!     payload: &'a [u8],
//! }
//!
//! #[derive(Debug, PartialEq, Deserialize)]
//! struct Row {
//!     seq: i64,
//!     label: Option<String>,
//! }
//!
//! #[tokio::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let server = LocalZerobus::builder()
//!         .table_ddl(
//!             "CREATE TABLE main.default.events (seq BIGINT NOT NULL, source INT NOT NULL, \
//!              observed_at TIMESTAMP NOT NULL, ratio DOUBLE, label STRING, payload BINARY NOT NULL)",
//!         )
//!         .start()
//!         .await?;
//!     let client = Client::builder()
//!         .endpoint(server.url())
//!         .workspace_url(server.url())
//!         .oauth("any id", "any secret")
//!         .build()?;
//!
//!     // The connection breaks once; the client sends what was not acked again.
//!     server.fail_next(Fault::Disconnect);
//!     let mut stream = client.stream::<Event>().open().await?;
//!     for seq in 0..3 {
//!         let observed_at = TimestampMicros::now();
//!         stream.ingest_record(&Event { seq, source: 1, observed_at, payload: b"" }).await?;
//!     }
//!     stream.close().await?;
//!
//!     server.wait_for_rows("main.default.events", 3, Duration::from_secs(10)).await?;
//!     let rows: Vec<Row> = server.rows("main.default.events").await?;
//!     assert_eq!(rows[2], Row { seq: 2, label: None });
//!     // What was sent again counts again.
//!     assert!(server.received("main.default.events")?.records >= 3);
//!     server.shutdown().await;
//!     Ok(())
//! }
//! ```
//!
//! # What it serves
//! - gRPC `databricks.zerobus.Zerobus`, for PROTO and JSON records, over HTTP/2 by prior knowledge: `EphemeralStream`, and
//!   `PersistentStream` and `RetireStream`, whose records are stored once however often they are sent.
//! - `POST /oidc/v1/token`: tokens for one table, or for the catalog. Any client with an id and a secret gets one, and so does any
//!   JWT that is exchanged (federation, RFC 8693; its signature is not looked at), unless
//!   [`client`](LocalZerobusBuilder::client) names the only one. They are forgotten when the server ends.
//! - `POST /zerobus/v1/tables/{name}/insert`: records as a JSON array, answered once they are durable.
//! - `/api/2.1/unity-catalog/` as Unity Catalog has it, `catalogs`, `schemas` and `tables`: create, get, list, delete. With a catalog
//!   token or, where no client was named, anything that looks like a personal access token (`dapi…`).
//! - `POST /api/local/ddl`: creates the tables of a text of `CREATE TABLE` statements.
//! - `GET /`: a page that shows tables, rows, rates, lag, streams and faults, and switches faults on and off. What it shows is
//!   JSON for others as well: `GET /api/local/state` (counts, open streams, faults), `GET /api/local/table?name=c.s.t` (its
//!   columns with the fields that records have for them, and the `.proto`), `GET /api/local/rows?name=c.s.t&last=20` (its last
//!   rows as text, at most 100).
//! - `GET /healthz` (it runs), `GET /readyz` (it takes records) and `GET /metrics` (counts by table, for Prometheus).
//! - `GET`, `PUT` and `DELETE /faults`: what is to go wrong, see [`Fault`].
//!
//! It listens on loopback unless told otherwise, and requests that change anything, or ask for rows, are refused when their `Host` or
//! `Origin` names another machine. With [`tls_listen`](LocalZerobusBuilder::tls_listen) it serves the same by TLS on a
//! second port, with a certificate authority of its own.
//!
//! # What an ack means
//! The records are in the Delta table: decoded, written as Parquet, committed to the log, all of it flushed to the disk
//! ([`fsync`](LocalZerobusBuilder::fsync)). Each table has one writer; an idle table commits at once, a busy one at most every
//! 20 ms ([`commit_interval`](LocalZerobusBuilder::commit_interval)). A message is never divided between two commits, and stored
//! whole or not at all.
//!
//! Other writers may add to the tables, and change their columns, while it runs. When a table has been idle for a while, its
//! small files are put together ([`compact_after`](LocalZerobusBuilder::compact_after)); what they are replaced by holds the same
//! rows, and they stay on the disk for readers of earlier versions until their retention is over.
//!
//! # How strict it is
//! As strict as the service is known to be, with the same statuses and numeric codes: [`strictness`] lists what is
//! established, what is assumed and what differs, each with the tests that hold it. One bad record refuses its message and
//! ends the stream, after what came before it is durable and acked.
//!
//! Not served: AVRO records, Arrow Flight, grants.

#[doc = include_str!("strictness.md")]
pub mod strictness {}

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

mod builder;
mod decode;
mod delta;
mod error;
mod faults;
mod lock;
mod rows;
mod seed;
mod server;
mod service;

pub use builder::LocalZerobusBuilder;
pub use error::{LocalError, TableError};
pub use faults::{Fault, FaultError, FaultRule};
pub use rows::RowsError;
pub use server::{LocalZerobus, Received};
