CREATE TABLE main.default.t (
  at TIMESTAMP,
  local TIMESTAMP_NTZ,
  day DATE,
  price DECIMAL(10,2),
  body VARIANT,
  l ARRAY<STRUCT<m: BIGINT>>
);
