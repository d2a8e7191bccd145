use super::{WriteValue, collection, stands_for};
use crate::delta::{
    BinaryType, BooleanType, ByteType, DoubleType, FloatType, IntegerType, LongType, ShortType,
};
use crate::error::RecordError;
use crate::layout::{ColumnType, Place};
use crate::shape::{Kinds, Shape};
use crate::wire;

macro_rules! integers {
    ($($rust:ident: $($delta:ident),+;)*) => {$(
        stands_for!($rust: $($delta),+);

        impl WriteValue for $rust {
            const SHAPE: Shape = Shape::leaf(stringify!($rust), Kinds::NONE$(.or::<$delta>())+);

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
    i8: ByteType, ShortType, IntegerType, LongType;
    i16: ShortType, IntegerType, LongType;
    i32: IntegerType, LongType;
    i64: LongType;
    u16: IntegerType, LongType;
    u32: LongType;
}

stands_for!(u8: ShortType, IntegerType, LongType);

impl WriteValue for u8 {
    const SHAPE: Shape = Shape::leaf(
        "u8",
        Kinds::NONE
            .or::<ShortType>()
            .or::<IntegerType>()
            .or::<LongType>(),
    );
    const SLICE_SHAPE: Shape = Shape::Bytes(&Self::SHAPE);
    const SLICE_COLUMN_TYPE: ColumnType = ColumnType::Binary;

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

stands_for!([u8]: BinaryType);

stands_for!(bool: BooleanType);

impl WriteValue for bool {
    const SHAPE: Shape = Shape::leaf("bool", Kinds::NONE.or::<BooleanType>());

    #[inline]
    fn write<P: Place>(&self, out: &mut Vec<u8>) -> Result<(), RecordError> {
        wire::varint::<P>(out, u64::from(*self));
        Ok(())
    }
}

stands_for!(f32: FloatType, DoubleType);

impl WriteValue for f32 {
    const SHAPE: Shape = Shape::leaf("f32", Kinds::NONE.or::<FloatType>().or::<DoubleType>());

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

stands_for!(f64: DoubleType);

impl WriteValue for f64 {
    const SHAPE: Shape = Shape::leaf("f64", Kinds::NONE.or::<DoubleType>());

    #[inline]
    fn write<P: Place>(&self, out: &mut Vec<u8>) -> Result<(), RecordError> {
        wire::double::<P>(out, *self);
        Ok(())
    }
}
