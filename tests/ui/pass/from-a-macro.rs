//! A macro of the user's writes the struct, with types it was given.

use zerobus_record::{TimestampMicros, ZerobusRecord};

macro_rules! record {
    ($name:ident, $table:literal, $($field:ident: $ty:ty),*) => {
        #[derive(ZerobusRecord)]
        #[zerobus(table = $table)]
        struct $name { $($field: $ty),* }
    };
}

record!(AirQuality, "main.default.air_quality",
    device_name: String, temp: Option<i32>, observed_at: TimestampMicros, tags: Vec<&'static str>);

macro_rules! parts {
    ($outer:ident, $inner:ident, $field:ident: $ty:ty) => {
        #[derive(ZerobusRecord)]
        #[zerobus(table = "main.default.air_quality")]
        struct $outer {
            observed_at: TimestampMicros,
            #[zerobus(flatten)]
            rest: $inner,
            #[zerobus(json)]
            payload: Option<$ty>,
        }

        #[derive(ZerobusRecord)]
        struct $inner {
            #[zerobus(type = "STRING")]
            $field: $ty,
        }
    };
}

parts!(Outer, Inner, device_name: String);

fn main() {
    let inner = Inner { device_name: String::new() };
    inner.encode(&mut Vec::new()).unwrap();
    let outer = Outer { observed_at: TimestampMicros::from_micros(0), rest: inner, payload: None };
    outer.validate().unwrap();
    let record = AirQuality {
        device_name: String::new(),
        temp: Some(1),
        observed_at: TimestampMicros::from_micros(0),
        tags: vec![],
    };
    record.validate().unwrap();
}
