CREATE TABLE main.default.t (
  n INT,
  f FLOAT,
  l ARRAY<STRUCT<m: STRING>>,
  m MAP<STRING, INT>,
  k MAP<INT, INT>,
  one STRING,
  gone INT
);
