CREATE TABLE main.default.totals (
  id BIGINT NOT NULL,
  total BIGINT NOT NULL GENERATED ALWAYS AS (id * 2)
);
