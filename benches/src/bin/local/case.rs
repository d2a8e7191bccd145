//! What is measured.

use serde::{Deserialize, Serialize};

/// Orders of 100 B in 8 columns, and how they are sent.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum Case {
    /// On one stream, as fast as it goes, with at most so many on their way.
    Full { inflight: usize },
    /// On one stream, so many a second.
    Rate { records: f64 },
    /// On so many streams into so many tables, as fast as it goes.
    Streams { streams: usize, tables: usize },
    /// So many, each long after the one before was acked.
    Alone { records: usize },
}

pub const TABLES: usize = 8;

impl Case {
    pub fn all() -> [Self; 7] {
        [
            Self::Full {
                inflight: 1_000_000,
            },
            Self::Full { inflight: 100_000 },
            Self::Rate { records: 1e6 },
            Self::Rate { records: 1e5 },
            Self::Rate { records: 1e3 },
            Self::Streams {
                streams: 64,
                tables: TABLES,
            },
            Self::Alone { records: 200 },
        ]
    }

    pub fn name(&self) -> String {
        match self {
            Self::Full { inflight } => {
                format!("full speed, at most {} on their way", count(*inflight))
            }
            Self::Rate { records } => format!("{} a second", count(*records as usize)),
            Self::Streams { streams, tables } => {
                format!("full speed, {streams} streams into {tables} tables")
            }
            Self::Alone { .. } => "one alone, the table idle".to_owned(),
        }
    }
}

fn count(number: usize) -> String {
    match number {
        0..1_000 => number.to_string(),
        _ if number.is_multiple_of(1_000_000) => format!("{} M", number / 1_000_000),
        _ => format!("{},{:03}", number / 1_000, number % 1_000),
    }
}

pub fn table(at: usize) -> String {
    format!("bench.local.orders{at}")
}
