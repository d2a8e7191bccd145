use std::collections::{BTreeMap, HashMap, VecDeque};

use super::{ColumnValue, WriteValue};
use crate::delta::{ArrayType, MapType, Nullable};
use crate::error::RecordError;
use crate::layout::{ColumnType, Element, Key, MapValue, Place};
use crate::shape::Shape;
use crate::wire;

#[diagnostic::do_not_recommend]
impl<D, T: ColumnValue<D>> ColumnValue<ArrayType<D>> for [T] {}
#[diagnostic::do_not_recommend]
impl<D, T: ColumnValue<D>> ColumnValue<Nullable<ArrayType<D>>> for [T] {}

impl<T: WriteValue> WriteValue for [T] {
    const SHAPE: Shape = T::SLICE_SHAPE;
    const COLUMN_TYPE: ColumnType = T::SLICE_COLUMN_TYPE;

    #[inline]
    fn write<P: Place>(&self, out: &mut Vec<u8>) -> Result<(), RecordError> {
        T::write_slice::<P>(self, out)
    }
}

macro_rules! slices {
    ($([$($param:tt)*] $slice:ty),*) => {$(
        #[diagnostic::do_not_recommend]
        impl<D, T: WriteValue, $($param)*> ColumnValue<D> for $slice where [T]: ColumnValue<D> {}

        impl<T: WriteValue, $($param)*> WriteValue for $slice {
            const SHAPE: Shape = T::SLICE_SHAPE;
            const COLUMN_TYPE: ColumnType = T::SLICE_COLUMN_TYPE;

            #[inline]
            fn write<P: Place>(&self, out: &mut Vec<u8>) -> Result<(), RecordError> {
                T::write_slice::<P>(self, out)
            }
        }
    )*};
}

slices!([] Vec<T>, [const N: usize] [T; N]);

#[diagnostic::do_not_recommend]
impl<D, T: ColumnValue<D>> ColumnValue<ArrayType<D>> for VecDeque<T> {}
#[diagnostic::do_not_recommend]
impl<D, T: ColumnValue<D>> ColumnValue<Nullable<ArrayType<D>>> for VecDeque<T> {}

impl<T: WriteValue> WriteValue for VecDeque<T> {
    const SHAPE: Shape = Shape::Array(&T::SHAPE);
    const COLUMN_TYPE: ColumnType = ColumnType::Array(&T::COLUMN_TYPE);

    #[inline]
    fn write<P: Place>(&self, out: &mut Vec<u8>) -> Result<(), RecordError> {
        write_elements::<P, T>(self, out)
    }
}

/// Proto2 repeats the tag before every element.
#[inline]
pub(super) fn write_elements<'a, P: Place, T: WriteValue + 'a>(
    elements: impl IntoIterator<Item = &'a T>,
    out: &mut Vec<u8>,
) -> Result<(), RecordError> {
    for (index, element) in elements.into_iter().enumerate() {
        if let Err(error) = element.write::<Element<P>>(out) {
            return Err(error.in_element(index));
        }
    }
    Ok(())
}

macro_rules! maps {
    ($([$($param:tt)*] $map:ty),*) => {$(
        #[diagnostic::do_not_recommend]
        impl<DK, DV, K, V, $($param)*> ColumnValue<MapType<DK, DV>> for $map
        where
            K: ColumnValue<DK>,
            V: ColumnValue<DV>,
        {
        }
        #[diagnostic::do_not_recommend]
        impl<DK, DV, K, V, $($param)*> ColumnValue<Nullable<MapType<DK, DV>>> for $map
        where
            K: ColumnValue<DK>,
            V: ColumnValue<DV>,
        {
        }

        impl<K: WriteValue, V: WriteValue, $($param)*> WriteValue for $map {
            const SHAPE: Shape = Shape::Map(&K::SHAPE, &V::SHAPE);
            const COLUMN_TYPE: ColumnType = ColumnType::Map(&K::COLUMN_TYPE, &V::COLUMN_TYPE);

            #[inline]
            fn write<P: Place>(&self, out: &mut Vec<u8>) -> Result<(), RecordError> {
                for (key, value) in self {
                    write_entry::<P, K, V>(key, value, out)?;
                }
                Ok(())
            }
        }
    )*};
}

// The entries of a `HashMap` come in its own order, another one in every process.
maps!([] BTreeMap<K, V>, [S] HashMap<K, V, S>);
#[cfg(feature = "indexmap")]
maps!([S] indexmap::IndexMap<K, V, S>);

#[inline]
fn write_entry<P: Place, K: WriteValue, V: WriteValue>(
    key: &K,
    value: &V,
    out: &mut Vec<u8>,
) -> Result<(), RecordError> {
    let start = wire::begin::<P>(out);
    if let Err(error) = key.write::<Key<P>>(out) {
        return Err(error.in_key());
    }
    wire::drop_default(out, start);
    let value_start = out.len();
    if let Err(error) = value.write::<MapValue<P>>(out) {
        return Err(error.in_value(shown_key::<P>(out.get(start..value_start))));
    }
    wire::drop_default(out, value_start);
    wire::end(out, start);
    Ok(())
}

/// The key as it was written, for an error: a field of number 1.
#[cold]
fn shown_key<P: Place>(field: Option<&[u8]>) -> String {
    const SHOWN_MAX: usize = 40;
    let payload = field.and_then(|field| field.get(1..)).unwrap_or_default();
    let is_text = match P::TYPE {
        ColumnType::Map(key, _) => matches!(
            key,
            ColumnType::String | ColumnType::Char(_) | ColumnType::Varchar(_)
        ),
        _ => false,
    };
    if is_text {
        let continues = payload.iter().take_while(|&&byte| byte >= 0x80).count();
        let text = payload.get(continues + 1..).unwrap_or_default();
        let text: String = String::from_utf8_lossy(text)
            .chars()
            .take(SHOWN_MAX)
            .collect();
        return format!("{text:?}");
    }
    let number = payload
        .iter()
        .take(10)
        .rev()
        .fold(0_u64, |number, &byte| number << 7 | u64::from(byte & 0x7f));
    number.cast_signed().to_string()
}

#[cfg(all(test, feature = "indexmap"))]
mod tests {
    use super::*;
    use crate::delta::{IntegerType, StringType};
    use crate::layout::At;

    #[test]
    fn an_index_map_keeps_its_order() {
        let map = indexmap::IndexMap::<&str, i32>::from_iter([("b", 1), ("a", 2)]);
        let mut out = Vec::new();
        map.write::<At<1, MapType<StringType, IntegerType>>>(&mut out)
            .unwrap();
        assert_eq!(out, [10, 5, 10, 1, b'b', 16, 1, 10, 5, 10, 1, b'a', 16, 2]);
    }
}
