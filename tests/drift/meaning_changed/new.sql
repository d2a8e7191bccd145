CREATE TABLE main.default.t (
  at BIGINT,
  local TIMESTAMP,
  day INT,
  price STRING,
  body STRING,
  l ARRAY<STRUCT<m: TIMESTAMP>>
);
