CREATE TABLE main.default.t (
  b INT,
  a INT,
  s STRUCT<y: INT, x: INT>
);
