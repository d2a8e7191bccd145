CREATE TABLE main.default.readings (
  region STRING NOT NULL,
  device STRING NOT NULL,
  seq BIGINT NOT NULL,
  at TIMESTAMP NOT NULL,
  value DOUBLE
) PARTITIONED BY (region);
