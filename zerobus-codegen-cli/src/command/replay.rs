use std::io::IsTerminal as _;
use std::time::{Duration, SystemTime};

use indicatif::ProgressBar;
use serde_json::{Value, json};
use zerobus_client::{Client, Error, SpoolContents};

use crate::args::{Format, Replay};
use crate::exit::{Exit, Failure};
use crate::json::{FORMAT_VERSION, pretty};
use crate::output;

/// Acks are waited for as long as any come; what does not come back at all is for the stream's retries.
const PATIENCE: Duration = Duration::from_secs(24 * 3_600);

/// Sends what spools hold; what is acked leaves them.
pub(crate) fn replay(args: &Replay) -> Result<Exit, Failure> {
    let spools = SpoolContents::read(&args.folder).map_err(Failure::failed)?;
    let mut sent = Vec::new();
    if !args.dry_run {
        sent = send(args, &spools)?;
    }
    let text = match args.format {
        Format::Human => human(&spools, &sent),
        Format::Json => pretty(&report(&spools, &sent)),
    };
    output::data(text.as_bytes())?;
    Ok(Exit::Fine)
}

/// Sends one spool after the other and tells how many records of each, up to the first that fails.
fn send(args: &Replay, spools: &[SpoolContents]) -> Result<Vec<u64>, Failure> {
    if spools.is_empty() {
        return Ok(Vec::new());
    }
    let mut config = args.connection.given();
    config.endpoint.clone_from(&args.endpoint);
    let client = Client::builder()
        .allow_plaintext(args.connection.allow_plaintext)
        .or(config.resolve().map_err(Failure::failed)?)
        .build()
        .map_err(Failure::failed)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::failed(format!("no network on this machine: {error}")))?;
    let mut sent = Vec::new();
    for spool in spools {
        let one = runtime.block_on(send_one(&client, spool));
        sent.push(one.map_err(|error| {
            Failure::failed(format!(
                "{}: {error}; what is not acked is still there",
                spool.folder.display()
            ))
        })?);
    }
    Ok(sent)
}

async fn send_one(client: &Client, spool: &SpoolContents) -> Result<u64, Error> {
    let replay = client.replay(&spool.folder)?;
    let mut stream = replay
        .configure(|options| options.flush_timeout = PATIENCE)
        .open()
        .await?;
    let bar = progress(spool);
    let mut watch = stream.watch();
    let records = stream.next_offset();
    {
        let mut closing = std::pin::pin!(stream.close());
        loop {
            tokio::select! {
                closed = &mut closing => {
                    bar.finish_and_clear();
                    closed?;
                    break;
                }
                true = watch.changed() => {
                    let acked = watch.acked_offset().map_or(0, |offset| offset + 1);
                    bar.set_position(acked.unsigned_abs());
                }
            }
        }
    }
    Ok(records.unsigned_abs())
}

fn progress(spool: &SpoolContents) -> ProgressBar {
    if std::io::stderr().is_terminal() {
        ProgressBar::new(spool.records)
    } else {
        ProgressBar::hidden()
    }
}

fn human(spools: &[SpoolContents], sent: &[u64]) -> String {
    if spools.is_empty() {
        return "nothing is left to send\n".to_owned();
    }
    let mut text = String::new();
    for (index, spool) in spools.iter().enumerate() {
        let (records, table) = (spool.records, &spool.table);
        let line = match sent.get(index) {
            Some(sent) => format!("{table}: {sent} records sent and acked"),
            None => format!(
                "{table}: {records} records, {} bytes, the oldest file begun {} ago",
                spool.bytes,
                age(spool.since)
            ),
        };
        text += &format!("{line}, in {}\n", spool.folder.display());
        if spool.torn_bytes > 0 {
            text += &format!(
                "  {} bytes at the end were half written by a crash\n",
                spool.torn_bytes
            );
        }
        if spool.in_use && sent.is_empty() {
            text += "  a process is using it\n";
        }
    }
    text
}

/// In the largest unit that is not zero.
fn age(since: SystemTime) -> String {
    let seconds = since.elapsed().unwrap_or_default().as_secs();
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}

fn report(spools: &[SpoolContents], sent: &[u64]) -> Value {
    let spools = spools.iter().enumerate().map(|(index, spool)| {
        let since = spool.since.duration_since(SystemTime::UNIX_EPOCH);
        json!({
            "folder": spool.folder.display().to_string(),
            "table": spool.table.to_string(),
            "records": spool.records,
            "bytes": spool.bytes,
            "since_millis": since.map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(0)),
            "in_use": spool.in_use,
            "torn_bytes": spool.torn_bytes,
            "sent": sent.get(index),
        })
    });
    json!({ "version": FORMAT_VERSION, "spools": spools.collect::<Vec<_>>() })
}
