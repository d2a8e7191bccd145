CREATE TABLE main.default.t (
  at TIMESTAMP,
  day DATE
);
