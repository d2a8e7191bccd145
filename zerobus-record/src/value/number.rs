use super::{Value, collection, stands_for};
use crate::delta::{Binary, Boolean, Byte, Double, Float, Integer, Long, Short};
use crate::error::RecordError;
use crate::layout::{ColumnType, Place};
use crate::shape::{Kinds, Shape};
use crate::wire;

macro_rules! integers {
    ($($rust:ident: $($delta:ident),+;)*) => {$(
        stands_for!($rust: $($delta),+);

        impl Value for $rust {
            const SHAPE: Shape = Shape::leaf(stringify!($rust), Kinds::NONE$(.with(ColumnType::$delta))+);

            #[inline]
            fn write<P: Place>(&self, out: &mut Vec<u8>) -> Result<(), RecordError> {
                wire::int::<P>(out, i64::from(*self));
                Ok(())
            }
        }
    )*};
}

// Only where every value fits.
integers! {
    i8: Byte, Short, Integer, Long;
    i16: Short, Integer, Long;
    i32: Integer, Long;
    i64: Long;
    u16: Integer, Long;
    u32: Long;
}

stands_for!(u8: Short, Integer, Long);

impl Value for u8 {
    const SHAPE: Shape = Shape::leaf(
        "u8",
        Kinds::NONE
            .with(ColumnType::Short)
            .with(ColumnType::Integer)
            .with(ColumnType::Long),
    );
    const SLICE_SHAPE: Shape = Shape::Bytes(&Self::SHAPE);

    #[inline]
    fn write<P: Place>(&self, out: &mut Vec<u8>) -> Result<(), RecordError> {
        wire::int::<P>(out, i64::from(*self));
        Ok(())
    }

    #[inline]
    fn write_slice<P: Place>(slice: &[Self], out: &mut Vec<u8>) -> Result<(), RecordError> {
        if matches!(P::TYPE, ColumnType::Binary) {
            wire::bytes::<P>(out, slice);
            return Ok(());
        }
        collection::write_elements::<P, Self>(slice, out)
    }
}

stands_for!([u8]: Binary);

stands_for!(bool: Boolean);

impl Value for bool {
    const SHAPE: Shape = Shape::leaf("bool", Kinds::NONE.with(ColumnType::Boolean));

    #[inline]
    fn write<P: Place>(&self, out: &mut Vec<u8>) -> Result<(), RecordError> {
        wire::varint::<P>(out, u64::from(*self));
        Ok(())
    }
}

stands_for!(f32: Float, Double);

impl Value for f32 {
    const SHAPE: Shape = Shape::leaf(
        "f32",
        Kinds::NONE.with(ColumnType::Float).with(ColumnType::Double),
    );

    #[inline]
    fn write<P: Place>(&self, out: &mut Vec<u8>) -> Result<(), RecordError> {
        if matches!(P::TYPE, ColumnType::Double) {
            wire::double::<P>(out, f64::from(*self));
        } else {
            wire::float::<P>(out, *self);
        }
        Ok(())
    }
}

stands_for!(f64: Double);

impl Value for f64 {
    const SHAPE: Shape = Shape::leaf("f64", Kinds::NONE.with(ColumnType::Double));

    #[inline]
    fn write<P: Place>(&self, out: &mut Vec<u8>) -> Result<(), RecordError> {
        wire::double::<P>(out, *self);
        Ok(())
    }
}
