//! Servers that are killed while records arrive.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use zerobus_client::StreamOptions;

use crate::process::{Server, names};
use crate::random::{Random, Seed};
use crate::source::Source;
use crate::table;

/// The time without an ack after which the clients of a server that stands still look for another.
const GIVEN_UP_AFTER: Duration = Duration::from_millis(300);

/// When a server is killed.
enum Moment {
    /// This long after it is ready: whoever sends may not even have found it yet.
    Ready(Duration),
    /// This long after this many more records of each source were acked.
    Acked(i64, Duration),
}

impl Moment {
    fn draw(random: &mut Random) -> Self {
        let longest = Duration::from_millis(60);
        match random.below(4) {
            0 => Self::Ready(random.pause(2 * longest)),
            _ => {
                let acked = random.below(2_500).cast_signed() + 1;
                Self::Acked(acked, random.pause(longest))
            }
        }
    }
}

/// A server, those who send to it, and what became of both.
struct Trial {
    server: Server,
    tables: Vec<String>,
    /// Each with its table.
    sources: Vec<(String, Source)>,
    random: Random,
    restarts: u32,
    /// From the end of a server to the first ack after it, where that was waited for.
    outages: Vec<Duration>,
}

impl Trial {
    async fn start(
        seed: &Seed,
        tables: usize,
        sources_per_table: usize,
        options: fn(&mut StreamOptions),
    ) -> Self {
        let tables = names(tables);
        let mut server = Server::new(&tables);
        server.start();
        let client = server.client();
        let mut sources = Vec::new();
        for (id, table) in
            (1i32..).zip(tables.iter().cycle().take(tables.len() * sources_per_table))
        {
            let random = seed.random(u64::from(id.unsigned_abs()));
            let source = Source::start(&client, table, id, random, options).await;
            sources.push((table.clone(), source));
        }
        Self {
            server,
            tables,
            sources,
            random: seed.random(0),
            restarts: 0,
            outages: Vec::new(),
        }
    }

    /// Ends the server so many times and starts it again.
    fn restart(&mut self, times: u32, end: fn(&mut Server)) {
        for _ in 0..times {
            self.wait_for_moment();
            end(&mut self.server);
            let ended = Instant::now();
            self.restarts += 1;
            std::thread::sleep(self.random.pause(Duration::from_millis(50)));
            let acked = self.acked();
            self.server.start();
            if self.random.below(2) == 0 {
                self.wait_for_acks(&acked, 1);
                self.outages.push(ended.elapsed());
            }
        }
    }

    /// Has the server stand still so many times, until its clients have given it up.
    fn halt(&mut self, times: u32) {
        for _ in 0..times {
            self.wait_for_moment();
            self.server.halt();
            std::thread::sleep(GIVEN_UP_AFTER + self.random.pause(2 * GIVEN_UP_AFTER));
            self.server.resume();
        }
    }

    fn wait_for_moment(&mut self) {
        let pause = match Moment::draw(&mut self.random) {
            Moment::Ready(pause) => pause,
            Moment::Acked(records, pause) => {
                self.wait_for_acks(&self.acked(), records);
                pause
            }
        };
        std::thread::sleep(pause);
    }

    /// Returns once each source has so many more records acked than it had.
    fn wait_for_acks(&mut self, had: &[i64], records: i64) {
        while self
            .acked()
            .iter()
            .zip(had)
            .any(|(has, had)| has - had < records)
        {
            self.server.check();
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn acked(&self) -> Vec<i64> {
        self.sources
            .iter()
            .map(|(_, source)| source.acked())
            .collect()
    }

    /// Lets everyone finish, and compares what they sent with what is on the disk.
    async fn finish(mut self) {
        let mut sent = BTreeMap::new();
        for (table, source) in self.sources {
            let id = source.id();
            sent.insert((table, id), source.finish().await);
        }
        // Not shut down: what was acked needs no farewell.
        self.server.kill();
        let mut duplicates = 0;
        let mut on_disk = BTreeMap::new();
        for table in &self.tables {
            for (id, found) in table::read(&self.server.table_dir(table)) {
                on_disk.insert((table.clone(), id), found.records);
                duplicates += found.duplicates;
            }
        }
        assert_eq!(on_disk, sent);
        println!(
            "{} restarts, {} records, {duplicates} stored again; from the end of a server to the next ack {:.0?}",
            self.restarts,
            sent.values().sum::<i64>(),
            self.outages,
        );
        // The tables are as good to the server as they are to the reader.
        self.server.start();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acked_is_lost_and_order_is_kept_over_kills_in_mid_stream() {
    let seed = Seed::of_test();
    let mut trial = Trial::start(&seed, 1, 1, |_| {}).await;
    trial.restart(24, Server::kill);
    trial.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streams_into_several_tables_recover_side_by_side() {
    let seed = Seed::of_test();
    let mut trial = Trial::start(&seed, 3, 2, |_| {}).await;
    trial.restart(8, Server::kill);
    trial.restart(4, Server::terminate);
    trial.finish().await;
}

/// What the server still has of the old connections goes on to the tables beside what comes on the new ones.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn order_is_kept_where_old_and_new_connections_meet() {
    let seed = Seed::of_test();
    let mut trial = Trial::start(&seed, 1, 2, |options| {
        options.server_lack_of_ack_timeout = GIVEN_UP_AFTER;
    })
    .await;
    trial.halt(8);
    trial.finish().await;
}
