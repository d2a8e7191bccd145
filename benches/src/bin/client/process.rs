//! The processes of one measurement: a server on the first core, a sender on the second.

use std::process::{Command, Stdio};

use serde::Serialize;
use serde::de::DeserializeOwned;
use zerobus_benches::machine;
use zerobus_benches::measure::{Outcome, Sides};
use zerobus_benches::spawn::Pinned;

use crate::case::{Acks, Case};
use crate::{discard, run};

/// Measures once.
pub fn measure(case: &Case) -> Outcome {
    let cores = machine::cores().expect("Linux tells");
    let [server_core, sender_core, ..] = cores[..] else {
        panic!("two cores are needed, one for each process");
    };
    let program = std::env::current_exe().expect("it runs");
    // As it stands in a message: tag, length, record.
    let framed = 1 + prost::length_delimiter_len(case.bytes) + case.bytes;
    let mut server = Command::new(&program);
    server.args(["serve", &text(&case.acks), &framed.to_string()]);
    let mut server = Pinned::start(&mut server, server_core, Stdio::inherit()).expect("it starts");
    let url = server.line().expect("it tells its address");
    let mut sender = Command::new(&program);
    let sides = Sides {
        core: sender_core,
        server_core,
        server: server.id(),
    };
    sender.args(["run", &text(case), &url, &text(&sides)]);
    let mut sender = Pinned::start(&mut sender, sender_core, Stdio::inherit()).expect("it starts");
    parse(&sender.line().expect("it measures"))
}

/// What the server's process does.
pub fn serve(acks: &str, framed: &str) {
    let acks: Acks = parse(acks);
    let framed = framed.parse().expect("a number");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = runtime.expect("it is Linux");
    runtime.block_on(discard::serve(acks, framed, |url| println!("{url}")));
}

/// What the sender's process does. It has the runtime that `#[tokio::main]` makes where there is one core.
pub fn send(case: &str, url: &str, sides: &str) {
    let case: Case = parse(case);
    let runtime = tokio::runtime::Runtime::new().expect("it is Linux");
    let outcome = runtime.block_on(run::run(&case, url, parse(sides)));
    println!("{}", text(&outcome));
    // What is not acked is nobody's here.
    std::process::exit(0);
}

fn text(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("it is plain")
}

fn parse<T: DeserializeOwned>(text: &str) -> T {
    serde_json::from_str(text).expect("it comes from this program")
}
