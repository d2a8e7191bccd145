CREATE TABLE main.default.t (
  n INT,
  big BIGINT,
  s STRUCT<z: SMALLINT>
);
