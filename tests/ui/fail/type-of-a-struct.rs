use zerobus_record::ZerobusRecord;

#[derive(ZerobusRecord)]
struct Reading {
    #[zerobus(type = "STRUCT<lat: DOUBLE>")]
    place: String,
}

fn main() {}
