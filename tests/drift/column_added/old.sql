CREATE TABLE main.default.t (
  id BIGINT,
  s STRUCT<a: INT>,
  l ARRAY<STRUCT<k: INT>>,
  m MAP<STRING, STRUCT<k: INT>>
);
