CREATE TABLE main.default.t (
  id BIGINT,
  span INTERVAL DAY,
  nothing VOID
);
