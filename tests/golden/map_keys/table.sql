-- Each type as the key of a MAP: what protobuf takes, what nobody has shown to be taken, and what cannot be.
CREATE TABLE golden.types.map_keys (
  boolean_key MAP<BOOLEAN, INT>,
  tinyint_key MAP<TINYINT, INT>,
  smallint_key MAP<SMALLINT, INT>,
  int_key MAP<INT, INT>,
  bigint_key MAP<BIGINT, INT>,
  float_key MAP<FLOAT, INT>,
  double_key MAP<DOUBLE, INT>,
  decimal_key MAP<DECIMAL(18,4), INT>,
  string_key MAP<STRING, INT>,
  varchar_key MAP<VARCHAR(7), INT>,
  char_key MAP<CHAR(3), INT>,
  collated_key MAP<STRING COLLATE UTF8_LCASE, INT>,
  binary_key MAP<BINARY, INT>,
  date_key MAP<DATE, INT>,
  timestamp_key MAP<TIMESTAMP, INT>,
  timestamp_ntz_key MAP<TIMESTAMP_NTZ, INT>,
  variant_key MAP<VARIANT, INT>,
  array_key MAP<ARRAY<INT>, INT>,
  struct_key MAP<STRUCT<a: INT>, INT>
);
