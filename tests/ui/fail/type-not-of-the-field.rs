use zerobus_record::ZerobusRecord;

#[derive(ZerobusRecord)]
struct Reading {
    #[zerobus(type = "DECIMAL(10,2)")]
    price: f64,
}

fn main() {}
