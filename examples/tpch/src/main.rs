//! TPC-H's LINEITEM through a stream into a Delta table, and its sums over what was sent and over what is there.
//!
//! The way is the quickstart's; see there for what each step is. New here: a table of sixteen columns, decimals, a
//! record type that borrows everything, and a server that may be another process.

mod options;
mod record;
mod remote;
mod totals;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use tpchgen::dates::GenerateUtils;
use tpchgen::generators::LineItemGenerator;
use zerobus_client::{Client, Decimal, TableName, ZerobusRecord as _};
use zerobus_local::LocalZerobus;

use options::Options;
use record::LineItem;
use totals::{SideBySide, Totals};

type Error = Box<dyn std::error::Error>;

const LINEITEM_SQL: &str = include_str!("../lineitem.sql");

/// Any id and secret do on the local server.
const CLIENT_ID: &str = "tpch";
const CLIENT_SECRET: &str = "local";

/// The answer to query 6 at scale 1 as the standard publishes it, in hundredths.
const QUERY_6_AT_SCALE_1: i128 = 12_314_107_823;

#[tokio::main]
async fn main() -> ExitCode {
    let options = match options::parse() {
        Ok(Some(options)) => options,
        Ok(None) => return ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("tpch: {error}");
            return ExitCode::from(2);
        }
    };
    match run(&options).await {
        Ok(_) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("tpch: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Loads the table on the server that the options name.
async fn run(options: &Options) -> Result<Totals, Error> {
    if let Some(url) = &options.url {
        remote::create_table(url).await?;
        return load(url, options).await;
    }
    let server = LocalZerobus::builder()
        .data(&options.data)
        .seed_sql(LINEITEM_SQL);
    let server = server.start().await?;
    let totals = load(&server.url(), options).await?;
    server.shutdown().await;
    Ok(totals)
}

/// Loads the table and returns the sums over what was sent; an error when those over the table are others.
async fn load(url: &str, options: &Options) -> Result<Totals, Error> {
    let name = TableName::parse(LineItem::TABLE)?;
    let mut table = options.data.clone();
    table.extend([name.catalog(), name.schema(), name.table()]);
    println!("server  {url}");
    println!("table   {}", table.display());
    if !table.is_dir() {
        return Err(
            format!("{url} keeps its tables elsewhere; name its folder with --data").into(),
        );
    }

    let before = Totals::of_table(&table)?;
    let rows = LineItemGenerator::new(options.scale, 1, 1);
    let started = Instant::now();
    let sent = stream(url, rows, progress_bar(options.scale)?).await?;
    let seconds = started.elapsed().as_secs_f64();
    println!(
        "rate    {:.0} rows/s, generating and all acks included",
        sent.rows as f64 / seconds
    );

    let stored = Totals::of_table(&table)?.since(before);
    println!("\n{}", SideBySide { sent, stored });
    compare(options.scale, sent, stored)?;
    Ok(sent)
}

/// Streams the rows and returns the sums over them; all of them are durable then.
async fn stream(
    url: &str,
    rows: LineItemGenerator<'static>,
    progress: ProgressBar,
) -> Result<Totals, Error> {
    let client = Client::builder()
        .endpoint(url)
        .workspace_url(url)
        .oauth(CLIENT_ID, CLIENT_SECRET)
        .build()?;
    let mut stream = client.stream::<LineItem<'_>>().open().await?;
    let mut sent = Totals::default();
    for row in rows {
        stream.ingest_record(&LineItem::from(&row)).await?;
        sent.add(&row);
        if row.l_linenumber == 1 {
            progress.inc(1);
        }
    }
    stream.flush().await?;
    stream.close().await?;
    progress.finish_and_clear();
    Ok(sent)
}

/// A bar that shows itself on a terminal alone. It counts orders, because only their number is known beforehand: each
/// has one to seven lines.
fn progress_bar(scale: f64) -> Result<ProgressBar, Error> {
    const ORDERS_AT_SCALE_1: i32 = 1_500_000;
    let orders = GenerateUtils::calculate_row_count(ORDERS_AT_SCALE_1, scale, 1, 1);
    let style = ProgressStyle::with_template("{bar:40} {human_pos}/{human_len} orders {eta}")?;
    let bar = ProgressBar::new(orders.try_into()?).with_style(style);
    bar.enable_steady_tick(Duration::from_millis(200));
    Ok(bar)
}

fn compare(scale: f64, sent: Totals, stored: Totals) -> Result<(), Error> {
    if stored != sent {
        let cause = if stored.rows > sent.rows {
            "; when a connection is lost, rows that were not acked are sent again, and more rows are what that leaves"
        } else {
            ""
        };
        return Err(format!("the table does not hold what was sent{cause}").into());
    }
    if scale == 1.0 {
        let rounded = (stored.query_6 + 50) / 100;
        println!(
            "query 6 as published at scale 1: {}",
            Decimal::scaled::<2>(QUERY_6_AT_SCALE_1)
        );
        if rounded != QUERY_6_AT_SCALE_1 {
            return Err("query 6 does not have the published answer".into());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn load(data: &tempfile::TempDir, url: Option<String>) -> Totals {
        let options = Options {
            scale: 0.001,
            data: data.path().to_owned(),
            url,
        };
        run(&options).await.unwrap()
    }

    #[tokio::test]
    async fn a_table_holds_what_was_sent() {
        let data = tempfile::tempdir().unwrap();
        let totals = load(&data, None).await;
        assert_eq!(totals.rows, 6_005);
        // Once more, on top of what is there.
        assert_eq!(load(&data, None).await, totals);
    }

    #[tokio::test]
    async fn a_server_that_runs_without_the_table_gets_it() {
        let data = tempfile::tempdir().unwrap();
        let server = LocalZerobus::builder()
            .data(data.path())
            .start()
            .await
            .unwrap();
        assert_eq!(load(&data, Some(server.url())).await.rows, 6_005);
        server.shutdown().await;
    }
}
