//! What a stream takes.

use zerobus_record::{RecordError, ZerobusRecord};

/// A record that a stream of kind `K` takes.
///
/// `K` is what the stream was opened for: a type that derives [`ZerobusRecord`], [`Json`](crate::Json),
/// [`Proto`](crate::Proto) or [`Dynamic`](crate::Dynamic). A stream of a record type takes that type, and every other
/// one with the very same descriptor (the type with other lifetimes, say).
///
/// There is nothing to implement for records that derive [`ZerobusRecord`]. A type of one's own that is JSON text or
/// an encoded message already can implement it for [`Json`](crate::Json) or [`Proto`](crate::Proto).
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no record for a stream of `{K}`",
    note = "a stream of a record type takes records that derive `ZerobusRecord` with the same descriptor",
    note = "`Stream<Json>` takes `JsonString`, `JsonValue`, text and `serde_json::Value`",
    note = "`Stream<Dynamic>` takes `DynamicRecord`",
    note = "`Stream<Proto>` takes `ProtoBytes`, `ProtoMessage` (feature `prost`) and bytes"
)]
pub trait Record<K: ?Sized> {
    /// Fails the build where records of this type have another shape than those of the stream.
    #[doc(hidden)]
    const CHECK: () = ();

    /// The run-time schema that the record was made for, where it has one.
    #[doc(hidden)]
    #[inline]
    fn schema_id(&self) -> Option<SchemaId> {
        None
    }

    /// Appends the record as it travels: a protobuf message without a length before it, or the text of a JSON object.
    ///
    /// # Errors
    /// [`RecordError`] when a value does not fit its column. What lies beyond the old length of `out` is then cut off.
    fn write_to(&self, out: &mut Vec<u8>) -> Result<(), RecordError>;
}

/// Tells one run-time schema from another.
#[doc(hidden)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SchemaId(pub(crate) u64);

impl<R: ZerobusRecord, T: ZerobusRecord + ?Sized> Record<R> for T {
    const CHECK: () = assert_same_descriptor::<R, T>();

    #[inline]
    fn write_to(&self, out: &mut Vec<u8>) -> Result<(), RecordError> {
        self.encode(out)
    }
}

/// Records that share a descriptor can share a stream.
///
/// ```compile_fail,E0080
/// use zerobus_client::{ColumnInfo, Error, Fingerprint, RecordError, Stream, ZerobusRecord};
///
/// struct Record<const N: u8>;
///
/// impl<const N: u8> ZerobusRecord for Record<N> {
///     const TABLE: &'static str = "a.b.c";
///     const FINGERPRINT: Fingerprint = Fingerprint::from_bytes([N; 32]);
///     const COLUMNS: &'static [ColumnInfo] = &[];
///     const DESCRIPTOR: &'static [u8] = &[N];
///     fn encode(&self, _: &mut Vec<u8>) -> Result<(), RecordError> {
///         Ok(())
///     }
///     fn validate(&self) -> Result<(), RecordError> {
///         Ok(())
///     }
/// }
///
/// fn ingest(stream: &mut Stream<Record<1>>) -> Result<i64, Error> {
///     stream.try_ingest(&Record::<2>)
/// }
/// # fn main() { let _: fn(&mut Stream<Record<1>>) -> Result<i64, Error> = ingest; }
/// ```
const fn assert_same_descriptor<R: ZerobusRecord, T: ZerobusRecord + ?Sized>() {
    let (mut ours, mut theirs) = (R::DESCRIPTOR, T::DESCRIPTOR);
    assert!(
        ours.len() == theirs.len(),
        "this record's type is not the one the stream was opened for"
    );
    while let (Some((a, ours_rest)), Some((b, theirs_rest))) =
        (ours.split_first(), theirs.split_first())
    {
        assert!(
            *a == *b,
            "this record's type is not the one the stream was opened for"
        );
        (ours, theirs) = (ours_rest, theirs_rest);
    }
}
