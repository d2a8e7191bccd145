use std::collections::BTreeMap;

use serde_json::{Value, json};
use zerobus_client::{DateDays, DecimalText, TimestampMicros, ZerobusRecord};

/// A row of `main.default.air_quality`, checked against `schemas/main.default.air_quality.json` while it compiles.
#[derive(Debug, ZerobusRecord)]
#[zerobus(table = "main.default.air_quality")]
pub(crate) struct AirQuality<'a> {
    device_name: &'a str,
    temp: Option<i32>,
    #[zerobus(rename = "humidity")]
    relative_humidity: Option<i64>,
    observed_at: TimestampMicros,
    day: DateDays,
    price: DecimalText<&'a str>,
    tags: Vec<&'a str>,
    attrs: BTreeMap<&'a str, &'a str>,
    location: Option<Location<'a>>,
    payload: Value,
    raw: [u8; 4],
}

/// The STRUCT of the column `location`; which table it belongs to is for the outer record to say.
#[derive(Debug, ZerobusRecord)]
struct Location<'a> {
    lat: f64,
    lon: f64,
    label: Option<&'a str>,
}

/// Sensors that do not exist, measuring what a generator makes up: the same for the same count, the time aside.
// .ci/interop/quickstart.py makes up the same, to compare it with what other readers find in the table.
pub(crate) struct Sensors {
    state: u64,
    today: DateDays,
}

const DEVICES: [&str; 5] = ["roof", "yard", "cellar", "hall", "lab"];
const PRICES: [&str; 4] = ["0.00", "19.99", "-3.50", "12345678.90"];
const LABELS: [Option<&str>; 3] = [None, Some("north"), Some("Größe 3")];

impl Sensors {
    pub(crate) fn new(now: TimestampMicros) -> Self {
        Self {
            state: 0x9e37_79b9_7f4a_7c15,
            today: now.date(),
        }
    }

    /// The next measurement, made at `now`.
    pub(crate) fn measure(&mut self, now: TimestampMicros) -> AirQuality<'static> {
        // Knuth's MMIX generator; its high bits are good enough for weather.
        self.state = self
            .state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let bits = (self.state >> 32).to_le_bytes();
        let temp = i32::from(bits[0]) / 4 - 20;
        AirQuality {
            device_name: pick(&DEVICES, bits[1]),
            temp: (bits[2] != 0).then_some(temp),
            relative_humidity: (bits[2] != 1).then_some(i64::from(bits[3]) % 101),
            observed_at: now,
            day: self.today,
            price: DecimalText::new(pick(&PRICES, bits[0])),
            tags: if temp > 30 {
                vec!["hot", "alert"]
            } else {
                vec![]
            },
            attrs: BTreeMap::from([("firmware", "1.4.2"), ("unit", "celsius")]),
            location: (bits[1] > 31).then(|| Location {
                lat: 47.0 + f64::from(bits[2]) / 256.0,
                lon: 8.0 + f64::from(bits[3]) / 256.0,
                label: pick(&LABELS, bits[0]),
            }),
            payload: json!({ "battery": bits[3], "ok": bits[2] > 3 }),
            raw: [bits[0], bits[1], bits[2], bits[3]],
        }
    }
}

fn pick<T: Copy>(choices: &[T], by: u8) -> T {
    choices[usize::from(by) % choices.len()]
}
