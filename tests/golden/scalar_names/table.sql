-- A table, and so a message, with the name of a scalar type.
CREATE TABLE golden.names.string (
  string STRING,
  s STRUCT<string: STRUCT<string: STRING>>,
  m MAP<STRING, STRUCT<int32: INT>>
);
