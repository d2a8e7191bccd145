-- Every type where it can stand, and every refusal.
CREATE TABLE golden.types.every_type (
  a_boolean BOOLEAN, a_tinyint TINYINT NOT NULL, a_smallint SMALLINT, an_int INT, a_bigint BIGINT NOT NULL,
  a_float FLOAT, a_double DOUBLE, a_decimal DECIMAL(38,18), a_string STRING, a_varchar VARCHAR(12), a_char CHAR(3) NOT NULL,
  a_collated STRING COLLATE UTF8_LCASE, a_binary BINARY, a_date DATE, a_timestamp TIMESTAMP, a_wall_clock TIMESTAMP_NTZ,
  a_variant VARIANT,
  dates ARRAY<DATE>, decimals ARRAY<DECIMAL(5,1)> NOT NULL, variants MAP<STRING, VARIANT>, by_number MAP<BIGINT, TIMESTAMP>,
  by_flag MAP<BOOLEAN, BINARY>,
  deep STRUCT<inner: STRUCT<codes: ARRAY<CHAR(2)>, at: TIMESTAMP NOT NULL> NOT NULL>,
  rows ARRAY<STRUCT<id: BIGINT NOT NULL, notes: MAP<STRING, STRING>>>,
  index MAP<STRING, STRUCT<total: DECIMAL(10,2)>>,
  span INTERVAL DAY TO SECOND, nothing VOID, grid ARRAY<ARRAY<INT>>, lists MAP<STRING, ARRAY<INT>>,
  by_double MAP<DOUBLE, INT>, by_day MAP<DATE, INT>, half STRUCT<ok: INT, place: GEOMETRY(4326)>,
  computed DATE GENERATED ALWAYS AS (CAST(a_timestamp AS DATE)), id BIGINT GENERATED ALWAYS AS IDENTITY
);
