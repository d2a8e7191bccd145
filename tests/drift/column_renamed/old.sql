CREATE TABLE main.default.t (
  id BIGINT,
  temp INT,
  Name STRING,
  m MAP<STRING, STRUCT<lat: DOUBLE>>
);
