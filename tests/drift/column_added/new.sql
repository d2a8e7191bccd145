CREATE TABLE main.default.t (
  id BIGINT,
  s STRUCT<a: INT, z: DOUBLE>,
  l ARRAY<STRUCT<k: INT, m: STRING>>,
  m MAP<STRING, STRUCT<k: INT, v: DATE>>,
  type STRING
);
