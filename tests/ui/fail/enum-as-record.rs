use zerobus_record::ZerobusRecord;

#[derive(ZerobusRecord)]
#[zerobus(table = "main.default.air_quality")]
enum Status {
    Fine,
    Failed,
}

fn main() {}
