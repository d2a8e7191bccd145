CREATE TABLE main.default.t (
  id BIGINT NOT NULL,
  note STRING,
  s STRUCT<a: INT, z: DOUBLE>
);
