//! Records that the server cannot read, among others that it can.

use std::sync::mpsc;

use zerobus_client::{ColumnInfo, ErrorCode, Fingerprint, RecordError, ZerobusRecord};

use crate::caller::{SOURCE, TABLE};
use crate::event::Event;
use crate::process::Server;
use crate::{source, table};

/// What passes for an event until somebody reads it.
struct Garbage;

impl ZerobusRecord for Garbage {
    const TABLE: &'static str = Event::TABLE;
    const FINGERPRINT: Fingerprint = Event::FINGERPRINT;
    const COLUMNS: &'static [ColumnInfo] = Event::COLUMNS;
    const DESCRIPTOR: &'static [u8] = Event::DESCRIPTOR;

    fn encode(&self, out: &mut Vec<u8>) -> Result<(), RecordError> {
        out.extend_from_slice(b"\x08");
        Ok(())
    }

    fn validate(&self) -> Result<(), RecordError> {
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unreadable_records_go_to_the_sink_and_all_others_into_the_table() {
    let mut server = Server::new(&[TABLE.to_owned()]);
    server.start();
    let (sender, letters) = mpsc::channel();
    let client = server.client();
    let builder = client.stream::<Event>().configure(source::options);
    let builder = builder.dead_letters(move |letter| sender.send(letter).unwrap());
    let mut stream = builder.open().await.unwrap();
    let mut spoiled = Vec::new();
    for seq in 0..2_000 {
        if [3, 700, 1_500].contains(&seq) {
            spoiled.push(stream.ingest_record(&Garbage).await.unwrap());
        }
        stream
            .ingest_record(&Event::new(SOURCE, seq))
            .await
            .unwrap();
    }
    stream.close().await.unwrap();
    let letters: Vec<_> = letters.try_iter().collect();
    let offsets: Vec<i64> = letters.iter().map(|letter| letter.offset).collect();
    assert_eq!(offsets, spoiled);
    for letter in &letters {
        assert_eq!(letter.record.as_ref(), b"\x08");
        let code = letter.error.error_code();
        assert_eq!(code, Some(ErrorCode::RECORD_REFUSED), "{}", letter.error);
    }
    assert_eq!(
        table::read(&server.table_dir(TABLE))[&SOURCE].records,
        2_000
    );
}
