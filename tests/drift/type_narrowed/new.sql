CREATE TABLE main.default.t (
  n SMALLINT,
  big INT,
  s STRUCT<z: TINYINT>
);
