//! The page in a browser, driven as WebDriver has it. Where there is no Chromium with its driver (`chromium` and
//! `chromium-driver` in Debian), the tests say that they did not run. `ZEROBUS_LOCAL_SCREENSHOTS=DIR` keeps pictures of
//! what they saw.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use base64::Engine as _;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use zerobus_local::{Fault, FaultRule, LocalZerobus};
use zerobus_proto::RecordType;

use crate::Local;
use crate::air_quality::{DDL, TABLE, record};
use crate::client::{Client, batch, single};

const DRIVER: &str = "chromedriver";

/// How long the page may take to show what it is to show.
const PATIENCE: Duration = Duration::from_secs(30);

/// A browser without a window, which ends with the test.
struct Browser {
    driver: Child,
    address: String,
    session: String,
}

impl Browser {
    /// `None` where there is none.
    async fn start() -> Option<Self> {
        let started = Command::new(DRIVER)
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        let Ok(mut driver) = started else {
            println!("NOT RUN: `{DRIVER}` is not installed, so nobody looked at the page");
            return None;
        };
        let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines();
        let port = lines.find_map(|line| {
            let line = line.unwrap();
            let (_, port) = line.split_once("started successfully on port ")?;
            Some(port.trim_end_matches('.').to_owned())
        });
        let mut browser = Self {
            driver,
            address: format!("127.0.0.1:{}", port.expect("the driver did not start")),
            session: String::new(),
        };
        let options = json!({
            // Where tests run in containers, there is often no user to give a sandbox to.
            "args": ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
        });
        let capabilities = json!({
            "browserName": "chrome",
            "goog:chromeOptions": options,
            "goog:loggingPrefs": {"browser": "ALL"},
        });
        let asked = json!({"capabilities": {"alwaysMatch": capabilities}});
        let answer = browser.send("POST", "/session", asked).await;
        match answer["sessionId"].as_str() {
            Some(session) => browser.session = session.to_owned(),
            None => {
                println!(
                    "NOT RUN: `{DRIVER}` starts no browser, so nobody looked at the page: {answer}"
                );
                return None;
            }
        }
        Some(browser)
    }

    async fn send(&self, method: &str, path: &str, body: Value) -> Value {
        let body = body.to_string();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            self.address,
            body.len()
        );
        let mut connection = TcpStream::connect(&self.address).await.unwrap();
        connection.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        loop {
            if let Some(end) = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                let head = String::from_utf8_lossy(&answer[..end]).to_ascii_lowercase();
                let length = head
                    .lines()
                    .find_map(|line| line.strip_prefix("content-length:"));
                let length: usize = length.unwrap().trim().parse().unwrap();
                if answer.len() >= end + 4 + length {
                    let answer: Value = serde_json::from_slice(&answer[end + 4..]).unwrap();
                    return answer["value"].clone();
                }
            }
            assert!(connection.read_buf(&mut answer).await.unwrap() > 0);
        }
    }

    async fn tell(&self, command: &str, body: Value) -> Value {
        let path = format!("/session/{}/{command}", self.session);
        let answer = self.send("POST", &path, body).await;
        assert!(answer["error"].is_null(), "{command}: {answer}");
        answer
    }

    /// Opens the page, at a place in it.
    async fn open(&self, server: &LocalZerobus, place: &str) {
        self.tell("url", json!({"url": "about:blank"})).await;
        let url = format!("{}/#{place}", server.url());
        self.tell("url", json!({"url": url})).await;
    }

    async fn resize(&self, width: u32, height: u32) {
        self.tell("window/rect", json!({"width": width, "height": height}))
            .await;
    }

    async fn prefer(&self, scheme: &str) {
        let features = json!([{"name": "prefers-color-scheme", "value": scheme}]);
        let params = json!({"features": features});
        self.tell(
            "goog/cdp/execute",
            json!({"cmd": "Emulation.setEmulatedMedia", "params": params}),
        )
        .await;
    }

    /// What a script in the page returns.
    async fn run(&self, script: &str) -> Value {
        self.tell("execute/sync", json!({"script": script, "args": []}))
            .await
    }

    /// Waits until an expression is true in the page.
    async fn until(&self, expression: &str) {
        let script = format!("return Boolean({expression})");
        let waited = tokio::time::timeout(PATIENCE, async {
            while self.run(&script).await != true {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        });
        if waited.await.is_err() {
            let page = self.run("return document.body.innerText").await;
            panic!("never true: {expression}\n{}", page.as_str().unwrap());
        }
    }

    /// Clicks as a person would, on what a selector finds.
    async fn click(&self, selector: &str) {
        let found = self
            .tell(
                "element",
                json!({"using": "css selector", "value": selector}),
            )
            .await;
        let element = found.as_object().unwrap().values().next().unwrap();
        let element = element.as_str().unwrap();
        self.tell(&format!("element/{element}/click"), json!({}))
            .await;
    }

    /// Keeps a picture, where it was asked for.
    async fn picture(&self, name: &str) {
        let Some(folder) = std::env::var_os("ZEROBUS_LOCAL_SCREENSHOTS").map(PathBuf::from) else {
            return;
        };
        let path = format!("/session/{}/screenshot", self.session);
        let picture = self.send("GET", &path, json!({})).await;
        let picture = base64::engine::general_purpose::STANDARD.decode(picture.as_str().unwrap());
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(name).with_extension("png"), picture.unwrap()).unwrap();
    }

    /// Fails when the page complained, or was kept from something that it tried.
    async fn check_console(&self) {
        let log = self.tell("se/log", json!({"type": "browser"})).await;
        for entry in log.as_array().unwrap() {
            let level = entry["level"].as_str().unwrap();
            assert!(!["SEVERE", "WARNING"].contains(&level), "{entry}");
        }
    }

    /// Nothing may make the page wider than its window.
    async fn check_width(&self) {
        let wide =
            "return document.documentElement.scrollWidth - document.documentElement.clientWidth";
        assert_eq!(self.run(wide).await, 0);
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The browser ends with its session, and the driver does not always end it.
        if !self.session.is_empty() {
            let request = format!(
                "DELETE /session/{} HTTP/1.1\r\nhost: {}\r\n\r\n",
                self.session, self.address
            );
            if let Ok(mut connection) = std::net::TcpStream::connect(&self.address) {
                use std::io::{Read, Write};
                let _ = connection.write_all(request.as_bytes());
                let _ = connection.set_read_timeout(Some(Duration::from_secs(5)));
                let _ = connection.read(&mut [0; 1_024]);
            }
        }
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_shows_tables_streams_and_rows_and_switches_faults() {
    let Some(browser) = Browser::start().await else {
        return;
    };
    browser.resize(1_400, 1_150).await;
    let other =
        "CREATE TABLE main.sales.orders (id BIGINT NOT NULL, note STRING) PARTITIONED BY (note);";
    let local = Local::with(&format!("{DDL}{other}")).await;
    let mut client = Client::open(&local.server, RecordType::Proto).await;
    let mut hostile = record(0);
    hostile.device_name = Some("<img src=x onerror=\"document.title='owned'\">".to_owned());
    client.send(single(0, &hostile)).await;
    client.acked().await;
    local.server.fail(
        FaultRule::new(Fault::Unavailable)
            .table(TABLE.parse().unwrap())
            .after(1_000_000),
    );
    browser.open(&local.server, TABLE).await;
    browser
        .until("document.querySelectorAll('#tables tr').length === 2")
        .await;
    browser
        .until("document.querySelector('#view').innerText.includes('onerror=')")
        .await;
    assert_eq!(browser.run("return document.title").await, "zerobus-local");
    assert_eq!(
        browser
            .run("return document.querySelectorAll('main img').length")
            .await,
        0
    );

    // A stream that feeds it, at a rate that goes up and down.
    let feeder = tokio::spawn(async move {
        for offset in 1_i64.. {
            let count = 200 + (offset % 20 - 10).abs() * 60;
            let records: Vec<_> = (0..count)
                .map(|n| record(i32::try_from(n).unwrap()))
                .collect();
            client.send(batch(offset, &records)).await;
            client.acked().await;
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    });
    browser
        .until("document.querySelectorAll('#rate polyline').length > 0")
        .await;
    browser
        .until("parseFloat(document.querySelector('#rate-now').textContent.replace(',', '')) > 100")
        .await;
    browser
        .until("parseFloat(document.querySelector('#lag-now').textContent) > 0")
        .await;
    browser
        .until("document.querySelectorAll('#streams tr').length === 1")
        .await;
    browser
        .until("document.querySelector('#view').innerText.includes('sensor-')")
        .await;
    // What has the focus keeps it, and what is held stays, however much comes in.
    browser
        .run(
            "window.aim = document.querySelector('#streams button'); aim.focus(); \
             window.seen = document.querySelector('#streams').innerText; \
             document.querySelector('#hold').click(); \
             window.held = document.querySelector('#view').innerText;",
        )
        .await;
    browser
        .until("document.querySelector('#streams').innerText !== window.seen")
        .await;
    assert_eq!(
        browser
            .run("return document.activeElement === window.aim && aim.isConnected && held === document.querySelector('#view').innerText")
            .await,
        true
    );
    browser.run("document.querySelector('#hold').click()").await;
    browser
        .until("document.querySelector('#view').innerText !== window.held")
        .await;
    if std::env::var_os("ZEROBUS_LOCAL_SCREENSHOTS").is_some() {
        tokio::time::sleep(Duration::from_secs(20)).await;
    }
    browser.check_width().await;
    browser.picture("rows").await;
    browser
        .run("document.querySelector('#streams-title').scrollIntoView()")
        .await;
    browser.picture("streams").await;
    browser.prefer("dark").await;
    browser.click("[data-tab=schema]").await;
    browser
        .until("document.querySelector('#view').innerText.includes('optional int32 temp = 2')")
        .await;
    browser.picture("schema-dark").await;
    browser.prefer("light").await;

    // A fault for this stream alone, switched on and off.
    browser.click("#streams button").await;
    browser.click("#fault-form button").await;
    browser
        .until("document.querySelectorAll('#faults tr:not(.off)').length === 2")
        .await;
    let ended = tokio::time::timeout(PATIENCE, async {
        while browser
            .run("return document.querySelectorAll('#streams tr').length")
            .await
            != 0
        {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    ended.await.expect("the fault did not end the stream");
    feeder.abort();
    browser.click("#faults tr:nth-child(2) button").await;
    browser
        .until("document.querySelectorAll('#faults tr.off').length === 1")
        .await;
    let rules = crate::sight::state(&local).await["faults"].clone();
    assert_eq!(rules.as_array().unwrap().len(), 1, "{rules}");
    assert_eq!(rules[0]["fault"], "unavailable");
    // It goes on from where it was.
    assert!(rules[0]["after"].as_u64().unwrap() < 1_000_000, "{rules}");
    browser
        .run("document.querySelector('#faults-title').scrollIntoView()")
        .await;
    browser.picture("faults").await;
    browser.click("#faults tr.off button").await;
    browser
        .until("document.querySelectorAll('#faults tr:not(.off)').length === 2")
        .await;

    // Chance with its seed.
    browser
        .run(
            "const set = (id, value) => { const of = document.getElementById(id); of.value = value; \
             of.dispatchEvent(new Event('input')); of.dispatchEvent(new Event('change')); }; \
             set('fault-name', 'delay_ack'); set('fault-millis', '5'); set('fault-stream', ''); \
             set('fault-probability', '0.5'); set('fault-seed', '7');",
        )
        .await;
    browser.click("#fault-form button").await;
    browser
        .until("document.querySelector('#faults').innerText.includes('probability 0.5, seed 7')")
        .await;
    let rules = crate::sight::state(&local).await["faults"].clone();
    assert_eq!(
        [&rules[2]["fault"], &rules[2]["millis"], &rules[2]["seed"]],
        [&json!("delay_ack"), &json!(5), &json!(7)]
    );

    browser.click("[data-tab=proto]").await;
    browser
        .until("document.querySelector('#view').innerText.includes('message air_quality')")
        .await;
    browser.resize(420, 900).await;
    browser.check_width().await;
    browser.picture("small").await;
    browser.check_console().await;
    // A server that went away is told of.
    local.server.shutdown().await;
    browser
        .until("!document.querySelector('#banner').hidden")
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_holds_no_tables_many_tables_and_wide_ones() {
    let Some(browser) = Browser::start().await else {
        return;
    };
    browser.resize(1_200, 900).await;
    let local = Local::empty().await;
    browser.open(&local.server, "").await;
    browser
        .until("!document.querySelector('#no-tables').hidden")
        .await;
    browser.picture("none").await;

    let mut ddl = String::new();
    for table in 0..200 {
        ddl.push_str(&format!(
            "CREATE TABLE main.many.a_rather_long_name_of_a_table_{table} (a INT);"
        ));
    }
    let columns: Vec<_> = (0..1_000).map(|n| format!("column_{n} STRING")).collect();
    ddl.push_str(&format!(
        "CREATE TABLE main.`<i>wide&co`.wide ({});",
        columns.join(", ")
    ));
    let made = crate::http::request(&local.server, "POST", "/api/local/ddl", &[], &ddl).await;
    assert_eq!(made.status, 200, "{}", made.body);
    browser
        .until("document.querySelectorAll('#tables tr').length === 201")
        .await;
    browser.check_width().await;
    browser.picture("many").await;
    browser.run("document.querySelector('#filter').value = 'WIDE'; document.querySelector('#filter').dispatchEvent(new Event('input'))").await;
    browser
        .until("document.querySelectorAll('#tables tr').length === 1")
        .await;
    assert_eq!(
        browser
            .run("return document.querySelectorAll('#tables i').length")
            .await,
        0
    );

    let token = crate::http::ingest_token(&local.server, "main.`<i>wide&co`.wide").await;
    let bearer = format!("authorization: Bearer {token}");
    let path = "/zerobus/v1/tables/main.%60%3Ci%3Ewide%26co%60.wide/insert";
    let row = json!([{"column_999": "the last one"}]).to_string();
    let inserted = crate::http::request(&local.server, "POST", path, &[&bearer], &row).await;
    assert_eq!(inserted.status, 200, "{}", inserted.body);
    browser.click("#tables a").await;
    browser
        .until("document.querySelector('#shown').textContent.includes('200 of 1,000')")
        .await;
    browser.run("document.querySelector('#columns').value = '999'; document.querySelector('#columns').dispatchEvent(new Event('input'))").await;
    browser
        .until("document.querySelector('#view').innerText.includes('the last one')")
        .await;
    browser.check_width().await;
    browser.click("[data-tab=schema]").await;
    browser.until("document.querySelector('#view').innerText.includes('optional string column_999 = 1000')").await;
    browser.run("document.querySelector('#columns').value = ''; document.querySelector('#columns').dispatchEvent(new Event('input'))").await;
    browser
        .until("document.querySelectorAll('#view tbody tr').length === 300")
        .await;
    browser.picture("wide").await;
    browser.check_console().await;
}
