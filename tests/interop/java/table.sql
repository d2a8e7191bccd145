CREATE TABLE main.default.java (
  id BIGINT NOT NULL,
  name STRING NOT NULL,
  temp INT,
  humidity DOUBLE,
  price DECIMAL(10,2),
  at TIMESTAMP,
  day DATE,
  tags ARRAY<STRING>,
  raw BINARY
);
