CREATE TABLE main.default.t (
  id BIGINT,
  temperature INT,
  name STRING,
  m MAP<STRING, STRUCT<latitude: DOUBLE>>
);
