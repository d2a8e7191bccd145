CREATE TABLE main.default.t (
  id BIGINT,
  s STRUCT<a: INT>,
  span INTERVAL DAY
);
