CREATE TABLE main.default.air_quality (
  device_name STRING NOT NULL COMMENT 'as printed on the sensor',
  temp INT, humidity BIGINT, observed_at TIMESTAMP NOT NULL, day DATE, price DECIMAL(10,2),
  tags ARRAY<STRING>, attrs MAP<STRING, STRING>,
  location STRUCT<lat: DOUBLE NOT NULL, lon: DOUBLE NOT NULL, label: STRING>,
  payload VARIANT, raw BINARY
);
