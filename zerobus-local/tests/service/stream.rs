use tempfile::TempDir;
use zerobus_local::LocalZerobus;
use zerobus_proto::RecordType;

use crate::air_quality::{DDL, TABLE, bare_record, record};
use crate::client::{Client, batch, single};
use crate::reader::temps;

async fn server(data: &TempDir) -> LocalZerobus {
    LocalZerobus::builder()
        .data(data.path())
        .seed_sql(DDL)
        .start()
        .await
        .unwrap()
}

#[tokio::test]
async fn records_are_in_the_table_when_they_are_acked() {
    let data = TempDir::new().unwrap();
    let server = server(&data).await;
    let mut client = Client::open(&server, RecordType::Proto).await;
    client.send(single(0, &record(0))).await;
    client.send(batch(1, &[record(1), bare_record(2), record(3)])).await;
    client.send(single(2, &record(4))).await;
    client.half_close();
    assert!(matches!(client.end().await, (Some(2), None)));
    assert_eq!(temps(&server.table_dir(&TABLE.parse().unwrap())), [0, 1, 2, 3, 4]);
    server.shutdown().await;
}
