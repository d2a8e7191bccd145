use bytes::Bytes;

use super::{Value, stands_for};
use crate::delta::Binary;
use crate::error::RecordError;
use crate::layout::{ColumnType, Place};
use crate::shape::{Kinds, Shape};
use crate::wire;

stands_for!(Bytes: Binary);

impl Value for Bytes {
    const SHAPE: Shape = Shape::leaf("Bytes", Kinds::NONE.with(ColumnType::Binary));

    #[inline]
    fn write<P: Place>(&self, out: &mut Vec<u8>) -> Result<(), RecordError> {
        wire::bytes::<P>(out, self);
        Ok(())
    }
}
