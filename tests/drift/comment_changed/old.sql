CREATE TABLE main.default.t (
  temp INT COMMENT 'in F',
  s STRUCT<z: INT COMMENT 'depth'>
);
