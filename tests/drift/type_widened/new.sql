CREATE TABLE main.default.t (
  a SMALLINT,
  b INT,
  l ARRAY<INT>,
  m MAP<INT, STRUCT<v: SMALLINT>>
);
