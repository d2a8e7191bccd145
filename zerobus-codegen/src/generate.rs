use zerobus_schema::mapping::{self, MappingOptions, Refusals};
use zerobus_schema::{TableSchema, ddl as schema_ddl};

/// The text of a `.proto` file whose message is the table.
///
/// # Errors
/// [`Refusals`] names every column that cannot be carried.
pub fn proto(table: &TableSchema, options: &MappingOptions) -> Result<String, Refusals> {
    Ok(mapping::message(table, options)?.to_proto())
}

/// The same text in a package, where one is given.
///
/// # Errors
/// [`Refusals`] names every column that cannot be carried.
pub fn proto_in(
    table: &TableSchema,
    options: &MappingOptions,
    package: Option<&str>,
) -> Result<String, Refusals> {
    Ok(mapping::message(table, options)?.to_proto_in(package))
}

/// A serialized `google.protobuf.FileDescriptorSet` with the message alone in its file, for tools that take one in
/// place of a `.proto` file.
///
/// # Errors
/// [`Refusals`] names every column that cannot be carried.
pub fn file_descriptor_set(
    table: &TableSchema,
    options: &MappingOptions,
    package: Option<&str>,
) -> Result<Vec<u8>, Refusals> {
    Ok(mapping::message(table, options)?.file_descriptor_set(package))
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
