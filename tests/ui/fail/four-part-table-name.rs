use zerobus_record::ZerobusRecord;

#[derive(ZerobusRecord)]
#[zerobus(table = "a.b.c.d")]
struct Record {
    id: i64,
}

fn main() {}
