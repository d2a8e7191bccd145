use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::stack::StackText;
use super::{WriteValue, stands_for, text_shape, write_text};
use crate::delta;
use crate::error::RecordError;
use crate::layout::Place;
use crate::shape::Shape;

/// `ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255`, the longest spelling.
const TEXT_MAX: usize = 45;

macro_rules! addresses {
    ($($rust:ident),*) => {$(
        stands_for!($rust:
            delta::StringType,
            {const N: u32} delta::CharType<N>,
            {const N: u32} delta::VarcharType<N>,
        );

        impl WriteValue for $rust {
            const SHAPE: Shape = text_shape(stringify!($rust));

            #[inline]
            fn write<P: Place>(&self, out: &mut Vec<u8>) -> Result<(), RecordError> {
                let mut text = StackText::<TEXT_MAX>::new();
                let _ = write!(text, "{self}");
                write_text::<P>(text.as_str(), out)
            }
        }
    )*};
}

addresses!(IpAddr, Ipv4Addr, Ipv6Addr);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::At;

    #[test]
    fn an_address_is_its_text_however_long() {
        for address in [
            "127.0.0.1",
            "::ffff:192.0.2.128",
            "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff",
        ] {
            let mut out = Vec::new();
            let parsed: IpAddr = address.parse().unwrap();
            parsed.write::<At<1, delta::StringType>>(&mut out).unwrap();
            assert_eq!(out.get(2..), Some(address.as_bytes()));
        }
    }
}
