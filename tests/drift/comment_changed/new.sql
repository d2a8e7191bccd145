CREATE TABLE main.default.t (
  temp INT COMMENT 'in C',
  s STRUCT<z: INT>
);
