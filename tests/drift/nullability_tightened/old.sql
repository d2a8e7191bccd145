CREATE TABLE main.default.t (
  id BIGINT,
  l ARRAY<STRUCT<m: INT>>
);
