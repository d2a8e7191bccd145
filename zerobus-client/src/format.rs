//! What a stream announces of its records when it opens.

use zerobus_proto::RecordType;
use zerobus_record::ZerobusRecord;

use crate::descriptor::ProtoDescriptor;
use crate::dynamic::RecordSchema;
use crate::error::Error;
use crate::record::SchemaId;
use crate::schema_check::Expected;

/// How the records of a stream travel.
#[derive(Debug, Clone)]
pub(crate) struct Format {
    pub(crate) encoding: Encoding,
    /// The message that records are; JSON has none.
    pub(crate) descriptor: Option<ProtoDescriptor>,
    /// The run-time schema that records have to be made for.
    pub(crate) schema: Option<SchemaId>,
    /// What the live table is held against; none where the service alone can judge.
    pub(crate) expected: Option<Expected>,
    /// The descriptor came from outside.
    unchecked: bool,
}

/// What the bytes of a record are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    Proto,
    Json,
}

impl Encoding {
    pub(crate) fn record_type(self) -> RecordType {
        match self {
            Self::Proto => RecordType::Proto,
            Self::Json => RecordType::Json,
        }
    }
}

impl Format {
    pub(crate) fn of<R: ZerobusRecord>() -> Self {
        Self {
            encoding: Encoding::Proto,
            descriptor: Some(ProtoDescriptor::from(R::DESCRIPTOR)),
            schema: None,
            expected: Some(Expected::Compiled {
                fingerprint: R::FINGERPRINT,
                columns: R::COLUMNS,
            }),
            unchecked: false,
        }
    }

    pub(crate) fn json() -> Self {
        Self {
            encoding: Encoding::Json,
            descriptor: None,
            schema: None,
            expected: None,
            unchecked: false,
        }
    }

    pub(crate) fn proto(descriptor: ProtoDescriptor) -> Self {
        Self {
            encoding: Encoding::Proto,
            descriptor: Some(descriptor),
            schema: None,
            expected: Some(Expected::Descriptor),
            unchecked: true,
        }
    }

    pub(crate) fn dynamic(schema: &RecordSchema) -> Self {
        Self {
            encoding: Encoding::Proto,
            descriptor: Some(schema.descriptor().clone()),
            schema: Some(schema.id()),
            expected: Some(match schema.table() {
                Some(table) => Expected::Table(table.clone()),
                None => Expected::Descriptor,
            }),
            unchecked: false,
        }
    }

    /// Checks what has to be right before anything is sent.
    pub(crate) fn check(&self) -> Result<(), Error> {
        match &self.descriptor {
            Some(descriptor) if self.unchecked => descriptor
                .check()
                .map_err(|error| Error::Descriptor { error }),
            _ => Ok(()),
        }
    }
}
