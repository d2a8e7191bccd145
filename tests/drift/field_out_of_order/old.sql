CREATE TABLE main.default.t (
  a INT,
  b INT,
  s STRUCT<x: INT, y: INT>
);
