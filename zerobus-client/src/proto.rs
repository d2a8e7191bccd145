//! Records as messages that are encoded already, or by prost.

use bytes::Bytes;
use zerobus_record::{RecordError, ZerobusRecord};

use crate::dynamic::Dynamic;
#[cfg(feature = "prost")]
use crate::error::Error;
use crate::record::Record;
#[cfg(feature = "prost")]
use crate::stream::Stream;

/// The kind of a stream whose records are protobuf messages of a descriptor given at run time, opened with
/// [`Client::proto_stream`](crate::Client::proto_stream).
///
/// Records are sent as they are: whether they are messages of the descriptor is for the caller to see to, and the
/// service ends the stream where they are not.
///
/// ```no_run
/// # async fn run(client: zerobus_client::Client, set: &[u8], record: Vec<u8>) -> Result<(), Box<dyn std::error::Error>> {
/// use zerobus_client::{ProtoBytes, ProtoDescriptor};
///
/// // What `protoc --descriptor_set_out` or prost-build's `file_descriptor_set_path` writes.
/// let descriptor = ProtoDescriptor::from_file_descriptor_set(set, "iot.AirQuality")?;
/// let mut stream = client.proto_stream("main.default.air_quality", descriptor).open().await?;
/// stream.ingest_record(&ProtoBytes(record)).await?;
/// stream.close().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy)]
pub enum Proto {}

/// One encoded message, without a length before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ProtoBytes<T = Vec<u8>>(pub T);

impl<T: AsRef<[u8]>> Record<Proto> for ProtoBytes<T> {
    #[inline]
    fn write_to(&self, out: &mut Vec<u8>) -> Result<(), RecordError> {
        out.extend_from_slice(self.0.as_ref());
        Ok(())
    }
}

/// A record that is encoded already: what [`get_unacked_records`](crate::Stream::get_unacked_records) of another stream of
/// the very same type gave. That it is one is for the caller to see to.
///
/// ```no_run
/// # async fn run<R: zerobus_client::ZerobusRecord>(failed: zerobus_client::Stream<R>, mut other: zerobus_client::Stream<R>) -> Result<(), zerobus_client::Error> {
/// use zerobus_client::ProtoBytes;
///
/// for record in failed.get_unacked_records() {
///     other.ingest_record(&ProtoBytes(record)).await?;
/// }
/// # Ok(())
/// # }
/// ```
impl<R: ZerobusRecord, T: AsRef<[u8]>> Record<R> for ProtoBytes<T> {
    #[inline]
    fn write_to(&self, out: &mut Vec<u8>) -> Result<(), RecordError> {
        out.extend_from_slice(self.0.as_ref());
        Ok(())
    }
}

/// The same for records that were made at run time.
impl<T: AsRef<[u8]>> Record<Dynamic> for ProtoBytes<T> {
    #[inline]
    fn write_to(&self, out: &mut Vec<u8>) -> Result<(), RecordError> {
        out.extend_from_slice(self.0.as_ref());
        Ok(())
    }
}

macro_rules! bytes {
    ($($bytes:ty),*) => {$(
        impl Record<Proto> for $bytes {
            #[inline]
            fn write_to(&self, out: &mut Vec<u8>) -> Result<(), RecordError> {
                out.extend_from_slice(self.as_ref());
                Ok(())
            }
        }
    )*};
}

bytes!([u8], &[u8], Vec<u8>, Bytes);

/// A message of prost, encoded by prost straight into the stream.
///
/// ```no_run
/// # async fn run<M: prost::Message>(
/// #     mut stream: zerobus_client::Stream<zerobus_client::Proto>,
/// #     message: M,
/// # ) -> Result<(), zerobus_client::Error> {
/// use zerobus_client::ProtoMessage;
///
/// stream.ingest_record(&ProtoMessage(&message)).await?;
/// # Ok(())
/// # }
/// ```
#[cfg(feature = "prost")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ProtoMessage<'a, M>(pub &'a M);

#[cfg(feature = "prost")]
impl<M: prost::Message> Record<Proto> for ProtoMessage<'_, M> {
    #[inline]
    fn write_to(&self, out: &mut Vec<u8>) -> Result<(), RecordError> {
        self.0.encode_raw(out);
        Ok(())
    }
}

#[cfg(feature = "prost")]
impl Stream<Proto> {
    /// [`get_unacked_records`](Self::get_unacked_records) as the messages that they are.
    ///
    /// # Errors
    /// [`Error::Record`] when one is no `M`.
    pub fn get_unacked_messages<M: prost::Message + Default>(&self) -> Result<Vec<M>, Error> {
        let records = self.get_unacked_records().into_iter();
        let messages = records.map(|record| {
            M::decode(record).map_err(|error| Error::Record {
                error: RecordError::new(
                    "messages of the type asked for",
                    format!("bytes of another ({error})"),
                ),
            })
        });
        messages.collect()
    }
}
