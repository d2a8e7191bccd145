CREATE TABLE main.default.t (
  name STRING,
  tags ARRAY<STRING COLLATE UNICODE>
);
