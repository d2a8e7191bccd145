use zerobus_record::ZerobusRecord;

#[derive(ZerobusRecord)]
union Either {
    int: i64,
    float: f64,
}

fn main() {}
