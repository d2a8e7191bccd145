use zerobus_record::ZerobusRecord;

#[derive(ZerobusRecord)]
#[zerobus(table = "main.default.totals")]
struct Total {
    id: i64,
}

fn main() {}
