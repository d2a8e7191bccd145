//! The server as its clients see it: raw gRPC and HTTP from outside, rows read back by a reader of its own.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod access;
mod air_quality;
mod altered;
mod browser;
mod catalog;
mod client;
mod compaction;
mod descriptor;
mod faults;
mod hostile;
mod http;
mod insert;
mod metrics;
mod namespace;
mod page;
mod partition;
mod persistent;
mod reader;
mod record;
mod rows;
mod sight;
mod slow;
mod stream;
mod tiny;
mod tls;
mod token;

use tempfile::TempDir;
use zerobus_local::LocalZerobus;

/// A server with the table of the tests, over a folder that goes away with the test.
struct Local {
    data: TempDir,
    server: LocalZerobus,
}

impl Local {
    async fn start() -> Self {
        Self::with(air_quality::DDL).await
    }

    /// A server without tables.
    async fn empty() -> Self {
        let data = TempDir::new().unwrap();
        let server = LocalZerobus::builder().data(data.path()).start().await;
        let server = server.unwrap();
        Self { data, server }
    }

    /// A server with other tables.
    async fn with(ddl: &str) -> Self {
        let data = TempDir::new().unwrap();
        let server = LocalZerobus::builder()
            .data(data.path())
            .seed_sql(ddl)
            .start()
            .await
            .unwrap();
        Self { data, server }
    }

    /// Stops the server and starts one on the same folder, which has to find its tables by itself.
    async fn restart(self) -> Self {
        let Self { data, server } = self;
        server.shutdown().await;
        let server = LocalZerobus::builder()
            .data(data.path())
            .start()
            .await
            .unwrap();
        Self { data, server }
    }

    /// `temp` of every row, in the order of the commits.
    fn temps(&self) -> Vec<i32> {
        reader::temps(&self.server.table_dir(&air_quality::TABLE.parse().unwrap()))
    }
}
