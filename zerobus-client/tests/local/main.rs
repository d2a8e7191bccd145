//! The client against `zerobus-local`: what is streamed is in the table.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod identity;
mod insert;
mod kinds;
mod schema_check;

use serde_json::Value;
use zerobus_client::{Client, ClientBuilder};
use zerobus_local::LocalZerobus;

const TABLE: &str = "main.default.t";

/// A server with one table of these columns.
async fn server(columns: &str) -> LocalZerobus {
    LocalZerobus::builder()
        .table_ddl(format!("CREATE TABLE {TABLE} ({columns})"))
        .start()
        .await
        .unwrap()
}

fn builder(server: &LocalZerobus) -> ClientBuilder {
    Client::builder()
        .endpoint(server.url())
        .oauth("id", "secret")
}

fn client(server: &LocalZerobus) -> Client {
    builder(server).build().unwrap()
}

/// The rows of the table, as JSON.
async fn rows(server: &LocalZerobus) -> Vec<Value> {
    server.rows(TABLE).await.unwrap()
}
