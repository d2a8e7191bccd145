//! Metrics as text for a scraper ("Exposition formats" of Prometheus' documentation, the text-based one).

use std::fmt;

use super::StreamMetrics;
use crate::state::StreamState;

/// Several streams in Prometheus' text format.
pub(super) struct Exposition<'a>(pub(super) &'a [StreamMetrics]);

/// Name, kind, meaning and value of one series.
type Series = (
    &'static str,
    &'static str,
    &'static str,
    fn(&StreamMetrics) -> Option<f64>,
);

const SERIES: [Series; 16] = [
    (
        "queued_records_total",
        "counter",
        "Records queued as messages.",
        |m| whole(m.queued_records),
    ),
    (
        "queued_bytes_total",
        "counter",
        "Encoded bytes queued.",
        |m| whole(m.queued_bytes),
    ),
    (
        "sent_messages_total",
        "counter",
        "Messages sent, resends included.",
        |m| whole(m.sent_messages),
    ),
    (
        "sent_records_total",
        "counter",
        "Records sent, resends included.",
        |m| whole(m.sent_records),
    ),
    (
        "sent_bytes_total",
        "counter",
        "Encoded bytes sent, resends included.",
        |m| whole(m.sent_bytes),
    ),
    (
        "acked_records_total",
        "counter",
        "Records that are durable or settled.",
        |m| whole(m.acked_records),
    ),
    (
        "acked_bytes_total",
        "counter",
        "Encoded bytes that are durable or settled.",
        |m| whole(m.acked_bytes),
    ),
    (
        "inflight_records",
        "gauge",
        "Records queued and not acked.",
        |m| whole(m.inflight_records),
    ),
    (
        "inflight_bytes",
        "gauge",
        "Encoded bytes queued and not acked.",
        |m| whole(m.inflight_bytes),
    ),
    (
        "oldest_unacked_seconds",
        "gauge",
        "Since when the oldest message waits for its ack.",
        |m| Some(m.oldest_unacked.unwrap_or_default().as_secs_f64()),
    ),
    (
        "reconnects_total",
        "counter",
        "Connections made anew.",
        |m| whole(m.reconnects),
    ),
    (
        "rotations_total",
        "counter",
        "Moves that the service asked for.",
        |m| whole(m.rotations),
    ),
    (
        "failed_attempts_total",
        "counter",
        "Attempts to open the stream that failed.",
        |m| whole(m.failed_attempts),
    ),
    (
        "resent_records_total",
        "counter",
        "Records sent again after a reconnect.",
        |m| whole(m.resent_records),
    ),
    (
        "refused_records_total",
        "counter",
        "Records refused and handed out.",
        |m| whole(m.refused_records),
    ),
    (
        "slowed_to_records_per_second",
        "gauge",
        "What an overrun service is spared to.",
        |m| m.slowed_to,
    ),
];

/// A count as Prometheus has them; exact up to 2^53.
#[allow(clippy::cast_precision_loss, clippy::unnecessary_wraps)]
fn whole(value: u64) -> Option<f64> {
    Some(value as f64)
}

impl fmt::Display for Exposition<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, kind, help, value) in SERIES {
            writeln!(f, "# HELP zerobus_client_{name} {help}")?;
            writeln!(f, "# TYPE zerobus_client_{name} {kind}")?;
            for stream in self.0 {
                if let Some(value) = value(stream) {
                    writeln!(f, "zerobus_client_{name}{{{}}} {value}", Labels(stream))?;
                }
            }
        }
        let name = "zerobus_client_state";
        writeln!(f, "# HELP {name} 1 for the state that the stream is in.")?;
        writeln!(f, "# TYPE {name} gauge")?;
        for stream in self.0 {
            for state in StreamState::ALL {
                let is = u8::from(stream.state == state);
                writeln!(f, "{name}{{{},state=\"{state}\"}} {is}", Labels(stream))?;
            }
        }
        let name = "zerobus_client_ack_latency_seconds";
        writeln!(
            f,
            "# HELP {name} The time from queued to acked, a message each."
        )?;
        writeln!(f, "# TYPE {name} histogram")?;
        for stream in self.0 {
            let (labels, latency) = (Labels(stream), &stream.ack_latency);
            for (end, count) in latency.buckets() {
                writeln!(
                    f,
                    "{name}_bucket{{{labels},le=\"{}\"}} {count}",
                    end.as_secs_f64()
                )?;
            }
            writeln!(
                f,
                "{name}_bucket{{{labels},le=\"+Inf\"}} {}",
                latency.count()
            )?;
            writeln!(f, "{name}_sum{{{labels}}} {}", latency.sum().as_secs_f64())?;
            writeln!(f, "{name}_count{{{labels}}} {}", latency.count())?;
        }
        Ok(())
    }
}

struct Labels<'a>(&'a StreamMetrics);

impl fmt::Display for Labels<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("table=\"")?;
        for char in self.0.table.to_string().chars() {
            match char {
                '\\' | '"' => write!(f, "\\{char}")?,
                '\n' => f.write_str("\\n")?,
                _ => write!(f, "{char}")?,
            }
        }
        write!(f, "\",stream=\"{}\"", self.0.stream)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use zerobus_schema::TableName;

    use super::*;
    use crate::metrics::LatencyHistogram;

    fn metrics(table: &str, stream: u64) -> StreamMetrics {
        StreamMetrics {
            table: TableName::parse(table).unwrap(),
            stream,
            state: StreamState::Opened,
            queued_records: 12,
            queued_bytes: 1_200,
            sent_messages: 4,
            sent_records: 14,
            sent_bytes: 1_400,
            acked_records: 10,
            acked_bytes: 1_000,
            inflight_records: 2,
            inflight_bytes: 200,
            oldest_unacked: Some(Duration::from_millis(1_500)),
            reconnects: 1,
            rotations: 0,
            failed_attempts: 0,
            resent_records: 2,
            refused_records: 0,
            slowed_to: None,
            ack_latency: LatencyHistogram::default(),
        }
    }

    #[test]
    fn prometheus_gets_each_name_once_and_a_line_per_stream() {
        let mut slow = metrics("a.b.`odd\"name`", 2);
        slow.slowed_to = Some(1_000.5);
        slow.ack_latency.add(Duration::from_millis(3));
        let text = StreamMetrics::to_prometheus(&[metrics("main.default.lines", 1), slow]);
        for line in [
            "# TYPE zerobus_client_acked_records_total counter",
            "zerobus_client_acked_records_total{table=\"main.default.lines\",stream=\"1\"} 10",
            "zerobus_client_oldest_unacked_seconds{table=\"main.default.lines\",stream=\"1\"} 1.5",
            "zerobus_client_slowed_to_records_per_second{table=\"a.b.odd\\\"name\",stream=\"2\"} 1000.5",
            "zerobus_client_ack_latency_seconds_bucket{table=\"a.b.odd\\\"name\",stream=\"2\",le=\"0.002\"} 0",
            "zerobus_client_ack_latency_seconds_bucket{table=\"a.b.odd\\\"name\",stream=\"2\",le=\"0.005\"} 1",
            "zerobus_client_ack_latency_seconds_bucket{table=\"a.b.odd\\\"name\",stream=\"2\",le=\"+Inf\"} 1",
            "zerobus_client_ack_latency_seconds_sum{table=\"a.b.odd\\\"name\",stream=\"2\"} 0.003",
        ] {
            assert!(text.lines().any(|l| l == line), "{line} is not in\n{text}");
        }
        for kind in ["# HELP ", "# TYPE "] {
            let mut names: Vec<_> = text
                .lines()
                .filter_map(|l| l.strip_prefix(kind)?.split(' ').next())
                .collect();
            let all = names.len();
            names.sort_unstable();
            names.dedup();
            assert_eq!((all, names.len()), (SERIES.len() + 2, SERIES.len() + 2));
        }
        assert!(
            !text.contains("slowed_to_records_per_second{table=\"main"),
            "{text}"
        );
    }

    /// One sample: its name, its labels without `le`, the value of `le`, and its value.
    type Sample<'t> = (&'t str, Vec<(&'t str, String)>, Option<f64>, f64);

    fn is_name(text: &str) -> bool {
        text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    }

    /// What the quotes hold that `rest` begins with, and what follows them.
    fn quoted(rest: &str) -> (String, &str) {
        let mut chars = rest.strip_prefix('"').unwrap().char_indices();
        let mut value = String::new();
        loop {
            value.push(match chars.next().unwrap().1 {
                '"' => return (value, chars.as_str()),
                '\\' => match chars.next().unwrap().1 {
                    'n' => '\n',
                    escaped @ ('\\' | '"') => escaped,
                    other => panic!("\\{other} is no escape"),
                },
                '\n' => panic!("a line ends in a label"),
                plain => plain,
            });
        }
    }

    fn sample(line: &str) -> Sample<'_> {
        let (name, mut rest) = line.split_once('{').unwrap();
        assert!(is_name(name), "{line}");
        let (mut labels, mut le) = (Vec::new(), None);
        loop {
            let (label, value) = rest.split_once('=').unwrap();
            assert!(is_name(label), "{line}");
            let (value, after) = quoted(value);
            match label {
                "le" => le = Some(value.parse().unwrap()),
                _ => labels.push((label, value)),
            }
            match after.strip_prefix(',') {
                Some(more) => rest = more,
                None => {
                    let value = after.strip_prefix("} ").unwrap().parse().unwrap();
                    return (name, labels, le, value);
                }
            }
        }
    }

    #[test]
    fn the_text_is_what_the_format_asks_for() {
        let mut busy = metrics("main.default.`a\"b,{é=`", 7);
        for millis in [0, 1, 3, 700, 1_000_000] {
            busy.ack_latency.add(Duration::from_millis(millis));
        }
        busy.slowed_to = Some(0.5);
        let table = busy.table.to_string();
        let text = StreamMetrics::to_prometheus(&[metrics("a.b.c", 1), busy]);
        assert!(text.ends_with('\n'));
        // Family after family: HELP, TYPE, samples.
        let mut families: BTreeMap<&str, Vec<Sample<'_>>> = BTreeMap::new();
        let mut kinds = BTreeMap::new();
        let (mut helped, mut family) = ("", "");
        for line in text.lines() {
            if let Some(help) = line.strip_prefix("# HELP ") {
                helped = help.split_once(' ').unwrap().0;
            } else if let Some(of) = line.strip_prefix("# TYPE ") {
                let (name, kind) = of.split_once(' ').unwrap();
                assert_eq!(name, helped);
                assert!(
                    is_name(name) && kinds.insert(name, kind).is_none(),
                    "{line}"
                );
                assert_eq!(kind == "counter", name.ends_with("_total"), "{line}");
                family = name;
            } else {
                let sample = sample(line);
                let suffix = sample.0.strip_prefix(family).unwrap();
                match kinds[family] {
                    "histogram" => {
                        assert!(["_bucket", "_sum", "_count"].contains(&suffix), "{line}")
                    }
                    _ => assert_eq!(suffix, "", "{line}"),
                }
                let others = families.entry(family).or_default();
                let is_same = |other: &Sample<'_>| {
                    (other.0, &other.1, other.2) == (sample.0, &sample.1, sample.2)
                };
                assert!(!others.iter().any(is_same), "{line} comes twice");
                others.push(sample);
            }
        }
        let latency = &families["zerobus_client_ack_latency_seconds"];
        for stream in ["1", "7"] {
            let of_stream = latency
                .iter()
                .filter(|s| s.1[1] == ("stream", stream.to_owned()));
            let buckets: Vec<(f64, f64)> = of_stream
                .clone()
                .filter_map(|s| Some((s.2?, s.3)))
                .collect();
            assert!(
                buckets.is_sorted_by(|a, b| a.0 < b.0 && a.1 <= b.1),
                "{buckets:?}"
            );
            let count = of_stream
                .clone()
                .find(|s| s.0.ends_with("_count"))
                .unwrap()
                .3;
            assert_eq!(buckets.last(), Some(&(f64::INFINITY, count)));
        }
        assert!(latency.iter().any(|s| s.1[0] == ("table", table.clone())));
        let states = families["zerobus_client_state"]
            .iter()
            .filter(|s| s.3 == 1.0);
        let states: Vec<_> = states.map(|s| s.1[2].1.as_str()).collect();
        assert_eq!(states, ["OPENED", "OPENED"]);
    }
}
