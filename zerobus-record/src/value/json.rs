use serde_core::Serialize;
use serde_core::de::IgnoredAny;

use super::{WriteValue, shown, stands_for};
use crate::delta::VariantType;
use crate::error::RecordError;
use crate::layout::Place;
use crate::shape::{Kinds, Shape};
use crate::wire;

const VARIANT: Kinds = Kinds::NONE.or::<VariantType>();

/// JSON text for a VARIANT, sent as it is.
///
/// It is checked to be JSON when it is written; `VariantJson<&str>` borrows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct VariantJson<T = String>(T);

impl<T: AsRef<str>> VariantJson<T> {
    /// The text of one JSON value.
    pub const fn new(json: T) -> Self {
        Self(json)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        self.0.as_ref()
    }

    /// What it was made of.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> From<T> for VariantJson<T> {
    fn from(json: T) -> Self {
        Self(json)
    }
}

#[diagnostic::do_not_recommend]
impl<T: AsRef<str>> super::ColumnValue<VariantType> for VariantJson<T> {}
#[diagnostic::do_not_recommend]
impl<T: AsRef<str>> super::ColumnValue<crate::delta::Nullable<VariantType>> for VariantJson<T> {}

impl<T: AsRef<str>> WriteValue for VariantJson<T> {
    const SHAPE: Shape = Shape::leaf("VariantJson", VARIANT.fallible());

    #[inline]
    fn write<P: Place>(&self, out: &mut Vec<u8>) -> Result<(), RecordError> {
        let text = self.0.as_ref();
        check_json(text)?;
        wire::bytes::<P>(out, text.as_bytes());
        Ok(())
    }
}

/// Checks that a text is one JSON value.
///
/// # Errors
/// [`RecordError`] where it is not.
#[inline]
pub fn check_json(text: &str) -> Result<(), RecordError> {
    match serde_json::from_str::<IgnoredAny>(text) {
        Ok(_) => Ok(()),
        Err(error) => Err(RecordError::new(
            "JSON",
            format!("{} ({error})", shown(text)),
        )),
    }
}

stands_for!(serde_json::Value: VariantType);

impl WriteValue for serde_json::Value {
    const SHAPE: Shape = Shape::leaf("serde_json::Value", VARIANT);

    #[inline]
    fn write<P: Place>(&self, out: &mut Vec<u8>) -> Result<(), RecordError> {
        Json(self).write::<P>(out)
    }
}

#[cfg(feature = "raw_value")]
stands_for!(serde_json::value::RawValue: VariantType);

// serde_json has read it, so it is JSON.
#[cfg(feature = "raw_value")]
impl WriteValue for serde_json::value::RawValue {
    const SHAPE: Shape = Shape::leaf("RawValue", VARIANT);

    #[inline]
    fn write<P: Place>(&self, out: &mut Vec<u8>) -> Result<(), RecordError> {
        wire::bytes::<P>(out, self.get().as_bytes());
        Ok(())
    }
}

/// Anything that serializes, as the JSON of a VARIANT: what the attribute `json` makes of a field.
#[derive(Debug)]
pub struct Json<T>(pub T);

#[diagnostic::do_not_recommend]
impl<T: Serialize> super::ColumnValue<VariantType> for Json<T> {}
#[diagnostic::do_not_recommend]
impl<T: Serialize> super::ColumnValue<crate::delta::Nullable<VariantType>> for Json<T> {}

#[diagnostic::do_not_recommend]
impl<T: Serialize> WriteValue for Json<T> {
    const SHAPE: Shape = Shape::leaf("a value serialized as JSON", VARIANT.fallible());

    #[inline]
    fn write<P: Place>(&self, out: &mut Vec<u8>) -> Result<(), RecordError> {
        let start = wire::begin::<P>(out);
        if let Err(error) = serde_json::to_writer(&mut *out, &self.0) {
            return Err(not_serialized(&error));
        }
        wire::end(out, start);
        Ok(())
    }
}

#[cold]
fn not_serialized(error: &serde_json::Error) -> RecordError {
    RecordError::new(
        "a value that serializes to JSON",
        format!("one that does not ({error})"),
    )
}

#[cfg(all(test, feature = "raw_value"))]
mod tests {
    use super::*;
    use crate::layout::At;

    #[test]
    fn raw_json_is_sent_as_it_is() {
        let raw: Box<serde_json::value::RawValue> = serde_json::from_str("{ \"a\": 1.0 }").unwrap();
        let mut out = Vec::new();
        raw.write::<At<1, VariantType>>(&mut out).unwrap();
        assert_eq!(out.get(2..), Some(b"{ \"a\": 1.0 }".as_slice()));
    }
}
