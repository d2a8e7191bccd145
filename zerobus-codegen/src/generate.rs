use zerobus_schema::mapping::{self, MappingOptions, Refusals};
use zerobus_schema::{TableSchema, ddl as schema_ddl};

/// The text of a `.proto` file whose message is the table.
///
/// # Errors
/// [`Refusals`] names every column that cannot be carried.
pub fn proto(table: &TableSchema, options: &MappingOptions) -> Result<String, Refusals> {
    Ok(mapping::message(table, options)?.to_proto())
}

/// One serialized `google.protobuf.DescriptorProto`, as a stream sends it: self-contained, every type name fully
/// qualified.
///
/// # Errors
/// [`Refusals`] names every column that cannot be carried.
pub fn descriptor(table: &TableSchema, options: &MappingOptions) -> Result<Vec<u8>, Refusals> {
    Ok(mapping::message(table, options)?.descriptor())
}

/// A CREATE TABLE statement that makes a table of this schema.
#[must_use]
pub fn ddl(table: &TableSchema) -> String {
    schema_ddl::create_table(table)
}
