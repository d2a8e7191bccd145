CREATE TABLE main.default.t (
  id BIGINT,
  s STRUCT<z: INT>
);
