use bytes::Bytes;

use super::{WriteValue, stands_for};
use crate::delta::BinaryType;
use crate::error::RecordError;
use crate::layout::Place;
use crate::shape::{Kinds, Shape};
use crate::wire;

stands_for!(Bytes: BinaryType);

impl WriteValue for Bytes {
    const SHAPE: Shape = Shape::leaf("Bytes", Kinds::NONE.or::<BinaryType>());

    #[inline]
    fn write<P: Place>(&self, out: &mut Vec<u8>) -> Result<(), RecordError> {
        wire::bytes::<P>(out, self);
        Ok(())
    }
}
