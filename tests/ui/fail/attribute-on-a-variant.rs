use zerobus_record::ZerobusRecord;

#[derive(ZerobusRecord)]
enum Status {
    Fine,
    #[zerobus(skip)]
    Hidden,
}

fn main() {}
