use uuid::Uuid;

use crate::delta;
use crate::error::RecordError;
use crate::layout::Place;
use crate::shape::Shape;
use crate::value::{WriteValue, stands_for, text_shape, write_text};

stands_for!(Uuid:
    delta::StringType,
    {const N: u32} delta::CharType<N>,
    {const N: u32} delta::VarcharType<N>,
);

impl WriteValue for Uuid {
    const SHAPE: Shape = text_shape("Uuid");

    #[inline]
    fn write<P: Place>(&self, out: &mut Vec<u8>) -> Result<(), RecordError> {
        let mut buffer = Self::encode_buffer();
        write_text::<P>(self.hyphenated().encode_lower(&mut buffer), out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::At;

    #[test]
    fn a_uuid_is_its_hyphenated_text() {
        let uuid = Uuid::from_u128(0x67e5_5044_10b1_426f_9247_bb68_0e5f_e0c8);
        let mut out = Vec::new();
        uuid.write::<At<1, delta::CharType<36>>>(&mut out).unwrap();
        assert_eq!(&out[2..], b"67e55044-10b1-426f-9247-bb680e5fe0c8");
        let error = uuid
            .write::<At<1, delta::VarcharType<35>>>(&mut out)
            .unwrap_err();
        assert_eq!(
            error.found(),
            "36, \"67e55044-10b1-426f-9247-bb680e5fe0c8\""
        );
    }
}
