CREATE TABLE main.default.t (
  id BIGINT NOT NULL,
  l ARRAY<STRUCT<m: INT NOT NULL>>
);
