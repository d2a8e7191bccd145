//! Streams that share a server, and whoever ends that server and starts it again.

use std::any::Any;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::Receiver;
use std::thread;
use std::time::Duration;

use serde_json::json;
use tempfile::NamedTempFile;

use super::Failed;
use super::plan::{Outage, Plan};
use super::tally::Tally;
use super::trial::Trial;
use super::verdict;
use crate::process::Server;

/// Runs a stream of each seed; one that takes longer than `most` hangs.
pub(super) fn run(
    seeds: &[u64],
    plan: impl Fn(u64, &str) -> Plan,
    most: Duration,
) -> (Tally, Failed) {
    let of_seed = |seed: &u64| {
        let table = format!("main.default.seed_{seed}");
        (*seed, plan(*seed, &table), table)
    };
    let plans: Vec<_> = seeds.iter().map(of_seed).collect();
    let tables: Vec<String> = plans.iter().map(|(_, _, table)| table.clone()).collect();
    let faults: Vec<_> = plans
        .iter()
        .flat_map(|(_, plan, _)| plan.faults())
        .collect();
    let file = NamedTempFile::new().unwrap();
    fs::write(file.path(), json!({"faults": faults}).to_string()).unwrap();
    // The page cache outlives a process, and no machine is switched off here.
    let arguments = ["--no-fsync", "--faults", file.path().to_str().unwrap()];
    let mut server = Server::with_arguments(&tables, &arguments);
    server.start();
    let client = server.client();

    let (orders, outages) = std::sync::mpsc::channel();
    let keeper = thread::spawn(move || keep(server, &outages));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let ended = runtime.block_on(async {
        let mut tasks = Vec::new();
        for (seed, plan, table) in plans {
            let trial = Trial::new(plan, table.clone(), client.clone(), orders.clone());
            let task = tokio::spawn(tokio::time::timeout(most, trial.run()));
            tasks.push((seed, table, task));
        }
        let mut ended = Vec::new();
        for (seed, table, task) in tasks {
            let outcome = match task.await {
                Ok(Ok(outcome)) => Ok(outcome),
                Ok(Err(_)) => Err(format!("hangs: not over after {most:?}")),
                Err(error) => Err(message(&*error.into_panic())),
            };
            ended.push((seed, table, outcome));
        }
        ended
    });
    drop(orders);
    let mut server = keeper.join().unwrap();
    // Nothing more is written from here on.
    server.kill();

    let (mut tally, mut failed) = (Tally::default(), Failed::new());
    for (seed, table, outcome) in ended {
        let judged = outcome.and_then(|outcome| {
            let folder = server.table_dir(&table);
            catch_unwind(AssertUnwindSafe(|| verdict::judge(&folder, outcome)))
                .map_err(|panic| message(&*panic))
        });
        match judged {
            Ok(of_stream) => tally.add(&of_stream),
            Err(problem) => drop(failed.insert(seed, problem)),
        }
    }
    (tally, failed)
}

/// Does to the server what is asked for, until nobody is left to ask.
fn keep(mut server: Server, outages: &Receiver<Outage>) -> Server {
    for outage in outages {
        match outage {
            Outage::Kill(time) => {
                server.kill();
                thread::sleep(time);
                server.start();
            }
            Outage::Terminate(time) => {
                server.terminate();
                thread::sleep(time);
                server.start();
            }
            Outage::Halt(time) => {
                server.halt();
                thread::sleep(time);
                server.resume();
            }
        }
    }
    server
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref().cloned())
        .unwrap_or_else(|| "a panic without words".to_owned())
}
