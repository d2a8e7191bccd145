use zerobus_record::ZerobusRecord;

#[derive(ZerobusRecord)]
#[zerobus(rename_all = "camelcase")]
struct Record {
    id: i64,
}

fn main() {}
