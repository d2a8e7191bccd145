CREATE TABLE main.default.t (
  id BIGINT,
  day DATE
)
PARTITIONED BY (id, day)
COMMENT 'all readings';
