//! Names of the prelude may mean something else where the derive stands, and the crate may have another name.
#![allow(dead_code, non_camel_case_types)]

mod facade {
    pub use ::zerobus_record as records;
}

use facade::records::ZerobusRecord;

struct Option;
struct Some;
struct Result;
struct Vec;
struct String;
struct str;
struct u8;
mod core {}

#[derive(ZerobusRecord)]
#[zerobus(table = "main.default.air_quality", crate = facade::records)]
struct AirQuality {
    device_name: ::std::string::String,
    temp: ::std::option::Option<i32>,
    observed_at: ::std::time::SystemTime,
    tags: ::std::vec::Vec<Tag>,
    location: ::std::option::Option<Location>,
}

#[derive(ZerobusRecord)]
#[zerobus(crate = "facade::records")]
struct Location {
    lat: f64,
    lon: f64,
}

#[derive(ZerobusRecord)]
#[zerobus(crate = crate::facade::records)]
enum Tag {
    Hot,
}

fn main() {}
