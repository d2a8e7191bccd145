//! Protobuf records into columns, in one pass over the bytes.

use super::column::{Column, Columns, Values, narrow, utf8};
use super::fault::Fault;
use super::variant::variant;
use super::{text, wire};

impl Columns {
    /// Reads a message into `row`. What it must have is checked by [`check`](Self::check), after the last part of it.
    pub(super) fn read_message(&mut self, row: usize, mut input: &[u8]) -> Result<(), Fault> {
        let Self { plan, columns } = self;
        // Fields mostly come in the order of the descriptor.
        let mut next = 0;
        while !input.is_empty() {
            let tag = wire::tag(&mut input)?;
            let at = match plan.fields.get(next) {
                Some(field) if field.tag == tag => next,
                _ => plan.by_number(tag >> 3).ok_or_else(|| unknown(tag >> 3))?,
            };
            next = at + 1;
            let (Some(field), Some(column)) = (plan.fields.get(at), columns.get_mut(at)) else {
                return Err(unknown(tag >> 3));
            };
            column
                .read(row, tag & 7, &mut input)
                .map_err(|fault| fault.within(&field.name))?;
        }
        Ok(())
    }
}

impl Column {
    /// Reads one occurrence of the field, whose tag was just read, into `row`.
    #[inline]
    fn read(&mut self, row: usize, wire_type: u32, input: &mut &[u8]) -> Result<(), Fault> {
        match self.values {
            Values::Struct(_) | Values::Array(_) | Values::Map(_) => {
                return self.read_part(row, wire_type, input);
            }
            _ => self.seek(row),
        }
        match &mut self.values {
            Values::Boolean(values) => {
                expect(wire_type, wire::VARINT)?;
                values.append(wire::varint(input)? != 0);
            }
            Values::Byte(values) => {
                expect(wire_type, wire::VARINT)?;
                let value = wire::int32(wire::varint(input)?);
                values.push(narrow(value.into(), "TINYINT")?);
            }
            Values::Short(values) => {
                expect(wire_type, wire::VARINT)?;
                let value = wire::int32(wire::varint(input)?);
                values.push(narrow(value.into(), "SMALLINT")?);
            }
            Values::Integer(values) => {
                expect(wire_type, wire::VARINT)?;
                values.push(wire::int32(wire::varint(input)?));
            }
            Values::Long(values) => {
                expect(wire_type, wire::VARINT)?;
                values.push(wire::varint(input)?.cast_signed());
            }
            Values::Float(values) => {
                expect(wire_type, wire::FIXED32)?;
                values.push(f32::from_le_bytes(wire::fixed32(input)?));
            }
            Values::Double(values) => {
                expect(wire_type, wire::FIXED64)?;
                values.push(f64::from_le_bytes(wire::fixed64(input)?));
            }
            Values::Text { values, limit } => {
                expect(wire_type, wire::BYTES)?;
                let value = wire::bytes(input)?;
                if let Some((type_name, max)) = limit {
                    text::check_length(utf8(value)?, *max, type_name)?;
                }
                // That it is UTF-8 is checked for all records of a message together.
                values.push(value)?;
            }
            Values::Binary(values) => {
                expect(wire_type, wire::BYTES)?;
                values.push(wire::bytes(input)?)?;
            }
            Values::Decimal {
                values,
                precision,
                scale,
            } => {
                expect(wire_type, wire::BYTES)?;
                let value = utf8(wire::bytes(input)?)?;
                values.push(text::decimal(value, *precision, *scale)?);
            }
            Values::Variant { metadata, value } => {
                expect(wire_type, wire::BYTES)?;
                let (new_metadata, new_value) = variant(utf8(wire::bytes(input)?)?)?;
                metadata.push(&new_metadata)?;
                value.push(&new_value)?;
            }
            Values::Struct(_) | Values::Array(_) | Values::Map(_) => {}
        }
        self.validity.append_non_null();
        Ok(())
    }

    /// Reads one occurrence of a field that adds to what the row has of it already.
    fn read_part(&mut self, row: usize, wire_type: u32, input: &mut &[u8]) -> Result<(), Fault> {
        self.open(row);
        match &mut self.values {
            Values::Struct(nested) => {
                expect(wire_type, wire::BYTES)?;
                nested.read_message(row, wire::bytes(input)?)
            }
            Values::Array(array) => {
                if wire_type == wire::BYTES && array.element.values.packable() {
                    let mut packed = wire::bytes(input)?;
                    while !packed.is_empty() {
                        let at = array.element.len();
                        array
                            .element
                            .read(at, array.element_wire_type, &mut packed)
                            .map_err(|fault| fault.within("element"))?;
                    }
                } else {
                    let at = array.next();
                    let element = &mut array.element;
                    element
                        .read(at, wire_type, input)
                        .and_then(|()| match &mut element.values {
                            Values::Struct(nested) => nested.check(at),
                            _ => Ok(()),
                        })
                        .map_err(|fault| fault.within("element"))?;
                }
                array.close()
            }
            Values::Map(map) => {
                expect(wire_type, wire::BYTES)?;
                let at = map.next();
                map.entries.read_message(at, wire::bytes(input)?)?;
                map.entries.fill_entry(at)?;
                map.close()
            }
            _ => Ok(()),
        }
    }

    /// The value of a map entry's field that the entry leaves out.
    fn push_default(&mut self, row: usize) -> Result<(), Fault> {
        match self.values {
            Values::Struct(_) => {
                self.open(row);
                Ok(())
            }
            Values::Float(_) => self.read(row, wire::FIXED32, &mut [0; 4].as_slice()),
            Values::Double(_) => self.read(row, wire::FIXED64, &mut [0; 8].as_slice()),
            Values::Text { .. }
            | Values::Binary(_)
            | Values::Decimal { .. }
            | Values::Variant { .. } => self.read(row, wire::BYTES, &mut [0].as_slice()),
            _ => self.read(row, wire::VARINT, &mut [0].as_slice()),
        }
    }
}

impl Columns {
    /// Completes a map entry: what it leaves out has protobuf's default, and a struct must be whole.
    fn fill_entry(&mut self, entry: usize) -> Result<(), Fault> {
        for (field, column) in self.plan.fields.iter().zip(&mut self.columns) {
            if column.len() <= entry {
                column
                    .push_default(entry)
                    .map_err(|fault| fault.within(&field.name))?;
            }
        }
        self.check(entry)
    }
}

#[inline]
fn expect(found: u32, expected: u32) -> Result<(), Fault> {
    if found == expected {
        Ok(())
    } else {
        Err(wrong_wire_type(found, expected))
    }
}

#[cold]
fn wrong_wire_type(found: u32, expected: u32) -> Fault {
    Fault::new(format!("expected wire type {expected}, found {found}"))
}

#[cold]
fn unknown(number: u32) -> Fault {
    Fault::new(format!(
        "the record has a field of number {number}, which the stream's descriptor does not name"
    ))
}
