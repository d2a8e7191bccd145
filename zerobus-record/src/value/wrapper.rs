use std::borrow::Cow;
use std::rc::Rc;
use std::sync::Arc;

use super::{ColumnValue, WriteValue};
use crate::delta::Nullable;
use crate::error::RecordError;
use crate::layout::{ColumnType, Place};
use crate::shape::Shape;

#[diagnostic::do_not_recommend]
impl<D, T: ColumnValue<D>> ColumnValue<Nullable<D>> for Option<T> {}

impl<T: WriteValue> WriteValue for Option<T> {
    const SHAPE: Shape = Shape::Option(&T::SHAPE);
    const COLUMN_TYPE: ColumnType = T::COLUMN_TYPE;

    #[inline]
    fn write<P: Place>(&self, out: &mut Vec<u8>) -> Result<(), RecordError> {
        match self {
            Some(value) => value.write::<P>(out),
            None => Ok(()),
        }
    }
}

macro_rules! wrappers {
    ($($wrapper:ty),*) => {$(
        #[diagnostic::do_not_recommend]
        impl<D, T: ColumnValue<D> + ?Sized> ColumnValue<D> for $wrapper {}

        impl<T: WriteValue + ?Sized> WriteValue for $wrapper {
            const SHAPE: Shape = T::SHAPE;
            const COLUMN_TYPE: ColumnType = T::COLUMN_TYPE;

            #[inline]
            fn write<P: Place>(&self, out: &mut Vec<u8>) -> Result<(), RecordError> {
                (**self).write::<P>(out)
            }
        }
    )*};
}

wrappers!(&T, &mut T, Box<T>, Rc<T>, Arc<T>);

#[diagnostic::do_not_recommend]
impl<D, T: ColumnValue<D> + ToOwned + ?Sized> ColumnValue<D> for Cow<'_, T> {}

impl<T: WriteValue + ToOwned + ?Sized> WriteValue for Cow<'_, T> {
    const SHAPE: Shape = T::SHAPE;
    const COLUMN_TYPE: ColumnType = T::COLUMN_TYPE;

    #[inline]
    fn write<P: Place>(&self, out: &mut Vec<u8>) -> Result<(), RecordError> {
        (**self).write::<P>(out)
    }
}
