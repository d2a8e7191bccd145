CREATE TABLE main.default.t (
  id BIGINT,
  day DATE
)
PARTITIONED BY (day)
COMMENT 'readings';
