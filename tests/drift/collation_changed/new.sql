CREATE TABLE main.default.t (
  name STRING COLLATE UTF8_LCASE,
  tags ARRAY<STRING>
);
