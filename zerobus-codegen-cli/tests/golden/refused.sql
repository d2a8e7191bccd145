CREATE TABLE main.default.refused (
  ok INT,
  span INTERVAL DAY,
  grid ARRAY<ARRAY<INT>>,
  day DATE GENERATED ALWAYS AS (CAST(now() AS DATE))
);
