use zerobus_record::ZerobusRecord;

#[derive(ZerobusRecord)]
enum Status {
    Fine,
    Failed(String),
}

fn main() {}
