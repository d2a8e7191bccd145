use zerobus_record::ZerobusRecord;

#[derive(ZerobusRecord)]
struct Outer {
    id: i64,
    #[zerobus(flatten)]
    inner: Inner,
}

#[derive(ZerobusRecord)]
struct Inner {
    name: String,
}

fn main() {}
