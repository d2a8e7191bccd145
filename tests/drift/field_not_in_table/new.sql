CREATE TABLE main.default.t (
  id BIGINT NOT NULL,
  s STRUCT<a: INT>
);
