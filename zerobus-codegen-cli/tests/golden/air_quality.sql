CREATE TABLE main.default.air_quality (
  device_name STRING NOT NULL COMMENT 'the sensor',
  temp INT,
  observed_at TIMESTAMP NOT NULL,
  price DECIMAL(10,2),
  tags ARRAY<STRING>,
  seen MAP<STRING, STRUCT<n: INT NOT NULL>>,
  location STRUCT<lat: DOUBLE NOT NULL, lon: DOUBLE NOT NULL, label: STRING>
) PARTITIONED BY (temp) COMMENT 'weather';
