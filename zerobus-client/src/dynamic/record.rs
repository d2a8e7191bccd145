use std::fmt;

use zerobus_record::RecordError;

use super::encode::{missing, put_column, unknown};
use super::schema::RecordSchema;
use super::value::Value;
use crate::record::{Record, SchemaId};

/// The kind of a stream whose records are made at run time, opened with
/// [`Client::dynamic_stream`](crate::Client::dynamic_stream).
///
/// ```no_run
/// # async fn run(client: zerobus_client::Client) -> Result<(), Box<dyn std::error::Error>> {
/// use zerobus_client::{RecordSchema, TimestampMicros};
///
/// let schema = RecordSchema::of(&client.table_schema("main.default.air_quality").await?)?;
/// let mut stream = client.dynamic_stream(&schema).open().await?;
/// let mut record = schema.record();
/// for temp in 20..30 {
///     record.clear();
///     record.set("device_name", "roof")?.set("temp", temp)?;
///     record.set("observed_at", TimestampMicros::now())?;
///     stream.ingest_record(&record).await?;
/// }
/// stream.close().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy)]
pub enum Dynamic {}

/// A record of a schema that is known at run time only, made by [`RecordSchema::record`].
///
/// Values are set by the names of their columns, and checked and encoded at once: a value that does not fit is refused
/// where it is set. A record that is cleared and filled again allocates nothing. Columns are found at once when they
/// are set in the order of [`RecordSchema::columns`], by hash otherwise.
#[derive(Clone)]
pub struct DynamicRecord {
    schema: RecordSchema,
    /// The fields that were set, one after the other.
    buf: Vec<u8>,
    /// For each column, where its field lies in `buf`.
    spans: Vec<Span>,
    /// Spans of another generation are of an earlier record.
    generation: u32,
    /// The column after the last one set.
    next: usize,
    /// `buf` is the record as it stands: set in the order of the wire, nothing twice.
    in_order: bool,
    /// How many of the columns that have to have a value have one.
    required: usize,
}

#[derive(Debug, Clone, Copy, Default)]
struct Span {
    start: usize,
    end: usize,
    generation: u32,
}

impl DynamicRecord {
    pub(super) fn new(schema: RecordSchema) -> Self {
        Self {
            spans: vec![Span::default(); schema.plan().columns.len()],
            schema,
            buf: Vec::new(),
            generation: 1,
            next: 0,
            in_order: true,
            required: 0,
        }
    }

    /// Gives a column a value, in place of one that it has. [`Value::Null`] takes the value away.
    ///
    /// # Errors
    /// [`RecordError`] names the column, what it takes and what it was given. The record is as before.
    #[inline]
    pub fn set<'v>(
        &mut self,
        column: &str,
        value: impl Into<Value<'v>>,
    ) -> Result<&mut Self, RecordError> {
        let plan = self.schema.plan();
        let Some(at) = plan.position(column, self.next) else {
            return Err(self.of_table(unknown(plan, column)));
        };
        self.set_at(at, value.into())?;
        Ok(self)
    }

    #[inline]
    fn set_at(&mut self, at: usize, value: Value<'_>) -> Result<(), RecordError> {
        let start = self.buf.len();
        if let Err(error) = put_column(&mut self.buf, self.schema.plan(), at, value) {
            self.buf.truncate(start);
            return Err(self.of_table(error));
        }
        let end = self.buf.len();
        if let Some(span) = self.spans.get_mut(at) {
            let is_first = span.generation != self.generation;
            self.in_order &= is_first && at >= self.next;
            *span = Span {
                start,
                end,
                generation: self.generation,
            };
            let column = self.schema.plan().columns.get(at);
            self.required += usize::from(is_first && column.is_some_and(|c| c.required));
        }
        self.next = at + 1;
        Ok(())
    }

    /// Sets every column that the JSON object names, `null` being no value. Numbers for TIMESTAMP, TIMESTAMP_NTZ and
    /// DATE are microseconds and days since 1970-01-01, decimals are strings or whole numbers, and what a VARIANT is
    /// given is its value.
    ///
    /// # Errors
    /// As [`set`](Self::set); the columns before the one that failed are set.
    pub fn set_json(
        &mut self,
        record: &serde_json::Map<String, serde_json::Value>,
    ) -> Result<&mut Self, RecordError> {
        for (column, value) in record {
            self.set(column, Value::Json(value))?;
        }
        Ok(self)
    }

    /// Takes all values away.
    #[inline]
    pub fn clear(&mut self) {
        self.buf.clear();
        self.next = 0;
        self.in_order = true;
        self.required = 0;
        self.generation = match self.generation.checked_add(1) {
            Some(generation) => generation,
            None => {
                self.spans.fill(Span::default());
                1
            }
        };
    }

    /// Checks that every column that is NOT NULL has a value.
    ///
    /// # Errors
    /// [`RecordError`] for the first one that has none.
    #[inline]
    pub fn validate(&self) -> Result<(), RecordError> {
        if self.required == self.schema.plan().required {
            return Ok(());
        }
        Err(self.first_missing())
    }

    /// The record as it travels: one protobuf message.
    ///
    /// # Errors
    /// As [`validate`](Self::validate).
    pub fn to_bytes(&self) -> Result<Vec<u8>, RecordError> {
        let mut out = Vec::with_capacity(self.buf.len());
        self.write_to(&mut out)?;
        Ok(out)
    }

    /// The schema it was made for.
    #[must_use]
    pub fn schema(&self) -> &RecordSchema {
        &self.schema
    }

    #[cold]
    fn first_missing(&self) -> RecordError {
        let columns = self.schema.plan().columns.iter().zip(&self.spans);
        let mut lacking = columns
            .filter(|(column, span)| column.required && span.generation != self.generation)
            .map(|(column, _)| &*column.name);
        self.of_table(missing(lacking.next().unwrap_or_default()))
    }

    #[cold]
    fn of_table(&self, error: RecordError) -> RecordError {
        match self.schema.name() {
            "" => error,
            table => error.in_table(table),
        }
    }
}

impl Record<Dynamic> for DynamicRecord {
    #[inline]
    fn schema_id(&self) -> Option<SchemaId> {
        Some(self.schema.id())
    }

    #[inline]
    fn write_to(&self, out: &mut Vec<u8>) -> Result<(), RecordError> {
        self.validate()?;
        if self.in_order {
            out.extend_from_slice(&self.buf);
            return Ok(());
        }
        for span in &self.spans {
            if span.generation == self.generation {
                out.extend_from_slice(self.buf.get(span.start..span.end).unwrap_or_default());
            }
        }
        Ok(())
    }
}

impl fmt::Debug for DynamicRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns = self.schema.columns().zip(&self.spans);
        let set = columns.filter(|(_, span)| span.generation == self.generation);
        f.debug_struct("DynamicRecord")
            .field("schema", &self.schema)
            .field("set", &set.map(|(name, _)| name).collect::<Vec<_>>())
            .finish()
    }
}
