CREATE TABLE main.default.unsendable (
  id BIGINT NOT NULL,
  span INTERVAL DAY TO SECOND,
  matrix ARRAY<ARRAY<INT>>,
  by_double MAP<DOUBLE, INT>,
  by_day MAP<DATE, INT>
);
